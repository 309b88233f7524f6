package bearerredis_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/bearerkit/bearerkit/adapters/bearerredis"
	"github.com/bearerkit/bearerkit/adapters/bearerredis/redistest"
	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/bearer/bearertest"
	"github.com/bearerkit/bearerkit/denylist"
	"github.com/bearerkit/bearerkit/denylist/denylisttest"
	"github.com/bearerkit/bearerkit/scope"
)

func TestDenials(t *testing.T) {
	server := redistest.New(t, redistest.Config{})
	c := newCache(t, bearerredis.Config{Address: server.Address(), Timeout: 2 * time.Second})
	if err := denylisttest.Check(t.Context(), c.Denials()); err != nil {
		t.Error(err)
	}
}

var (
	aliceToken = &bearer.Principal{Issuer: "https://login.example.com", Subject: "alice", ID: "secret-jti", ClientID: "shop", IssuedAt: time.Now()}
	aliceEntry = denylist.Entry{Issuer: "https://login.example.com", Subject: "alice"}
)

// What one instance denies all of them do, and nobody reads in Redis who it is.
func TestDenialsAreShared(t *testing.T) {
	server := redistest.New(t, redistest.Config{})
	config := bearerredis.Config{Address: server.Address(), Timeout: 2 * time.Second}
	one, two := newCache(t, config).Denials(), newCache(t, config).Denials()
	config.Prefix = "other:"
	other := newCache(t, config).Denials()
	entry := aliceEntry
	entry.Until = time.Now().Add(time.Hour)
	if err := one.Deny(t.Context(), entry); err != nil {
		t.Fatal(err)
	}
	for name, list := range map[string]*bearerredis.Denials{"one": one, "two": two, "other": other} {
		if denied, err := list.Denied(t.Context(), aliceToken); denied != (name != "other") || err != nil {
			t.Errorf("%s: %t, %v", name, denied, err)
		}
	}
	db := admin(t, server)
	keys := db.Keys(t.Context(), "*").Val()
	if len(keys) != 1 || !strings.HasPrefix(keys[0], "bearerkit:denied:") || strings.Contains(keys[0], "alice") {
		t.Fatalf("keys %q", keys)
	}
	if ttl := db.PTTL(t.Context(), keys[0]).Val(); ttl > time.Hour || ttl < 59*time.Minute {
		t.Errorf("an entry lives %v, want 1h", ttl)
	}
	// What is no entry is not taken for one, nor for none.
	for _, foreign := range []string{"", "x", "1e9"} {
		db.Set(t.Context(), keys[0], foreign, 0)
		if denied, err := one.Denied(t.Context(), aliceToken); denied || err == nil {
			t.Errorf("%q is kept: %t, %v; want an error", foreign, denied, err)
		}
	}
	if err := two.Deny(t.Context(), entry); err != nil { // over it
		t.Error(err)
	}
	if err := two.Lift(t.Context(), aliceEntry); err != nil {
		t.Error(err)
	}
	if denied, err := one.Denied(t.Context(), aliceToken); denied || err != nil {
		t.Errorf("lifted: %t, %v", denied, err)
	}
}

// C7: a deny list that is out of reach is 503 with Retry-After and no challenge,
// and is asked again at once when it is back.
func TestDenialsOutOfReach(t *testing.T) {
	server := redistest.New(t, redistest.Config{})
	c := newCache(t, bearerredis.Config{Address: server.Address(), Timeout: 200 * time.Millisecond})
	guard, err := bearer.New(bearer.Config{
		Verifiers: []bearer.Verifier{bearertest.Principals{"alice": *aliceToken}},
		DenyList:  c.Denials(),
	})
	if err != nil {
		t.Fatal(err)
	}
	rt := guard.MustRoute(bearer.RouteConfig{Rule: scope.None})
	ask := func() *http.Response {
		w := httptest.NewRecorder()
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set("Authorization", "Bearer alice")
		if _, ok := rt.Admit(w, r); ok {
			w.WriteHeader(http.StatusNoContent)
		}
		return w.Result()
	}
	eventually(t, 5*time.Second, "in", func() bool { return ask().StatusCode == http.StatusNoContent })

	server.Signal(syscall.SIGSTOP)
	var all sync.WaitGroup
	for range 32 {
		all.Go(func() {
			got := ask()
			if got.StatusCode != http.StatusServiceUnavailable || got.Header.Get("Retry-After") != "5" || got.Header["Www-Authenticate"] != nil {
				t.Errorf("frozen: %d %v", got.StatusCode, got.Header)
			}
		})
	}
	all.Wait()
	if err := c.Denials().Deny(context.Background(), denylist.Entry{Issuer: "i", Subject: "s", Until: time.Now().Add(time.Hour)}); err == nil {
		t.Error("Deny while Redis is frozen: no error")
	}
	server.Signal(syscall.SIGCONT)
	eventually(t, 5*time.Second, "in again", func() bool { return ask().StatusCode == http.StatusNoContent })

	entry := aliceEntry
	entry.Until = time.Now().Add(time.Hour)
	eventually(t, 5*time.Second, "denied", func() bool { return c.Denials().Deny(t.Context(), entry) == nil })
	eventually(t, 5*time.Second, "refused", func() bool {
		got := ask()
		return got.StatusCode == http.StatusUnauthorized &&
			got.Header.Get("WWW-Authenticate") == `Bearer realm="api", error="invalid_token", error_description="The access token is invalid."`
	})
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if got := ask(); got.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("closed: %d", got.StatusCode)
	}
}
