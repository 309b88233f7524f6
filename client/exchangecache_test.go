package client_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/oauth2"

	"github.com/bearerkit/bearerkit/client"
	"github.com/bearerkit/bearerkit/scope"
)

// A token is used again until either token expires, and never for another token,
// resource or scope.
func TestExchangeCache(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{answer: exchanged("Bearer", 600)}
		source := newExchange(t, s, client.ExchangeConfig{})
		p := alice
		p.Expires = time.Now().Add(time.Hour)
		ctx, other := admit(t, p, "inbound-1"), admit(t, p, "inbound-2")
		ask := func(ctx context.Context, want client.Want, token string) {
			t.Helper()
			got, err := source.Token(ctx, want)
			if err != nil || got.AccessToken != token {
				t.Errorf("%v, %v; want %s", got, err, token)
			}
		}
		w := client.Want{Resource: stockAPI, Scope: scope.Of("a")}
		ask(ctx, w, "token-1")
		ask(ctx, w, "token-1")
		ask(other, w, "token-2")
		ask(ctx, client.Want{Resource: stockAPI}, "token-3")
		ask(ctx, client.Want{Resource: ordersAPI, Scope: scope.Of("a")}, "token-4")
		ask(ctx, client.Want{Resource: stockAPI + "a"}, "token-5")
		<-time.After(589 * time.Second)
		ask(ctx, w, "token-1")
		<-time.After(time.Second)
		ask(ctx, w, "token-6") // 10 s before the expiry of token-1

		// What the caller does with a token does not change the cached one.
		got, err := source.Token(ctx, w)
		if err != nil {
			t.Fatal(err)
		}
		got.AccessToken = "changed"
		ask(ctx, w, "token-6")
	})
}

// A server that says nothing about the expiry, or says too much.
func TestExchangeLife(t *testing.T) {
	for _, tt := range []struct {
		name    string
		seconds int
		inbound time.Duration // 0: unknown
		life    time.Duration // in which the token is used again
	}{
		{"ten years", 315360000, 100 * time.Second, 90 * time.Second},
		{"both unknown", -1, 0, time.Minute},
		{"only the inbound token's", -1, time.Hour, time.Hour - 10*time.Second},
		{"only the new token's", 50, 0, 45 * time.Second},
		{"the new token's is earlier", 50, time.Hour, 45 * time.Second},
		{"none", 0, time.Hour, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &server{answer: exchanged("Bearer", tt.seconds)}
				source := newExchange(t, s, client.ExchangeConfig{})
				p := alice
				if tt.inbound != 0 {
					p.Expires = time.Now().Add(tt.inbound)
				}
				ctx := admit(t, p, "inbound")
				ask := func() *oauth2.Token {
					t.Helper()
					token, err := source.Token(ctx, client.Want{})
					if err != nil {
						t.Fatal(err)
					}
					if !p.Expires.IsZero() && (token.Expiry.IsZero() || token.Expiry.After(p.Expires)) {
						t.Errorf("expires at %v, after the inbound token", token.Expiry)
					}
					return token
				}
				ask()
				<-time.After(max(tt.life-time.Nanosecond, 0))
				if ask(); tt.life > 0 && len(s.forms) != 1 {
					t.Errorf("%d exchanges within %v", len(s.forms), tt.life)
				}
				<-time.After(time.Nanosecond)
				if ask(); len(s.forms) < 2 {
					t.Errorf("%d exchanges after %v", len(s.forms), tt.life)
				}
			})
		})
	}
}

// A refused token is exchanged again, once; an API that refuses all of them does not
// cause more.
func TestExchangeAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{answer: exchanged("Bearer", 3600)}
		good := "token-2"
		api := &fakeAPI{answer: func(_ int, r *http.Request, w http.ResponseWriter) {
			if r.Header.Get("Authorization") != "Bearer "+good {
				refuse(w, 401, `Bearer error="invalid_token"`)
			}
		}}
		transport := newTransport(t, api, client.Config{Tokens: newExchange(t, s, client.ExchangeConfig{}), Resource: stockAPI})
		ctx := admit(t, alice, "inbound")
		var calls sync.WaitGroup
		for range 20 {
			calls.Go(func() {
				if status, e := do(t, transport, get(t, stockAPI).WithContext(ctx)); status != 200 {
					t.Error(e)
				}
			})
		}
		calls.Wait()
		if len(s.forms) != 2 {
			t.Errorf("%d exchanges, want 2", len(s.forms))
		}
		good = "none"
		for range 20 {
			if _, e := do(t, transport, get(t, stockAPI).WithContext(ctx)); e == nil || e.Remedy != client.SignIn {
				t.Errorf("%v", e)
			}
		}
		if len(s.forms) != 2 {
			t.Errorf("%d exchanges within 5 s, want 2", len(s.forms))
		}
		<-time.After(5 * time.Second)
		for range 20 {
			_, _ = do(t, transport, get(t, stockAPI).WithContext(ctx))
		}
		if len(s.forms) != 3 {
			t.Errorf("%d exchanges, want 3", len(s.forms))
		}
	})
	// A server that issues the refused token again.
	s := &server{answer: func(_ int, form url.Values) (int, string) { return exchanged("Bearer", 3600)(1, form) }}
	source := newExchange(t, s, client.ExchangeConfig{})
	for range 3 {
		if token, err := source.Token(admit(t, alice, "inbound"), client.Want{Refused: "token-1"}); err == nil || !strings.Contains(err.Error(), "just requested") {
			t.Errorf("%v, %v", token, err)
		}
	}
}

// Concurrent requests share an exchange. The end of one does not end it for the
// others, and the end of all ends it.
func TestExchangeSharesRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, canceled := &server{answer: exchanged("Bearer", 3600)}, 0
		slow := &http.Client{Transport: roundTripFunc(func(r *http.Request) (*http.Response, error) {
			select {
			case <-time.After(time.Second):
				return s.RoundTrip(r)
			case <-r.Context().Done():
				canceled++
				return nil, r.Context().Err()
			}
		})}
		source, err := client.NewExchange(client.ExchangeConfig{Endpoint: client.Endpoint{URL: tokenURL, ClientID: "app", HTTP: slow}, Issuers: []string{alice.Issuer}})
		if err != nil {
			t.Fatal(err)
		}
		ctx := admit(t, alice, "inbound")
		leaver := func() {
			short, leave := context.WithTimeout(ctx, time.Second/2)
			defer leave()
			if _, err := source.Token(short, client.Want{}); !errors.Is(err, context.DeadlineExceeded) {
				t.Error(err)
			}
		}
		leaver()
		synctest.Wait()
		if canceled != 1 {
			t.Errorf("%d exchanges were canceled, want 1", canceled)
		}
		var calls sync.WaitGroup
		calls.Go(leaver)
		synctest.Wait()
		for range 50 {
			calls.Go(func() {
				if token, err := source.Token(ctx, client.Want{}); err != nil || token.AccessToken != "token-1" {
					t.Error(token, err)
				}
			})
		}
		calls.Wait()
		if len(s.forms) != 1 || canceled != 1 {
			t.Errorf("%d exchanges, %d canceled", len(s.forms), canceled)
		}
	})
}

// A server that never answers: the caller's deadline counts, and without one 15 s.
func TestExchangeHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		requests := 0
		hang := &http.Client{Transport: roundTripFunc(func(r *http.Request) (*http.Response, error) {
			requests++
			<-r.Context().Done()
			return nil, r.Context().Err()
		})}
		source, err := client.NewExchange(client.ExchangeConfig{Endpoint: client.Endpoint{URL: tokenURL, ClientID: "app", HTTP: hang}, Issuers: []string{alice.Issuer}})
		if err != nil {
			t.Fatal(err)
		}
		api := &fakeAPI{}
		transport := newTransport(t, api, client.Config{Tokens: source, Resource: stockAPI})
		send := func(ctx context.Context) (time.Duration, error) {
			began := time.Now()
			_, err := transport.RoundTrip(get(t, stockAPI).WithContext(ctx))
			return time.Since(began), err
		}
		short, cancel := context.WithTimeout(admit(t, alice, "inbound"), time.Second)
		defer cancel()
		if took, err := send(short); !errors.Is(err, context.DeadlineExceeded) || took != time.Second {
			t.Errorf("%v after %v", err, took)
		}
		synctest.Wait()
		ctx := admit(t, alice, "inbound")
		took, err := send(ctx)
		if e := asError(t, err); e.Remedy != client.Unavailable || took != 15*time.Second {
			t.Errorf("%v after %v", err, took)
		}
		// For a second, nobody waits for that server.
		if took, err := send(admit(t, alice, "another")); asError(t, err).Remedy != client.Unavailable || took != 0 || requests != 2 {
			t.Errorf("%v after %v, %d requests", err, took, requests)
		}
		<-time.After(time.Second)
		if took, _ := send(ctx); took != 15*time.Second || requests != 3 {
			t.Errorf("after %v, %d requests", took, requests)
		}
	})
}

// Checklist C19: what the server says about one token does not hold up the others;
// an outage does, for as long as the server asks.
func TestExchangeFailures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		status, body, retryAfter := 400, `{"error":"invalid_request"}`, ""
		requests := 0
		endpoint := &http.Client{Transport: inMemory(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			requests++
			if retryAfter != "" {
				w.Header().Set("Retry-After", retryAfter)
			}
			w.WriteHeader(status)
			_, _ = w.Write([]byte(body))
		}))}
		source, err := client.NewExchange(client.ExchangeConfig{Endpoint: client.Endpoint{URL: tokenURL, ClientID: "app", HTTP: endpoint}, Issuers: []string{alice.Issuer}})
		if err != nil {
			t.Fatal(err)
		}
		ask := func(token string, want int) {
			t.Helper()
			_, err := source.Token(admit(t, alice, token), client.Want{})
			if err == nil || requests != want {
				t.Errorf("%v, %d requests, want %d", err, requests, want)
			}
		}
		ask("a", 1)
		ask("a", 1)
		ask("b", 2)
		<-time.After(time.Second)
		ask("a", 3)
		status, body = 500, "{}"
		ask("c", 4)
		ask("d", 5) // a 500 may be due to the token
		status = 429
		ask("429", 6)
		ask("g", 6)
		<-time.After(time.Second)
		requests = 5
		status, retryAfter = 503, "20"
		ask("e", 6)
		ask("f", 6)
		<-time.After(19 * time.Second)
		ask("f", 6)
		<-time.After(time.Second)
		retryAfter = "86400"
		ask("f", 7)
		<-time.After(30 * time.Second) // at most
		ask("f", 8)
	})
}

// Checklist C19, reports V1: a token on which the server hangs does not hold up the
// others while the server issues tokens for them.
func TestExchangeHangsOnOneToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{answer: exchanged("Bearer", 3600)}
		hang := &http.Client{Transport: roundTripFunc(func(r *http.Request) (*http.Response, error) {
			form, err := io.ReadAll(r.Body)
			if err != nil {
				return nil, err
			}
			if strings.Contains(string(form), "slow") {
				<-r.Context().Done()
				return nil, r.Context().Err()
			}
			r.Body = io.NopCloser(strings.NewReader(string(form)))
			return s.RoundTrip(r)
		})}
		source, err := client.NewExchange(client.ExchangeConfig{Endpoint: client.Endpoint{URL: tokenURL, ClientID: "app", HTTP: hang}, Issuers: []string{alice.Issuer}})
		if err != nil {
			t.Fatal(err)
		}
		var calls sync.WaitGroup
		calls.Go(func() {
			if _, err := source.Token(admit(t, alice, "slow"), client.Want{}); err == nil {
				t.Error("no error")
			}
		})
		ask := func(token string) {
			t.Helper()
			if _, err := source.Token(admit(t, alice, token), client.Want{}); err != nil {
				t.Error(err)
			}
		}
		<-time.After(14 * time.Second)
		ask("good-1")
		calls.Wait()
		ask("good-2")
		began := time.Now()
		if _, err := source.Token(admit(t, alice, "slow"), client.Want{}); err == nil || time.Since(began) != 0 {
			t.Errorf("%v after %v: the token that hung is asked for again within a second", err, time.Since(began))
		}
		if got := len(s.forms); got != 2 {
			t.Errorf("%d exchanges", got)
		}
	})
}

// The cache is bounded, and may be off.
func TestExchangeCacheBounds(t *testing.T) {
	for _, tt := range []struct {
		entries, bytes, least, most int // requests
	}{{10, 0, 190, 200}, {-1, 0, 200, 200}, {0, -1, 200, 200}, {0, 5 * 600, 195, 200}, {0, 0, 100, 100}} {
		s := &server{answer: exchanged("Bearer", 3600)}
		source := newExchange(t, s, client.ExchangeConfig{CacheEntries: tt.entries, CacheBytes: tt.bytes})
		for range 2 {
			for i := range 100 {
				if _, err := source.Token(admit(t, alice, fmt.Sprintf("inbound-%d", i)), client.Want{}); err != nil {
					t.Fatal(err)
				}
			}
		}
		if n := len(s.forms); n < tt.least || n > tt.most {
			t.Errorf("%+v: %d requests", tt, len(s.forms))
		}
	}
	// The length of the tokens counts.
	long := &server{answer: func(n int, form url.Values) (int, string) {
		status, body := exchanged("Bearer", 3600)(n, form)
		return status, strings.Replace(body, "token-", strings.Repeat("t", 10<<10), 1)
	}}
	source := newExchange(t, long, client.ExchangeConfig{CacheBytes: 40 << 10})
	for range 2 {
		for i := range 10 {
			if _, err := source.Token(admit(t, alice, fmt.Sprintf("inbound-%d", i)), client.Want{}); err != nil {
				t.Fatal(err)
			}
		}
	}
	if len(long.forms) < 16 {
		t.Errorf("%d exchanges, want at least 16, since 3 tokens fit into the cache", len(long.forms))
	}
}
