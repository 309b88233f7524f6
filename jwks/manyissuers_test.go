package jwks_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bearerkit/bearerkit/jwks"
)

// A program with ten thousand issuers starts, changes its configuration and ends
// quickly, and its probe says in a few lines what is missing. The time here is that
// of a real clock, generously bounded: anything quadratic takes minutes.
func TestTenThousandIssuers(t *testing.T) {
	const count = 10_000
	begin := time.Now()
	synctest.Test(t, func(t *testing.T) {
		f := newFarm()
		c := jwks.Config{Client: f.client}
		for n := range count {
			c.Issuers = append(c.Issuers, f.issuer(fmt.Sprint(n)))
		}
		v := newVerifier(t, c)
		if err := v.Ready(); err == nil || len(err.Error()) > 10<<10 {
			t.Errorf("not ready: an error of %d bytes", len(fmt.Sprint(err)))
		}
		accept(t, v, f.token("9999", "1")) // does not wait for the others
		elapse(time.Second)
		synctest.Wait()
		asked := f.requests("1") + f.requests("9999")
		c.Issuers = c.Issuers[1:]
		c.Leeway = time.Second
		reconfigure(t, v, c)
		unrecognized(t, v, f.token("0", "1"))
		accept(t, v, f.token("1", "1"))
		accept(t, v, f.token("9999", "2"))
		if n := f.requests("1") + f.requests("9999") - asked; n != 0 {
			t.Errorf("%d requests for keys that stay", n)
		}
		if s := v.Stats(); len(s.Issuers) != count-1 || s.Issuers[0].Keys != 1 {
			t.Errorf("Stats has %d issuers", len(s.Issuers))
		}
		v.Close()
	})
	if took := time.Since(begin); took > time.Minute {
		t.Errorf("took %v", took)
	}
}

// The keys of many issuers are not fetched all at once: 65 are, and then 500 a
// second.
func TestFirstFetchesAreSpread(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFarm()
		c := jwks.Config{Client: f.client}
		for n := range 300 {
			c.Issuers = append(c.Issuers, f.issuer(fmt.Sprint(n)))
		}
		newVerifier(t, c)
		fetched := func(want int) {
			t.Helper()
			synctest.Wait()
			if n := f.requests("") / 2; n != want { // metadata and keys
				t.Errorf("%d issuers' keys were fetched, want %d", n, want)
			}
		}
		fetched(65)
		elapse(99 * time.Millisecond)
		fetched(65 + 49)
		elapse(time.Second)
		fetched(300)
	})
}
