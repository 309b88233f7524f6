package main

import (
	"net/http"
	"strings"

	"github.com/bearerkit/bearerkit/resource"
	"github.com/bearerkit/bearerkit/scope"
)

// describe describes the API to clients (RFC 9728), by the same flags and the
// same routes that it is built of; how tokens are bound, the guard says.
func (c *config) describe(table []route) resource.Config {
	var rules []scope.Rule
	for _, rt := range table {
		if rt.access != open {
			rules = append(rules, rt.rule)
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

// publish answers the metadata at their URL, and at that of the root too if a
// profile says so. It stands outside of everything:
// pages of any origin may read them, whatever -cors says, and their path need
// not be one that the frameworks spell alike.
func publish(metadata *resource.Metadata, atRoot bool, next http.Handler) http.Handler {
	isTheirs := func(path string) bool {
		path = strings.TrimSuffix(path, "/")
		return path == strings.TrimSuffix(metadata.Path(), "/") || atRoot && path == resource.WellKnownPath
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case !isTheirs(r.URL.EscapedPath()):
			next.ServeHTTP(w, r)
		case r.Method == http.MethodGet || r.Method == http.MethodHead || r.Method == http.MethodOptions:
			metadata.ServeHTTP(w, r)
		default:
			w.Header().Set("Access-Control-Allow-Origin", "*")
			notAllowed("GET, HEAD, OPTIONS")(w, r)
		}
	})
}
