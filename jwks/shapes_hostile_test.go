package jwks_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/bearer/bearertest"
	"github.com/bearerkit/bearerkit/scope"
)

// Part 2.1 to 2.4: each profile refuses the hostile tokens, in the shape of its
// issuer's tokens. A token is refused for what is wrong with it, and not because
// its typ is that of another issuer.
func TestProfilesRefuseHostileTokens(t *testing.T) {
	issuer := shapeIssuer(t)
	for s, row := range shapes() {
		v := byProfile(t, issuer, row.profile)
		guard, err := bearer.New(bearer.Config{Verifiers: []bearer.Verifier{v}})
		if err != nil {
			t.Fatal(err)
		}
		decide := judge(guard)
		for _, own := range []bool{false, true} {
			if own && !ownDiffers(s, row) || !own && row.user == nil {
				continue
			}
			good := bearertest.Token{Shape: s, ForClient: own}
			if status, e := decide(issuer.Mint(good)); status != 200 {
				t.Errorf("%q, own %t: the good token: %d, %v", s, own, status, e)
				continue
			}
			hostile := issuer.Hostile(good)
			if len(hostile) < 110 {
				t.Errorf("%q: only %d hostile tokens", s, len(hostile))
			}
			for _, h := range hostile {
				status, e := decide(h.Token)
				if status != h.Status {
					t.Errorf("%q, own %t: %s: %d (%s)", s, own, h.Name, status, h.Rule)
				}
				typed := strings.Contains(h.Name, "typ") || strings.HasPrefix(h.Name, "the issuer's ") || strings.HasPrefix(h.Name, "header")
				if e != nil && e.Check == "typ" && !typed {
					t.Errorf("%q, own %t: %s is refused by its typ", s, own, h.Name)
				}
			}
		}
	}
}

// ownDiffers reports whether a client's own token is worth the time: there is no
// other, or it names the client or the subject in another way.
func ownDiffers(s bearertest.Shape, row issuerShape) bool {
	return row.own != nil && (row.user == nil || row.own.subject == "" || s == bearertest.Keycloak)
}

// judge returns a function that judges a request with a token, by the route of any
// token: it returns the status and the refusal.
func judge(guard *bearer.Guard) func(token string) (int, *bearer.Error) {
	route := guard.MustRoute(bearer.RouteConfig{Rule: scope.None})
	return func(token string) (int, *bearer.Error) {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set("Authorization", "Bearer "+token)
		d := route.Decide(r)
		if d.Allowed() {
			return http.StatusOK, nil
		}
		return d.Status(), refusedWith(d.Err())
	}
}
