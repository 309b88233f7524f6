package explain_test

import (
	"testing"

	"github.com/bearerkit/bearerkit/bearer/bearertest"
	"github.com/bearerkit/bearerkit/cmd/bearer/internal/explain"
)

func TestZZ(t *testing.T) {
	issuer := newIssuer(t)
	values := []any{nil, "", "x", 5, -1, true, []any{}, []any{1}, []string{""}, map[string]any{}, 1e300, 1.5}
	for _, shape := range bearertest.Shapes() {
		c := explain.Config{Issuer: issuer.URL(), Audience: []string{audience}, Profile: profileOf(t, shape), Scope: []string{"orders:read"}}
		s := newSDK(t, c)
		n := 0
		for _, name := range []string{"aud", "sub", "exp", "iat", "nbf", "jti", "client_id", "azp", "scope", "scp", "cnf", "roles", "realm_access", "typ", "token_use", "auth_time", "acr", "amr", "may_act", "groups", "type", "ver"} {
			for _, v := range values {
				token := issuer.Mint(bearertest.Token{Shape: shape, Scope: "orders:read", Claims: map[string]any{name: v}})
				r, err := explain.Token(t.Context(), token, c)
				if err != nil { t.Errorf("%s %s=%v: %v", shape, name, v, err); continue }
				status, check := s.answer(t, token)
				first := ""
				for _, k := range r.Checks { if k.Result == explain.Fail { first = k.Log; break } }
				if (first != check || r.Verdict.Status != status) && n < 6 {
					n++
					t.Errorf("%s %s=%v: cross at %q, SDK %d %q (%s, %s); verdict %s", shape, name, v, first, status, check, s.event.Expected, s.event.Got, r.Verdict.Text)
				}
			}
		}
	}
}
