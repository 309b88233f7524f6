package main

import (
	"time"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/examples/protectedapi/internal/router"
	"github.com/bearerkit/bearerkit/resource"
	"github.com/bearerkit/bearerkit/scope"
)

// routes returns the routes of the API. Each framework mounts the same table.
// ready decides what /readyz answers.
func (c *config) routes(ready func() error, denied denials) []router.Route {
	owner := bearer.SubjectInPath("id")
	admin, orAdmin := c.orRole("admin")
	recentMFA := bearer.StepUp{ACR: []string{"urn:example:mfa"}, MaxAge: 300 * time.Second}
	table := []router.Route{
		{Method: "GET", Path: "/public", Access: router.Open, Handler: message("Anyone may read this.")},
		{Method: "GET", Path: "/healthz", Access: router.Open, Handler: healthz},
		{Method: "GET", Path: "/readyz", Access: router.Open, Handler: readyz(ready)},
		{Method: "GET", Path: "/me", Rule: scope.None, Handler: me},
		{Method: "GET", Path: "/orders", Rule: scope.All("orders:read"), Handler: listOrders},
		{Method: "POST", Path: "/orders", Rule: scope.All("orders:write"), Handler: accept("order")},
		{Method: "GET", Path: "/admin/dashboard", Rule: admin, Requirements: orAdmin, Also: c.alsoRole("admin"), Handler: message("The dashboard.")},
		{Method: "GET", Path: "/admin/settings", Rule: scope.All("admin", "settings:write"), Handler: message("The settings.")},
		{Method: "GET", Path: "/reports", Rule: scope.Any("reports:read", "admin"), Handler: message("The reports.")},
		{Method: "GET", Path: "/users/{id}/profile", Rule: scope.All("profile"),
			Requirements: []bearer.Requirement{owner}, Also: "the user in the path", Handler: showProfile},
		{Method: "PUT", Path: "/users/{id}/profile", Rule: scope.All("profile"),
			Requirements: []bearer.Requirement{owner}, Also: "the user in the path", Handler: accept("profile")},
		{Method: "POST", Path: "/transfers", Rule: scope.All("transfers:write"),
			Requirements: []bearer.Requirement{recentMFA}, Also: "a second factor, at most 5 minutes ago", Handler: accept("transfer")},
		{Method: "POST", Path: "/denials", Rule: scope.All("denials:write"), Handler: denied.deny},
		{Method: "DELETE", Path: "/denials", Rule: scope.All("denials:write"), Handler: denied.lift},
		{Method: "GET", Path: "/greeting", Access: router.Optional, Rule: scope.None, Handler: greeting},
	}
	if c.dev { // for the console, which shows a site's back office
		table = append(table, router.Route{Method: "GET", Path: "/admin/posts", Rule: scope.All("posts:write"), Handler: message("The posts.")})
	}
	return table
}

// metadata describes the API to clients (RFC 9728): its issuers, and the scopes of
// the routes that look at tokens. [resource.Config.Matching] adds how the guard
// binds tokens.
func (c *config) metadata(table []router.Route) resource.Config {
	var rules []scope.Rule
	for _, rt := range table {
		if rt.Access != router.Open {
			rules = append(rules, rt.Rule)
		}
	}
	return resource.Config{
		Resource:             c.resource,
		AuthorizationServers: c.issuers,
		Rules:                rules,
		Name:                 c.realm,
		InsecureAllowHTTP:    c.insecureHTTP,
	}
}
