package jwks_test

import (
	"context"
	"sync"
	"testing"

	"github.com/bearerkit/bearerkit/bearer/bearertest"
	"github.com/bearerkit/bearerkit/jwks"
)

// OnFetch is told about the fetches of a configured issuer and of one that
// Config.Resolve returns.
func TestOnFetch(t *testing.T) {
	issuer, tenant := newIssuer(t, bearertest.IssuerConfig{}), newIssuer(t, bearertest.IssuerConfig{})
	var mu sync.Mutex
	keys := map[string]int{}
	v := newVerifier(t, jwks.Config{
		Issuers: []jwks.Issuer{{URL: issuer.URL(), Audience: []string{"https://api.example.com"}, Client: issuer.Client()}},
		Resolve: func(context.Context, string) (jwks.Issuer, error) {
			return jwks.Issuer{URL: tenant.URL(), Audience: []string{"https://api.example.com"}, Client: tenant.Client()}, nil
		},
		OnFetch: func(f jwks.Fetch) {
			mu.Lock()
			defer mu.Unlock()
			if f.Err != nil || f.Took <= 0 {
				t.Errorf("%+v", f)
			}
			if !f.Metadata {
				keys[f.Issuer] += f.Keys
			}
		},
	})
	for _, i := range []*bearertest.Issuer{issuer, tenant} {
		if _, err := v.Verify(t.Context(), i.Mint(bearertest.Token{})); err != nil {
			t.Error(err)
		}
		mu.Lock()
		if n := keys[i.URL()]; n != 5 {
			t.Errorf("%d keys of %s, want 5", n, i.URL())
		}
		mu.Unlock()
	}
}
