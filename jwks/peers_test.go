package jwks_test

import (
	"context"
	"errors"
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/bearer/bearertest"
	"github.com/bearerkit/bearerkit/jwks"
)

// Peers section 2: with one foreign, weak or broken key beside the good ones,
// some libraries refuse every token.
func TestForeignKeysBesideTheGoodOnes(t *testing.T) {
	bad := map[string]string{
		"unknown kty":                      `{"kty":"XYZ","kid":"bad","x":"AAAA"}`,
		"ML-DSA":                           `{"kty":"AKP","kid":"bad","alg":"ML-DSA-44","pub":"AAAA"}`,
		"Ed448":                            `{"kty":"OKP","kid":"bad","crv":"Ed448","x":"` + strings.Repeat("A", 76) + `"}`,
		"X25519":                           `{"kty":"OKP","kid":"bad","crv":"X25519","x":"` + strings.Repeat("A", 43) + `"}`,
		"secp256k1":                        `{"kty":"EC","kid":"bad","crv":"secp256k1","x":"` + strings.Repeat("A", 43) + `","y":"` + strings.Repeat("A", 43) + `"}`,
		"a point off its curve":            `{"kty":"EC","kid":"bad","crv":"P-256","x":"` + strings.Repeat("A", 43) + `","y":"` + strings.Repeat("A", 43) + `"}`,
		"RSA without e":                    `{"kty":"RSA","kid":"bad","n":"` + strings.Repeat("B", 342) + `"}`,
		"RSA that is no base64url":         `{"kty":"RSA","kid":"bad","n":"not/base64==","e":"AQAB"}`,
		"RSA of 1024 bits":                 `{"kty":"RSA","kid":"bad","n":"` + strings.Repeat("_", 170) + `8","e":"AQAB"}`,
		"symmetric":                        `{"kty":"oct","kid":"bad","k":"AAAA"}`,
		"for encryption":                   `{"kty":"EC","kid":"bad","use":"enc","crv":"P-256","x":"AAAA","y":"AAAA"}`,
		"no object":                        `1`,
		"members of the wrong type":        `{"kty":1,"kid":{},"n":[]}`,
		"a kid that another key has":       `{"kty":"AKP","kid":"key-2","alg":"ML-DSA-44","pub":"AAAA"}`,
		"no kty":                           `{"kid":"bad"}`,
		"a member that stands there twice": `{"kty":"RSA","kid":"bad","n":"AAAA","n":"BBBB","e":"AQAB"}`,
	}
	issuer := newIssuer(t, bearertest.IssuerConfig{})
	all := ""
	for name, key := range bad {
		all += key + ","
		t.Run(name, func(t *testing.T) { acceptsBeside(t, issuer, key+",") })
	}
	t.Run("all of them", func(t *testing.T) { acceptsBeside(t, issuer, all) })
}

// acceptsBeside checks that tokens are accepted if the issuer publishes keys, a
// list of JWKs with a comma after each, in front of its own.
func acceptsBeside(t *testing.T, issuer *bearertest.Issuer, keys string) {
	own := strings.TrimPrefix(string(issuer.KeySet()), `{"keys":[`)
	issuer.SetFault(bearertest.JWKS, bearertest.Fault{Body: []byte(`{"keys":[` + keys + own)})
	v := trusting(t, issuer, nil)
	for _, algorithm := range []string{"RS256", "ES256", "ES384", "ES512", "EdDSA"} {
		if _, err := v.Verify(t.Context(), issuer.Mint(bearertest.Token{Algorithm: algorithm})); err != nil {
			t.Errorf("%s: %v", algorithm, err)
		}
	}
}

// Peers section 2: in some libraries one junk kid uses the only fetch of
// several minutes, and the tokens of a rotation right after it are refused
// until the next.
func TestOneUnknownKidDelaysNoRotation(t *testing.T) {
	inBubble(t, func(t *testing.T, issuer *bearertest.Issuer, v *jwks.Verifier) {
		if _, err := v.Verify(t.Context(), issuer.Mint(bearertest.Token{})); err != nil {
			t.Fatal(err)
		}
		junk := issuer.Mint(bearertest.Token{Header: map[string]any{"kid": "junk"}})
		if _, err := v.Verify(t.Context(), junk); codeOf(err) != bearer.CodeInvalidToken {
			t.Fatal(err)
		}
		if _, err := issuer.Rotate("ES256"); err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		if _, err := v.Verify(t.Context(), issuer.Mint(bearertest.Token{})); err != nil || time.Since(start) > 0 {
			t.Errorf("the new key: %v after %v", err, time.Since(start))
		}
	})
}

// Peers section 2: requests that wait for a failing endpoint do not fetch one
// after another, and are answered 503.
func TestFailingEndpointMakesNoConvoy(t *testing.T) {
	failing := func(issuer *bearertest.Issuer) {
		issuer.SetFault(bearertest.JWKS, bearertest.Fault{Delay: 500 * time.Millisecond, Status: 500})
	}
	inFaultyBubble(t, failing, func(t *testing.T, issuer *bearertest.Issuer, v *jwks.Verifier) {
		h, token, start := guarded(t, v), issuer.Mint(bearertest.Token{Scope: "orders:read"}), time.Now()
		var wg sync.WaitGroup
		for range 100 {
			wg.Go(func() {
				w := get(h, token)
				if took := time.Since(start); w.Code != http.StatusServiceUnavailable || took > 500*time.Millisecond {
					t.Errorf("%d after %v", w.Code, took)
				}
			})
		}
		wg.Wait()
		if n := issuer.Requests(bearertest.JWKS); n != 1 {
			t.Errorf("%d fetches, want 1", n)
		}
	})
}

// Peers section 3, "dynamic issuers": tenants come and go while the program
// serves. Each has a verifier, and another verifier asks them in turn.
func TestTenantsComeAndGoWhileServing(t *testing.T) {
	var mu sync.RWMutex
	tenants := map[string]*jwks.Verifier{}
	h := guarded(t, bearer.VerifierFunc(func(ctx context.Context, token string) (*bearer.Principal, error) {
		mu.RLock()
		defer mu.RUnlock()
		for _, v := range tenants {
			if p, err := v.Verify(ctx, token); !errors.Is(err, bearer.ErrUnrecognized) {
				return p, err
			}
		}
		return nil, bearer.ErrUnrecognized
	}))
	change := func(f func()) { mu.Lock(); defer mu.Unlock(); f() }

	a, b := newIssuer(t, bearertest.IssuerConfig{}), newIssuer(t, bearertest.IssuerConfig{Path: "/b"})
	ofA, ofB := a.Mint(bearertest.Token{Scope: "orders:read"}), b.Mint(bearertest.Token{Scope: "orders:read"})
	ofAByB := b.Mint(bearertest.Token{Scope: "orders:read", Claims: map[string]any{"iss": a.URL()}})
	want := func(when string, statuses ...int) {
		t.Helper()
		for i, token := range []string{ofA, ofB, ofAByB} {
			if w := get(h, token); w.Code != statuses[i] {
				t.Errorf("%s: token %d: %d, want %d", when, i, w.Code, statuses[i])
			}
		}
	}
	want("without tenants", 401, 401, 401)
	change(func() { tenants["a"] = trusting(t, a, nil) })
	want("with a", 200, 401, 401)
	change(func() { tenants["b"] = trusting(t, b, nil) })
	want("with a and b", 200, 200, 401)
	change(func() { delete(tenants, "a") })
	want("with b", 401, 200, 401)
}

// Peers section 2, "private addresses": every fetch uses Config.Client, so a
// program can restrict what is dialed.
func TestClientSaysWhatIsDialed(t *testing.T) {
	issuer := newIssuer(t, bearertest.IssuerConfig{})
	errPrivate := errors.New("not a public address")
	dialer := &net.Dialer{Control: func(_, address string, _ syscall.RawConn) error {
		if to, err := netip.ParseAddrPort(address); err != nil || to.Addr().IsPrivate() || to.Addr().IsLoopback() {
			return errPrivate
		}
		return nil
	}}
	for name, keys := range map[string]jwks.KeySource{"discovery": {}, "a given URL": jwks.KeysFromURL(issuer.URL() + "/jwks")} {
		v := newVerifier(t, jwks.Config{
			Issuers: []jwks.Issuer{{URL: issuer.URL(), Audience: []string{audience}, Keys: keys}},
			Client:  &http.Client{Transport: &http.Transport{DialContext: dialer.DialContext}},
		})
		_, err := v.Verify(t.Context(), issuer.Mint(bearertest.Token{}))
		if codeOf(err) != bearer.CodeUnavailable || !strings.Contains(err.Error(), errPrivate.Error()) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if n := issuer.Requests(bearertest.OAuthMetadata) + issuer.Requests(bearertest.JWKS); n != 0 {
		t.Errorf("%d requests", n)
	}
}

// CVE-2025-30204 and peers section 6: the cost, from header to answer, of
// refusing tokens that were made to be expensive.
func TestRefusingAllocatesLittle(t *testing.T) {
	issuer := newIssuer(t, bearertest.IssuerConfig{})
	v := trusting(t, issuer, nil)
	if _, err := v.Verify(t.Context(), issuer.Mint(bearertest.Token{})); err != nil {
		t.Fatal(err)
	}
	h := guarded(t, v)
	deep := strings.Repeat("[", 10_000)
	for name, token := range map[string]string{
		"8 KiB of dots":                strings.Repeat(".", 8<<10),
		"1 MiB of dots":                strings.Repeat(".", 1<<20),
		"1 MiB":                        strings.Repeat("a", 1<<20),
		"a header 10,000 levels deep":  issuer.Sign("ES256", []byte(`{"alg":"ES256","typ":"at+jwt","x":`+deep), []byte(`{}`)),
		"a payload 10,000 levels deep": issuer.Sign("ES256", []byte(`{"alg":"ES256","typ":"at+jwt"}`), []byte(`{"iss":"`+issuer.URL()+`","x":`+deep)),
		"nothing but brackets":         issuer.Sign("ES256", []byte(`{"alg":"ES256","typ":"at+jwt"}`), []byte(deep)),
	} {
		r := httptest.NewRequest(http.MethodGet, "/orders", nil)
		r.Header.Set("Authorization", "Bearer "+token)
		least := uint64(math.MaxUint64)
		var before, after runtime.MemStats
		for range 10 {
			w := httptest.NewRecorder()
			runtime.ReadMemStats(&before)
			h.ServeHTTP(w, r)
			runtime.ReadMemStats(&after)
			least = min(least, after.TotalAlloc-before.TotalAlloc)
			want := http.StatusUnauthorized
			if len(token) > 16<<10 { // reports L10
				want = http.StatusRequestHeaderFieldsTooLarge
			}
			if w.Code != want {
				t.Fatalf("%s: %d, want %d", name, w.Code, want)
			}
		}
		if least >= 20<<10 {
			t.Errorf("%s: %d bytes allocated, want less than 20 KiB", name, least)
		}
	}
}

// Peers section 2: Cache-Control can neither keep a key for a week nor cause a
// fetch each second.
func TestCacheControlIsBounded(t *testing.T) {
	for header, want := range map[string]struct{ least, most time.Duration }{
		"max-age=0":      {45 * time.Second, time.Minute},
		"max-age=604800": {9 * time.Hour, 24 * time.Hour},
		"max-age=1800":   {24 * time.Minute, 30 * time.Minute},
	} {
		t.Run(header, func(t *testing.T) {
			cached := func(issuer *bearertest.Issuer) {
				issuer.SetFault(bearertest.JWKS, bearertest.Fault{Body: issuer.KeySet(), Header: http.Header{"Cache-Control": {header}}})
			}
			inFaultyBubble(t, cached, func(t *testing.T, issuer *bearertest.Issuer, _ *jwks.Verifier) {
				start := time.Now()
				for issuer.Requests(bearertest.JWKS) < 2 && time.Since(start) < 48*time.Hour {
					elapse(time.Second)
				}
				if took := time.Since(start); took < want.least || took > want.most+2*time.Second {
					t.Errorf("fetched again after %v, want %v to %v", took, want.least, want.most)
				}
			})
		})
	}
}
