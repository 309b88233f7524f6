package jwks_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/jwks"
)

// table is a table of tenants whose lookup is a Config.Resolve.
type table struct {
	farm    *farm
	calls   atomic.Int64
	mu      sync.Mutex
	tenants map[string]bool
}

func newTable(f *farm, names ...string) *table {
	tenants := &table{farm: f, tenants: map[string]bool{}}
	for _, name := range names {
		tenants.tenants[name] = true
	}
	return tenants
}

func (t *table) set(name string, is bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.tenants[name] = is
}

func (t *table) resolve(_ context.Context, iss string) (jwks.Issuer, error) {
	t.calls.Add(1)
	name := strings.TrimPrefix(iss, t.farm.base+"/t/")
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.tenants[name] {
		return jwks.Issuer{}, fmt.Errorf("tenant: %w", bearer.ErrUnrecognized)
	}
	return t.farm.issuer(name), nil
}

func (t *table) config() jwks.Config { return jwks.Config{Client: t.farm.client, Resolve: t.resolve} }

// Resolve is asked once for each issuer, and an issuer of Issuers needs no answer.
func TestResolveFindsAnIssuer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFarm()
		tenants := newTable(f, "a")
		c := tenants.config()
		c.Issuers = f.issuers("static")
		v := newVerifier(t, c)
		if err := v.Ready(f.url("a")); err == nil || !strings.Contains(err.Error(), "no token has made Config.Resolve return it") {
			t.Errorf("before its first token: %v", err)
		}
		accept(t, v, f.token("static", "1"))
		for id := range 3 {
			accept(t, v, f.token("a", fmt.Sprint(id)))
		}
		_, err := v.Verify(t.Context(), f.token("b", "1"))
		if e := refusedWith(err); !errors.Is(err, bearer.ErrUnrecognized) || e == nil || e.Check != "iss" || e.Hint == "" {
			t.Errorf("%v, want the refusal of another issuer's token", err)
		}
		if n := tenants.calls.Load(); n != 2 {
			t.Errorf("%d calls, want one for each of the two", n)
		}
		for _, name := range []string{"a", "static"} {
			if err := v.Ready(f.url(name)); err != nil {
				t.Error(err)
			}
		}
		want := jwks.ResolveStats{Live: 1, Unknown: 1, Calls: 2, Answered: 2}
		if got := v.Stats().Resolve; got != want {
			t.Errorf("%+v, want %+v", got, want)
		}
	})
}

// Part 2.4: ten thousand unknown issuers cause no fetch, and one call of Resolve
// each, however often their tokens come within a minute.
func TestUnknownIssuersCauseNoFetch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFarm()
		tenants := newTable(f)
		v := newVerifier(t, tenants.config())
		const unknown = 10_000
		tokens := make([]string, unknown)
		for n := range tokens {
			tokens[n] = f.forged(fmt.Sprint("junk", n), "1")
		}
		for range 2 {
			for _, token := range tokens {
				unrecognized(t, v, token)
			}
		}
		if calls := tenants.calls.Load(); calls != unknown || f.requests("") != 0 {
			t.Errorf("%d calls of Resolve and %d requests, want %d and none", calls, f.requests(""), unknown)
		}
		if s := v.Stats().Resolve; s.Unknown != unknown {
			t.Errorf("%+v", s)
		}
		tenants.set("junk7", true)
		unrecognized(t, v, f.token("junk7", "1"))
		elapse(time.Minute)
		accept(t, v, f.token("junk7", "1"))
	})
}

// An iss that no issuer can have does not reach Resolve.
func TestResolveIsAskedForIdentifiersOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFarm()
		tenants := newTable(f)
		v := newVerifier(t, tenants.config())
		longest := strings.Repeat("x", 2048-len(f.url("")))
		for _, name := range []string{longest + "x", "a\nb", "a\u202eb", " ", "a "} {
			unrecognized(t, v, f.token(name, "1"))
		}
		if n := tenants.calls.Load(); n != 0 {
			t.Errorf("%d calls", n)
		}
		unrecognized(t, v, f.token(longest, "1"))
		if n := tenants.calls.Load(); n != 1 {
			t.Errorf("%d calls for an iss of 2 KiB", n)
		}
	})
}

// C7: what Resolve cannot tell is 503, without a hint to the client, and Resolve
// is asked again after 2 s. A fault of Resolve is logged once for each issuer.
func TestResolveCannotTell(t *testing.T) {
	f := newFarm()
	failed := errors.New("no route to the table")
	for _, tt := range []struct {
		name    string
		resolve func(ctx context.Context, iss string) (jwks.Issuer, error)
		cause   string
		logged  string
		takes   time.Duration
	}{
		{"an error", func(context.Context, string) (jwks.Issuer, error) { return f.issuer("a"), failed }, failed.Error(), "", 0},
		{"a hang", func(ctx context.Context, _ string) (jwks.Issuer, error) {
			<-ctx.Done()
			return jwks.Issuer{}, ctx.Err()
		}, "within 5s", "", 5 * time.Second},
		{"a panic", func(context.Context, string) (jwks.Issuer, error) { panic("out of tenants") }, "out of tenants", "Config.Resolve panicked", 0},
		{"no return", func(context.Context, string) (jwks.Issuer, error) { runtime.Goexit(); return jwks.Issuer{}, nil }, "ended its goroutine", "", 0},
		{"another URL", func(context.Context, string) (jwks.Issuer, error) { return f.issuer("b"), nil }, "the iss that it was asked for", "mistakes", 0},
		{"mistakes", func(context.Context, string) (jwks.Issuer, error) {
			return jwks.Issuer{URL: f.url("a"), Algorithms: []string{"none"}}, nil
		}, "Audience is empty", "mistakes", 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var log strings.Builder
				var calls atomic.Int64
				v := newVerifier(t, jwks.Config{
					Client: f.client, Logger: slog.New(slog.NewTextHandler(&log, nil)),
					Resolve: func(ctx context.Context, iss string) (jwks.Issuer, error) {
						calls.Add(1)
						return tt.resolve(ctx, iss)
					},
				})
				begin := time.Now()
				e := unavailable(t, v, f.token("a", "1"))
				if d := time.Since(begin); d != tt.takes {
					t.Errorf("answered after %v, want %v", d, tt.takes)
				}
				if e.Check != "resolve" || !strings.Contains(e.Err.Error(), tt.cause) || errors.Is(e, context.DeadlineExceeded) ||
					strings.Contains(e.Err.Error(), "within 5s") != (tt.takes > 0) {
					t.Errorf("%s: %v", e.Check, e.Err)
				}
				synctest.Wait()
				if e := unavailable(t, v, f.token("a", "2")); !strings.Contains(e.Err.Error(), tt.cause) {
					t.Errorf("within the pause: %v", e.Err)
				}
				if n := calls.Load(); n != 1 {
					t.Errorf("%d calls within the pause", n)
				}
				elapse(2 * time.Second)
				unavailable(t, v, f.token("a", "3"))
				if n := calls.Load(); n != 2 {
					t.Errorf("%d calls after the pause", n)
				}
				synctest.Wait()
				if got, want := v.Stats().Resolve, (jwks.ResolveStats{Calls: 2, Failures: 2}); got != want {
					t.Errorf("%+v, want %+v", got, want)
				}
				if tt.logged != "" && strings.Count(log.String(), tt.logged) == 0 || strings.Count(log.String(), "level=ERROR") > 1 {
					t.Errorf("log: %s", log.String())
				}
				w := get(guarded(t, v), f.token("a", "4"))
				if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" || w.Header().Get("WWW-Authenticate") != "" || strings.Contains(w.Body.String(), tt.cause) {
					t.Errorf("%d %v %s", w.Code, w.Header(), w.Body)
				}
			})
		})
	}
	if f.requests("") != 0 {
		t.Errorf("%d requests to issuers that nobody approved", f.requests(""))
	}
}
