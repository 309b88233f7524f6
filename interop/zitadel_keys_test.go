package interop_test

import (
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	jose "github.com/go-jose/go-jose/v4"

	"github.com/bearerkit/bearerkit/jwks"
)

func TestZitadelRotation(t *testing.T) {
	t.Parallel()
	o := newZitadelOP(t, "", "")
	a := newAPI(t, jwks.Config{
		Issuers:       []jwks.Issuer{{URL: o.issuer, Audience: []string{"sid1"}, Profile: jwks.Zitadel()}},
		RefreshBudget: time.Second,
	})
	old := o.clientCredentials(t, "orders:read").Access
	a.accepts(t, "/orders", old)
	fetches := a.verifier.Stats().Issuers[0].Fetches

	// The old key remains published for a while.
	first := newZitadelKey(t, "first", jose.ES256)
	second := newZitadelKey(t, "second", jose.EdDSA)
	o.store.rotate(first, second)
	a.accepts(t, "/orders", o.clientCredentials(t, "orders:read").Access)
	o.store.rotate(second, first)
	a.accepts(t, "/orders", o.clientCredentials(t, "orders:read").Access)
	if got := a.verifier.Stats().Issuers[0].Fetches - fetches; got != 1 {
		t.Errorf("%d fetches for two keys that were published together; want 1", got)
	}
	// Its key has been withdrawn. If the token was issued after the last fetch minus
	// the leeway, the answer may be 503 (reports V17).
	eventually(t, 15*time.Second, "the token of the withdrawn key is refused", func() bool { return a.get(t, "/orders", old).status == 401 })

	// The burst of fetches for unknown keys is used up, so the next key is found within
	// the refresh budget.
	o.store.rotate(newZitadelKey(t, "third", jose.PS256))
	token := o.clientCredentials(t, "orders:read").Access
	eventually(t, 5*time.Second, "the third key is accepted", func() bool { return a.get(t, "/orders", token).status == 200 })
}

func TestZitadelStopsAfterFirstFetch(t *testing.T) {
	t.Parallel()
	o := newZitadelOP(t, "", "")
	a := zitadelAPI(t, o, jwks.Zitadel())
	a.awaitReady(t, 3*time.Second)
	known := o.clientCredentials(t, "orders:read").Access
	o.store.rotate(newZitadelKey(t, "new", jose.RS256))
	unknown := o.clientCredentials(t, "orders:read").Access
	o.stop()

	for range 20 {
		a.accepts(t, "/orders", known)
	}
	a.unavailable(t, unknown) // the key cannot be fetched
	a.accepts(t, "/orders", known)

	o.restart(t)
	eventually(t, 15*time.Second, "the new key is accepted", func() bool { return a.get(t, "/orders", unknown).status == 200 })
}

// requestCounter counts the requests of a verifier.
type requestCounter struct{ atomic.Int64 }

func (c *requestCounter) RoundTrip(r *http.Request) (*http.Response, error) {
	c.Add(1)
	return http.DefaultTransport.RoundTrip(r)
}

func TestZitadelStopsBeforeFirstFetch(t *testing.T) {
	t.Parallel()
	o := newZitadelOP(t, "", "")
	token := o.clientCredentials(t, "orders:read").Access
	o.stop()
	requests := new(requestCounter)
	a := newAPI(t, jwks.Config{
		Issuers: []jwks.Issuer{{URL: o.issuer, Audience: []string{"sid1"}, Profile: jwks.Zitadel()}},
		Client:  &http.Client{Transport: requests},
	})
	for range 3 {
		a.unavailable(t, token)
	}
	if a.verifier.Ready() == nil {
		t.Error("ready without keys")
	}
	eventually(t, 20*time.Second, "several fetches fail, so that the backoff has grown", func() bool {
		return requests.Load() >= 5
	})

	o.restart(t)
	a.awaitReady(t, 3*time.Second) // without a request to the API
	a.accepts(t, "/orders", token)
}
