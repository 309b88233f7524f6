package conform

import (
	"errors"
	"fmt"
	"slices"
)

// checkNames reports names of levels and cases that do not exist.
func (r *run) checkNames() error {
	var mistakes []error
	for _, level := range r.Levels {
		if levelOrder(level) < 0 {
			mistakes = append(mistakes, fmt.Errorf("conform: unknown level %q", level))
		}
	}
	exists := func(name string) bool {
		return slices.ContainsFunc(r.Cases, func(c Case) bool { return c.Name == name })
	}
	for _, name := range r.Only {
		if !exists(name) {
			mistakes = append(mistakes, fmt.Errorf("conform: no case is named %q", name))
		}
	}
	for name, reason := range r.Known {
		if !exists(name) {
			mistakes = append(mistakes, fmt.Errorf("conform: the known deviation %q is no case", name))
		}
		if reason == "" {
			mistakes = append(mistakes, fmt.Errorf("conform: the known deviation %q has no reason", name))
		}
	}
	return errors.Join(mistakes...)
}

// leavesOut reports whether the caller did not ask for a case.
func (r *run) leavesOut(c Case) bool {
	return len(r.Levels) > 0 && !slices.Contains(r.Levels, c.Level) || len(r.Only) > 0 && !slices.Contains(r.Only, c.Name)
}

// lacks returns why a case does not apply to the API, or "".
func (r *run) lacks(c Case) string {
	for _, need := range c.Needs {
		if !slices.Contains(r.target.Supports, need) {
			return "needs " + need
		}
	}
	for _, need := range c.Unless {
		if slices.Contains(r.target.Supports, need) {
			return "not with " + need
		}
	}
	return ""
}
