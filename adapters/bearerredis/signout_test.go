package bearerredis_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/bearerkit/bearerkit/adapters/bearerredis"
	"github.com/bearerkit/bearerkit/adapters/bearerredis/redistest"
	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/bearer/bearertest"
	"github.com/bearerkit/bearerkit/denylist"
	"github.com/bearerkit/bearerkit/jwks"
	"github.com/bearerkit/bearerkit/scope"
)

// signOutInstance is an instance of an API with a receiver. The instances share
// nothing but Redis.
type signOutInstance struct {
	receiver *denylist.Receiver
	route    *bearer.Route
}

func newSignOutInstance(t *testing.T, issuer *bearertest.Issuer, config bearerredis.Config) *signOutInstance {
	t.Helper()
	tokens, err := jwks.New(jwks.Config{Issuers: []jwks.Issuer{{
		URL: issuer.URL(), Audience: []string{"https://api.example.com"}, Keys: jwks.KeysFromJWKS(issuer.KeySet()),
	}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(tokens.Close)
	denials := newClient(t, config).Denials()
	receiver, err := denylist.NewReceiver(denylist.ReceiverConfig{
		Verifier: tokens, List: denials, Audience: []string{"shop"}, MaxTokenLife: time.Hour,
	})
	if err != nil {
		t.Fatal(err)
	}
	guard, err := bearer.New(bearer.Config{Verifiers: []bearer.Verifier{tokens}, DenyList: denials})
	if err != nil {
		t.Fatal(err)
	}
	return &signOutInstance{receiver, guard.MustRoute(bearer.RouteConfig{Rule: scope.None})}
}

// status returns the status for a token.
func (i *signOutInstance) status(token string) int {
	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Set("Authorization", "Bearer "+token)
	return i.route.Decide(r).Status()
}

// signOut posts a logout token to this instance.
func (i *signOutInstance) signOut(token string) int {
	r := httptest.NewRequest("POST", "/sign-out", strings.NewReader(url.Values{"logout_token": {token}}.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	i.receiver.ServeHTTP(w, r)
	return w.Code
}

// A logout token that one instance has accepted ends the session in all instances
// within a second, on one server and in a Cluster.
func TestSignOutReachesAllInstances(t *testing.T) {
	t.Parallel()
	t.Run("one server", func(t *testing.T) {
		t.Parallel()
		server := redistest.New(t, redistest.Config{})
		signOutEverywhere(t, bearerredis.Config{Address: server.Address()})
	})
	t.Run("Cluster", func(t *testing.T) {
		t.Parallel()
		cluster := redistest.NewCluster(t, redistest.Config{})
		signOutEverywhere(t, bearerredis.Config{Address: several(nil, cluster.Addresses(), "")})
	})
}

func signOutEverywhere(t *testing.T, config bearerredis.Config) {
	issuer, err := bearertest.NewIssuer(bearertest.IssuerConfig{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(issuer.Close)
	instances := make([]*signOutInstance, 3)
	for n := range instances {
		instances[n] = newSignOutInstance(t, issuer, config)
	}
	mint := func(subject, session string) string {
		return issuer.Mint(bearertest.Token{Subject: subject, Claims: map[string]any{"sid": session}})
	}
	bob := mint("bob", "s-bob")
	slowest := time.Duration(0)
	for n, first := range instances {
		session, user := mint("alice", "s-1"+string(rune('a'+n))), mint("carol"+string(rune('a'+n)), "s-2")
		for _, tt := range []struct{ name, token, logout string }{
			{"a session", session, issuer.LogoutToken("shop", "alice", "s-1"+string(rune('a'+n)))},
			{"a user", user, issuer.LogoutToken("shop", "carol"+string(rune('a'+n)), "")},
		} {
			for at, i := range instances {
				if status := i.status(tt.token); status != http.StatusOK {
					t.Fatalf("%s, instance %d, before: %d", tt.name, at, status)
				}
			}
			if status := first.signOut(tt.logout); status != http.StatusOK {
				t.Fatalf("%s: the sign-out: %d", tt.name, status)
			}
			answered := time.Now()
			if status := first.status(tt.token); status != http.StatusUnauthorized {
				t.Errorf("%s, the instance that was told: %d", tt.name, status)
			}
			eventually(t, 10*time.Second, tt.name+" is signed out in all instances", func() bool {
				for _, i := range instances {
					if i.status(tt.token) != http.StatusUnauthorized {
						return false
					}
				}
				return true
			})
			slowest = max(slowest, time.Since(answered))
			// Each instance knows the event now: sent again, it is a success.
			for _, i := range instances {
				if status := i.signOut(tt.logout); status != http.StatusOK {
					t.Errorf("%s, sent again: %d", tt.name, status)
				}
			}
		}
	}
	for at, i := range instances {
		if status := i.status(bob); status != http.StatusOK {
			t.Errorf("bob, instance %d: %d", at, status)
		}
	}
	if t.Logf("the slowest sign-out took %v", slowest); slowest > time.Second {
		t.Errorf("the slowest sign-out took %v, want at most a second", slowest)
	}
}

// While Redis is down, a sign-out is answered 503, and the issuer sends it again.
func TestSignOutWithoutRedis(t *testing.T) {
	t.Parallel()
	issuer, err := bearertest.NewIssuer(bearertest.IssuerConfig{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(issuer.Close)
	server := redistest.New(t, redistest.Config{})
	one := newSignOutInstance(t, issuer, bearerredis.Config{Address: server.Address()})
	token := issuer.Mint(bearertest.Token{Claims: map[string]any{"sid": "s-1"}})
	if status := one.status(token); status != http.StatusOK {
		t.Fatal(status)
	}
	logout := issuer.LogoutToken("shop", "", "s-1")
	server.Stop()
	if status := one.signOut(logout); status != http.StatusServiceUnavailable {
		t.Errorf("without Redis: %d", status)
	}
	server.Start()
	eventually(t, 10*time.Second, "the sign-out is accepted", func() bool { return one.signOut(logout) == http.StatusOK })
	if status := one.status(token); status != http.StatusUnauthorized {
		t.Errorf("after the sign-out: %d", status)
	}
}
