package bearertest_test

import (
	"net/http"
	"testing"

	"github.com/bearerkit/bearerkit/bearer/bearertest"
)

// naiveFaults are the mistakes of the middleware naive, each with the cases that
// find it.
var naiveFaults = []struct {
	mistake string
	cases   []string
}{
	{"a refusal has no WWW-Authenticate", []string{
		"challenge-without-credentials", "challenge-for-basic", "challenge-for-forged", "challenge-for-expired",
		"challenge-for-missing-scope", "answer-typ", "answer-signature",
	}},
	{"an answer quotes the token", []string{"leak-garbage", "leak-two-segments", "token-html", "signature-missing-segment", "json-serialization-unsigned"}},
	{"the scheme is compared as text, with one space", []string{"scheme-lower-case", "scheme-upper-case", "two-spaces"}},
	{"scopes are found as parts of a text", []string{"scope-longer", "scope-prefixed", "scope-comma"}},
	{"typ is not checked, so every JWT of the issuer is an access token", []string{"typ-jwt", "typ-missing", "typ-logout", "typ-dpop", "typ-secevent", "kind-logout-token"}},
	{"iss is not checked", []string{"iss-missing", "iss-foreign", "iss-array", "iss-null", "twice-iss-last-foreign"}},
	{"aud is not checked", []string{"aud-missing", "aud-foreign", "aud-client", "aud-empty-array", "aud-longer", "twice-aud-last-foreign", "same-answer-signature-audience"}},
	{"a token whose exp is no number never expires", []string{"exp-missing", "exp-string", "exp-null", "exp-date", "exp-upper-case"}},
	{"nbf is not checked", []string{"nbf-future", "nbf-far-future"}},
	{"the header chooses HMAC under a public key", []string{"hs256-public-key-modulus"}},
	{"crit is not read", []string{"crit-unknown", "crit-absent", "crit-b64-false"}},
	{"segments after the third are ignored", []string{"four-segments", "five-segments"}},
	{"keys of any size verify", []string{"weak-rsa-key"}},
	{"encoding/json replaces bytes that are not UTF-8", []string{"payload-invalid-utf8", "header-invalid-utf8"}},
}

// The corpus finds each mistake of a middleware as people write it.
func TestConformanceOfNaiveMiddleware(t *testing.T) {
	issuer, err := bearertest.NewIssuer(bearertest.IssuerConfig{Audience: []string{"https://api.example.com"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(issuer.Close)
	handler := naive(issuer.URL()+"/jwks", "orders:read", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte("orders"))
	}))
	results, err := bearertest.CheckConformance(t.Context(), handler, bearertest.ConformanceOptions{
		Corpus: corpus(t), Issuer: issuer, URL: conformURL, Scope: "orders:read", Levels: []string{"core", "rfc9068", "bcp"},
	})
	if err != nil {
		t.Fatal(err)
	}
	failed := map[string]bool{}
	for _, r := range results {
		if r.Verdict == "fail" {
			failed[r.Name] = true
			if len(r.Problems) == 0 || len(r.Source) == 0 || r.Why == "" || r.Answer == "" {
				t.Errorf("%s fails without a problem, a source, a reason or an answer: %+v", r.Name, r)
			}
		}
	}
	listed := 0
	for _, fault := range naiveFaults {
		for _, name := range fault.cases {
			listed++
			if !failed[name] {
				t.Errorf("%s does not fail, although %s", name, fault.mistake)
			}
		}
	}
	if listed < 40 {
		t.Errorf("%d cases are listed, want at least 40", listed)
	}
	t.Logf("%d of %d cases fail; %d are listed", len(failed), len(results), listed)
}
