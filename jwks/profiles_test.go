package jwks_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bearerkit/bearerkit/jwks"
)

// An issuer of Resolve may read other claims than the configured issuers, and the
// rules of one profile do not apply to another issuer's tokens.
func TestResolvedIssuersHaveTheirOwnClaims(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFarm()
		c := jwks.Config{Client: f.client, Issuers: f.issuers("static")}
		c.Resolve = func(_ context.Context, iss string) (jwks.Issuer, error) {
			name := strings.TrimPrefix(iss, f.base+"/t/")
			i := f.issuer(name)
			// More profiles than are shared.
			i.Profile = jwks.Profile{ClientID: []string{"cid_" + name}, Roles: []string{"/roles_" + name}, Kind: "kind", Kinds: []string{"access", name}}
			return i, nil
		}
		v := newVerifier(t, c)
		check := func(id string) {
			for n := range 270 {
				name := fmt.Sprint("tenant", n)
				p, err := v.Verify(t.Context(), f.token(name, id, fmt.Sprintf(`,"cid_%s":"client","roles_%s":["%s"],"kind":"access"`, name, name, name)))
				if err != nil || p.ClientID != "client" || fmt.Sprint(p.Roles()) != "["+name+"]" {
					t.Fatalf("%s: %+v, %v", name, p, err)
				}
				if n%100 == 99 {
					elapse(3 * time.Second) // the limit of new issuers
				}
			}
			accept(t, v, f.token("static", id, `,"kind":5,"cid_tenant1":5`))
			if _, err := v.Verify(t.Context(), f.token("tenant1", id+"b", `,"cid_tenant1":5,"kind":"access"`)); err == nil {
				t.Error("the client ID is malformed: accepted")
			}
		}
		check("1")
		check("2")
	})
}

// Run with -race: configurations replace each other while tokens are verified and
// the verifier is closed.
func TestReconfigureIsSafeForConcurrentUse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFarm()
		tenants := newTable(f, "a", "b")
		c := tenants.config()
		c.Issuers = f.issuers("static")
		v := newVerifier(t, c)
		static, token := f.token("static", "1"), f.token("a", "1")
		var wait sync.WaitGroup
		for range 4 {
			wait.Go(func() {
				for range 50 {
					if err := v.Reconfigure(c); err != nil {
						t.Error(err)
					}
					accept(t, v, static)
					accept(t, v, token)
					_, _ = v.Stats(), v.Ready()
				}
			})
		}
		wait.Wait()
		wait.Go(v.Close)
		wait.Go(v.Close)
		wait.Go(func() { _ = v.Reconfigure(c) })
		wait.Go(func() { _, _ = v.Verify(t.Context(), f.token("b", "1")) })
		wait.Wait()
	})
}
