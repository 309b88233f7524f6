//go:build !race

package browser_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/rs/cors"

	"github.com/bearerkit/bearerkit/adapters/bearerhttp"
	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/jwks"
	"github.com/bearerkit/bearerkit/scope"
)

// devConfig is a configuration of bearer dev whose pages are worth a look.
const devConfig = `{
  "users": [
    {"name": "alice", "email": "alice@example.com", "roles": ["admin", "editor"]},
    {"name": "bob", "email": "bob@example.com"}
  ],
  "clients": [
    {"client_id": "shop", "client_name": "Shop", "any_loopback_redirect": true}
  ]
}`

// startDev starts bearer dev, and returns the URL of its issuer. For pictures it
// listens where it usually does.
func startDev(t *testing.T) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "dev.json")
	if err := os.WriteFile(file, []byte(devConfig), 0o600); err != nil {
		t.Fatal(err)
	}
	address := "127.0.0.1:0"
	if *screenshots != "" {
		address = "127.0.0.1:9000"
	}
	line, _ := start(t, bearerProgram, "dev", "--json", "--listen", address, "--config", file)
	var summary struct{ URL string }
	if err := json.Unmarshal([]byte(line), &summary); err != nil {
		t.Fatalf("bearer dev prints %q", line)
	}
	return summary.URL
}

const devAudience = "https://api.example.com"

// startAPI starts an API for pages of an origin, as docs/browser-clients.md says, and
// returns its URL.
func startAPI(t *testing.T, issuer, origin string) string {
	t.Helper()
	tokens, err := jwks.New(jwks.Config{Issuers: []jwks.Issuer{{URL: issuer, Audience: []string{devAudience}}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(tokens.Close)
	guard, err := bearer.New(bearer.Config{Verifiers: []bearer.Verifier{tokens}})
	if err != nil {
		t.Fatal(err)
	}
	answer := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p, _ := bearer.FromContext(r.Context())
		fmt.Fprintf(w, "for %s", p.Subject)
	})
	mux := http.NewServeMux()
	mux.Handle("GET /orders", bearerhttp.Require(guard, scope.All("orders:read"))(answer))
	mux.Handle("POST /orders", bearerhttp.Require(guard, scope.All("orders:write"))(answer))
	mux.Handle("POST /payments", bearerhttp.Require(guard, scope.All("orders:write"), bearer.StepUp{ACR: []string{"urn:example:mfa"}})(answer))
	api := httptest.NewServer(cors.New(cors.Options{
		AllowedOrigins: []string{origin},
		AllowedMethods: []string{http.MethodGet, http.MethodPost},
		AllowedHeaders: []string{"Authorization", "Content-Type"},
		ExposedHeaders: []string{"WWW-Authenticate", "Retry-After"},
	}).Handler(mux))
	t.Cleanup(api.Close)
	return api.URL
}

// startShop starts the page of testdata, and returns its URL. The page, its API and
// its issuer are of three origins.
func startShop(t *testing.T, issuer string) string {
	t.Helper()
	mux := http.NewServeMux()
	for path, file := range map[string]string{
		"GET /{$}": "testdata/app.html", "GET /app.mjs": "testdata/app.mjs", "GET /client.mjs": "../../examples/browser/client/client.mjs",
	} {
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
			if strings.HasSuffix(file, ".mjs") {
				w.Header().Set("Content-Type", "text/javascript")
			}
			http.ServeFile(w, r, file)
		})
	}
	web := httptest.NewServer(mux)
	t.Cleanup(web.Close)
	origin := strings.Replace(web.URL, "127.0.0.1", "localhost", 1)
	api := startAPI(t, issuer, origin)
	mux.HandleFunc("GET /config.json", func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(map[string]string{"issuer": issuer, "api": api, "client": "shop"})
	})
	return origin
}

// happened waits until the shop has nothing to do, and returns what it logged since
// the last time.
func happened(t *testing.T, ctx context.Context) []string {
	t.Helper()
	do(t, ctx, arrive(`document.querySelector("#log") !== null && `+idle))
	return evaluate[[]string](t, ctx, `(() => { const lines = sessionStorage.getItem("log") ?? "[]"; sessionStorage.removeItem("log"); return JSON.parse(lines); })()`)
}

func expectLog(t *testing.T, ctx context.Context, what string, want ...string) {
	t.Helper()
	if got := happened(t, ctx); !slices.Equal(got, want) {
		t.Errorf("%s: %q, want %q", what, got, want)
	}
}

// onLoginPage waits for the login page, and returns its text.
func onLoginPage(t *testing.T, ctx context.Context) string {
	t.Helper()
	do(t, ctx, arrive(`document.querySelector("button[name=cancel]") !== null`))
	return run(t, ctx, chromedp.Text(chromedp.CSS("main")))
}

func continueAs(user string) step { return press(`button[value="` + user + `"]`) }

func key(name string) step { return chromedp.KeyEvent(name) }

// A page of another origin signs users in at bearer dev, and reacts to each refusal
// of an API of a third origin.
func TestDevLogin(t *testing.T) {
	ctx := newBrowser(t)
	do(t, ctx, open(startShop(t, startDev(t))), press("#orders"))
	if text := onLoginPage(t, ctx); !strings.Contains(text, "Sign in to Shop") || strings.Contains(text, "signed in") {
		t.Errorf("the login page says %q", text)
	}
	do(t, ctx, continueAs("alice"))
	expectLog(t, ctx, "a visitor", "GET /orders 401", "signed in", "GET /orders 200", "for alice")

	do(t, ctx, press("#place"))
	if text := onLoginPage(t, ctx); !strings.Contains(text, "orders:read") || !strings.Contains(text, "orders:write") || !strings.Contains(text, "signed in") {
		t.Errorf("for more scope, the login page says %q", text)
	}
	do(t, ctx, key(kb.Enter)) // the first user has the focus
	expectLog(t, ctx, "more scope", "POST /orders 403", "signed in", "POST /orders 200", "for alice")

	do(t, ctx, press("#pay"))
	if text := onLoginPage(t, ctx); !strings.Contains(text, "urn:example:mfa") {
		t.Errorf("for a step-up, the login page says %q", text)
	}
	do(t, ctx, continueAs("alice"))
	expectLog(t, ctx, "step-up", "POST /payments 401", "signed in", "POST /payments 200", "for alice")

	do(t, ctx, press("#spoil"), press("#orders"))
	expectLog(t, ctx, "a bad token", "GET /orders 401", "renewed", "GET /orders 200", "for alice")

	do(t, ctx, press("#sign-out"), arrive(`document.querySelector("#log")?.lastChild?.textContent === "signed out"`))
	expectLog(t, ctx, "sign-out", "signed out")
	do(t, ctx, press("#orders"))
	if text := onLoginPage(t, ctx); strings.Contains(text, "signed in") {
		t.Errorf("after the sign-out, the login page says %q", text)
	}
	do(t, ctx, press("button[name=cancel]"))
	expectLog(t, ctx, "canceled", "GET /orders 401", "access_denied")

	do(t, ctx, press("#orders"))
	onLoginPage(t, ctx)
	do(t, ctx, key(kb.Tab), key(kb.Enter)) // the second user
	expectLog(t, ctx, "by keyboard", "GET /orders 401", "signed in", "GET /orders 200", "for bob")
	do(t, ctx, press("#place"))
	onLoginPage(t, ctx)
	do(t, ctx, key(kb.Tab), key(kb.Tab), key(kb.Enter))
	expectLog(t, ctx, "canceled by keyboard", "POST /orders 403", "access_denied")
}

// startCallback starts a server for the redirect URI that it returns. It passes the
// query of the first request on.
func startCallback(t *testing.T, query chan<- string) string {
	t.Helper()
	web := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/callback" {
			select {
			case query <- r.URL.RawQuery:
			default:
			}
		}
	}))
	t.Cleanup(web.Close)
	return web.URL + "/callback"
}
