package client_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/oauth2"

	"github.com/bearerkit/bearerkit/client"
	"github.com/bearerkit/bearerkit/scope"
)

const orders = "https://api.example.com/orders"

// What the Transport does about each challenge, and what remains if that does not
// help. The API refuses the first refusals requests.
func TestAnswers(t *testing.T) {
	const (
		invalid = `Bearer realm="api", error="invalid_token", error_description="expired"`
		lacks   = `Bearer error="insufficient_scope", scope="orders:write orders:read"`
		weak    = `Bearer error="insufficient_user_authentication", acr_values="mfa pwd", max_age="300"`
	)
	tests := []struct {
		name       string
		status     int
		challenges []string
		refusals   int // 99: every request is refused

		want   int    // the status. 0: an error
		tokens string // what the API saw
		asked  string // what the source was asked for, after the first token
		remedy client.Remedy
		text   string // in the error
	}{
		{"RFC 6750, Section 3.1: invalid_token", 401, []string{invalid}, 1, 200, "token-1 token-2", `refused=token-1 scope=""`, "", ""},
		{"invalid_token always", 401, []string{invalid}, 99, 0, "token-1 token-2", `refused=token-1 scope=""`, client.SignIn, `the API answered 401, "invalid_token" ("expired"). Log in again.`},
		{"no code", 401, []string{`Bearer realm="api"`}, 1, 200, "token-1 token-2", `refused=token-1 scope=""`, "", ""},
		{"an unknown code", 401, []string{`Bearer error="token_expired"`}, 1, 200, "token-1 token-2", `refused=token-1 scope=""`, "", ""},
		{"an unknown code always", 401, []string{`Bearer error="token_expired"`}, 99, 0, "token-1 token-2", `refused=token-1 scope=""`, client.SignIn, `"token_expired"`},
		{"a Basic challenge first", 401, []string{`Basic realm="x"`, invalid}, 1, 200, "token-1 token-2", `refused=token-1 scope=""`, "", ""},
		{"a malformed line first", 401, []string{`Negotiate realm="`, invalid}, 1, 200, "token-1 token-2", `refused=token-1 scope=""`, "", ""},
		{"one Bearer challenge of two has the error", 403, []string{`Bearer realm="a"`, lacks}, 1, 200, "token-1 token-2", `refused= scope="orders:read orders:write"`, "", ""},

		{"two Bearer challenges with errors", 403, []string{lacks, `Bearer error="insufficient_scope", scope="other"`}, 1, 200, "token-1 token-2", `refused= scope="orders:read orders:write"`, "", ""},
		{"RFC 6750, Section 3.1: insufficient_scope", 403, []string{lacks}, 1, 200, "token-1 token-2", `refused= scope="orders:read orders:write"`, "", ""},
		{"insufficient_scope with 401", 401, []string{lacks}, 1, 200, "token-1 token-2", `refused= scope="orders:read orders:write"`, "", ""},
		{"insufficient_scope always", 403, []string{lacks}, 99, 0, "token-1 token-2", `refused= scope="orders:read orders:write"`, client.AskForScope, `it requires the scope "orders:read orders:write"`},
		{"insufficient_scope without scopes", 403, []string{`Bearer error="insufficient_scope"`}, 99, 0, "token-1", "", client.AskForScope, "does not name the scopes"},
		{"insufficient_scope with a malformed scope", 403, []string{`Bearer error="insufficient_scope", scope="a\"b"`}, 99, 0, "token-1", "", client.AskForScope, "does not name the scopes"},
		{"insufficient_scope with 65 scopes", 403, []string{`Bearer error="insufficient_scope", scope="` + strings.ReplaceAll(list(65, "s%d"), ",", "") + `"`}, 99, 0, "token-1", "", client.AskForScope, "does not name the scopes"},

		{"RFC 9470, Section 3", 401, []string{weak}, 1, 200, "token-1 token-2", `refused= scope="" step-up=[mfa pwd]/5m0s`, "", ""},
		{"step-up always", 401, []string{weak}, 99, 0, "token-1 token-2", `refused= scope="" step-up=[mfa pwd]/5m0s`, client.StepUpLogin, "Log in again, as strongly"},

		{"RFC 6750, Section 3.1: invalid_request", 400, []string{`Bearer error="invalid_request"`}, 99, 0, "token-1", "", client.FixRequest, "the API calls the request malformed"},
		{"use_dpop_nonce for a Bearer token", 401, []string{`Bearer error="use_dpop_nonce"`}, 99, 0, "token-1", "", client.Unavailable, "requires a nonce"},
		{"only DPoP is accepted", 401, []string{`DPoP algs="ES256"`}, 99, 0, "token-1", "", client.FixRequest, "set Config.Key"},

		{"invalid_token with 403", 403, []string{invalid}, 1, 200, "token-1 token-2", `refused=token-1 scope=""`, "", ""},
		{"the caller's: 403 with only DPoP", 403, []string{`DPoP error="insufficient_scope", scope="a"`}, 99, 403, "token-1", "", "", ""},
		{"the caller's: no challenge", 401, nil, 99, 401, "token-1", "", "", ""},
		{"the caller's: another scheme", 401, []string{`Basic realm="x", Negotiate abc==`}, 99, 401, "token-1", "", "", ""},
		{"the caller's: only malformed lines", 401, []string{`Bearer realm="`}, 99, 401, "token-1", "", "", ""},
		{"the caller's: 403 without a challenge", 403, nil, 99, 403, "token-1", "", "", ""},
		{"the caller's: 403 without a code", 403, []string{`Bearer realm="api"`}, 99, 403, "token-1", "", "", ""},
		{"the caller's: 400 without a challenge", 400, nil, 99, 400, "token-1", "", "", ""},
		{"the caller's: 404", 404, []string{invalid}, 99, 404, "token-1", "", "", ""},
		{"the caller's: 407", 407, []string{invalid}, 99, 407, "token-1", "", "", ""},
		{"the caller's: 500", 500, []string{invalid}, 99, 500, "token-1", "", "", ""},
		{"the caller's: 200 with a challenge", 200, []string{invalid}, 99, 200, "token-1", "", "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			api := &fakeAPI{answer: func(n int, _ *http.Request, w http.ResponseWriter) {
				if n <= tt.refusals {
					refuse(w, tt.status, tt.challenges...)
				}
			}}
			source := new(counter)
			status, refused := do(t, newTransport(t, api, client.Config{Tokens: source}), get(t, orders))
			if status != tt.want {
				t.Errorf("status %d, %v, want %d", status, refused, tt.want)
			}
			if got := api.tokens(); got != tt.tokens {
				t.Errorf("the API saw %q, want %q", got, tt.tokens)
			}
			if _, got, _ := strings.Cut(source.asked(), "; "); got != tt.asked {
				t.Errorf("the source was asked for %q, want %q", got, tt.asked)
			}
			if refused != nil && (refused.Remedy != tt.remedy || !strings.Contains(refused.Error(), tt.text) || refused.Status != tt.status) {
				t.Errorf("%+v %v, want %s, %q", refused, refused, tt.remedy, tt.text)
			}
		})
	}
}

// Different reasons follow each other, each once.
func TestReasonsInARow(t *testing.T) {
	api := &fakeAPI{answer: func(n int, _ *http.Request, w http.ResponseWriter) {
		switch n {
		case 1:
			refuse(w, 401, `Bearer error="invalid_token"`)
		case 2:
			refuse(w, 403, `Bearer error="insufficient_scope", scope="a"`)
		case 3:
			refuse(w, 401, `Bearer error="insufficient_user_authentication", max_age=0, scope="b"`)
		}
	}}
	source := new(counter)
	var log bytes.Buffer
	logger := slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	transport := newTransport(t, api, client.Config{Tokens: source, Logger: logger})
	if status, refused := do(t, transport, request(t, "POST", orders, strings.NewReader("one order"))); status != 200 {
		t.Fatal(status, refused)
	}
	for _, want := range []string{`reason="fresh token" status=401`, `reason="more scope" status=403`, "reason=step-up status=401"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log lacks %s:\n%s", want, &log)
		}
	}
	want := `refused= scope=""; refused=token-1 scope=""; refused= scope="a"; refused= scope="a b" step-up=[]/0s`
	if got := source.asked(); got != want {
		t.Errorf("asked %s\nwant  %s", got, want)
	}
	for i, seen := range api.seen {
		if seen.body != "one order" || seen.method != "POST" {
			t.Errorf("request %d: %+v", i, seen)
		}
	}
	// The token has all of it, and serves the next request.
	if status, refused := do(t, transport, get(t, orders)); status != 200 || len(source.wants) != 4 {
		t.Errorf("%d, %v, %s", status, refused, source.asked())
	}
}

// The answer of the API says what the Error says, and nothing that could harm a
// terminal or a page.
func TestErrorFields(t *testing.T) {
	api := &fakeAPI{answer: func(_ int, _ *http.Request, w http.ResponseWriter) {
		w.Header().Set("Content-Type", "application/problem+json; charset=utf-8")
		w.Header().Set("WWW-Authenticate", `Bearer error="insufficient_scope", error_description="caf`+"\xe9\xf0"+strings.Repeat("!", 500)+`", scope="a"`)
		w.WriteHeader(403)
		fmt.Fprint(w, `{"status":403,"request_id":"5d1c-42"}`)
	}}
	refuse := &counter{err: func(n int, _ client.Want) error {
		if n > 1 {
			return client.ErrNoMoreScope
		}
		return nil
	}}
	_, got := do(t, newTransport(t, api, client.Config{Tokens: refuse}), get(t, orders))
	if got.Status != 403 || got.Code != "insufficient_scope" || got.RequestID != "5d1c-42" || got.Scope != scope.Of("a") || got.Remedy != client.AskForScope {
		t.Errorf("%+v", got)
	}
	if !strings.HasPrefix(got.Description, "caf??!!!") || len(got.Description) > 200 {
		t.Errorf("description %q", got.Description)
	}
	if !errors.Is(got, client.ErrNoMoreScope) {
		t.Errorf("%v does not wrap ErrNoMoreScope", got)
	}
	want := `client: the API answered 403, "insufficient_scope" ("` + got.Description + `"): the source cannot request more scopes; ask the person or the administrator to grant them; it requires the scope "a" (request_id "5d1c-42"). Ask for the missing permission`
	if !strings.HasPrefix(got.Error(), want) {
		t.Errorf("%s\nwant %s…", got, want)
	}
}

// A request_id is the API's word, too.
func TestStrangeBodies(t *testing.T) {
	for _, tt := range []struct{ mediaType, body string }{
		{"text/html", `{"request_id":"a"}`},
		{"", `{"request_id":"a"}`},
		{"application/json", `{"request_id":"a\u001b[2J"}`},
		{"application/json", `{"request_id":"a","request_id":"b"}`},
		{"application/json", `{"request_id":["a"]}`},
		{"application/json", `{"request_id":"` + strings.Repeat("a", 129) + `"}`},
		{"application/json", `{"request_id":"a"`},
		{"application/json", strings.Repeat("[", 10_000)},
		{"application/json", "\xff\xfe"},
	} {
		api := &fakeAPI{answer: func(_ int, _ *http.Request, w http.ResponseWriter) {
			w.Header().Set("Content-Type", tt.mediaType)
			refuse(w, 400, `Bearer error="invalid_request"`)
			_, _ = io.WriteString(w, tt.body)
		}}
		if _, got := do(t, newTransport(t, api, client.Config{Tokens: new(counter)}), get(t, orders)); got.RequestID != "" {
			t.Errorf("%s %.40q: request_id %q", tt.mediaType, tt.body, got.RequestID)
		}
	}
}

// A RoundTripper must not modify the request, and must close its body.
func TestRequestIsNotModified(t *testing.T) {
	for _, failing := range []bool{false, true} {
		api := &fakeAPI{answer: func(n int, _ *http.Request, w http.ResponseWriter) {
			if n == 1 {
				refuse(w, 401, `Bearer error="invalid_token"`)
			}
		}}
		source := &counter{err: func(int, client.Want) error {
			if failing {
				return client.ErrNoFreshToken
			}
			return nil
		}}
		closed := false
		r := request(t, "POST", orders, nil)
		r.Body = closable{strings.NewReader("x"), &closed}
		r.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader("x")), nil }
		r.Header = http.Header{"Authorization": {"Basic eA=="}, "Dpop": {"x"}, "X-Other": {"1", "2"}}
		header, body := r.Header.Clone(), r.Body
		resp, err := newTransport(t, api, client.Config{Tokens: source}).RoundTrip(r)
		if (err != nil) != failing {
			t.Fatal(resp, err)
		}
		if fmt.Sprint(r.Header) != fmt.Sprint(header) || r.Body != body || !closed {
			t.Errorf("header %v, closed %t", r.Header, closed)
		}
		for _, seen := range api.seen {
			if strings.HasPrefix(seen.authorization, "Basic") || seen.proof != "" {
				t.Errorf("the API saw %+v", seen)
			}
		}
	}
}

// A body that can be read once is not sent again. The token is replaced all the
// same, so the caller's next request succeeds.
func TestBodyThatCannotBeSentAgain(t *testing.T) {
	for _, challenge := range []string{`Bearer error="invalid_token"`, `Bearer error="insufficient_scope", scope="a"`, `Bearer error="insufficient_user_authentication"`} {
		api := &fakeAPI{answer: func(n int, _ *http.Request, w http.ResponseWriter) {
			if n == 1 {
				refuse(w, 401, challenge)
			}
		}}
		transport := newTransport(t, api, client.Config{Tokens: new(counter)})
		r := request(t, "POST", orders, io.MultiReader(strings.NewReader("one order")))
		_, got := do(t, transport, r)
		if got == nil || got.Remedy != client.SendAgain || got.Err == nil || !strings.Contains(got.Error(), "set Request.GetBody") {
			t.Errorf("%v", got)
		}
		if status, err := do(t, transport, request(t, "POST", orders, io.MultiReader(strings.NewReader("one order")))); status != 200 {
			t.Errorf("%d, %v", status, err)
		}
		if got := api.tokens(); got != "token-1 token-2" {
			t.Errorf("%s: the API saw %q", challenge, got)
		}
	}
}

// The token is replaced before it expires, with one request for all.
func TestExpiry(t *testing.T) {
	for _, tt := range []struct {
		life     time.Duration
		replaced time.Duration
	}{
		{time.Hour, time.Hour - 10*time.Second},
		{time.Minute, 54 * time.Second},
		{time.Second, 900 * time.Millisecond},
	} {
		synctest.Test(t, func(t *testing.T) {
			n := 0
			source := sourceFunc(func(_ context.Context, want client.Want) (*oauth2.Token, error) {
				n++
				if want.Refused != "" || want.Challenge.Scheme != "" {
					t.Errorf("%+v", want)
				}
				return &oauth2.Token{AccessToken: fmt.Sprintf("token-%d", n), Expiry: time.Now().Add(tt.life)}, nil
			})
			api := &fakeAPI{answer: func(int, *http.Request, http.ResponseWriter) {}}
			transport := newTransport(t, api, client.Config{Tokens: source})
			for _, after := range []time.Duration{0, tt.replaced - time.Millisecond, time.Millisecond} {
				time.Sleep(after) // the bubble's clock
				if status, err := do(t, transport, get(t, orders)); status != 200 {
					t.Fatal(err)
				}
			}
			if got := api.tokens(); got != "token-1 token-1 token-2" {
				t.Errorf("%v: %s", tt.life, got)
			}
		})
	}
}

// Config.AllowScope bounds what the API can cause a request for.
func TestAllowScope(t *testing.T) {
	for _, challenge := range []string{
		`Bearer error="insufficient_scope", scope="orders:write mail:read"`,
		`Bearer error="insufficient_user_authentication", scope="mail:read"`,
	} {
		api := &fakeAPI{answer: func(_ int, _ *http.Request, w http.ResponseWriter) { refuse(w, 401, challenge) }}
		source := new(counter)
		transport := newTransport(t, api, client.Config{Tokens: source, AllowScope: func(name string) bool { return strings.HasPrefix(name, "orders:") }})
		_, got := do(t, transport, get(t, orders))
		if got == nil || got.Remedy != client.AskForScope || !strings.Contains(got.Error(), `AllowScope does not allow the scope "mail:read"`) || len(source.wants) != 1 {
			t.Errorf("%v, %s", got, source.asked())
		}
	}
	// What is allowed is requested.
	api := &fakeAPI{answer: func(n int, _ *http.Request, w http.ResponseWriter) {
		if n == 1 {
			refuse(w, 403, `Bearer error="insufficient_scope", scope="orders:write"`)
		}
	}}
	transport := newTransport(t, api, client.Config{Tokens: new(counter), AllowScope: func(name string) bool { return name == "orders:write" }})
	if status, got := do(t, transport, get(t, orders)); status != 200 {
		t.Error(got)
	}
}

// An API that refuses every token and every scope cannot cause a token request with
// each request.
func TestTokenRequestsAreBounded(t *testing.T) {
	for _, tt := range []struct {
		name, challenge string
		want            int    // token requests for 100 API requests in 10 s
		text            string // in the last error
	}{
		{"invalid_token", `Bearer error="invalid_token"`, 3, "was just requested"},
		{"insufficient_scope", `Bearer error="insufficient_scope", scope="a b"`, 2, "was just requested"},
		{"step-up", `Bearer error="insufficient_user_authentication", acr_values="x"`, 3, "was just requested"},
		{"another scope each time", "", 65, "more than 64 scopes in all"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				api := &fakeAPI{answer: func(n int, _ *http.Request, w http.ResponseWriter) {
					challenge := tt.challenge
					if challenge == "" {
						challenge = fmt.Sprintf(`Bearer error="insufficient_scope", scope="s%d"`, n)
					}
					refuse(w, 401, challenge)
				}}
				source := new(counter)
				transport := newTransport(t, api, client.Config{Tokens: source})
				var last *client.Error
				for range 100 {
					if _, last = do(t, transport, get(t, orders)); last == nil {
						t.Fatal("accepted")
					}
					time.Sleep(100 * time.Millisecond)
				}
				if len(source.wants) != tt.want || len(api.seen) > 200 || !strings.Contains(last.Error(), tt.text) {
					t.Errorf("%d token requests, want %d; %d API requests; %v", len(source.wants), tt.want, len(api.seen), last)
				}
			})
		})
	}
}

// Nor can an API whose wishes the authorization server refuses, and the refusals for
// one reason do not hold up another.
func TestFailedTokenRequestsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := &fakeAPI{answer: func(n int, r *http.Request, w http.ResponseWriter) {
			switch {
			case r.URL.Path == "/transfers":
				refuse(w, 401, `Bearer error="insufficient_user_authentication"`)
			case r.URL.Path != "/orders":
				refuse(w, 403, fmt.Sprintf(`Bearer error="insufficient_scope", scope="s%d"`, n))
			case r.Header.Get("Authorization") == "Bearer token-1":
				refuse(w, 401, `Bearer error="invalid_token"`)
			}
		}}
		source := &counter{err: func(_ int, want client.Want) error {
			switch {
			case want.StepUp != nil:
				return client.ErrNoStepUp
			case want.Scope.Len() > 0:
				return client.ErrNoMoreScope
			}
			return nil
		}}
		transport := newTransport(t, api, client.Config{Tokens: source})
		for range 100 { // in 10 s
			_, got := do(t, transport, get(t, orders+"/admin"))
			if got == nil || got.Remedy != client.AskForScope || !errors.Is(got, client.ErrNoMoreScope) {
				t.Fatal(got)
			}
			time.Sleep(100 * time.Millisecond)
		}
		if n := len(source.wants); n != 11 {
			t.Errorf("%d token requests in 10 s, want the first and one in each second", n)
		}
		if _, got := do(t, transport, get(t, orders+"/admin")); got == nil {
			t.Fatal("accepted")
		}
		if _, got := do(t, transport, get(t, "https://api.example.com/transfers")); got == nil || !errors.Is(got, client.ErrNoStepUp) {
			t.Errorf("a refusal of scopes holds up step-up: %v", got)
		}
		if status, got := do(t, transport, get(t, orders)); status != 200 {
			t.Errorf("a refusal of scopes holds up a fresh token: %v", got)
		}
	})
}

// A source that sends its own requests by its Transport would wait for itself.
func TestSourceThatWaitsForItself(t *testing.T) {
	for _, perRequest := range []bool{false, true} {
		var transport *client.Transport
		depth := 0
		var source client.Source = sourceFunc(func(ctx context.Context, _ client.Want) (*oauth2.Token, error) {
			if depth++; depth > 10 {
				return nil, errors.New("the source asks itself")
			}
			r, err := http.NewRequestWithContext(ctx, "POST", orders+"/token", nil)
			if err != nil {
				return nil, err
			}
			_, err = transport.RoundTrip(r)
			return nil, err
		})
		if perRequest {
			source = byRequest{source}
		}
		transport = newTransport(t, &fakeAPI{}, client.Config{Tokens: source})
		_, got := do(t, transport, get(t, orders))
		if got == nil || got.Remedy != client.FixRequest || !strings.Contains(got.Error(), "give it another HTTP client") || depth != 1 {
			t.Errorf("ContextSource %t: %v, after %d calls", perRequest, got, depth)
		}
	}
}

// A RoundTripper that breaks the rules of the interface does not make the client panic.
func TestStrangeBase(t *testing.T) {
	for name, tt := range map[string]struct {
		answer *http.Response
		want   string
	}{
		"no answer":            {nil, "returned no answer and no error"},
		"an answer alone":      {&http.Response{StatusCode: 200}, ""},
		"a refusal alone":      {&http.Response{StatusCode: 401, Header: http.Header{"Www-Authenticate": {"Bearer"}}}, "the API answered 401"},
		"an outage alone":      {&http.Response{StatusCode: 503}, "the API answered 503"},
		"an answer without it": {&http.Response{StatusCode: 401}, ""},
	} {
		base := roundTripFunc(func(*http.Request) (*http.Response, error) { return tt.answer, nil })
		resp, err := newTransport(t, base, client.Config{Tokens: new(counter)}).RoundTrip(get(t, orders))
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) || err == nil && resp.Body == nil {
			t.Errorf("%s: %v, %v", name, resp, err)
		}
	}
}

// RFC 6750, Section 3.1: two Authorization lines are a malformed request, so one in
// another spelling goes too.
func TestOwnFieldsInAnySpelling(t *testing.T) {
	var sent http.Header
	base := roundTripFunc(func(r *http.Request) (*http.Response, error) {
		sent = r.Header
		return &http.Response{StatusCode: 200, Body: http.NoBody, Request: r}, nil
	})
	r := get(t, orders)
	for _, name := range []string{"authorization", "DPoP", "AUTHORIZATION", "X-Other"} {
		r.Header[name] = []string{"own"}
	}
	if _, err := newTransport(t, base, client.Config{Tokens: new(counter)}).RoundTrip(r); err != nil {
		t.Fatal(err)
	}
	if len(sent) != 2 || sent.Get("Authorization") != "Bearer token-1" || sent.Get("X-Other") != "own" || len(r.Header) != 4 {
		t.Errorf("sent %v, of %v", sent, r.Header)
	}
}

// A connection that fails is no refusal.
func TestFailedConnections(t *testing.T) {
	broken := errors.New("connection reset")
	for _, when := range []int{1, 2} {
		n := 0
		base := roundTripFunc(func(r *http.Request) (*http.Response, error) {
			if n++; n == when {
				return nil, broken
			}
			return &http.Response{StatusCode: 401, Request: r, Body: http.NoBody, Header: http.Header{"Www-Authenticate": {`Bearer error="invalid_token"`}}}, nil
		})
		resp, err := newTransport(t, base, client.Config{Tokens: new(counter)}).RoundTrip(get(t, orders))
		if resp != nil || err != broken || n != when {
			t.Errorf("%v, %v after %d requests", resp, err, n)
		}
	}
	// Nor is a body that cannot be made again.
	api := &fakeAPI{answer: func(_ int, _ *http.Request, w http.ResponseWriter) { refuse(w, 401, `Bearer error="invalid_token"`) }}
	r := request(t, "POST", orders, strings.NewReader("x"))
	r.GetBody = func() (io.ReadCloser, error) { return nil, broken }
	if resp, err := newTransport(t, api, client.Config{Tokens: new(counter)}).RoundTrip(r); err != broken {
		t.Errorf("%v, %v", resp, err)
	}
}

// A source that cannot log the person in.
func TestNoFirstToken(t *testing.T) {
	api := &fakeAPI{answer: func(_ int, _ *http.Request, w http.ResponseWriter) { refuse(w, 401, `Bearer realm="api"`) }}
	source := &counter{err: func(n int, _ client.Want) error {
		if n == 1 {
			return client.ErrNeedChallenge
		}
		return errors.New("the browser was closed")
	}}
	_, got := do(t, newTransport(t, api, client.Config{Tokens: source}), get(t, orders))
	if got == nil || got.Remedy != client.SignIn || got.Status != 401 || len(api.seen) != 1 {
		t.Errorf("%v, %d requests", got, len(api.seen))
	}
}

// A request for which no proof can be made is not sent, and its body is closed.
func TestNoProof(t *testing.T) {
	source := sourceFunc(func(context.Context, client.Want) (*oauth2.Token, error) {
		return &oauth2.Token{AccessToken: "token-1", TokenType: "DPoP"}, nil
	})
	api, closed := &fakeAPI{}, false
	r := request(t, "POST", orders, closable{strings.NewReader("x"), &closed})
	r.Method = "\xff"
	if resp, err := newTransport(t, api, client.Config{Tokens: source, Key: newKey(t)}).RoundTrip(r); err == nil || resp != nil || len(api.seen) > 0 || !closed {
		t.Errorf("%v, %v, closed %t", resp, err, closed)
	}
}

// A request without a header and without a method, and one whose body is empty.
func TestBareRequests(t *testing.T) {
	key := newKey(t)
	source := sourceFunc(func(context.Context, client.Want) (*oauth2.Token, error) {
		return &oauth2.Token{AccessToken: "token-1", TokenType: "DPoP"}, nil
	})
	api := &fakeAPI{answer: func(n int, r *http.Request, w http.ResponseWriter) {
		if nonceIn(t, r) == "-" {
			w.Header().Set("DPoP-Nonce", "n1")
			refuse(w, 401, `DPoP error="use_dpop_nonce"`)
		}
	}}
	base := roundTripFunc(func(r *http.Request) (*http.Response, error) {
		r.Method = "GET" // as http.Transport does
		return api.RoundTrip(r)
	})
	for _, r := range []*http.Request{{URL: get(t, orders).URL}, {URL: get(t, orders).URL, Body: http.NoBody}} {
		resp, err := newTransport(t, base, client.Config{Tokens: source, Key: key}).RoundTrip(r.WithContext(t.Context()))
		if err != nil || resp.StatusCode != 200 {
			t.Errorf("%v, %v", resp, err)
		}
	}
}

// A server that grants more scopes than a request may have does not keep the token from
// being renewed.
func TestManyGrantedScopes(t *testing.T) {
	var granted []string
	for i := range 60 {
		granted = append(granted, fmt.Sprintf("granted-%d", i))
	}
	var asked []string
	for i := range 10 {
		asked = append(asked, fmt.Sprintf("asked-%d", i))
	}
	api := &fakeAPI{answer: func(n int, _ *http.Request, w http.ResponseWriter) {
		switch n {
		case 1:
			refuse(w, 403, `Bearer error="insufficient_scope", scope="`+strings.Join(asked, " ")+`"`)
		case 3:
			refuse(w, 401, `Bearer error="invalid_token"`)
		}
	}}
	n := 0
	source := sourceFunc(func(context.Context, client.Want) (*oauth2.Token, error) {
		n++
		token := &oauth2.Token{AccessToken: fmt.Sprintf("token-%d", n)}
		if n == 1 {
			return token, nil
		}
		return token.WithExtra(map[string]any{"scope": strings.Join(granted, " ")}), nil
	})
	transport := newTransport(t, api, client.Config{Tokens: source})
	for i := range 2 {
		if status, err := do(t, transport, get(t, orders)); status != 200 {
			t.Errorf("request %d: %v", i, err)
		}
	}
}

// A token that an expiry or a refusal made useless is forgotten with its scopes, one
// of which may be why there is no other.
func TestScopesOfAUselessTokenAreForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := &fakeAPI{answer: func(n int, r *http.Request, w http.ResponseWriter) {
			if r.URL.Path == "/admin" && n == 1 {
				refuse(w, 403, `Bearer error="insufficient_scope", scope="admin"`)
			}
		}}
		withdrawn := false
		var wants []string
		source := sourceFunc(func(_ context.Context, want client.Want) (*oauth2.Token, error) {
			wants = append(wants, want.Scope.String())
			if withdrawn && want.Scope.Has("admin") {
				return nil, client.ErrNoMoreScope
			}
			return &oauth2.Token{AccessToken: "token-1", Expiry: time.Now().Add(time.Hour)}, nil
		})
		transport := newTransport(t, api, client.Config{Tokens: source})
		if status, err := do(t, transport, get(t, "https://api.example.com/admin")); status != 200 {
			t.Fatal(err)
		}
		withdrawn = true
		time.Sleep(2 * time.Hour)
		if _, err := do(t, transport, get(t, orders)); err == nil || err.Remedy != client.AskForScope {
			t.Errorf("%v", err)
		}
		if status, err := do(t, transport, get(t, orders)); status != 200 || strings.Join(wants, ",") != ",admin,admin," {
			t.Errorf("%d, %v, asked for %q", status, err, wants)
		}
	})
}

// Each remedy has a text for people.
func TestRemedies(t *testing.T) {
	texts := map[string]bool{}
	for _, r := range []client.Remedy{client.SignIn, client.AskForScope, client.StepUpLogin, client.Wait, client.Unavailable, client.SendAgain, client.FixRequest} {
		if text := r.Text(); !strings.HasSuffix(text, ".") || texts[text] || !strings.HasSuffix((&client.Error{Remedy: r}).Error(), ". "+text) {
			t.Errorf("%s: %q", r, text)
		}
		texts[r.Text()] = true
	}
	if got := (&client.Error{}).Error(); got != "client: no token for the API" {
		t.Errorf("the zero Error: %s", got)
	}
}

// A source that has no token yet learns from the challenge of the API.
func TestSourceThatNeedsAChallenge(t *testing.T) {
	api := &fakeAPI{answer: func(_ int, r *http.Request, w http.ResponseWriter) {
		if r.Header.Get("Authorization") == "" {
			refuse(w, 401, `Bearer resource_metadata="https://api.example.com/.well-known/oauth-protected-resource", scope="orders:read"`)
		}
	}}
	source := &counter{err: func(_ int, want client.Want) error {
		if _, ok := want.Challenge.Param("resource_metadata"); !ok {
			return fmt.Errorf("discovery: %w", client.ErrNeedChallenge)
		}
		return nil
	}}
	var log bytes.Buffer
	logger := slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	transport := newTransport(t, api, client.Config{Tokens: source, Logger: logger})
	for range 2 {
		r := get(t, orders)
		r.Header.Set("Authorization", "Basic eA==") // is not the Transport's
		if status, err := do(t, transport, r); status != 200 {
			t.Fatal(err)
		}
	}
	if !strings.Contains(log.String(), `reason="first token" status=401`) {
		t.Errorf("log %s", &log)
	}
	if got := api.tokens(); got != " token-2 token-2" {
		t.Errorf("%q", got)
	}
	if got, want := source.asked(), `refused= scope=""; refused= scope="orders:read"`; got != want || source.wants[1].Resource != "https://api.example.com" {
		t.Errorf("%s, want %s", got, want)
	}
}
