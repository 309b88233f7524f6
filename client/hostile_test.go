package client_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/oauth2"

	"github.com/bearerkit/bearerkit/client"
)

// RFC 9449, Sections 8 and 9: nonces of APIs that mean harm, or are out of order.
func TestHostileNonces(t *testing.T) {
	const use = `DPoP error="use_dpop_nonce"`
	tests := []struct {
		name     string
		nonces   func(n int) []string // of the answer to request n
		refusals int
		want     int    // the status. 0: an error
		proofs   string // the nonces in the proofs
	}{
		{"another nonce always", func(n int) []string { return []string{fmt.Sprint("n", n)} }, 99, 0, "- n1"},
		{"the same nonce always", func(int) []string { return []string{"same"} }, 99, 0, "- same"},
		{"no nonce", func(int) []string { return nil }, 99, 0, "-"},
		{"an empty nonce", func(int) []string { return []string{""} }, 99, 0, "-"},
		{"two nonces (8.1)", func(int) []string { return []string{"a", "b"} }, 99, 0, "-"},
		{"a nonce with a quote (8.1)", func(int) []string { return []string{`a"b`} }, 99, 0, "-"},
		{"a nonce with a backslash (8.1)", func(int) []string { return []string{`a\b`} }, 99, 0, "-"},
		{"a nonce with DEL (8.1)", func(int) []string { return []string{"a\x7f"} }, 99, 0, "-"},
		{"a nonce beyond ASCII (8.1)", func(int) []string { return []string{"caf\xe9"} }, 99, 0, "-"},
		{"a nonce of one byte too many", func(int) []string { return []string{strings.Repeat("n", 1<<10+1)} }, 99, 0, "-"},
		{"all other characters (8.1)", func(int) []string { return []string{"!#[]~"} }, 1, 200, "- !#[]~"},
		{"a nonce with a space (8.1)", func(int) []string { return []string{"a b"} }, 99, 0, "-"},
		{"a nonce of 64 KiB", func(int) []string { return []string{strings.Repeat("n", 64<<10)} }, 99, 0, "-"},
		{"the longest nonce", func(int) []string { return []string{strings.Repeat("n", 1<<10)} }, 1, 200, "- " + strings.Repeat("n", 1<<10)},
		{"a good nonce", func(int) []string { return []string{"good"} }, 1, 200, "- good"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var proofs []string
			api := &fakeAPI{answer: func(n int, r *http.Request, w http.ResponseWriter) {
				proofs = append(proofs, nonceIn(t, r))
				for _, nonce := range tt.nonces(n) {
					w.Header().Add("DPoP-Nonce", nonce)
				}
				if n <= tt.refusals {
					refuse(w, 401, use)
				}
			}}
			source := sourceFunc(func(context.Context, client.Want) (*oauth2.Token, error) {
				return &oauth2.Token{AccessToken: "token-1", TokenType: "DPoP"}, nil
			})
			status, refused := do(t, newTransport(t, api, client.Config{Tokens: source, Key: newKey(t)}), get(t, orders))
			if status != tt.want || refused != nil && (refused.Remedy != client.Unavailable || refused.Code != "use_dpop_nonce") {
				t.Errorf("%d, %v", status, refused)
			}
			if got := strings.Join(proofs, " "); got != tt.proofs {
				t.Errorf("nonces %.100q, want %.100q", got, tt.proofs)
			}
		})
	}
}

// RFC 9449, Section 7.1: what a client with a key cannot resolve.
func TestDPoPRefusals(t *testing.T) {
	for challenge, want := range map[string]string{
		`Bearer realm="api"`:                               "leave out Config.Key",
		`DPoP error="invalid_dpop_proof", algs="ES256"`:    "compare this machine's clock",
		`Bearer realm="x"|DPoP error="invalid_dpop_proof"`: "compare this machine's clock",
	} {
		api := &fakeAPI{answer: func(_ int, _ *http.Request, w http.ResponseWriter) {
			refuse(w, 401, strings.Split(challenge, "|")...)
		}}
		source := sourceFunc(func(context.Context, client.Want) (*oauth2.Token, error) {
			return &oauth2.Token{AccessToken: "token-1", TokenType: "dpop"}, nil
		})
		_, got := do(t, newTransport(t, api, client.Config{Tokens: source, Key: newKey(t)}), get(t, orders))
		if got == nil || got.Remedy != client.FixRequest || !strings.Contains(got.Error(), want) || len(api.seen) != 1 {
			t.Errorf("%s: %v, want %q", challenge, got, want)
		}
	}
}

// Keys that cannot sign proofs are found by New.
func TestKeysThatCannotSignProofs(t *testing.T) {
	curve, err := ecdsa.GenerateKey(elliptic.P521(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("GODEBUG", "rsa1024min=0")
	short, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []crypto.Signer{curve, short} {
		_, err := client.New(client.Config{Tokens: new(counter), Resource: audience, Key: key})
		if err == nil || !strings.Contains(err.Error(), "client: Config.Key") {
			t.Errorf("%T: %v", key, err)
		}
		_, err = client.NewClientCredentials(client.ClientCredentialsConfig{Endpoint: client.Endpoint{URL: tokenURL, ClientID: "app", Key: key}})
		if err == nil || !strings.Contains(err.Error(), "client: ClientCredentialsConfig.Endpoint.Key") {
			t.Errorf("%T: %v", key, err)
		}
	}
}

// nonceIn returns the nonce in the proof of a request, or "-".
func nonceIn(t *testing.T, r *http.Request) string {
	t.Helper()
	parts := strings.Split(r.Header.Get("DPoP"), ".")
	if len(parts) != 3 || !strings.HasPrefix(r.Header.Get("Authorization"), "DPoP ") {
		t.Fatalf("proof %q, Authorization %q", parts, r.Header.Get("Authorization"))
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		t.Fatal(err)
	}
	var claims struct{ Nonce, Ath, Htu, Htm string }
	if err := json.Unmarshal(payload, &claims); err != nil || claims.Ath == "" || claims.Htu != orders || claims.Htm != "GET" {
		t.Fatalf("%s, %v", payload, err)
	}
	if claims.Nonce == "" {
		return "-"
	}
	return claims.Nonce
}

// A refused answer is read within bounds of size and time, whatever its body.
func TestBodyThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sent := 0
		api := roundTripFunc(func(r *http.Request) (*http.Response, error) {
			if sent++; sent > 1 {
				return &http.Response{StatusCode: 200, Body: http.NoBody, Request: r}, nil
			}
			body, _ := io.Pipe() // never has a byte
			return &http.Response{
				StatusCode: 401, Body: body, Request: r,
				Header: http.Header{"Www-Authenticate": {`Bearer error="invalid_token"`}, "Content-Type": {"application/json"}},
			}, nil
		})
		began := time.Now()
		status, err := do(t, newTransport(t, api, client.Config{Tokens: new(counter)}), get(t, orders))
		if took := time.Since(began); status != 200 || took > 2*time.Second {
			t.Errorf("%d, %v after %v", status, err, took)
		}
	})
}

// endless is a body that never ends, and counts what was read.
type endless struct{ read, closed int }

func (e *endless) Read(p []byte) (int, error) { e.read += len(p); clear(p); return len(p), nil }
func (e *endless) Close() error               { e.closed++; return nil }

func TestBodyWithoutEnd(t *testing.T) {
	body := new(endless)
	api := roundTripFunc(func(r *http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: 503, Body: body, Request: r, Header: http.Header{}}, nil
	})
	if _, got := do(t, newTransport(t, api, client.Config{Tokens: new(counter)}), get(t, orders)); got == nil || got.Remedy != client.Unavailable {
		t.Errorf("%v", got)
	}
	if body.read > 64<<10 || body.closed == 0 {
		t.Errorf("%d bytes were read, closed %d times", body.read, body.closed)
	}
}

// Answers over a socket that try to make the client loop, or to use up its memory.
func TestHostileServers(t *testing.T) {
	many := strings.Repeat(`Bearer error="invalid_token", `, 2000)
	tests := []struct {
		name   string
		answer func(n int, r *http.Request, w http.ResponseWriter)
		want   int // the status. 0: an error
		most   int // requests
	}{
		{"401 without an end", func(_ int, _ *http.Request, w http.ResponseWriter) { refuse(w, 401, `Bearer error="invalid_token"`) }, 0, 2},
		{"another refusal each time", func(n int, _ *http.Request, w http.ResponseWriter) {
			w.Header().Set("Retry-After", "0")
			switch n % 5 {
			case 1:
				refuse(w, 401, `Bearer error="invalid_token"`)
			case 2:
				refuse(w, 403, fmt.Sprintf(`Bearer error="insufficient_scope", scope="s%d"`, n))
			case 3:
				refuse(w, 401, fmt.Sprintf(`Bearer error="insufficient_user_authentication", acr_values="a%d"`, n))
			case 4:
				refuse(w, 503)
			default:
				refuse(w, 429)
			}
		}, 0, 5},
		{"a challenge of 64 KiB", func(_ int, _ *http.Request, w http.ResponseWriter) {
			refuse(w, 401, `Bearer error="invalid_token", scope="`+strings.Repeat("a ", 32<<10)+`"`)
		}, 401, 1},
		{"2,000 challenges in a line", func(_ int, _ *http.Request, w http.ResponseWriter) { refuse(w, 401, many) }, 401, 1},
		{"5,000 lines", func(_ int, _ *http.Request, w http.ResponseWriter) {
			refuse(w, 401, strings.Split(strings.Repeat(`Basic realm="x"`+"\n", 5000), "\n")...)
		}, 401, 1},
		{"a body that hangs", func(n int, r *http.Request, w http.ResponseWriter) {
			if n == 1 {
				w.Header().Set("Content-Type", "application/json")
				refuse(w, 401, `Bearer error="invalid_token"`)
				_ = http.NewResponseController(w).Flush()
				<-r.Context().Done() // the client leaves
			}
		}, 200, 2},
		{"a compressed body that hangs", func(n int, r *http.Request, w http.ResponseWriter) {
			if n == 1 {
				w.Header().Set("Content-Encoding", "gzip")
				refuse(w, 401, `Bearer error="invalid_token"`)
				compressed := gzip.NewWriter(w)
				_, _ = io.WriteString(compressed, "{")
				_ = compressed.Flush()
				_ = http.NewResponseController(w).Flush()
				<-r.Context().Done() // the client leaves
			}
		}, 200, 2},
		{"a redirect loop", func(_ int, r *http.Request, w http.ResponseWriter) { http.Redirect(w, r, r.URL.Path, http.StatusFound) }, -1, 10},
		{"a challenge that names a URL", func(_ int, r *http.Request, w http.ResponseWriter) {
			refuse(w, 401, `Bearer resource_metadata="http://`+r.Host+`/metadata", error_uri="http://`+r.Host+`/error", error="invalid_token"`)
		}, 0, 2},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			api := &fakeAPI{answer: tt.answer}
			server := httptest.NewServer(api)
			defer server.Close()
			transport, err := client.New(client.Config{Tokens: new(counter), Resource: server.URL})
			if err != nil {
				t.Fatal(err)
			}
			defer transport.CloseIdleConnections()
			resp, err := (&http.Client{Transport: transport}).Do(get(t, server.URL+"/orders"))
			refused, isRefused := errors.AsType[*client.Error](err)
			switch {
			case tt.want == 0 && !isRefused, tt.want > 0 && (err != nil || resp.StatusCode != tt.want), tt.want < 0 && err == nil:
				t.Errorf("%v, %v", resp, err)
			case isRefused && len(refused.Error()) > 1<<10:
				t.Errorf("an error of %d bytes", len(refused.Error()))
			}
			if resp != nil && err == nil {
				_ = resp.Body.Close()
			}
			if len(api.seen) > tt.most {
				t.Errorf("%d requests, want at most %d", len(api.seen), tt.most)
			}
			for _, seen := range api.seen {
				if seen.path != "/orders" {
					t.Errorf("%+v", seen)
				}
			}
		})
	}
}

// Whatever a source does, the request ends with an error that contains no token.
func TestHostileSources(t *testing.T) {
	tests := []struct {
		name   string
		token  *oauth2.Token
		err    error
		remedy client.Remedy
		text   string
	}{
		{"nothing", nil, nil, client.FixRequest, "no token and no error"},
		{"an empty token", &oauth2.Token{}, nil, client.FixRequest, "no token and no error"},
		{"RFC 9449, Section 5: a DPoP token that nobody can prove", &oauth2.Token{AccessToken: "token-x", TokenType: "DPoP"}, nil, client.FixRequest, `a token of type "DPoP", want "Bearer"`},
		{"RFC 6749, Section 7.1: an unknown type", &oauth2.Token{AccessToken: "token-x", TokenType: "mac"}, nil, client.FixRequest, "type \"MAC\""},
		{"a line break in the token", &oauth2.Token{AccessToken: "token-x\r\nX-Admin: 1"}, nil, client.FixRequest, "cannot carry"},
		{"a space in the token", &oauth2.Token{AccessToken: "token-x y"}, nil, client.FixRequest, "cannot carry"},
		{"DEL in the token", &oauth2.Token{AccessToken: "token-x\x7f"}, nil, client.FixRequest, "cannot carry"},
		{"a letter beyond ASCII in the token", &oauth2.Token{AccessToken: "token-\u00e9"}, nil, client.FixRequest, "cannot carry"},
		{"a token of 1 MiB", &oauth2.Token{AccessToken: "token-" + strings.Repeat("x", 1<<20)}, nil, client.FixRequest, "cannot carry"},
		{"an error with a secret", nil, errors.New("cannot use token-x"), client.SignIn, "the token source failed"},
		{"a panic with a secret", nil, errPanic, client.FixRequest, "the token source panicked with a string"},
		{"an answer of a token endpoint with a secret", nil, &oauth2.RetrieveError{Response: &http.Response{StatusCode: 400}, Body: []byte("token-x"), ErrorCode: "invalid_grant"}, client.SignIn, `answered 400, "invalid_grant"`},
		{"an outage of a token endpoint", nil, &oauth2.RetrieveError{Response: &http.Response{StatusCode: 502}, Body: []byte("token-x")}, client.Unavailable, "answered 502"},
		{"an error of package oauth2 without an answer", nil, &oauth2.RetrieveError{ErrorCode: "invalid_client"}, client.FixRequest, `refused the request, "invalid_client"`},
		{"its own context ended", nil, context.DeadlineExceeded, client.Unavailable, "cannot be reached"},
		{"no token other than the refused one", nil, client.ErrNoFreshToken, client.SignIn, "log in again"},
		{"two errors at once", nil, errors.Join(client.ErrNoFreshToken, client.ErrNoMoreScope, client.ErrNoStepUp), client.StepUpLogin, "cannot authenticate the person again"},
		{"another Error", nil, fmt.Errorf("x: %w", &client.Error{Remedy: client.Wait, Status: 429, RetryAfter: time.Minute}), client.Wait, "the API answered 429"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			api := &fakeAPI{answer: func(int, *http.Request, http.ResponseWriter) {}}
			source := sourceFunc(func(context.Context, client.Want) (*oauth2.Token, error) {
				if tt.err == errPanic {
					panic("token-x")
				}
				return tt.token, tt.err
			})
			var log bytes.Buffer
			transport := newTransport(t, api, client.Config{Tokens: source, Logger: slog.New(slog.NewTextHandler(&log, nil))})
			resp, err := transport.RoundTrip(get(t, orders))
			got, ok := errors.AsType[*client.Error](err)
			if !ok || got.Remedy != tt.remedy || !strings.HasPrefix(got.Error(), "client: no token for the API: ") || !strings.Contains(got.Error(), tt.text) || got.Status != 0 || strings.Contains(got.Error(), "token-") {
				t.Errorf("%v, %v; want %s, %q", resp, err, tt.remedy, tt.text)
			}
			if tt.err != nil && tt.err != errPanic && !errors.Is(err, tt.err) {
				t.Errorf("%v does not wrap %v", err, tt.err)
			}
			if ok && strings.Count(got.Error(), got.Remedy.Text()) != 1 {
				t.Errorf("%q says the remedy %d times", got, strings.Count(got.Error(), got.Remedy.Text()))
			}
			if tt.name == "another Error" && got.RetryAfter != time.Minute {
				t.Errorf("RetryAfter %v", got.RetryAfter)
			}
			if panicked := strings.Contains(log.String(), "the token source panicked"); panicked != (tt.err == errPanic) {
				t.Errorf("log %s", &log)
			}
			if len(api.seen) > 0 || strings.Contains(log.String(), "token-") {
				t.Errorf("the API saw %+v; log %s", api.seen, &log)
			}
		})
	}
}

var errPanic = errors.New("panic")

// A source that returns the refused token again is told apart from one that has
// another.
func TestSourceThatRepeatsItself(t *testing.T) {
	api := &fakeAPI{answer: func(_ int, _ *http.Request, w http.ResponseWriter) { refuse(w, 401, `Bearer error="invalid_token"`) }}
	transport := newTransport(t, api, client.Config{Tokens: client.FromTokenSource(oauth2.StaticTokenSource(&oauth2.Token{AccessToken: "token-x"}))})
	_, got := do(t, transport, get(t, orders))
	if got == nil || got.Remedy != client.SignIn || !errors.Is(got, client.ErrNoFreshToken) || len(api.seen) != 1 {
		t.Errorf("%v, %d requests", got, len(api.seen))
	}
}

// No token is in the log, and the log says what was done.
func TestLog(t *testing.T) {
	api := &fakeAPI{answer: func(n int, _ *http.Request, w http.ResponseWriter) {
		if n == 1 {
			refuse(w, 401, "Bearer error=\"\xffinvalid\t\"")
		}
	}}
	var log bytes.Buffer
	logger := slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	if status, err := do(t, newTransport(t, api, client.Config{Tokens: new(counter), Logger: logger}), get(t, orders)); status != 200 {
		t.Fatal(err)
	}
	text := log.String()
	if !strings.Contains(text, `msg="request is repeated" reason="fresh token" status=401 code=?invalid?`) || strings.Contains(text, "token-") {
		t.Error(text)
	}
}

// No goroutine outlives its request.
func TestNoGoroutineIsLeft(t *testing.T) {
	before := runtime.NumGoroutine()
	synctest.Test(t, func(t *testing.T) { // ends only when its goroutines have
		api := &fakeAPI{answer: refusing}
		transport := newTransport(t, api, client.Config{Tokens: new(counter)})
		for range 10 {
			if status, err := do(t, transport, get(t, orders)); status != 200 {
				t.Error(err)
			}
		}
	})
	if after := runtime.NumGoroutine(); after > before+2 {
		t.Errorf("%d goroutines, before %d", after, before)
	}
}
