package jwks_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bearerkit/bearerkit/bearer"
)

// C20: a key that an issuer of Resolve withdrew while no tokens came verifies
// nothing after the pause, not even a cached token.
func TestKeysWithdrawnDuringAPauseAreRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFarm()
		f.delay = 100 * time.Millisecond
		tenants := newTable(f, "a", "b")
		v := newVerifier(t, tenants.config())
		for _, tt := range []struct{ tenant, token string }{
			{"a", f.token("a", "cached")},
			{"b", f.token("b", "new")},
		} {
			accept(t, v, f.token(tt.tenant, "cached"))
			elapse(20 * time.Minute)
			f.withdraw(tt.tenant)
			asked := f.requests(tt.tenant)
			for range 3 {
				_, err := v.Verify(t.Context(), tt.token)
				if e, _ := errors.AsType[*bearer.Error](err); e == nil || e.Check != "signature" {
					t.Errorf("tenant %s: %v, want a refused signature", tt.tenant, err)
				}
			}
			if n := f.requests(tt.tenant) - asked; n != 1 {
				t.Errorf("tenant %s: %d requests, want one", tt.tenant, n)
			}
		}
	})
}

// The tokens of a live issuer of Resolve, cached ones too, wait after a pause until
// its keys are refreshed, and are good if they still verify.
func TestTokensAfterAPauseWaitForTheKeys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFarm()
		f.delay = 100 * time.Millisecond
		tenants := newTable(f, "a")
		c := tenants.config()
		c.Issuers = f.issuers("static")
		v := newVerifier(t, c)
		static, token := f.token("static", "1"), f.token("a", "1")
		accept(t, v, static)
		accept(t, v, token)
		elapse(20 * time.Minute)
		takes := func(token string, want time.Duration) {
			t.Helper()
			begin := time.Now()
			accept(t, v, token)
			if took := time.Since(begin); took != want {
				t.Errorf("verified after %v, want %v", took, want)
			}
		}
		takes(static, 0)
		takes(token, 100*time.Millisecond)
		takes(token, 0)
		elapse(20 * time.Minute)
		f.setHang(true)
		takes(token, 9*time.Second)
		synctest.Wait()
		takes(token, 0)
		takes(f.token("a", "2"), 0)
	})
}
