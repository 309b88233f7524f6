package main

import (
	"flag"
	"fmt"
	"strings"

	"github.com/bearerkit/bearerkit/compliance"
)

// The values of -profile. The first is what this program does by default: JWT
// access tokens (RFC 9068) and the answers of RFC 6750.
const (
	rfc9068 = "rfc9068"
	fapi2   = "fapi2"
	mcp     = "mcp"
)

var profiles = []string{rfc9068, fapi2, mcp}

func profileFlag(fs *flag.FlagSet, profile *string) {
	fs.StringVar(profile, "profile", rfc9068, "`profile` that the API follows, and prints: "+strings.Join(profiles, ", "))
}

// followed returns the profile that the flag names; false: none beyond what this
// program does by default.
func (c *config) followed() (compliance.Profile, bool) {
	switch c.profile {
	case fapi2:
		return compliance.FAPI2, true
	case mcp:
		return compliance.MCP, true
	}
	return compliance.Profile{}, false
}

// checkProfile returns what is wrong with -profile, and with other flags under
// it.
func (c *config) checkProfile() error {
	_, known := c.followed()
	switch {
	case !known && c.profile != rfc9068:
		return fmt.Errorf("-profile %q; want one of %s", c.profile, strings.Join(profiles, ", "))
	case c.profile == fapi2 && c.proofs.use == off && c.transport.mtls == off:
		return fmt.Errorf("-profile %s with -dpop %s and -mtls %s; want one of them %s or %s, since a token must be bound to its sender",
			fapi2, off, off, allowed, required)
	}
	return nil
}

// follow completes the settings as the profile asks.
func (s *settings) follow(c *config) error {
	followed, ok := c.followed()
	if !ok {
		return nil
	}
	err := followed.Apply(compliance.Settings{
		Guard:    &s.guard,
		Tokens:   &s.tokens,
		Opaque:   s.opaque,
		Proofs:   s.proofs,
		Metadata: &s.metadata,
		// Only the first issuer is asked about its JWTs.
		EveryTokenIntrospected: c.introspection.all && len(c.issuers) == 1,
	})
	if err != nil {
		return usage("-profile %s: %w", c.profile, err)
	}
	return nil
}

// bindsToKey and bindsToCertificate report whether every token must be bound so,
// for the demonstration. Where a profile leaves the choice it is the key.
func (c *config) bindsToKey() bool {
	return c.proofs.use == required || c.profile == fapi2 && c.proofs.use == allowed && c.transport.mtls != required
}

func (c *config) bindsToCertificate() bool {
	return c.transport.mtls == required || c.profile == fapi2 && c.proofs.use == off
}
