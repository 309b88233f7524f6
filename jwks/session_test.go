package jwks_test

import (
	"testing"

	"github.com/bearerkit/bearerkit/bearer/bearertest"
)

// C18, OpenID Connect Back-Channel Logout, Section 2.1: sid names the user's
// session. A malformed or null sid is absent.
func TestSessionID(t *testing.T) {
	issuer := newIssuer(t, bearertest.IssuerConfig{})
	v, _ := caching(t, issuer, nil)
	tests := []struct {
		name string
		sid  any
		want string
	}{
		{"a session", "s-1", "s-1"},
		{"no session", nil, ""},
		{"empty", "", ""},
		{"a number", 7, ""},
		{"a list", []string{"s-1"}, ""},
		{"an object", map[string]any{"id": "s-1"}, ""},
	}
	for _, tt := range tests {
		token := issuer.Mint(bearertest.Token{Claims: map[string]any{"sid": tt.sid}})
		for range 2 { // the second time from the cache
			if p, err := v.Verify(t.Context(), token); err != nil || p.SessionID != tt.want {
				t.Errorf("%s: %v, %v; want the session %q", tt.name, p, err, tt.want)
			}
		}
	}
}
