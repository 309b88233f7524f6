package main

import (
	"testing"
	"time"

	"github.com/bearerkit/bearerkit/bearer/bearertest"
)

func TestIssuerIsDownAtTheStart(t *testing.T) {
	t.Parallel()
	for _, framework := range frameworks {
		t.Run(framework, func(t *testing.T) {
			t.Parallel()
			issuer := newIssuer(t)
			token := "\nAuthorization: Bearer " + issuer.Mint(bearertest.Token{Scope: "orders:read"})
			issuer.Stop()
			url := start(t, "-framework", framework, "-issuer", issuer.URL(), "-audience", audience)

			got := send(t, url, "GET /orders"+token)
			if got.status != 503 || got.header.Get("Retry-After") == "" || got.header.Get("Www-Authenticate") != "" {
				t.Errorf("a token that cannot be checked: %+v", got)
			}
			for request, want := range map[string]int{
				"GET /readyz": 503, "HEAD /readyz": 503, "GET /healthz": 200, "GET /public": 200, "GET /orders": 401,
				"GET /orders\nAuthorization: Bearer junk": 401, "GET /greeting": 200, "GET /greeting" + token: 503,
			} {
				if got := send(t, url, request); got.status != want {
					t.Errorf("%s: %d; want %d", request, got.status, want)
				}
			}
			if err := issuer.Start(); err != nil {
				t.Fatal(err)
			}
			// The program fetches the keys without a request.
			eventually(t, 3*time.Second, "the keys are fetched", func() bool { return issuer.Requests(bearertest.JWKS) > 0 })
			eventually(t, 3*time.Second, "ready", func() bool { return send(t, url, "GET /readyz").status == 200 })
			if got := send(t, url, "GET /orders"+token); got.status != 200 {
				t.Errorf("after the recovery: %+v", got)
			}
		})
	}
}

func TestRotation(t *testing.T) {
	t.Parallel()
	issuer := newIssuer(t)
	onEach(t, issuer, func(t *testing.T, url string) {
		mint := func() string {
			return "GET /orders\nAuthorization: Bearer " + issuer.Mint(bearertest.Token{Scope: "orders:read"})
		}
		before := mint()
		if got := send(t, url, before); got.status != 200 {
			t.Fatalf("before: %+v", got)
		}
		if _, err := issuer.Rotate("ES256"); err != nil {
			t.Fatal(err)
		}
		if got := send(t, url, mint()); got.status != 200 {
			t.Errorf("the new key: %+v", got)
		}
		if got := send(t, url, before); got.status != 401 {
			t.Errorf("the withdrawn key: %+v", got)
		}
	})
}

func TestTwoIssuers(t *testing.T) {
	t.Parallel()
	a, b, stranger := newIssuer(t), newIssuer(t), newIssuer(t)
	url := start(t, "-issuer", a.URL(), "-issuer", b.URL(), "-audience", audience)
	for _, tt := range []struct {
		token string
		want  int
	}{
		{a.Mint(bearertest.Token{}), 200},
		{b.Mint(bearertest.Token{}), 200},
		{stranger.Mint(bearertest.Token{}), 401},
		// a's key does not verify b's tokens.
		{a.Mint(bearertest.Token{Claims: map[string]any{"iss": b.URL()}}), 401},
	} {
		if got := send(t, url, "GET /me\nAuthorization: Bearer "+tt.token); got.status != tt.want {
			t.Errorf("%+v; want %d", got, tt.want)
		}
	}
	b.Stop()
	if got := send(t, url, "GET /readyz"); got.status != 200 {
		t.Errorf("an issuer goes down whose keys are at hand: %+v", got)
	}
}

func TestKeysFromAGivenURL(t *testing.T) {
	t.Parallel()
	issuer := newIssuer(t)
	url := start(t, "-issuer", "https://login.example.com", "-jwks-uri", issuer.URL()+"/jwks", "-audience", audience)
	token := issuer.Mint(bearertest.Token{Claims: map[string]any{"iss": "https://login.example.com"}})
	if got := send(t, url, "GET /me\nAuthorization: Bearer "+token); got.status != 200 {
		t.Errorf("%+v", got)
	}
	if n := issuer.Requests(bearertest.OAuthMetadata) + issuer.Requests(bearertest.OIDCMetadata); n != 0 {
		t.Errorf("%d requests for metadata", n)
	}
}

func TestLeeway(t *testing.T) {
	t.Parallel()
	issuer := newIssuer(t)
	expired := func(ago time.Duration) string {
		return "GET /me\nAuthorization: Bearer " + issuer.Mint(bearertest.Token{TTL: -ago})
	}
	for _, tt := range []struct {
		args []string
		ago  time.Duration
		want int
	}{
		{nil, 2 * time.Second, 200},
		{nil, 7 * time.Second, 401},
		{[]string{"-leeway", "0s"}, time.Second, 401},
		{[]string{"-leeway", "0"}, time.Second, 401},
		{[]string{"-leeway", "5m"}, 4 * time.Minute, 200},
	} {
		url := start(t, append([]string{"-issuer", issuer.URL(), "-audience", audience}, tt.args...)...)
		if got := send(t, url, expired(tt.ago)); got.status != tt.want {
			t.Errorf("%q: expired %v ago: %d; want %d", tt.args, tt.ago, got.status, tt.want)
		}
	}
}
