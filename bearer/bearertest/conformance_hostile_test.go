package bearertest_test

import (
	"bufio"
	"context"
	"encoding/base64"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bearerkit/bearerkit/bearer/bearertest"
)

// rawAPI serves good tokens by HTTP and lets answer write everything else: what an
// http.Handler cannot.
func rawAPI(t *testing.T, answer func(net.Conn, *http.Request)) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer connection.Close()
				r, err := http.ReadRequest(bufio.NewReader(connection))
				if err != nil {
					return
				}
				answer(connection, r)
			}()
		}
	}()
	return "http://" + listener.Addr().String() + "/orders"
}

// verifies reports whether a request has a token of the issuer, by asking the issuer.
func verifies(issuer *bearertest.Issuer, r *http.Request) bool {
	_, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	response, err := http.PostForm(issuer.URL()+"/introspect", url.Values{"token": {token}, "client_id": {"api"}, "client_secret": {"secret"}})
	if err != nil {
		return false
	}
	defer response.Body.Close()
	body := make([]byte, 100)
	n, _ := response.Body.Read(body)
	return strings.Contains(string(body[:n]), `"active":true`)
}

func opaqueIssuer(t *testing.T) *bearertest.Issuer {
	t.Helper()
	issuer, err := bearertest.NewIssuer(bearertest.IssuerConfig{Clients: []bearertest.Client{{ID: "api", Secret: "secret"}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(issuer.Close)
	return issuer
}

func verdictsByName(t *testing.T, handler http.Handler, o bearertest.ConformanceOptions) map[string]bearertest.ConformanceResult {
	t.Helper()
	results, err := bearertest.CheckConformance(t.Context(), handler, o)
	if err != nil {
		t.Fatal(err)
	}
	byName := map[string]bearertest.ConformanceResult{}
	for _, r := range results {
		byName[r.Name] = r
	}
	return byName
}

// An API that never answers bad requests lets nobody in, but it breaks what demands
// an answer: RFC 6750, Section 3, "MUST include the HTTP WWW-Authenticate".
func TestConformanceOfClosedConnections(t *testing.T) {
	t.Parallel()
	issuer := opaqueIssuer(t)
	served := rawAPI(t, func(c net.Conn, r *http.Request) {
		if verifies(issuer, r) {
			_, _ = c.Write([]byte("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"))
		}
	})
	got := verdictsByName(t, nil, bearertest.ConformanceOptions{
		Corpus: corpus(t), Issuer: issuer, URL: served, Audience: "https://api.example.com", Supports: []string{"introspection"},
		Only: []string{"good-token", "no-credentials", "challenge-without-credentials", "challenge-for-garbage", "challenge-grammar-quote", "no-error-without-credentials"},
	})
	for name, want := range map[string]string{
		"good-token": "pass", "no-credentials": "advice", "challenge-without-credentials": "fail", "challenge-for-garbage": "fail",
		"challenge-grammar-quote": "fail", "no-error-without-credentials": "advice",
	} {
		if got[name].Verdict != want {
			t.Errorf("%s: %s, want %s: %+v", name, got[name].Verdict, want, got[name])
		}
	}
}

// An interim response is not the answer (RFC 9110, Section 15.2), and a header or a
// body without an end is not read to its end.
func TestConformanceReadsTheFinalAnswer(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		good, bad, want string
	}{
		"early hints":      {"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "fail"},
		"only interim":     {"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", strings.Repeat("HTTP/1.1 100 Continue\r\n\r\n", 1000), "advice"},
		"a huge header":    {"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 401 Unauthorized\r\nX: " + strings.Repeat("x", 3<<20) + "\r\n\r\n", "advice"},
		"100 MB of a body": {"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n" + strings.Repeat("x", 3<<20), "HTTP/1.1 401 Unauthorized\r\nContent-Length: 100000000\r\n\r\n" + strings.Repeat("x", 3<<20), "pass"},
	} {
		issuer := opaqueIssuer(t)
		served := rawAPI(t, func(c net.Conn, r *http.Request) {
			text := tt.bad
			if verifies(issuer, r) {
				text = tt.good
			}
			_, _ = c.Write([]byte(text))
		})
		got := verdictsByName(t, nil, bearertest.ConformanceOptions{
			Corpus: corpus(t), Issuer: issuer, URL: served, Audience: "https://api.example.com", Supports: []string{"introspection"},
			Only: []string{"good-token", "no-credentials"},
		})
		if got["good-token"].Verdict != "pass" || got["no-credentials"].Verdict != tt.want {
			t.Errorf("%s: %s and %s, want pass and %s: %+v", name, got["good-token"].Verdict, got["no-credentials"].Verdict, tt.want, got["no-credentials"])
		}
		if len(got["no-credentials"].Answer) > 10_000 {
			t.Errorf("%s: the report has %d bytes of the answer", name, len(got["no-credentials"].Answer))
		}
	}
}

// The refusals of an API that refuses everything prove nothing.
func TestConformanceNoticesThatAnAPIBreaks(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		status, times int // how often it then answers with status
		want          string
		because       string
	}{
		"breaks for a moment":            {http.StatusInternalServerError, 3, "pass", ""},
		"limits requests for a moment":   {http.StatusTooManyRequests, 3, "unknown", "switch the limit off"},
		"locks the client out and opens": {http.StatusUnauthorized, 3, "pass", ""},
	} {
		var broken atomic.Int64
		broken.Store(-1)
		handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			switch {
			case broken.Load() > 0:
				broken.Add(-1)
				w.WriteHeader(tt.status)
			case r.Header.Get("Authorization") == "":
				broken.CompareAndSwap(-1, int64(tt.times))
				w.WriteHeader(http.StatusUnauthorized)
			}
		})
		got := verdictsByName(t, handler, bearertest.ConformanceOptions{
			Corpus: corpus(t), Issuer: newConformIssuer(t), URL: conformURL, Only: []string{"no-credentials"},
		})
		if r := got["no-credentials"]; r.Verdict != tt.want || !strings.Contains(r.Because, tt.because) {
			t.Errorf("%s: %s (%s), want %s", name, r.Verdict, r.Because, tt.want)
		}
	}
}

// RFC 9068, Section 2.1, demands only RS256 of a resource server.
func TestConformanceWithOneAlgorithm(t *testing.T) {
	t.Parallel()
	for _, alg := range []string{"RS256", "EdDSA"} {
		issuer := newConformIssuer(t)
		wanted := regexp.MustCompile(`"alg":"` + alg + `"`)
		handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
			if header, _, ok := strings.Cut(token, "."); !ok || !wanted.Match(decoded(header)) {
				w.WriteHeader(http.StatusUnauthorized)
			}
		})
		got := verdictsByName(t, handler, bearertest.ConformanceOptions{
			Corpus: corpus(t), Issuer: issuer, URL: conformURL, Only: []string{"good-token", "rotation", "signature-max", "es256"},
		})
		for name, want := range map[string]string{"good-token": "pass", "rotation": "pass", "signature-max": "advice", "es256": "advice"} {
			if got[name].Verdict != want {
				t.Errorf("%s: %s: %s, want %s: %+v", alg, name, got[name].Verdict, want, got[name])
			}
		}
	}
}

// A report outlives the run, so it must have nothing that is usable after it: no
// signature, no value of the caller's header lines, no cookie.
func TestConformanceReportsNoSecrets(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var signatures []string
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "session", Value: "cookie-secret", HttpOnly: true})
		w.Header().Set("X-Seen", r.Header.Get("X-Api-Key"))
		_, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		if parts := strings.Split(token, "."); len(parts) >= 3 && len(parts[len(parts)-1]) > 40 {
			mu.Lock()
			defer mu.Unlock()
			signatures = append(signatures, parts[len(parts)-1])
		}
	})
	got := verdictsByName(t, handler, bearertest.ConformanceOptions{
		Corpus: corpus(t), Issuer: newConformIssuer(t), URL: conformURL, Header: []string{"X-Api-Key: key-secret", "Accept: text/plain"},
		Only: []string{"four-segments", "five-segments", "header-missing", "payload-missing", "signature-only", "good-token", "json-serialization", "signature-standard-base64"},
	})
	mu.Lock()
	defer mu.Unlock()
	if len(got) != 8 || len(signatures) < 8 {
		t.Fatalf("%d results, %d signatures", len(got), len(signatures))
	}
	for name, r := range got {
		text := r.Request + r.Answer
		for _, secret := range slices.Concat(signatures, []string{"key-secret", "cookie-secret"}) {
			if strings.Contains(text, secret) {
				t.Errorf("%s: the report has %q:\n%s", name, secret, text)
			}
		}
		if !strings.Contains(text, "Accept: text/plain") || !strings.Contains(text, "X-Api-Key: [redacted]") || !strings.Contains(text, "session=[redacted]; HttpOnly") {
			t.Errorf("%s: the report hides too much:\n%s", name, text)
		}
	}
}

// The requests have neither query nor credentials of the URL, so a URL with them is a
// mistake.
func TestConformanceRefusesURLs(t *testing.T) {
	for _, raw := range []string{"http://127.0.0.1:1/x?tenant=a", "http://127.0.0.1:1/x?", "http://127.0.0.1:1/x#a", "http://alice:secret@127.0.0.1:1/x"} {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		_, err := bearertest.CheckConformance(ctx, nil, bearertest.ConformanceOptions{Corpus: corpus(t), Issuer: newConformIssuer(t), URL: raw})
		cancel()
		if err == nil || !strings.Contains(err.Error(), "no query") || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", raw, err)
		}
	}
}

// Scopes without lower-case letters: another case of them must still be another scope
// (RFC 6749, Section 3.3, "case-sensitive strings").
func TestConformanceOfOddScopes(t *testing.T) {
	t.Parallel()
	for _, wanted := range []string{"READ", "42", "Orders.Read"} {
		handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
			_, rest, _ := strings.Cut(token, ".")
			payload, _, _ := strings.Cut(rest, ".")
			if !strings.Contains(string(decoded(payload)), `"scope":"`+wanted+`"`) {
				w.WriteHeader(http.StatusForbidden)
			}
		})
		got := verdictsByName(t, handler, bearertest.ConformanceOptions{
			Corpus: corpus(t), Issuer: newConformIssuer(t), URL: conformURL, Scope: wanted, Only: []string{"scope-other-case"},
		})
		if r := got["scope-other-case"]; r.Verdict != "advice" { // the code is missing
			t.Errorf("scope %s: %s: %+v", wanted, r.Verdict, r)
		}
	}
}

// An audience need not be a URL; the resource then is the URL of the API (RFC 9728,
// Section 3.3).
func TestConformanceOfMetadataWithOtherAudience(t *testing.T) {
	t.Parallel()
	for audience, want := range map[string]string{
		"orders-api":                    "https://api.example.com",
		"https://api.example.com/":      "https://api.example.com/",
		"https://gateway.example.com/o": "https://gateway.example.com/o",
	} {
		handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.HasPrefix(r.URL.Path, "/.well-known/") {
				w.Header().Set("Content-Type", "application/json")
				_, _ = w.Write([]byte(`{"resource":"` + want + `"}`))
			}
		})
		got := verdictsByName(t, handler, bearertest.ConformanceOptions{
			Corpus: corpus(t), Issuer: newConformIssuer(t), URL: conformURL, Audience: audience, Supports: []string{"jwt", "metadata"}, Only: []string{"metadata-resource"},
		})
		if r := got["metadata-resource"]; r.Verdict != "pass" {
			t.Errorf("audience %s: %s: %+v", audience, r.Verdict, r)
		}
	}
}

// A server that follows a redirect of the introspection endpoint gets a yes from an
// attacker's server, and the run says so.
func TestConformanceOfRedirectedIntrospection(t *testing.T) {
	t.Parallel()
	issuer := opaqueIssuer(t)
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !verifies(issuer, r) {
			w.WriteHeader(http.StatusUnauthorized)
		}
	})
	got := verdictsByName(t, handler, bearertest.ConformanceOptions{
		Corpus: corpus(t), Issuer: issuer, URL: conformURL, Audience: "https://api.example.com", Supports: []string{"introspection"},
		Only: []string{"introspection-redirect"},
	})
	r := got["introspection-redirect"]
	if r.Verdict != "advice" || !strings.Contains(strings.Join(r.Advice, " "), "status 200") || !strings.Contains(strings.Join(r.Advice, " "), "requests of the API to the attacker's server: 1") {
		t.Errorf("%s: %+v", r.Verdict, r)
	}
}

// decoded returns the bytes of a segment, or nothing.
func decoded(segment string) []byte {
	b, err := base64.RawURLEncoding.DecodeString(segment)
	if err != nil {
		return nil
	}
	return b
}
