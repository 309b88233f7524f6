package jwks_test

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"fmt"
	"math/big"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/jwks"
)

// rsaKeySet returns a key set of two RSA-2048 keys, as many issuers publish it.
var rsaKeySet = sync.OnceValue(func() string {
	var keys []string
	for n := range 2 {
		key, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			panic(err)
		}
		b64 := base64.RawURLEncoding.EncodeToString
		keys = append(keys, fmt.Sprintf(`{"kty":"RSA","use":"sig","alg":"RS256","kid":"key-%d","n":%q,"e":%q}`,
			n, b64(key.N.Bytes()), b64(big.NewInt(int64(key.E)).Bytes())))
	}
	return `{"keys":[` + strings.Join(keys, ",") + `]}`
})

// idleIssuers are issuers that have their keys and get no tokens.
type idleIssuers struct {
	v          *jwks.Verifier
	issuers    int
	bytes      float64 // on the heap, for each issuer
	goroutines float64 // for each issuer
}

// newIdleIssuers measures a verifier with n issuers.
func newIdleIssuers(tb testing.TB, n int) *idleIssuers {
	tb.Helper()
	set := rsaKeySet()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if tenant, ok := strings.CutPrefix(r.URL.Path, "/.well-known/oauth-authorization-server"); ok {
			issuer := "http://" + r.Host + tenant
			fmt.Fprintf(w, `{"issuer":%q,"jwks_uri":%q}`, issuer, issuer+"/keys")
			return
		}
		_, _ = w.Write([]byte(set))
	}))
	tb.Cleanup(server.Close)
	c := jwks.Config{}
	for i := range n {
		c.Issuers = append(c.Issuers, jwks.Issuer{URL: fmt.Sprintf("%s/t/%d", server.URL, i), Audience: []string{audience}, Profile: jwks.Keycloak()})
	}
	before, goroutines := heap(), runtime.NumGoroutine()
	m := &idleIssuers{issuers: n}
	m.v = newVerifier(tb, c)
	ctx, cancel := context.WithTimeout(tb.Context(), 5*time.Minute)
	defer cancel()
	if err := bearer.WaitReady(ctx, func() error { return m.v.Ready() }); err != nil {
		tb.Fatal(err)
	}
	server.CloseClientConnections()
	m.bytes = float64(heap()-before) / float64(n)
	m.goroutines = float64(runtime.NumGoroutine()-goroutines) / float64(n)
	runtime.KeepAlive(c)
	return m
}

// heap returns the bytes of the objects that are reachable.
func heap() int64 {
	var m runtime.MemStats
	for range 3 { // pools need two
		runtime.GC()
	}
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// An idle issuer with two RSA-2048 keys costs at most 16 KiB, and no goroutine.
func TestIdleIssuersAreSmall(t *testing.T) {
	m := newIdleIssuers(t, 500)
	if m.bytes > 16<<10 {
		t.Errorf("%.0f bytes per issuer, want at most 16 KiB", m.bytes)
	}
	if n := m.goroutines * float64(m.issuers); n > 250 {
		t.Errorf("%.0f goroutines for %d issuers, want those of a few connections", n, m.issuers)
	}
	t.Logf("%.0f bytes and %.3f goroutines per issuer", m.bytes, m.goroutines)
}

// BenchmarkIssuers measures what an idle issuer of ten thousand costs.
func BenchmarkIssuers(b *testing.B) {
	for b.Loop() {
		m := newIdleIssuers(b, 10_000)
		b.ReportMetric(m.bytes, "B/issuer")
		b.ReportMetric(m.goroutines, "goroutines/issuer")
		m.v.Close()
	}
}
