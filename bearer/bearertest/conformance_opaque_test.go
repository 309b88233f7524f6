package bearertest_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/bearerkit/bearerkit/bearer/bearertest"
)

// An API that believes its authorization server refuses forged and expired tokens,
// because the server calls them inactive.
func TestConformanceOfOpaqueTokens(t *testing.T) {
	issuer, err := bearertest.NewIssuer(bearertest.IssuerConfig{Clients: []bearertest.Client{{ID: "api", Secret: "secret"}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(issuer.Close)
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		form := strings.NewReader(url.Values{"token": {token}, "client_id": {"api"}, "client_secret": {"secret"}}.Encode())
		response, err := http.Post(issuer.URL()+"/introspect", "application/x-www-form-urlencoded", form)
		if err != nil {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		defer response.Body.Close()
		var answer struct{ Active bool }
		if json.NewDecoder(response.Body).Decode(&answer) != nil || !answer.Active {
			w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
			w.WriteHeader(http.StatusUnauthorized)
		}
	})
	names := []string{"good-token", "leak-garbage", "leak-forged", "code-for-forged", "code-for-expired", "head-forged", "opaque-unknown"}
	results, err := bearertest.CheckConformance(t.Context(), handler, bearertest.ConformanceOptions{
		Corpus: corpus(t), Issuer: issuer, Audience: "https://api.example.com", URL: conformURL, Supports: []string{"introspection"}, Only: names,
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range results {
		if !slices.Contains([]string{"pass", "advice"}, r.Verdict) {
			t.Errorf("%s: %s: %v\n%s\n%s", r.Name, r.Verdict, r.Problems, r.Request, r.Answer)
		}
	}
	if len(results) != len(names) {
		t.Errorf("%d results, want %d", len(results), len(names))
	}
}
