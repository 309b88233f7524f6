package jwks_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/jwks"
)

// C19: calls of Resolve that hang, for junk and for longer than they may, shut out
// neither live tenants nor, with room in the lane, new ones.
func TestHangingResolveShutsOutNobodyElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFarm()
		tenants := newTable(f, "live", "new", "waits")
		c := tenants.config()
		release := make(chan struct{})
		c.Resolve = func(ctx context.Context, iss string) (jwks.Issuer, error) {
			if strings.Contains(iss, "junk") {
				<-release // whatever ctx says
			}
			return tenants.resolve(ctx, iss)
		}
		v := newVerifier(t, c)
		accept(t, v, f.token("live", "1"))
		junk := func(from, to int) {
			for n := from; n < to; n++ {
				go func() { _, _ = v.Verify(context.Background(), f.forged(fmt.Sprint("junk", n), "1")) }()
			}
			synctest.Wait()
		}
		junk(0, 31)
		accept(t, v, f.token("new", "1"))
		junk(31, 1023)
		waiting := verifying(v, f.token("waits", "0")) // takes the last place
		synctest.Wait()
		if begin := time.Now(); !unavailable(t, v, f.forged("junk1023", "1")).Suspect || time.Since(begin) > 0 {
			t.Error("want a refusal at once, which counts for the failure limit")
		}
		junk(1024, 1100)
		accept(t, v, f.token("live", "2"))
		accept(t, v, f.token("new", "2"))
		elapse(6 * time.Second)
		if e := unavailable(t, v, f.forged("junk0", "2")); !strings.Contains(e.Err.Error(), "within 5s") {
			t.Errorf("%v", e.Err)
		}
		if n := v.Stats().Resolve.Calls; n != 2+32 {
			t.Errorf("%d calls, want one for each junk issuer in the lane", n)
		}
		if err := <-waiting; codeOf(err) != bearer.CodeUnavailable {
			t.Errorf("%v, want 503 after 5 s", err)
		}
		close(release)
		synctest.Wait()
		elapse(2 * time.Second)
		accept(t, v, f.token("waits", "2"))
	})
}

// Calls of Resolve that hang, for junk, do not delay the issuers that were approved
// before Reconfigure.
func TestHangingResolveDelaysNoReturningIssuer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFarm()
		tenants := newTable(f, "a")
		c := tenants.config()
		c.Resolve = func(ctx context.Context, iss string) (jwks.Issuer, error) {
			if strings.Contains(iss, "junk") {
				<-ctx.Done()
			}
			return tenants.resolve(ctx, iss)
		}
		v := newVerifier(t, c)
		accept(t, v, f.token("a", "1"))
		reconfigure(t, v, c)
		for n := range 100 {
			verifying(v, f.forged(fmt.Sprint("junk", n), "1"))
		}
		synctest.Wait()
		begin := time.Now()
		accept(t, v, f.token("a", "2"))
		if took := time.Since(begin); took > 0 {
			t.Errorf("accepted after %v", took)
		}
	})
}

// Requests with tokens of one issuer share a call, and one that gives up does not
// end it for the others.
func TestResolveIsSharedAndDetached(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFarm()
		tenants := newTable(f, "a")
		c := tenants.config()
		c.Resolve = func(ctx context.Context, iss string) (jwks.Issuer, error) {
			elapse(time.Second)
			if ctx.Err() != nil {
				return jwks.Issuer{}, ctx.Err()
			}
			return tenants.resolve(ctx, iss)
		}
		v := newVerifier(t, c)
		first, cancel := context.WithCancel(t.Context())
		var wait sync.WaitGroup
		wait.Go(func() {
			if _, err := v.Verify(first, f.token("a", "0")); !errors.Is(err, context.Canceled) {
				t.Errorf("%v, want canceled", err)
			}
		})
		synctest.Wait()
		for n := range 50 {
			wait.Go(func() { accept(t, v, f.token("a", fmt.Sprint(n))) })
		}
		synctest.Wait()
		cancel()
		wait.Wait()
		if n := tenants.calls.Load(); n != 1 {
			t.Errorf("%d calls", n)
		}
	})
}

// Close ends a call of Resolve, and Verify then still judges with the keys it has.
func TestCloseDuringResolve(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFarm()
		tenants := newTable(f, "live")
		c := tenants.config()
		c.Resolve = func(ctx context.Context, iss string) (jwks.Issuer, error) {
			if strings.HasSuffix(iss, "hangs") {
				<-ctx.Done()
				return f.issuer("hangs"), nil // too late
			}
			return tenants.resolve(ctx, iss)
		}
		v := newVerifier(t, c)
		accept(t, v, f.token("live", "1"))
		done := make(chan error, 1)
		go func() {
			_, err := v.Verify(context.Background(), f.token("hangs", "1"))
			done <- err
		}()
		synctest.Wait()
		v.Close()
		if err := <-done; codeOf(err) != bearer.CodeUnavailable {
			t.Errorf("%v, want 503", err)
		}
		accept(t, v, f.token("live", "1"))
		accept(t, v, f.token("live", "2"))
		calls := v.Stats().Resolve.Calls
		for n := range 20 {
			unavailable(t, v, f.token(fmt.Sprint("new", n), "1"))
		}
		synctest.Wait()
		if s := v.Stats().Resolve; s.Live != 1 || s.Calls != calls || f.requests("hangs") != 0 {
			t.Errorf("%+v after %d calls; want one live issuer, and no call after Close", s, calls)
		}
	})
}

// Reconfigure ends a call of Resolve. The tokens that wait for it are judged by the
// new configuration at once.
func TestReconfigureEndsCallsOfResolve(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFarm()
		v := newVerifier(t, jwks.Config{
			Client: f.client,
			Resolve: func(ctx context.Context, _ string) (jwks.Issuer, error) {
				<-ctx.Done()
				return jwks.Issuer{}, ctx.Err()
			},
		})
		begin := time.Now()
		a, b := verifying(v, f.token("a", "1")), verifying(v, f.token("b", "1"))
		synctest.Wait()
		reconfigure(t, v, jwks.Config{Client: f.client, Issuers: f.issuers("a")})
		if err := <-a; err != nil {
			t.Error(err)
		}
		if err := <-b; !errors.Is(err, bearer.ErrUnrecognized) {
			t.Errorf("%v, want unrecognized", err)
		}
		if took := time.Since(begin); took > 0 {
			t.Errorf("answered after %v", took)
		}
	})
}

// At most 4,096 tokens wait for Resolve. The others are 503 at once.
func TestTokensThatWaitForResolveAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFarm()
		tenants := newTable(f, "a")
		c := tenants.config()
		release := make(chan struct{})
		c.Resolve = func(ctx context.Context, iss string) (jwks.Issuer, error) {
			<-release
			return tenants.resolve(ctx, iss)
		}
		v := newVerifier(t, c)
		token := f.token("a", "1")
		waiting := make([]<-chan error, 4096)
		for n := range waiting {
			waiting[n] = verifying(v, token)
		}
		synctest.Wait()
		begin := time.Now()
		if e := unavailable(t, v, token); !strings.Contains(e.Err.Error(), "other tokens already wait") || time.Since(begin) > 0 {
			t.Errorf("%v after %v", e.Err, time.Since(begin))
		}
		close(release)
		for _, answer := range waiting {
			if err := <-answer; err != nil {
				t.Fatal(err)
			}
		}
		accept(t, v, token)
	})
}

// A fault of Resolve is logged once for each issuer, and again when a thousand
// issuers with faults were remembered.
func TestFaultsOfResolveAreLoggedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFarm()
		var log lockedBuffer
		c := jwks.Config{
			Client: f.client, Logger: slog.New(slog.NewTextHandler(&log, nil)),
			Resolve: func(context.Context, string) (jwks.Issuer, error) { panic("out of tenants") },
		}
		v := newVerifier(t, c)
		logs := func(name string, want int) {
			t.Helper()
			before := strings.Count(log.String(), "Config.Resolve panicked")
			unavailable(t, v, f.forged(name, "1"))
			if n := strings.Count(log.String(), "Config.Resolve panicked") - before; n != want {
				t.Errorf("%s: %d records, want %d", name, n, want)
			}
		}
		for n := range 1000 {
			logs(fmt.Sprint(n), 1)
		}
		elapse(2 * time.Second)
		logs("0", 0) // forgets the others
		logs("1", 1)
		logs("999", 1)
		elapse(2 * time.Second)
		logs("0", 0)
		logs("1", 0)

		c.Logger = nil // which is no log
		reconfigure(t, v, c)
		logs("0", 0)
	})
}
