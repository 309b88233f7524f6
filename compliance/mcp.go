package compliance

import (
	"errors"
	"fmt"
	"slices"

	"github.com/bearerkit/bearerkit/jwks"
	"github.com/bearerkit/bearerkit/resource"
)

// MCP has the requirements of the MCP authorization specification for servers
// that depend on configuration or that every guard fulfils.
var MCP = Profile{"MCP authorization 2026-07-28", []line{
	{Requirement{"MCP1", "the resource metadata names the authorization servers (resource.Config.AuthorizationServers)"}, namesServers},
	{Requirement{"MCP2", "the metadata is served at the well-known URLs of the resource and of its host (resource.Config.ServeAtRoot), and a 401 names the first (bearer.Config.ResourceMetadata)"}, discoverable},
	{Requirement{"MCP3", "tokens for other resources are rejected (jwks.Issuer.Audience, introspect.Config.Audience)"}, audience},
	{Requirement{"MCP4", "an invalid or expired token is answered 401"}, nil},
	{Requirement{"MCP5", "the first 401 names the scopes that the request needs"}, nil},
	{Requirement{"MCP6", "a 403 insufficient_scope names all needed scopes in one challenge"}, nil},
	{Requirement{"MCP7", "offline_access is not a scope of the resource"}, noOfflineAccess},
	{Requirement{"MCP8", "a scope that implies others (bearer.Config.Hierarchy) satisfies rules that need them"}, nil},
	{Requirement{"MCP9", "tokens are accepted only in the Authorization header, and each request is checked (bearer.Config.Sources; InsecurePassPreflights is off)"}, all(onlyAuthorization, notInQuery, off(passPreflights))},
	{Requirement{"MCP10", "the resource's scheme and host are published in lower case, however they are configured"}, nil},
	{Requirement{"MCP11", "an authorization server's metadata is rejected if it names a different issuer"}, nil},
}}

func namesServers(s Settings) []error {
	if s.Metadata == nil {
		return []error{errors.New("resource.Config is missing; clients need it to find the authorization server")}
	}
	if len(s.Metadata.AuthorizationServers) > 0 {
		return nil
	}
	var servers []string
	if s.Tokens != nil {
		for _, issuer := range s.Tokens.Issuers {
			servers = append(servers, issuer.URL)
		}
	}
	if s.Opaque != nil && !slices.Contains(servers, s.Opaque.Issuer) {
		servers = append(servers, s.Opaque.Issuer)
	}
	if len(servers) == 0 {
		return []error{errors.New("resource.Config.AuthorizationServers is empty; want at least one")}
	}
	s.Metadata.AuthorizationServers = servers
	return nil
}

func discoverable(s Settings) []error {
	if s.Metadata == nil {
		return nil // MCP1 reports it
	}
	s.Metadata.ServeAtRoot = true
	document, err := published(s.Metadata)
	if err != nil {
		return []error{err}
	}
	if s.Guard.ResourceMetadata == "" {
		s.Guard.ResourceMetadata = document.URL()
	}
	if s.Guard.ResourceMetadata != document.URL() {
		return []error{fmt.Errorf("bearer.Config.ResourceMetadata is %q; want %q, the URL of the resource's metadata", s.Guard.ResourceMetadata, document.URL())}
	}
	return nil
}

// published returns metadata for the resource identifier in c alone, so that
// mistakes in the other fields are left to the caller's resource.New.
func published(c *resource.Config) (*resource.Metadata, error) {
	return resource.New(resource.Config{Resource: c.Resource, InsecureAllowHTTP: c.InsecureAllowHTTP})
}

func audience(s Settings) (errs []error) {
	var own []string
	if s.Metadata != nil {
		// Clients request tokens for the identifier in its published spelling.
		if document, err := published(s.Metadata); err == nil { // MCP2 reports the error
			own = []string{document.Resource()}
		}
	}
	require := func(field string, audience *[]string) {
		if len(*audience) == 0 {
			*audience = own
		}
		if len(*audience) == 0 {
			errs = append(errs, fmt.Errorf("%s is empty; want the issuer's name for this resource", field))
		}
	}
	editIssuers(s, func(field string, issuer *jwks.Issuer) { require(field+".Audience", &issuer.Audience) })
	if s.Opaque != nil {
		require("introspect.Config.Audience", &s.Opaque.Audience)
	}
	return append(errs, off(audienceNotSent)(s)...)
}

const offlineAccess = "offline_access"

func noOfflineAccess(s Settings) []error {
	if s.Metadata == nil {
		return nil
	}
	if s.Metadata.Scopes.Has(offlineAccess) {
		return []error{errors.New("resource.Config.Scopes has " + offlineAccess + "; remove it")}
	}
	for i, rule := range s.Metadata.Rules {
		if rule.Names().Has(offlineAccess) {
			return []error{fmt.Errorf("resource.Config.Rules[%d] has %s; remove it", i, offlineAccess)}
		}
	}
	return nil
}
