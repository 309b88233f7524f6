package bearertest

import (
	"io"
	"maps"
	"net/http"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bearerkit/bearerkit/internal/conform"
)

// An API that serves good tokens for some time and then refuses everything: the case
// that broke it fails, and no refusal after that counts. The test is inside the
// package, since the options have no Patience.
func TestConformanceOfBrokenAPI(t *testing.T) {
	t.Parallel()
	const dir = "../../conformance"
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("NOT tested: %v (the corpus is in a module of its own)", err)
	}
	for status, wants := range map[int]map[string]conform.Verdict{
		401: {"good-token": "pass", "no-credentials": "fail", "garbage": "unknown", "exp-past": "unknown", "jwks-500": "unknown"},
		500: {"good-token": "pass", "no-credentials": "fail", "garbage": "unknown", "exp-past": "unknown", "jwks-500": "unknown"},
		429: {"good-token": "pass", "no-credentials": "unknown", "garbage": "unknown", "exp-past": "unknown", "jwks-500": "unknown"},
	} {
		issuer, err := NewIssuer(IssuerConfig{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(issuer.Close)
		var broken atomic.Bool
		handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if broken.Load() || r.Header.Get("Authorization") == "" {
				broken.Store(true)
				w.WriteHeader(status)
			}
		})
		config, err := ConformanceOptions{
			Corpus: os.DirFS(dir), Issuer: issuer, URL: "http://api.example.com/orders", Only: slices.Collect(maps.Keys(wants)),
		}.config()
		if err != nil {
			t.Fatal(err)
		}
		config.Patience = 100 * time.Millisecond
		server, err := serveConformance(handler, &config.Target)
		if err != nil {
			t.Fatal(err)
		}
		defer server.Close()
		results, err := conform.Run(t.Context(), config)
		if err != nil || len(results) != len(wants) {
			t.Fatal(len(results), err)
		}
		for _, r := range results {
			if want := wants[r.Case.Name]; r.Verdict != want {
				t.Errorf("%d: %s: %s, want %s: %+v", status, r.Case.Name, r.Verdict, want, r)
			}
			if r.Verdict == conform.Fail && (!strings.Contains(r.Problems[0], "since this request") || r.Request == "") {
				t.Errorf("%d: %s: the problem is %q, and the request %q", status, r.Case.Name, r.Problems, r.Request)
			}
		}
	}
}

// After a case with a fault, nothing of the issuer is slow any more: an API that
// fetches without a limit is free for the next case.
func TestReleaseEndsFaultyAnswers(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]Fault{
		"hang": {Hang: true}, "drip": {Drip: time.Hour}, "delay": {Delay: time.Hour}, "endless": {Endless: true},
	} {
		issuer, err := NewIssuer(IssuerConfig{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(issuer.Close)
		issuer.SetFault(JWKS, fault)
		failed := make(chan error, 1)
		go func() {
			response, err := http.Get(issuer.URL() + "/jwks")
			if err == nil {
				_, err = io.Copy(io.Discard, response.Body)
				_ = response.Body.Close()
			}
			failed <- err
		}()
		for issuer.Requests(JWKS) == 0 {
			runtime.Gosched()
		}
		issuer.SetFault(JWKS, Fault{})
		issuer.release()
		select {
		case err := <-failed:
			if err == nil {
				t.Errorf("%s: the answer looks complete", name)
			}
		case <-time.After(20 * time.Second):
			t.Errorf("%s: the request is still held", name)
		}
		if response, err := http.Get(issuer.URL() + "/jwks"); err != nil || response.StatusCode != http.StatusOK {
			t.Errorf("%s: the endpoint does not work again: %v", name, err)
		} else {
			_ = response.Body.Close()
		}
		issuer.Stop()
		issuer.release() // a stopped issuer holds nothing
	}
}
