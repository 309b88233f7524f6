package examples_test

import (
	"expvar"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/bearerkit/bearerkit/adapters/bearerhttp"
	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/bearer/bearertest"
	"github.com/bearerkit/bearerkit/jwks"
	"github.com/bearerkit/bearerkit/scope"
)

// docs/metrics.md contains answered and metrics.

var answered = expvar.NewMap("guard") // requests, by the answer

func countAdmitted(*http.Request) { answered.Add("admitted", 1) }

func countRefused(_ *http.Request, e bearer.Event) {
	answered.Add(fmt.Sprintf("%d %s", e.Status, e.Check), 1)
}

// metrics serves the counters of a verifier in the text format of Prometheus.
func metrics(tokens *jwks.Verifier) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; version=0.0.4")
		stats := tokens.Stats()
		for _, issuer := range stats.Issuers {
			fmt.Fprintf(w, "jwks_keys{issuer=%q} %d\n", issuer.URL, issuer.Keys)
			fmt.Fprintf(w, "jwks_fetches_total{issuer=%q} %d\n", issuer.URL, issuer.Fetches)
			fmt.Fprintf(w, "jwks_fetch_failures_total{issuer=%q} %d\n", issuer.URL, issuer.Failures)
			if !issuer.Fetched.IsZero() {
				fmt.Fprintf(w, "jwks_keys_age_seconds{issuer=%q} %.0f\n", issuer.URL, time.Since(issuer.Fetched).Seconds())
			}
		}
		for check, n := range stats.Refusals {
			fmt.Fprintf(w, "jwks_refusals_total{check=%q} %d\n", check, n)
		}
		fmt.Fprintf(w, "jwks_signatures_total %d\n", stats.Signatures)
		fmt.Fprintf(w, "jwks_cache_hits_total %d\njwks_cache_misses_total %d\n", stats.Cache.Hits, stats.Cache.Misses)
	}
}

func TestMetrics(t *testing.T) {
	issuer, err := bearertest.NewIssuer(bearertest.IssuerConfig{})
	if err != nil {
		t.Fatal(err)
	}
	defer issuer.Close()
	tokens, err := jwks.New(jwks.Config{Issuers: []jwks.Issuer{{URL: issuer.URL(), Audience: []string{"https://api.example.com"}}}})
	if err != nil {
		t.Fatal(err)
	}
	defer tokens.Close()
	guard, err := bearer.New(bearer.Config{Verifiers: []bearer.Verifier{tokens}, OnAdmit: countAdmitted, OnRefusal: countRefused})
	if err != nil {
		t.Fatal(err)
	}
	handler := bearerhttp.Require(guard, scope.None)(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	good, expired := issuer.Mint(bearertest.Token{}), issuer.Mint(bearertest.Token{TTL: -time.Hour})
	for _, token := range []string{good, good, expired} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set("Authorization", "Bearer "+token)
		handler.ServeHTTP(httptest.NewRecorder(), r)
	}
	w := httptest.NewRecorder()
	metrics(tokens)(w, nil)
	text, _ := io.ReadAll(w.Body)
	for _, line := range []string{
		fmt.Sprintf("jwks_keys{issuer=%q} 5", issuer.URL()), fmt.Sprintf("jwks_fetch_failures_total{issuer=%q} 0", issuer.URL()),
		fmt.Sprintf("jwks_keys_age_seconds{issuer=%q} 0", issuer.URL()), `jwks_refusals_total{check="exp"} 1`, "jwks_cache_hits_total 1",
	} {
		if !strings.Contains(string(text), line+"\n") {
			t.Errorf("there is no line %s in\n%s", line, text)
		}
	}
	if got := answered.String(); got != `{"401 exp": 1, "admitted": 2}` {
		t.Error(got)
	}
}
