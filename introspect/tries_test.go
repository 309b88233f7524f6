package introspect_test

import (
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bearerkit/bearerkit/introspect"
)

// While the circuit is open, four tokens that were active before are introspected
// between two probes, whether they come at once or one by one.
func TestTriesOfAnOpenCircuit(t *testing.T) {
	for _, atOnce := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			var down atomic.Bool
			var tries atomic.Int32
			v := asking(t, func(token string) (int, http.Header) {
				if !down.Load() {
					return 200, nil
				}
				if len(token) < 10 { // the tokens of probes are longer
					tries.Add(1)
				}
				return 503, http.Header{"Retry-After": {"10"}}
			}, func(c *introspect.Config) { c.MaxAge = time.Second })
			for i := range 8 {
				if _, err := v.Verify(t.Context(), fmt.Sprint("token-", i)); err != nil {
					t.Fatal(err)
				}
			}
			elapse(2 * time.Second)
			down.Store(true)
			_, _ = v.Verify(t.Context(), "another")
			elapse(time.Second)
			if v.Stats().Open == 0 {
				t.Fatal("the circuit is closed")
			}
			tries.Store(0)
			var wg sync.WaitGroup
			for i := range 8 {
				wg.Go(func() { _, _ = v.Verify(t.Context(), fmt.Sprint("token-", i)) })
				if !atOnce {
					wg.Wait()
				}
			}
			wg.Wait()
			if n := tries.Load(); n != 4 {
				t.Errorf("at once: %t; %d tokens were introspected, want 4", atOnce, n)
			}
		})
	}
}
