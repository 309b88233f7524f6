package jwks_test

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/bearer/bearertest"
	"github.com/bearerkit/bearerkit/jwks"
)

// Reports L16: one of two issuers is down. The other one is ready and its
// tokens are served, and the program chooses which issuers its probe needs.
func TestReadyByIssuer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		up, err := bearertest.NewIssuer(bearertest.IssuerConfig{InMemory: true})
		if err != nil {
			t.Fatal(err)
		}
		defer up.Close()
		defer up.Client().CloseIdleConnections()
		const down = "https://issuer.example.com/down"
		up.SetFault(bearertest.JWKS, bearertest.Fault{Delay: time.Second})
		v, err := jwks.New(jwks.Config{
			Issuers: []jwks.Issuer{{URL: up.URL(), Audience: []string{audience}}, {URL: down, Audience: []string{audience}}},
			Client:  up.Client(),
		})
		if err != nil {
			t.Fatal(err)
		}
		defer v.Close()
		if err := v.Ready(up.URL()); err == nil {
			t.Error("ready before the first fetch")
		}
		elapse(3 * time.Second)
		for _, tt := range []struct {
			issuers []string
			missing []string // named in the error
		}{
			{nil, []string{down}},
			{[]string{up.URL()}, nil},
			{[]string{down}, []string{down}},
			{[]string{up.URL(), down}, []string{down}},
			{[]string{up.URL() + "/"}, []string{up.URL() + `/" is not among Config.Issuers`}},
			{[]string{down, "typo"}, []string{down, `"typo" is not among`}},
		} {
			err := v.Ready(tt.issuers...)
			if (err == nil) != (tt.missing == nil) {
				t.Errorf("Ready(%q) = %v", tt.issuers, err)
			}
			for _, name := range tt.missing {
				if err != nil && !strings.Contains(err.Error(), name) {
					t.Errorf("Ready(%q) = %v, which does not name %s", tt.issuers, err, name)
				}
			}
			if err != nil && strings.Contains(err.Error(), `"`+up.URL()+`"`) {
				t.Errorf("Ready(%q) = %v, which blames the issuer that is up", tt.issuers, err)
			}
		}
		if _, err := v.Verify(t.Context(), up.Mint(bearertest.Token{})); err != nil {
			t.Errorf("a token of the issuer that is up: %v", err)
		}
		token := up.Mint(bearertest.Token{Claims: map[string]any{"iss": down}})
		if _, err := v.Verify(t.Context(), token); codeOf(err) != bearer.CodeUnavailable {
			t.Errorf("a token of the issuer that is down: %v", err)
		}
	})
}

// The error of Ready names at most 20 issuers.
func TestReadyNamesTwentyIssuers(t *testing.T) {
	f := newFarm()
	v := newVerifier(t, jwks.Config{Client: f.client, Issuers: []jwks.Issuer{{URL: f.url("a"), Audience: []string{audience}, Keys: f.given("a")}}})
	for _, tt := range []struct {
		missing, ready int
		more           string
	}{{20, 0, ""}, {21, 0, "jwks: 1 more issuers have no keys"}, {22, 5, "jwks: 2 more issuers have no keys"}, {1, 30, ""}, {0, 30, ""}} {
		names := slices.Repeat([]string{f.url("a")}, tt.ready)
		for n := range tt.missing {
			names = append(names, fmt.Sprint("missing", n))
		}
		text := ""
		if err := v.Ready(names...); err != nil {
			text = err.Error()
		}
		named := strings.Count(text, `is not among Config.Issuers`)
		if named != min(tt.missing, 20) || strings.Contains(text, "Config.Resolve") || !strings.HasSuffix(text, tt.more) || strings.Contains(text, "more issuers") != (tt.more != "") {
			t.Errorf("%d missing, %d ready: %s", tt.missing, tt.ready, text)
		}
	}
}

// docs/issuers.md has the body of awaitKeys.
func awaitKeys(ctx context.Context, tokens *jwks.Verifier, staff, customers string) {
	waiting, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	if err := bearer.WaitReady(waiting, func() error { return bearer.AnyReady(tokens.Ready(staff), tokens.Ready(customers)) }); err != nil {
		slog.Warn("serving without keys", "error", err) // the verifier keeps trying
	}
}

func TestAwaitKeys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFarm()
		f.delay = time.Second
		v := newVerifier(t, jwks.Config{Client: f.client, Issuers: f.issuers("staff", "customers")})
		begin := time.Now()
		awaitKeys(t.Context(), v, f.url("staff"), f.url("customers"))
		if d := time.Since(begin); d < 2*time.Second || d > 3*time.Second {
			t.Errorf("ready after %v, want that of two requests", d)
		}
	})
}
