package jwks_test

import (
	"context"
	"errors"
	"fmt"
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
		junk(31, 1100)
		accept(t, v, f.token("live", "2"))
		accept(t, v, f.token("new", "2"))
		if e := unavailable(t, v, f.token("waits", "1")); !e.Suspect {
			t.Errorf("%v, want a refusal that counts for the failure limit", e)
		}
		elapse(6 * time.Second)
		if e := unavailable(t, v, f.forged("junk0", "2")); !strings.Contains(e.Err.Error(), "within 5s") {
			t.Errorf("%v", e.Err)
		}
		if n := v.Stats().Resolve.Calls; n != 2+32 {
			t.Errorf("%d calls, want one for each junk issuer in the lane", n)
		}
		close(release)
		synctest.Wait()
		elapse(2 * time.Second)
		accept(t, v, f.token("waits", "2"))
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
		unavailable(t, v, f.token("new", "1"))
	})
}
