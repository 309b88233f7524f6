package interop_test

import (
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"testing"
	"time"

	"github.com/go-oauth2/oauth2/v4"
	"github.com/go-oauth2/oauth2/v4/generates"
	"github.com/golang-jwt/jwt/v5"

	"github.com/bearerkit/bearerkit/introspect"
	"github.com/bearerkit/bearerkit/jwks"
)

func goOAuth2JWTs(t *testing.T, s *goOAuth2, profile jwks.Profile) *api {
	t.Helper()
	return newAPI(t, jwks.Config{
		Issuers: []jwks.Issuer{{URL: s.issuer, Audience: []string{goOAuth2Audience, goOAuth2Machine.id}, Profile: profile}},
		Leeway:  -1,
	})
}

// The library's own JWTs do not say who issued them, so no profile accepts them. Nor
// does any profile accept HMAC, whose key the API could sign with too.
// TestGoOAuth2JWTs shows what to set at the server.
func TestGoOAuth2OwnJWTs(t *testing.T) {
	t.Parallel()
	secret := []byte(rand.Text() + rand.Text())
	for _, tt := range []struct {
		name, check, got string
		generate         func(*goOAuth2) oauth2.AccessGenerate
	}{
		{"HS256, as in the library's documentation", "claims", "no iss", func(*goOAuth2) oauth2.AccessGenerate {
			return generates.NewJWTAccessGenerate("key", secret, jwt.SigningMethodHS256)
		}},
		{"ES256", "claims", "no iss", func(s *goOAuth2) oauth2.AccessGenerate {
			der, err := x509.MarshalECPrivateKey(s.key.Key.(*ecdsa.PrivateKey))
			if err != nil {
				t.Fatal(err)
			}
			key := pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der})
			return generates.NewJWTAccessGenerate("key", key, jwt.SigningMethodES256)
		}},
		{"HS256 with the claims of RFC 9068", "alg", `"HS256"`, func(s *goOAuth2) oauth2.AccessGenerate {
			return rfc9068{s, secret}
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newGoOAuth2(t, 5*time.Minute, tt.generate)
			token := s.clientCredentials(t, goOAuth2Audience, "orders:read")
			t.Logf("%v %v", headerOf(token), claimsOf(token))
			if event := goOAuth2JWTs(t, s, permissiveProfile()).refuses(t, token, tt.check); event.Got != tt.got {
				t.Errorf("got %q, expected %q; want %q", event.Got, event.Expected, tt.got)
			}
		})
	}
}

func TestGoOAuth2JWTs(t *testing.T) {
	t.Parallel()
	generate := func(s *goOAuth2) oauth2.AccessGenerate { return rfc9068{s, nil} }
	s, stranger := newGoOAuth2(t, 2*time.Second, generate), newGoOAuth2(t, 5*time.Minute, generate)
	a := goOAuth2JWTs(t, s, jwks.Profile{})
	a.awaitReady(t, 3*time.Second)
	machine := s.clientCredentials(t, goOAuth2Audience, "orders:read")
	user := s.codeFlow(t, "orders:read")
	refreshed := s.refresh(t, user.Refresh)
	if got := a.accepts(t, "/orders", machine); got.Issuer != s.issuer || got.Subject != "machine" || got.ClientID != "machine" || !got.Client {
		t.Errorf("principal %+v", got)
	}
	for _, token := range []string{user.Access, refreshed.Access} {
		if got := a.accepts(t, "/orders", token); got.Subject != "alice" || got.ClientID != "web" || got.Client {
			t.Errorf("principal %+v", got)
		}
	}
	a.wantsScope(t, s.clientCredentials(t, goOAuth2Audience, "orders:write"))
	a.refuses(t, altered(machine), "signature")
	a.refuses(t, s.clientCredentials(t, goOAuth2Audience+"/other", "orders:read"), "aud")
	a.refuses(t, stranger.clientCredentials(t, goOAuth2Audience, "orders:read"), "iss")
	a.refuses(t, refreshed.Refresh, "form")
	a.expires(t, machine)
	a.refuses(t, machine, "exp")
}

func TestGoOAuth2Introspection(t *testing.T) {
	t.Parallel()
	s := newGoOAuth2(t, 2*time.Second, nil)
	c := introspect.Config{
		Issuer:   s.issuer,
		Auth:     introspect.ClientSecretBasic(goOAuth2API.id, goOAuth2API.secret),
		Audience: []string{goOAuth2Audience},
		Leeway:   -1,
	}
	a := newOpaqueAPI(t, c)
	machine := s.clientCredentials(t, "", "orders:read")
	if got := a.accepts(t, "/orders", machine); got.Issuer != s.issuer || got.ClientID != "machine" || !got.Client || got.Scopes != "orders:read" {
		t.Errorf("principal %+v", got)
	}
	a.wantsScope(t, s.clientCredentials(t, "", "orders:write"))
	user := s.codeFlow(t, "orders:read")
	refreshed := s.refresh(t, user.Refresh)
	if got := a.accepts(t, "/orders", refreshed.Access); got.Subject != "alice" || got.ClientID != "web" || got.Client {
		t.Errorf("principal %+v", got)
	}
	a.refuses(t, user.Access, "active") // the refresh has replaced it
	a.refuses(t, refreshed.Refresh, "active")
	a.refuses(t, altered(machine), "active")

	other := c
	other.Audience = []string{goOAuth2Audience + "/other"}
	newOpaqueAPI(t, other).refuses(t, refreshed.Access, "aud")
	other = c
	other.Auth = introspect.ClientSecretBasic(goOAuth2API.id, "another-secret")
	newOpaqueAPI(t, other).refusesOurs(t, refreshed.Access, "another-secret")

	goOAuth2Web.revoke(t, s.issuer+"/revoke", refreshed.Access)
	a.accepts(t, "/orders", refreshed.Access) // the answer is still cached
	if err := a.opaque.Forget(t.Context(), refreshed.Access); err != nil {
		t.Fatal(err)
	}
	a.refuses(t, refreshed.Access, "active")
	a.expires(t, machine)
}
