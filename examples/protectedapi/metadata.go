package main

import (
	"net/http"
	"strings"

	"github.com/bearerkit/bearerkit/dpop"
	"github.com/bearerkit/bearerkit/resource"
	"github.com/bearerkit/bearerkit/scope"
)

// metadata describes the API to clients (RFC 9728), by the same flags and the
// same routes that it is built of.
func (c *config) metadata(table []route, checker *dpop.Checker) (*resource.Metadata, error) {
	var rules []scope.Rule
	for _, rt := range table {
		if rt.access != open {
			rules = append(rules, rt.rule)
		}
	}
	described := resource.Config{
		Resource:             c.resource,
		AuthorizationServers: c.issuers,
		Rules:                rules,
		Name:                 c.realm,
		MTLSBound:            c.transport.mtls != off,
		DPoPRequired:         c.proofs.use == required,
	}
	if checker != nil {
		described.DPoPAlgorithms = checker.Algorithms()
	}
	metadata, err := resource.New(described)
	if err != nil { // what check leaves to the constructor
		return nil, usage("-resource, -issuer and -realm: %w", err)
	}
	return metadata, nil
}

// publish answers the metadata at their URL. It stands outside of everything:
// pages of any origin may read them, whatever -cors says, and their path need
// not be one that the frameworks spell alike.
func publish(metadata *resource.Metadata, next http.Handler) http.Handler {
	withoutSlash := func(path string) string { return strings.TrimSuffix(path, "/") }
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case withoutSlash(r.URL.EscapedPath()) != withoutSlash(metadata.Path()):
			next.ServeHTTP(w, r)
		case r.Method == http.MethodGet || r.Method == http.MethodHead || r.Method == http.MethodOptions:
			metadata.ServeHTTP(w, r)
		default:
			w.Header().Set("Access-Control-Allow-Origin", "*")
			notAllowed("GET, HEAD, OPTIONS")(w, r)
		}
	})
}
