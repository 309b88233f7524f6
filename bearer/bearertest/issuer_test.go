package bearertest_test

import (
	"sync"
	"testing"

	"github.com/bearerkit/bearerkit/bearer/bearertest"
)

// The issuer mints tokens while it stops and restarts at the same address, for
// the race detector.
func TestIssuerConcurrently(t *testing.T) {
	issuer, err := bearertest.NewIssuer(bearertest.IssuerConfig{Path: "/tenant"})
	if err != nil {
		t.Fatal(err)
	}
	defer issuer.Close()
	url := issuer.URL()
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 20 {
				issuer.Mint(bearertest.Token{Algorithm: "EdDSA"})
				if got := issuer.URL(); got != url {
					t.Errorf("the URL is %q now, was %q", got, url)
				}
			}
		})
	}
	wg.Go(func() {
		for range 5 {
			issuer.Stop()
			if err := issuer.Start(); err != nil {
				t.Error(err)
			}
		}
	})
	wg.Wait()
}
