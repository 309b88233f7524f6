package bearer

// FailuresRemembered returns how many addresses have failures on record.
func FailuresRemembered(rt *Route) int {
	f := rt.guard.failures
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.regains)
}
