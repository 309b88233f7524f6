package client_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/oauth2"

	"github.com/bearerkit/bearerkit/client"
	"github.com/bearerkit/bearerkit/scope"
)

// RFC 9110, Section 10.2.3: Retry-After with 429 and 503, checklist H10.
func TestRetryAfter(t *testing.T) {
	// In place of an HTTP date; ahead: of an API whose clock is an hour ahead.
	const date, ahead = "date in ", "ahead in "
	tests := []struct {
		name       string
		status     int
		method     string
		retryAfter string
		refusals   int
		maxWait    time.Duration
		key        bool // the request has an Idempotency-Key

		want   int // the status. 0: an error
		took   time.Duration
		remedy client.Remedy
		text   string
		after  time.Duration // Error.RetryAfter
	}{
		{"503", 503, "GET", "7", 1, 0, false, 200, 7 * time.Second, "", "", 0},
		{"429", 429, "GET", "7", 1, 0, false, 200, 7 * time.Second, "", "", 0},
		{"a date", 503, "GET", date + "8s", 1, 0, false, 200, 8 * time.Second, "", "", 0},
		{"a date that has passed", 503, "GET", date + "-1h", 1, 0, false, 200, 0, "", "", 0},
		{"a date by a clock that is an hour ahead", 503, "GET", ahead + "8s", 1, 0, false, 200, 8 * time.Second, "", "", 0},
		{"zero", 503, "GET", "0", 1, 0, false, 200, 0, "", "", 0},
		{"PUT is idempotent", 503, "PUT", "1", 1, 0, false, 200, time.Second, "", "", 0},
		{"DELETE is idempotent", 503, "DELETE", "1", 1, 0, false, 200, time.Second, "", "", 0},
		{"HEAD is idempotent", 503, "HEAD", "1", 1, 0, false, 200, time.Second, "", "", 0},
		{"OPTIONS is idempotent", 503, "OPTIONS", "1", 1, 0, false, 200, time.Second, "", "", 0},
		{"TRACE is idempotent", 503, "TRACE", "1", 1, 0, false, 200, time.Second, "", "", 0},
		{"as long as MaxWait", 503, "GET", "10", 1, 0, false, 200, 10 * time.Second, "", "", 0},
		{"POST with an Idempotency-Key", 503, "POST", "1", 1, 0, true, 200, time.Second, "", "", 0},
		{"a longer MaxWait", 503, "GET", "50", 1, time.Minute, false, 200, 50 * time.Second, "", "", 0},

		{"POST", 503, "POST", "1", 1, 0, false, 0, 0, client.Unavailable, "a POST request without an Idempotency-Key is not sent twice", time.Second},
		{"PATCH", 429, "PATCH", "1", 1, 0, false, 0, 0, client.Wait, "not sent twice", time.Second},
		{"always", 503, "GET", "7", 99, 0, false, 0, 7 * time.Second, client.Unavailable, "it asks to wait 7s", 7 * time.Second},
		{"429 always", 429, "GET", "7", 99, 0, false, 0, 7 * time.Second, client.Wait, "Send fewer requests", 7 * time.Second},
		{"zero always", 503, "GET", "0", 99, 0, false, 0, 0, client.Unavailable, "", 0},
		{"none", 503, "GET", "", 1, 0, false, 0, 0, client.Unavailable, "Try again later", 0},
		{"more than MaxWait", 503, "GET", "11", 1, 0, false, 0, 0, client.Unavailable, "more than Config.MaxWait, 10s", 11 * time.Second},
		{"a date beyond MaxWait", 429, "GET", date + "1h", 1, 0, false, 0, 0, client.Wait, "more than Config.MaxWait", time.Hour},
		{"no wait allowed", 503, "GET", "1", 1, -1, false, 0, 0, client.Unavailable, "it asks to wait 1s", time.Second},
		{"no wait allowed, and none needed", 503, "GET", "0", 1, -1, false, 0, 0, client.Unavailable, "Try again later", 0},
		{"1e9", 503, "GET", "1e9", 1, 0, false, 0, 0, client.Unavailable, "Try again later", 0},
		{"a billion", 503, "GET", "1000000000", 1, 0, false, 0, 0, client.Unavailable, "more than Config.MaxWait", 24 * time.Hour},
		{"more than an int64", 503, "GET", strings.Repeat("9", 400), 1, 0, false, 0, 0, client.Unavailable, "more than Config.MaxWait", 24 * time.Hour},
		{"negative", 503, "GET", "-5", 1, 0, false, 0, 0, client.Unavailable, "Try again later", 0},
		{"a fraction", 503, "GET", "1.5", 1, 0, false, 0, 0, client.Unavailable, "", 0},
		{"a word", 503, "GET", "soon", 1, 0, false, 0, 0, client.Unavailable, "", 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				time.Sleep(time.Second - time.Duration(time.Now().Nanosecond())) // HTTP dates have whole seconds
				api := &fakeAPI{answer: func(n int, _ *http.Request, w http.ResponseWriter) {
					if n > tt.refusals {
						return
					}
					if text, ok := strings.CutPrefix(tt.retryAfter, date); ok {
						in, _ := time.ParseDuration(text)
						w.Header().Set("Retry-After", time.Now().Add(in).UTC().Format(http.TimeFormat))
					} else if text, ok := strings.CutPrefix(tt.retryAfter, ahead); ok {
						in, _ := time.ParseDuration(text)
						now := time.Now().Add(time.Hour).UTC()
						w.Header().Set("Date", now.Format(http.TimeFormat))
						w.Header().Set("Retry-After", now.Add(in).Format(http.TimeFormat))
					} else if tt.retryAfter != "" {
						w.Header().Set("Retry-After", tt.retryAfter)
					}
					w.WriteHeader(tt.status)
				}}
				source := new(counter)
				r := request(t, tt.method, orders, strings.NewReader("body"))
				if tt.key {
					r.Header.Set("Idempotency-Key", "1")
				}
				began := time.Now()
				status, refused := do(t, newTransport(t, api, client.Config{Tokens: source, MaxWait: tt.maxWait}), r)
				if took := time.Since(began); status != tt.want || took != tt.took {
					t.Errorf("%d, %v after %v; want %d after %v", status, refused, took, tt.want, tt.took)
				}
				if refused != nil && (refused.Remedy != tt.remedy || refused.RetryAfter != tt.after || !strings.Contains(refused.Error(), tt.text)) {
					t.Errorf("%v, RetryAfter %v; want %s, %q, %v", refused, refused.RetryAfter, tt.remedy, tt.text, tt.after)
				}
				if len(source.wants) != 1 || len(api.seen) > 2 { // an outage is no reason for another token
					t.Errorf("%s; %d API requests", source.asked(), len(api.seen))
				}
				for _, seen := range api.seen {
					if seen.body != "body" {
						t.Errorf("the API saw %+v", seen)
					}
				}
			})
		})
	}
}

// The draft's field, and the one that some servers use in its place.
func TestIdempotencyKeys(t *testing.T) {
	for _, name := range []string{"Idempotency-Key", "X-Idempotency-Key"} {
		api := &fakeAPI{answer: func(n int, _ *http.Request, w http.ResponseWriter) {
			if n == 1 {
				w.Header().Set("Retry-After", "0")
				w.WriteHeader(503)
			}
		}}
		r := request(t, "POST", orders, strings.NewReader("x"))
		r.Header.Set(name, "1")
		if status, err := do(t, newTransport(t, api, client.Config{Tokens: new(counter)}), r); status != 200 {
			t.Errorf("%s: %v", name, err)
		}
		r = request(t, "PUT", orders, io.MultiReader(strings.NewReader("x")))
		api.seen = nil
		if _, err := do(t, newTransport(t, api, client.Config{Tokens: new(counter)}), r); err == nil || !strings.Contains(err.Error(), "cannot be sent again") {
			t.Errorf("a body that can be read once: %v", err)
		}
	}
}

// A wait does not outlive the request, and does not begin if it would.
func TestWaitEndsWithTheContext(t *testing.T) {
	answer := func(_ int, _ *http.Request, w http.ResponseWriter) {
		w.Header().Set("Retry-After", "7")
		w.WriteHeader(503)
	}
	synctest.Test(t, func(t *testing.T) {
		transport := newTransport(t, &fakeAPI{answer: answer}, client.Config{Tokens: new(counter)})
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		began := time.Now()
		_, got := do(t, transport, get(t, orders).WithContext(ctx))
		if got == nil || !strings.Contains(got.Error(), "the request's deadline is earlier") || time.Since(began) != 0 {
			t.Errorf("%v after %v", got, time.Since(began))
		}
		later, cancel := context.WithTimeout(t.Context(), 8*time.Second)
		defer cancel()
		_, got = do(t, transport, get(t, orders).WithContext(later))
		if got == nil || strings.Contains(got.Error(), "deadline") || time.Since(began) != 7*time.Second {
			t.Errorf("%v after %v", got, time.Since(began))
		}
	})
	synctest.Test(t, func(t *testing.T) {
		transport := newTransport(t, &fakeAPI{answer: answer}, client.Config{Tokens: new(counter)})
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(3*time.Second, cancel)
		began := time.Now()
		_, err := transport.RoundTrip(get(t, orders).WithContext(ctx))
		if !errors.Is(err, context.Canceled) || time.Since(began) != 3*time.Second {
			t.Errorf("%v after %v", err, time.Since(began))
		}
	})
}

// slow is a source whose second token takes a while.
type slow struct {
	counter
	took  time.Duration
	ended chan error
}

func (s *slow) Token(ctx context.Context, want client.Want) (*oauth2.Token, error) {
	token, err := s.counter.Token(ctx, want)
	if token != nil && token.AccessToken != "token-1" {
		select {
		case <-time.After(s.took):
		case <-ctx.Done():
			err = context.Cause(ctx)
		}
		s.ended <- err
	}
	return token, err
}

// refusing refuses token-1.
func refusing(_ int, r *http.Request, w http.ResponseWriter) {
	if r.Header.Get("Authorization") == "Bearer token-1" {
		refuse(w, 401, `Bearer error="invalid_token"`)
	}
}

// 50 concurrent 401s share one refresh, and the end of the caller that began it does
// not end it for the others.
func TestConcurrentRefusalsShareARefresh(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source := &slow{took: time.Second, ended: make(chan error, 100)}
		transport := newTransport(t, &fakeAPI{answer: refusing}, client.Config{Tokens: source})
		first, cancel := context.WithCancel(t.Context())
		outcomes := make(chan error, 51)
		send := func(ctx context.Context) {
			resp, err := transport.RoundTrip(get(t, orders).WithContext(ctx))
			if err == nil && resp.StatusCode != 200 {
				err = fmt.Errorf("status %d", resp.StatusCode)
			}
			outcomes <- err
		}
		go send(first)
		synctest.Wait() // the refresh has begun
		for range 50 {
			go send(t.Context())
		}
		synctest.Wait()
		cancel()
		synctest.Wait()
		if err := <-outcomes; !errors.Is(err, context.Canceled) {
			t.Errorf("the canceled request: %v", err)
		}
		for range 50 {
			if err := <-outcomes; err != nil {
				t.Error(err)
			}
		}
		if err := <-source.ended; err != nil || len(source.wants) != 2 {
			t.Errorf("%v; %d token requests, want 2", err, len(source.wants))
		}
		// A request that comes late, with the refused token, uses the new one.
		if status, err := do(t, transport, get(t, orders)); status != 200 || len(source.wants) != 2 {
			t.Errorf("%d, %v", status, err)
		}
	})
}

// revocable is an API that refuses old tokens, and tokens without the scope that the
// path names. It is also the source of the tokens.
type revocable struct {
	mu      sync.Mutex
	scopes  []scope.Set // of the tokens, by their number from 0
	revoked int         // tokens below this number
	sent    int
}

func (a *revocable) Token(_ context.Context, want client.Want) (*oauth2.Token, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.scopes = append(a.scopes, want.Scope)
	return &oauth2.Token{AccessToken: strconv.Itoa(len(a.scopes) - 1)}, nil
}

func (a *revocable) RoundTrip(r *http.Request) (*http.Response, error) {
	time.Sleep(200 * time.Millisecond) // the bubble's clock
	a.mu.Lock()
	defer a.mu.Unlock()
	a.sent++
	number, err := strconv.Atoi(strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "))
	if err != nil {
		return nil, err
	}
	resp := &http.Response{StatusCode: 200, Body: http.NoBody, Request: r, Header: http.Header{}}
	if needs := r.URL.Path[1:]; number < a.revoked {
		resp.StatusCode = 401
		resp.Header.Set("WWW-Authenticate", `Bearer error="invalid_token"`)
	} else if needs != "" && !a.scopes[number].Has(needs) {
		resp.StatusCode = 403
		resp.Header.Set("WWW-Authenticate", `Bearer error="insufficient_scope", scope="`+needs+`"`)
	}
	return resp, nil
}

// Many requests at a time, whose token is revoked again and again, and of which some
// need more scope: each ends well, with few token requests.
func TestManyRequestsAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := new(revocable)
		transport := newTransport(t, api, client.Config{Tokens: api})
		var calls sync.WaitGroup
		for i := range 50 {
			calls.Go(func() {
				for j := range 100 {
					resp, err := transport.RoundTrip(get(t, "https://api.example.com/"+[]string{"", "a", "b"}[(i+j)%3]))
					if err != nil || resp.StatusCode != 200 {
						t.Errorf("%v, %v", resp, err)
					}
				}
			})
		}
		for range 3 {
			time.Sleep(6 * time.Second)
			api.mu.Lock()
			api.revoked = len(api.scopes)
			api.mu.Unlock()
		}
		calls.Wait()
		if n := len(api.scopes); n < 5 || n > 10 || api.sent > 5500 {
			t.Errorf("%d token requests and %d API requests", n, api.sent)
		}
	})
}

// When nobody waits for a token any more, the request for it ends.
func TestAbandonedRefreshEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source := &slow{took: time.Hour, ended: make(chan error, 2)}
		transport := newTransport(t, &fakeAPI{answer: refusing}, client.Config{Tokens: source})
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		began := time.Now()
		_, err := transport.RoundTrip(get(t, orders).WithContext(ctx))
		if _, refused := errors.AsType[*client.Error](err); !errors.Is(err, context.DeadlineExceeded) || refused {
			t.Errorf("%T %v", err, err) // the caller's deadline, and no refusal
		}
		if err := <-source.ended; !errors.Is(err, context.Canceled) || time.Since(began) != 3*time.Second {
			t.Errorf("%v after %v", err, time.Since(began))
		}
		// That is no failure of the source: the next request may ask at once.
		source.took = 0
		if status, err := do(t, transport, get(t, orders)); status != 200 || source.asked() != `refused= scope=""; refused=token-1 scope=""; refused=token-1 scope=""` {
			t.Errorf("%d, %v, %s", status, err, source.asked())
		}
	})
}

// A request that comes after all others have left does not share their token request,
// even if that has not ended yet, and what it brings later does not replace a newer
// token.
func TestRequestAfterAnAbandonedRefresh(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		n := 0
		source := sourceFunc(func(context.Context, client.Want) (*oauth2.Token, error) {
			mu.Lock()
			n++
			mine := n
			mu.Unlock()
			if mine == 2 {
				time.Sleep(time.Minute) // it ignores its context
			}
			return &oauth2.Token{AccessToken: fmt.Sprintf("token-%d", mine)}, nil
		})
		api := &fakeAPI{answer: refusing}
		transport := newTransport(t, api, client.Config{Tokens: source})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := transport.RoundTrip(get(t, orders).WithContext(ctx)); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v", err)
		}
		began := time.Now()
		if status, err := do(t, transport, get(t, orders)); status != 200 || time.Since(began) != 0 {
			t.Errorf("%d, %v after %v", status, err, time.Since(began))
		}
		time.Sleep(2 * time.Minute)
		if status, err := do(t, transport, get(t, orders)); status != 200 {
			t.Error(err)
		}
		if got, want := api.tokens(), "token-1 token-1 token-3 token-3"; got != want {
			t.Errorf("%s, want %s", got, want)
		}
	})
}

// What an abandoned token request brings in the end is used, if nothing newer is there.
func TestLateTokenIsUsed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := 0
		source := sourceFunc(func(context.Context, client.Want) (*oauth2.Token, error) {
			n++
			time.Sleep(time.Minute) // it ignores its context
			return &oauth2.Token{AccessToken: fmt.Sprintf("token-%d", n+1)}, nil
		})
		transport := newTransport(t, &fakeAPI{answer: refusing}, client.Config{Tokens: source})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		resp, err := transport.RoundTrip(get(t, orders).WithContext(ctx))
		if _, refused := errors.AsType[*client.Error](err); resp != nil || !errors.Is(err, context.DeadlineExceeded) || refused {
			t.Errorf("%v, %v", resp, err)
		}
		time.Sleep(2 * time.Minute)
		if status, err := do(t, transport, get(t, orders)); status != 200 || n != 1 {
			t.Errorf("%d, %v, %d token requests", status, err, n)
		}
	})
}

// Requests for different tokens run side by side, and each is shared.
func TestDifferentTokenRequestsAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := &fakeAPI{answer: func(_ int, r *http.Request, w http.ResponseWriter) {
			if r.Header.Get("Authorization") == "Bearer token-1" {
				refuse(w, 403, `Bearer error="insufficient_scope", scope="`+r.URL.Path[1:]+`"`)
			}
		}}
		source := &slow{took: time.Second, ended: make(chan error, 10)}
		transport := newTransport(t, api, client.Config{Tokens: source})
		var calls sync.WaitGroup
		for _, path := range []string{"/a", "/b", "/a", "/b", "/a"} {
			calls.Go(func() {
				if status, err := do(t, transport, get(t, "https://api.example.com"+path)); status != 200 {
					t.Error(err)
				}
			})
			synctest.Wait()
		}
		calls.Wait()
		if got, want := source.asked(), `refused= scope=""; refused= scope="a"; refused= scope="b"`; got != want {
			t.Errorf("asked %s\nwant  %s", got, want)
		}
	})
}

// A request whose token was replaced meanwhile, for another reason, uses the new
// token only if that has what the request needs.
func TestTokenThatWasReplacedForAnotherReason(t *testing.T) {
	for _, tt := range []struct{ challenge, asked string }{
		{`Bearer error="insufficient_scope", scope="a"`, `refused= scope="a"`},
		{`Bearer error="insufficient_user_authentication", acr_values="mfa"`, `refused= scope="" step-up=[mfa]/-1ns`},
	} {
		synctest.Test(t, func(t *testing.T) {
			api := &fakeAPI{answer: func(n int, r *http.Request, w http.ResponseWriter) {
				switch {
				case r.URL.Path == "/orders":
					refusing(n, r, w)
				case r.Header.Get("Authorization") == "Bearer token-1":
					time.Sleep(time.Second)
					fallthrough
				case r.Header.Get("Authorization") == "Bearer token-2":
					refuse(w, 401, tt.challenge)
				}
			}}
			source := new(counter)
			transport := newTransport(t, api, client.Config{Tokens: source})
			var calls sync.WaitGroup
			for range 3 {
				calls.Go(func() {
					if status, err := do(t, transport, get(t, orders+"/slow")); status != 200 {
						t.Error(err)
					}
				})
			}
			synctest.Wait()
			if status, err := do(t, transport, get(t, orders)); status != 200 {
				t.Error(err)
			}
			calls.Wait()
			if got, want := source.asked(), `refused= scope=""; refused=token-1 scope=""; `+tt.asked; got != want {
				t.Errorf("asked %s\nwant  %s", got, want)
			}
		})
	}
}

type userKey struct{}

// perUser is a source whose tokens are for the user in the context.
type perUser struct{ counter }

func (*perUser) PerRequest() {}

func (s *perUser) Token(ctx context.Context, want client.Want) (*oauth2.Token, error) {
	if _, err := s.counter.Token(ctx, want); err != nil {
		return nil, err
	}
	user, _ := ctx.Value(userKey{}).(string)
	return &oauth2.Token{AccessToken: fmt.Sprintf("%s-%d", user, len(want.Refused))}, nil
}

// The token of one user is never sent for another: the Transport keeps no token of a
// ContextSource.
func TestContextSource(t *testing.T) {
	api := &fakeAPI{answer: func(n int, _ *http.Request, w http.ResponseWriter) {
		if n == 1 {
			refuse(w, 401, `Bearer error="invalid_token"`)
		}
	}}
	transport := newTransport(t, api, client.Config{Tokens: new(perUser)})
	for _, user := range []string{"alice", "bob", "alice"} {
		if status, err := do(t, transport, get(t, orders).WithContext(context.WithValue(t.Context(), userKey{}, user))); status != 200 {
			t.Error(err)
		}
	}
	if got, want := api.tokens(), "alice-0 alice-7 bob-0 alice-0"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
