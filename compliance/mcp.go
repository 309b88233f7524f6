package compliance

import (
	"errors"
	"fmt"
	"slices"

	"github.com/bearerkit/bearerkit/resource"
)

// MCP is the authorization specification of the Model Context Protocol, of its
// requirements for servers those that a configuration decides or that every
// guard meets.
var MCP = Profile{"MCP authorization 2026-07-28", []line{
	{Requirement{"MCP1", "the resource's metadata name the authorization servers (resource.Config.AuthorizationServers)"}, namesServers},
	{Requirement{"MCP2", "the metadata are at the URL with the resource's path and at that of its host (resource.Config.AtRoot), and a 401 names the first (bearer.Config.ResourceMetadata)"}, discoverable},
	{Requirement{"MCP3", "a token is for this resource (jwks.Issuer.Audience, introspect.Config.Audience), or is refused"}, audience},
	{Requirement{"MCP4", "a token that is invalid or has expired is answered 401"}, nil},
	{Requirement{"MCP5", "the first 401 says which scopes the request needs"}, nil},
	{Requirement{"MCP6", "a 403 insufficient_scope names all of them, in one challenge"}, nil},
	{Requirement{"MCP7", "offline_access is no scope of the resource"}, noOfflineAccess},
	{Requirement{"MCP8", "a scope that implies others (bearer.Config.Hierarchy) is enough for them"}, nil},
	{Requirement{"MCP9", "tokens come in the Authorization header alone, and each request is judged (bearer.Config.FormBodyTokens, InsecureQueryTokens and InsecurePassPreflights are off)"}, headerAlone},
	{Requirement{"MCP10", "the resource's scheme and host are published in lower case, however they are spelled"}, nil},
	{Requirement{"MCP11", "metadata of an authorization server that say another issuer are not believed"}, nil},
}}

func namesServers(s Settings) []error {
	if s.Metadata == nil {
		return []error{errors.New("resource.Config is missing; want one, for clients to find the authorization server")}
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
		return []error{errors.New("resource.Config.AuthorizationServers is empty; want one at least")}
	}
	s.Metadata.AuthorizationServers = servers
	return nil
}

func discoverable(s Settings) []error {
	if s.Metadata == nil {
		return nil // told by MCP1
	}
	s.Metadata.AtRoot = true
	document, err := published(s.Metadata)
	if err != nil {
		return []error{err}
	}
	if s.Guard.ResourceMetadata == "" {
		s.Guard.ResourceMetadata = document.URL()
	}
	if s.Guard.ResourceMetadata != document.URL() {
		return []error{fmt.Errorf("bearer.Config.ResourceMetadata is %q; want %q, where the metadata of the resource are", s.Guard.ResourceMetadata, document.URL())}
	}
	return nil
}

// published returns the metadata as far as the resource decides them. Of what
// cannot be, their own constructor says why.
func published(c *resource.Config) (*resource.Metadata, error) {
	return resource.New(resource.Config{Resource: c.Resource, InsecureAllowHTTP: c.InsecureAllowHTTP})
}

func audience(s Settings) (errs []error) {
	var own []string
	if s.Metadata != nil {
		// As it is published, which is what clients ask tokens for.
		if document, err := published(s.Metadata); err == nil { // else told by MCP2
			own = []string{document.Resource()}
		}
	}
	require := func(field string, audience *[]string) {
		if len(*audience) == 0 {
			*audience = own
		}
		if len(*audience) == 0 {
			errs = append(errs, fmt.Errorf("%s is empty; want what the issuer calls this resource", field))
		}
	}
	if s.Tokens != nil {
		s.Tokens.Issuers = slices.Clone(s.Tokens.Issuers)
		for i := range s.Tokens.Issuers {
			require(fmt.Sprintf("jwks.Config.Issuers[%d].Audience", i), &s.Tokens.Issuers[i].Audience)
		}
	}
	if s.Opaque != nil {
		require("introspect.Config.Audience", &s.Opaque.Audience)
		errs = append(errs, audienceSent(s)...)
	}
	return errs
}

func headerAlone(s Settings) []error {
	return slices.Concat(noFormTokens(s), noQueryTokens(s), noPreflights(s))
}

const offlineAccess = "offline_access"

func noOfflineAccess(s Settings) []error {
	if s.Metadata == nil {
		return nil
	}
	if s.Metadata.Scopes.Has(offlineAccess) {
		return []error{errors.New("resource.Config.Scopes has " + offlineAccess + "; leave it out")}
	}
	for i, rule := range s.Metadata.Rules {
		if rule.Names().Has(offlineAccess) {
			return []error{fmt.Errorf("resource.Config.Rules[%d] has %s; leave it out", i, offlineAccess)}
		}
	}
	return nil
}
