package bearertest

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/scope"
)

// Mount is one route that an adapter's test mounts on its framework.
type Mount struct {
	// Method and Path are the method and path of the route. The path may have
	// parameters in the syntax of http.ServeMux: /things/{id}.
	Method, Path string

	// Guard, Rule and Requirements are the arguments for the adapter's Require,
	// or for its Optional if the field Optional is set.
	Guard        *bearer.Guard
	Rule         scope.Rule
	Requirements []bearer.Requirement
	Optional     bool

	// Handler is the protected handler. The test must pass it the request that
	// the framework has after the adapter's middleware.
	Handler http.HandlerFunc

	// ReadID receives the value that the framework's own API returns for the
	// path parameter id. The test must call it before Handler. CheckAdapter
	// compares the value with the one that a policy read. Do not call ReadID if
	// r.PathValue is the framework's only API.
	ReadID func(value string)
}

// Route compiles the mount with its guard. It panics on an invalid mount.
func (m Mount) Route() *bearer.Route {
	return m.Guard.MustRoute(bearer.RouteConfig{Rule: m.Rule, Requirements: m.Requirements, Optional: m.Optional})
}

// CheckAdapter checks an adapter for a framework. The function mount must return
// a handler that serves the given routes through the adapter's middleware.
// CheckAdapter serves it on loopback and compares its answers, byte for byte,
// with those of the guard behind net/http. The error joins all failures, each
// with the rule that the adapter broke.
func CheckAdapter(mount func([]Mount) http.Handler) error {
	var errs []error
	for _, c := range adapterCases() {
		if err := c.check(mount); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w (%s)", c.name, err, c.rule))
		}
	}
	return errors.Join(errs...)
}
