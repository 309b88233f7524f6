package main

import (
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/bearerkit/bearerkit/bearer/bearertest"
)

// Peers section 2: after a rotation, 40 concurrent requests cause one fetch, and
// all succeed. Other implementations refuse 39 of them, or fetch 40 times.
func TestConcurrentRequestsAfterARotation(t *testing.T) {
	t.Parallel()
	issuer := newIssuer(t)
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	onEach(t, issuer, func(t *testing.T, url string) {
		eventually(t, patience, "ready", func() bool { return send(t, url, "GET /readyz").status == 200 })
		if _, err := issuer.Rotate("ES256"); err != nil {
			t.Fatal(err)
		}
		issuer.SetFault(bearertest.JWKS, bearertest.Fault{Delay: 200 * time.Millisecond})
		defer issuer.SetFault(bearertest.JWKS, bearertest.Fault{})
		before := issuer.Requests(bearertest.JWKS)
		var requests sync.WaitGroup
		for range 40 {
			token := issuer.Mint(tokenFor("orders:read"))
			requests.Go(func() {
				r, err := http.NewRequest(http.MethodGet, url+"/orders", nil)
				if err != nil {
					t.Error(err)
					return
				}
				r.Header.Set("Authorization", "Bearer "+token)
				response, err := client.Do(r)
				if err != nil {
					t.Error(err)
					return
				}
				if err := response.Body.Close(); err != nil || response.StatusCode != http.StatusOK {
					t.Errorf("%d, %v", response.StatusCode, err)
				}
			})
		}
		requests.Wait()
		if n := issuer.Requests(bearertest.JWKS) - before; n != 1 {
			t.Errorf("%d fetches, want 1", n)
		}
	})
}
