package bearertest_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/fstest"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/bearer/bearertest"
	"github.com/bearerkit/bearerkit/compliance"
	"github.com/bearerkit/bearerkit/dpop"
)

// alwaysAfter serves the first request, which is a good token, and then answers
// every request with a status.
func alwaysAfter(status int) http.Handler {
	var served atomic.Bool
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if !served.Swap(true) {
			return
		}
		w.WriteHeader(status)
	})
}

// newConformIssuer returns an issuer that no API trusts.
func newConformIssuer(t *testing.T) *bearertest.Issuer {
	t.Helper()
	issuer, err := bearertest.NewIssuer(bearertest.IssuerConfig{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(issuer.Close)
	return issuer
}

func verdicts(results []bearertest.ConformanceResult) map[string]int {
	counts := map[string]int{}
	for _, r := range results {
		counts[r.Verdict]++
	}
	return counts
}

// bare answers status, without a field, in place of each refusal of an API.
func bare(api http.Handler, status int) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		recorded := httptest.NewRecorder()
		if api.ServeHTTP(recorded, r); recorded.Code < 300 {
			w.WriteHeader(recorded.Code)
			return
		}
		w.WriteHeader(status)
	})
}

// An API that lets everybody in, and APIs that refuse what is bad without saying why,
// fail what they should.
func TestConformanceOfOneAnswer(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		status       int
		levels       []string
		fails        []string
		passes       []string
		atLeastFails int
	}{
		{200, []string{"core", "rfc9068", "bcp", "outage", "dpop", "mtls"}, []string{"no-credentials", "alg-none-unsigned", "aud-foreign", "jwks-500", "dpop-no-proof", "mtls-no-certificate", "scope-missing", "weak-rsa-key", "answer-typ", "challenge-for-garbage"}, []string{"good-token", "dpop-good"}, 350},
		{401, []string{"core", "rfc9068", "dpop", "mtls"}, []string{"challenge-for-garbage", "challenge-without-credentials", "challenge-grammar-iss", "answer-typ", "answer-signature", "mtls-answer"}, []string{"no-credentials", "good-token", "dpop-good", "mtls-good"}, 15},
		{302, []string{"core", "rfc9068", "mtls"}, []string{"challenge-for-garbage", "answer-typ", "mtls-answer", "token-then-comma"}, []string{"no-credentials", "good-token", "mtls-good"}, 15},
		{500, []string{"core", "dpop", "mtls"}, []string{"challenge-for-forged", "token-then-comma", "two-authorization-lines", "mtls-answer"}, []string{"no-credentials", "good-token"}, 25},
	} {
		handler, issuer := alwaysAfter(200), newConformIssuer(t)
		if tt.status != 200 {
			api := newConformAPI(t, nil)
			handler, issuer = bare(api.handler, tt.status), api.Issuer
		}
		results, err := bearertest.CheckConformance(t.Context(), handler, bearertest.ConformanceOptions{
			Corpus: corpus(t), Issuer: issuer, URL: conformURL, Scope: "orders:read", Levels: tt.levels,
			Supports: []string{"jwt", "introspection", "dpop", "mtls"},
		})
		if err != nil {
			t.Fatal(err)
		}
		verdict := map[string]string{}
		for _, r := range results {
			verdict[r.Name] = r.Verdict
			if r.Verdict == "fail" && (len(r.Problems) == 0 || r.Request == "" || r.Answer == "") {
				t.Errorf("%d: %s failed without saying why: %+v", tt.status, r.Name, r)
			}
		}
		for _, name := range tt.fails {
			if verdict[name] != "fail" {
				t.Errorf("an API that answers %d: %s is %q, want fail", tt.status, name, verdict[name])
			}
		}
		for _, name := range tt.passes {
			if verdict[name] != "pass" && verdict[name] != "advice" {
				t.Errorf("an API that answers %d: %s is %q, want pass", tt.status, name, verdict[name])
			}
		}
		if got := verdicts(results)["fail"]; got < tt.atLeastFails {
			t.Errorf("an API that answers %d fails %d cases, want at least %d", tt.status, got, tt.atLeastFails)
		}
	}
}

func TestConformanceWithNonces(t *testing.T) {
	t.Parallel()
	api := newConformAPI(t, func(_ *bearer.Config, proofs *dpop.Config) {
		nonces, err := dpop.NewNonces(dpop.NoncesConfig{})
		if err != nil {
			t.Fatal(err)
		}
		proofs.Nonces = nonces
	})
	o := api.options(t)
	o.Supports = append(o.Supports, "dpop-nonce")
	o.Levels = []string{"dpop"}
	bearertest.RunConformance(t, api.handler, o)
}

func TestConformanceOfFAPI(t *testing.T) {
	t.Parallel()
	for _, binding := range []string{"dpop", "mtls"} {
		api := newFAPI(t)
		o := api.options(t)
		o.Supports = append(o.Supports, "fapi")
		o.Binding = binding
		o.Levels = []string{"core", "fapi"}
		bearertest.RunConformance(t, api.handler, o)
	}
}

// newFAPI is newConformAPI by the FAPI 2.0 Security Profile.
func newFAPI(t *testing.T) conformAPI {
	t.Helper()
	return newConformAPIOf(t, func(s compliance.Settings) {
		if err := compliance.FAPI2.Apply(s); err != nil {
			t.Fatal(err)
		}
	})
}

func TestConformanceOptionsAreChecked(t *testing.T) {
	issuer := newConformIssuer(t)
	good := func() bearertest.ConformanceOptions {
		return bearertest.ConformanceOptions{Corpus: corpus(t), Issuer: issuer, URL: conformURL, Levels: []string{"mtls"}}
	}
	tests := map[string]func(*bearertest.ConformanceOptions){
		"no corpus":                        func(o *bearertest.ConformanceOptions) { o.Corpus = nil },
		"a broken corpus":                  func(o *bearertest.ConformanceOptions) { o.Corpus = fstest.MapFS{"a.json": {Data: []byte("{")}} },
		"no issuer":                        func(o *bearertest.ConformanceOptions) { o.Issuer = nil },
		"no URL":                           func(o *bearertest.ConformanceOptions) { o.URL = "" },
		"an unknown level":                 func(o *bearertest.ConformanceOptions) { o.Levels = []string{"gold"} },
		"an unknown case":                  func(o *bearertest.ConformanceOptions) { o.Only = []string{"nothing"} },
		"an unknown need":                  func(o *bearertest.ConformanceOptions) { o.Supports = []string{"luck"} },
		"an unknown route":                 func(o *bearertest.ConformanceOptions) { o.Routes = map[string]string{"admin": "/"} },
		"an unknown binding":               func(o *bearertest.ConformanceOptions) { o.Binding = "rope" },
		"a known deviation without reason": func(o *bearertest.ConformanceOptions) { o.Known = map[string]string{"good-token": ""} },
		"a known deviation of no case":     func(o *bearertest.ConformanceOptions) { o.Known = map[string]string{"nothing": "reason"} },
	}
	for name, change := range tests {
		o := good()
		change(&o)
		if results, err := bearertest.CheckConformance(t.Context(), alwaysAfter(200), o); err == nil {
			t.Errorf("%s: no error, %d results", name, len(results))
		}
	}
	if _, err := bearertest.CheckConformance(t.Context(), alwaysAfter(200), good()); err != nil {
		t.Errorf("good options: %v", err)
	}
	closed := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) })
	if _, err := bearertest.CheckConformance(t.Context(), closed, good()); err == nil {
		t.Error("an API that refuses a good token: no error")
	}
}

// recordingT is a test that RunConformance reports to.
type recordingT struct {
	ctx          context.Context
	errors, logs []string
	fatal        string
}

func (r *recordingT) Helper()                  {}
func (r *recordingT) Context() context.Context { return r.ctx }
func (r *recordingT) Logf(format string, args ...any) {
	r.logs = append(r.logs, fmt.Sprintf(format, args...))
}
func (r *recordingT) Errorf(format string, args ...any) {
	r.errors = append(r.errors, fmt.Sprintf(format, args...))
}
func (r *recordingT) Fatalf(format string, args ...any) { r.fatal = fmt.Sprintf(format, args...) }

func TestRunConformanceReports(t *testing.T) {
	o := bearertest.ConformanceOptions{
		Corpus: corpus(t), Issuer: newConformIssuer(t), URL: conformURL,
		Only:  []string{"no-credentials", "exp-past", "good-token", "dpop-good"},
		Known: map[string]string{"exp-past": "the clock is wrong", "good-token": "it is not wrong"},
	}
	r := &recordingT{ctx: t.Context()}
	bearertest.RunConformance(r, alwaysAfter(200), o)
	if r.fatal != "" || len(r.errors) != 2 {
		t.Fatalf("got %q and %q, want an error for no-credentials and one for good-token, which is no deviation", r.fatal, r.errors)
	}
	for _, want := range []string{"no-credentials (RFC 6750, Section 3", "GET /orders HTTP/1.1", "status 200"} {
		if !slices.ContainsFunc(r.errors, func(text string) bool { return strings.Contains(text, want) }) {
			t.Errorf("no error contains %q: %q", want, r.errors)
		}
	}
	r = &recordingT{ctx: t.Context()}
	o.Corpus = nil
	if bearertest.RunConformance(r, alwaysAfter(200), o); r.fatal == "" {
		t.Error("no fatal error for missing options")
	}
}
