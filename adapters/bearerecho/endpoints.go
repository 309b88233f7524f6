package bearerecho

import (
	"sync"

	"github.com/labstack/echo/v4"
)

// endpoint is a route. The pattern of a route of Echo.Host begins with the host.
type endpoint struct{ method, pattern string }

// registered returns the routes of all hosts, without those of RouteNotFound.
func registered(e *echo.Echo) map[endpoint]bool {
	all := map[endpoint]bool{}
	add := func(host string, routes []*echo.Route) {
		for _, route := range routes {
			if route.Method != echo.RouteNotFound {
				all[endpoint{route.Method, host + route.Path}] = true
			}
		}
	}
	add("", e.Routes())
	for host, router := range e.Routers() {
		add(host, router.Routes())
	}
	return all
}

// host returns the request's host if Echo has a router of its own for it.
func host(c echo.Context) string {
	if routers := c.Echo().Routers(); len(routers) > 0 && routers[c.Request().Host] != nil {
		return c.Request().Host
	}
	return ""
}

// endpoints are the routes of an Echo, whose context does not say whether a route
// matched the request or only its path did.
type endpoints struct {
	mu       sync.RWMutex
	patterns map[endpoint]string
	guarded  map[endpoint]bool // registered by a Router with a rule
}

// follow returns the routes of e, now and later.
func follow(e *echo.Echo) *endpoints {
	k := &endpoints{patterns: map[endpoint]string{}, guarded: map[endpoint]bool{}}
	for route := range registered(e) {
		k.add(route)
	}
	previous := e.OnAddRouteHandler
	e.OnAddRouteHandler = func(host string, route echo.Route, handler echo.HandlerFunc, middleware []echo.MiddlewareFunc) {
		if previous != nil {
			previous(host, route, handler, middleware)
		}
		if route.Method != echo.RouteNotFound {
			k.add(endpoint{route.Method, host + route.Path})
		}
	}
	return k
}

// add adds a route. If it replaces one that has a rule, it gets a pattern that is
// not declared, since the new handler may lack the guard.
func (k *endpoints) add(route endpoint) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.patterns[route] = route.pattern
	if k.guarded[route] {
		k.patterns[route] += " (registered again)"
	}
}

// guard says that the current handler of a route has a guard.
func (k *endpoints) guard(route endpoint) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.patterns[route], k.guarded[route] = route.pattern, true
}

// pattern returns the pattern by which a route is declared. It returns false if
// there is no such route.
func (k *endpoints) pattern(route endpoint) (string, bool) {
	k.mu.RLock()
	defer k.mu.RUnlock()
	pattern, ok := k.patterns[route]
	return pattern, ok
}
