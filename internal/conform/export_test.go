package conform

// Breaks reports whether an answer with a status, and nothing else, breaks what must
// happen in a step.
func (s Step) Breaks(status int) bool {
	return len(s.Must.problems(&Answer{Status: status}, nil, 0)) > 0
}
