package introspect_test

import (
	"testing"

	"github.com/bearerkit/bearerkit/bearer/bearertest"
	"github.com/bearerkit/bearerkit/introspect"
)

// C18: an answer's sid is read as that of a JWT is. A malformed one is absent.
func TestSessionID(t *testing.T) {
	for name, tt := range map[string]struct {
		sid  any
		want string
	}{"a session": {"s-1", "s-1"}, "none": {nil, ""}, "a number": {7, ""}} {
		inBubble(t, func(*introspect.Config) {}, func(t *testing.T, issuer *bearertest.Issuer, v *introspect.Verifier) {
			answering(issuer, map[string]any{"sid": tt.sid})
			token := issuer.MintOpaque(bearertest.Token{})
			for range 2 { // the second time from the cache
				if p, err := v.Verify(t.Context(), token); err != nil || p.SessionID != tt.want {
					t.Errorf("%s: %v, %v; want the session %q", name, p, err, tt.want)
				}
			}
		})
	}
}
