package bearer

import (
	"cmp"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/bearerkit/bearerkit/scope"
)

// Routes are the declared routes of a program: each has a rule or is public. With
// them, a program does not start if one of its routes has neither. Programs use
// the type of their adapter that is built on Routes: bearerhttp.Mux, or the Router
// of bearergin, bearerecho5 or bearerecho. With another router that lists its
// routes, such as chi, programs use Routes themselves.
//
// Method and pattern are the framework's own for the route, as its list of routes
// has them. Build Routes with [NewRoutes]. They are safe for concurrent use.
type Routes struct {
	guard *Guard
	table *routeTable
}

// routeTable is what the groups of a program share.
type routeTable struct {
	undeclared *Route // refuses for a route that is not declared; nil: the guard has a mistake, which is in errs

	mu       sync.RWMutex
	declared map[routeName]bool
	errs     []error // may contain nil, which errors.Join ignores
}

type routeName struct{ method, pattern string }

// String returns the name as logs and errors show it.
func (n routeName) String() string { return strings.TrimSpace(n.method + " " + n.pattern) }

// NewRoutes returns Routes without any route. g judges their requests. If [New]
// did not build g, [Routes.Check] reports it.
func NewRoutes(g *Guard) *Routes {
	undeclared, err := g.Route(RouteConfig{Rule: scope.None})
	return &Routes{g, &routeTable{undeclared: undeclared, declared: map[routeName]bool{}, errs: []error{err}}}
}

// With returns Routes for a group, as [Guard.With] does: each route requires rule
// and the requirements in addition to its own. Both belong to the same program, so
// one [Routes.Check] checks them all.
func (rs *Routes) With(rule scope.Rule, requirements ...Requirement) *Routes {
	return &Routes{rs.guard.With(rule, requirements...), rs.table}
}

// Route declares a route and compiles it, as [Guard.Route] does. If c has a
// mistake, such as no rule, [Routes.Check] reports it, and the returned Route
// refuses every request. Route never returns nil.
func (rs *Routes) Route(method, pattern string, c RouteConfig) *Route {
	rt, err := rs.guard.Route(c)
	rs.declare(routeName{method, pattern}, err)
	if err != nil {
		return new(Route)
	}
	return rt
}

// Public declares a route that anyone may call. No guard looks at its requests.
func (rs *Routes) Public(method, pattern string) { rs.declare(routeName{method, pattern}, nil) }

func (rs *Routes) declare(name routeName, mistake error) {
	rs.table.mu.Lock()
	defer rs.table.mu.Unlock()
	rs.table.declared[name] = true
	if mistake == nil {
		return
	}
	for _, line := range strings.Split(mistake.Error(), "\n") { // one for each mistake, as Guard.Route joins them
		line = strings.TrimPrefix(line, "bearer: ")
		rs.table.errs = append(rs.table.errs, fmt.Errorf("bearer: route %v: %s", name, line))
	}
}

func (rs *Routes) isDeclared(name routeName) bool {
	rs.table.mu.RLock()
	defer rs.table.mu.RUnlock()
	return rs.table.declared[name]
}

// Check returns an error that names every registered route that is not declared,
// and every mistake in a declaration. The routes are all those of the framework's
// router, each with its method and pattern. Call it after the last registration
// and before the program listens.
func (rs *Routes) Check(registered iter.Seq2[string, string]) error {
	var undeclared []string
	for method, pattern := range registered {
		if name := (routeName{method, pattern}); !rs.isDeclared(name) {
			undeclared = append(undeclared, name.String())
		}
	}
	slices.Sort(undeclared)
	rs.table.mu.RLock()
	defer rs.table.mu.RUnlock()
	errs := slices.Clone(rs.table.errs)
	for _, name := range slices.Compact(undeclared) {
		errs = append(errs, fmt.Errorf("bearer: route %s has no rule; register it with a rule, or as public", name))
	}
	return errors.Join(errs...)
}

// Refuse refuses a request to a route that is not declared, and reports whether it
// did. The answer is [CodeMisconfigured]. An adapter calls it for each request
// that matches a route, since routes may be registered after [Routes.Check].
func (rs *Routes) Refuse(w http.ResponseWriter, r *http.Request, method, pattern string) bool {
	name := routeName{method, pattern}
	if rs.isDeclared(name) {
		return false
	}
	rt := rs.table.undeclared
	if rt == nil {
		answerWithoutGuard(w)
		return true
	}
	r.Pattern = cmp.Or(r.Pattern, pattern)
	rt.refuse(w, r, &Decision{route: rt, err: &Error{
		Code: CodeMisconfigured, Check: "rule", Expected: "a rule, or the declaration as public", Got: name.String() + " with neither",
		Hint: "register the route with a rule, or as public; the Check method of the router lists all such routes before the program serves",
	}}, rt.guard.startTimer())
	return true
}
