package introspect_test

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/introspect"
)

// A slow endpoint that answers every question loses none. No question loses its
// slot while similar questions take as long. At 97 % of the capacity of 64
// slots, all tokens are accepted.
func TestSlowEndpointKeepsUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		random := rand.New(rand.NewPCG(1, 1))
		var mu sync.Mutex
		v := asking(t, func(string) (int, http.Header) {
			mu.Lock()
			d := 200*time.Millisecond + time.Duration(random.Int64N(int64(400*time.Millisecond)))
			mu.Unlock()
			elapse(d)
			return 200, nil
		}, nil)
		var wg sync.WaitGroup
		for i := range 3100 {
			wg.Go(func() {
				if _, err := v.Verify(t.Context(), fmt.Sprint("token-", i)); err != nil {
					t.Errorf("token-%d: %v", i, err)
				}
			})
			elapse(time.Second / 155)
		}
		wg.Wait()
		v.Close()
	})
}

// Reports V1, checklist C19: fast answers about one client's tokens are not
// evidence that slow answers about others hang.
func TestFastJunkTakesNoSlots(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := asking(t, nil, func(c *introspect.Config) {
			c.MaxConcurrent = 8
			c.Client = &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
				if err := r.ParseForm(); err != nil {
					return nil, err
				}
				body := `{"active":false}`
				if strings.HasPrefix(r.PostForm.Get("token"), "good") {
					elapse(400 * time.Millisecond)
					body = `{"active":true,"aud":"` + audience + `"}`
				} else {
					elapse(20 * time.Millisecond)
				}
				return &http.Response{StatusCode: 200, Body: io.NopCloser(strings.NewReader(body))}, nil
			})}
		})
		var wg sync.WaitGroup
		for i := range 3000 { // 300 a second: the remaining slots suffice for the good ones
			wg.Go(func() { _, _ = v.Verify(t.Context(), fmt.Sprint("junk-", i)) })
			if i%300 == 0 {
				wg.Go(func() {
					if _, err := v.Verify(t.Context(), fmt.Sprint("good-", i)); err != nil {
						t.Errorf("good-%d: %v", i, err)
					}
				})
			}
			elapse(time.Second / 300)
		}
		wg.Wait()
		v.Close()
	})
}

// Reports V5: in an outage, whatever its status and however it begins, no token
// is suspect, and cached answers are used.
func TestOutageIsNobodysFault(t *testing.T) {
	for _, status := range []int{400, 401, 403, 404, 429, 500, 502} {
		synctest.Test(t, func(t *testing.T) {
			var down atomic.Bool
			v := asking(t, func(string) (int, http.Header) {
				elapse(2 * time.Millisecond)
				if down.Load() {
					return status, nil
				}
				return 200, nil
			}, func(c *introspect.Config) { c.MaxAge = time.Hour })
			use := func(token string) (suspect bool) {
				_, err := v.Verify(t.Context(), token)
				e, ok := errors.AsType[*bearer.Error](err)
				return ok && e.Suspect
			}
			use("known")
			var wg sync.WaitGroup
			var suspects atomic.Int32
			for i := range 2000 { // 1,000 a second; those of the second second fail
				down.Store(i >= 1000)
				wg.Go(func() {
					if use(fmt.Sprint("token-", i)) {
						suspects.Add(1)
					}
				})
				elapse(time.Millisecond)
			}
			wg.Wait()
			// Tokens that were sent just before one that was still answered.
			if n := suspects.Load(); n > 5 {
				t.Errorf("%d: %d tokens are suspect", status, n)
			}
			if _, err := v.Verify(t.Context(), "known"); err != nil {
				t.Errorf("%d: what is kept: %v", status, err)
			}
			v.Close()
		})
	}
}

// The caller owns the principal of a refusal: changing it does not change the
// cache.
func TestRefusalsShareNoPrincipal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := asking(t, nil, func(c *introspect.Config) {
			body := fmt.Sprintf(`{"active":true,"aud":%q,"sub":"alice","nbf":%d}`, audience, time.Now().Unix()+20)
			c.Client = &http.Client{Transport: roundTripper(func(*http.Request) (*http.Response, error) {
				return &http.Response{StatusCode: 200, Body: io.NopCloser(strings.NewReader(body))}, nil
			})}
		})
		_, err := v.Verify(t.Context(), "token")
		e, ok := errors.AsType[*bearer.Error](err)
		if !ok || e.Check != "nbf" || e.Principal == nil {
			t.Fatalf("%v", err)
		}
		e.Principal.Subject = "root"
		elapse(30 * time.Second)
		if p, err := v.Verify(t.Context(), "token"); err != nil || p.Subject != "alice" {
			t.Errorf("%v, %v", p, err)
		}
		v.Close()
	})
}
