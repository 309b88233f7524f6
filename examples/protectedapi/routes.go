package main

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/scope"
)

// access says who may call a route. The zero access is protected.
type access int

const (
	protected access = iota
	optional         // anonymous too, but never with a bad token
	open             // no guard at all
)

// route is one route of the API. The table is written once, and mounted on
// each framework by the adapter that belongs to it.
type route struct {
	method, path string // a path parameter is {name}
	access       access
	rule         scope.Rule
	requirements []bearer.Requirement
	handler      http.HandlerFunc
}

// routes is the API. What ready returns decides on /readyz.
func routes(ready func() error, denied denials) []route {
	owner := bearer.SubjectInPath("id")
	recentMFA := bearer.StepUp{ACR: []string{"urn:example:mfa"}, MaxAge: 300 * time.Second}
	return []route{
		{method: "GET", path: "/public", access: open, handler: message("Anyone may read this.")},
		{method: "GET", path: "/healthz", access: open, handler: healthz},
		{method: "GET", path: "/readyz", access: open, handler: readyz(ready)},
		{method: "GET", path: "/me", rule: scope.None, handler: me},
		{method: "GET", path: "/orders", rule: scope.All("orders:read"), handler: listOrders},
		{method: "POST", path: "/orders", rule: scope.All("orders:write"), handler: accept("order")},
		{method: "GET", path: "/admin/dashboard", rule: scope.All("admin"), handler: message("The dashboard.")},
		{method: "GET", path: "/admin/settings", rule: scope.All("admin", "settings:write"), handler: message("The settings.")},
		{method: "GET", path: "/reports", rule: scope.Any("reports:read", "admin"), handler: message("The reports.")},
		{method: "GET", path: "/users/{id}/profile", rule: scope.All("profile"),
			requirements: []bearer.Requirement{owner}, handler: showProfile},
		{method: "PUT", path: "/users/{id}/profile", rule: scope.All("profile"),
			requirements: []bearer.Requirement{owner}, handler: accept("profile")},
		{method: "POST", path: "/transfers", rule: scope.All("transfers:write"),
			requirements: []bearer.Requirement{recentMFA}, handler: accept("transfer")},
		{method: "POST", path: "/denials", rule: scope.All("denials:write"), handler: denied.deny},
		{method: "DELETE", path: "/denials", rule: scope.All("denials:write"), handler: denied.lift},
		{method: "GET", path: "/greeting", access: optional, rule: scope.None, handler: greeting},
	}
}

// methods returns the methods that the route serves: HEAD wherever GET is
// (RFC 9110, Section 9.3.2).
func (rt route) methods() []string {
	if rt.method == http.MethodGet {
		return []string{http.MethodGet, http.MethodHead}
	}
	return []string{rt.method}
}

// allMethods returns the methods of all routes.
func allMethods(routes []route) []string {
	var methods []string
	for _, rt := range routes {
		methods = append(methods, rt.methods()...)
	}
	slices.Sort(methods)
	return slices.Compact(methods)
}

// colonPath returns a path in the syntax of Echo and Gin.
func colonPath(path string) string {
	return strings.NewReplacer("{", ":", "}", "").Replace(path)
}

// allowedMethods returns, for each path, the value of the Allow field that a 405 owes
// (RFC 9110, Section 15.5.6).
func allowedMethods(routes []route) map[string]string {
	methods := map[string][]string{}
	for _, rt := range routes {
		methods[rt.path] = append(methods[rt.path], rt.methods()...)
	}
	allow := map[string]string{}
	for path, names := range methods {
		slices.Sort(names)
		allow[path] = strings.Join(names, ", ")
	}
	return allow
}
