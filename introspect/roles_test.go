package introspect_test

import (
	"bytes"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/bearer/bearertest"
	"github.com/bearerkit/bearerkit/introspect"
	"github.com/bearerkit/bearerkit/jwks"
)

// RFC 7662, Section 2.2: an answer may have members of the issuer's own. The roles
// are read as those of a JWT are.
func TestRoles(t *testing.T) {
	keycloak := map[string]any{"realm_access": map[string]any{"roles": []string{"admin", "user"}}, "roles": []string{"other"}}
	tests := []struct {
		name    string
		roles   []string
		members map[string]any
		want    []string
	}{
		{"by default", nil, map[string]any{"roles": []string{"admin"}, "groups": []string{"staff"}}, []string{"admin"}},
		{"Keycloak", jwks.Keycloak().Roles, keycloak, []string{"admin", "user"}},
		{"several places", []string{"/roles", "/realm_access/roles"}, keycloak, []string{"admin", "other", "user"}},
		{"none are read", []string{}, keycloak, nil},
		{"malformed", nil, map[string]any{"roles": 7}, nil},
		{"absent", nil, nil, nil},
	}
	for _, tt := range tests {
		var log bytes.Buffer
		config := func(c *introspect.Config) { c.Roles, c.Logger = tt.roles, slog.New(slog.NewTextHandler(&log, nil)) }
		inBubble(t, config, func(t *testing.T, issuer *bearertest.Issuer, v *introspect.Verifier) {
			answering(issuer, tt.members)
			token := issuer.MintOpaque(bearertest.Token{})
			for range 2 { // the second time from the cache
				if p, err := v.Verify(t.Context(), token); err != nil || !slices.Equal(p.Roles(), tt.want) {
					t.Errorf("%s: %v, %v; want the roles %q", tt.name, p, err, tt.want)
				}
			}
		})
		if told := strings.Count(log.String(), "claim=roles"); told != strings.Count(tt.name, "malformed") {
			t.Errorf("%s: the log is %q", tt.name, log.String())
		}
	}
}

// bearer.Both keeps only the roles that the answer still has. An answer whose
// roles are malformed grants none.
func TestBothNarrowsRoles(t *testing.T) {
	issuer := newIssuer(t, bearertest.Client{ID: "api", Secret: "secret"})
	tokens, err := jwks.New(jwks.Config{Issuers: []jwks.Issuer{{URL: issuer.URL(), Audience: []string{audience}}}})
	if err != nil {
		t.Fatal(err)
	}
	defer tokens.Close()
	for _, tt := range []struct {
		name   string
		answer any
		want   []string
	}{
		{"fewer", []string{"viewer", "other"}, []string{"viewer"}},
		{"none", []string{}, nil},
		{"malformed", 7, nil},
		{"absent", nil, []string{"admin", "viewer"}},
	} {
		answering(issuer, map[string]any{"roles": tt.answer})
		both := bearer.Both(tokens, newVerifier(t, issuer, nil).TakingJWTs())
		p, err := both.Verify(t.Context(), issuer.Mint(bearertest.Token{Claims: map[string]any{"roles": []string{"admin", "viewer"}}}))
		if err != nil || !slices.Equal(p.Roles(), tt.want) {
			t.Errorf("%s: %v, %v; want the roles %q", tt.name, p, err, tt.want)
		}
	}
}

func TestRolesMistakes(t *testing.T) {
	_, err := introspect.New(introspect.Config{Roles: []string{"roles", "/ok", "/a~"}})
	for _, want := range []string{`introspect: Config.Roles[0] "roles" is not a JSON pointer; want "/roles"`, `introspect: Config.Roles[2] "/a~" has a "~"`, "Config.Audience"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v; want %s", err, want)
		}
	}
}
