package jwks_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/asn1"
	"encoding/base64"
	"encoding/json"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/bearer/bearertest"
	"github.com/bearerkit/bearerkit/jwks"
	"github.com/bearerkit/bearerkit/scope"
)

// distinct is the number of tokens that the benchmarks of new tokens use.
const distinct = 20_000

// stock is an issuer with tokens that differ in their jti.
type stock struct {
	issuer *bearertest.Issuer
	keys   []byte
	tokens []string
	bare   []func() bool
}

// stocks are minted once for all benchmarks: an RSA signature takes a millisecond.
var stocks = map[string]*stock{}

func stockOf(b *testing.B, algorithm string, n int) *stock {
	b.Helper()
	s := stocks[algorithm]
	if s == nil {
		issuer, err := bearertest.NewIssuer(bearertest.IssuerConfig{})
		if err != nil {
			b.Fatal(err)
		}
		s = &stock{issuer: issuer}
		issuer.Mint(benchToken(algorithm)) // makes the key
		resp, err := issuer.Client().Get(issuer.URL() + "/jwks")
		if err != nil {
			b.Fatal(err)
		}
		defer resp.Body.Close()
		if s.keys, err = io.ReadAll(resp.Body); err != nil {
			b.Fatal(err)
		}
		stocks[algorithm] = s
	}
	if n <= len(s.tokens) {
		return s
	}
	fresh := make([]string, n-len(s.tokens))
	var wait sync.WaitGroup
	for w := range runtime.GOMAXPROCS(0) {
		wait.Go(func() {
			for i := w; i < len(fresh); i += runtime.GOMAXPROCS(0) {
				fresh[i] = s.issuer.Mint(benchToken(algorithm))
			}
		})
	}
	wait.Wait()
	for _, token := range fresh {
		s.tokens = append(s.tokens, token)
		s.bare = append(s.bare, bareVerification(b, s.keys, algorithm, token))
	}
	return s
}

// bareVerification returns the check of a token's signature by the standard
// library alone. The token is decoded beforehand.
func bareVerification(b *testing.B, jwkSet []byte, algorithm, token string) func() bool {
	b.Helper()
	var set struct {
		Keys []struct{ Kty, Crv, N, E, X, Y, Kid string }
	}
	if err := json.Unmarshal(jwkSet, &set); err != nil {
		b.Fatal(err)
	}
	decode := func(s string) []byte {
		d, err := base64.RawURLEncoding.DecodeString(s)
		if err != nil {
			b.Fatal(err)
		}
		return d
	}
	parts := strings.Split(token, ".")
	var header struct{ Kid string }
	if err := json.Unmarshal(decode(parts[0]), &header); err != nil {
		b.Fatal(err)
	}
	input, signature := []byte(parts[0]+"."+parts[1]), decode(parts[2])
	for _, k := range set.Keys {
		if k.Kid != header.Kid {
			continue
		}
		switch algorithm {
		case "RS256", "PS256":
			key := &rsa.PublicKey{N: new(big.Int).SetBytes(decode(k.N)), E: int(new(big.Int).SetBytes(decode(k.E)).Int64())}
			if algorithm == "RS256" {
				return func() bool {
					digest := sha256.Sum256(input)
					return rsa.VerifyPKCS1v15(key, crypto.SHA256, digest[:], signature) == nil
				}
			}
			return func() bool {
				digest := sha256.Sum256(input)
				return rsa.VerifyPSS(key, crypto.SHA256, digest[:], signature, &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash}) == nil
			}
		case "ES256":
			return bareES256(b, append(append([]byte{4}, decode(k.X)...), decode(k.Y)...), input, signature)
		default:
			key := ed25519.PublicKey(decode(k.X))
			return func() bool { return ed25519.Verify(key, input, signature) }
		}
	}
	b.Fatalf("no key %q", header.Kid)
	return nil
}

// benchRoute returns a route that requires a scope, and its verifier, whose
// cache has room for the given number of tokens; 0 means the default.
func benchRoute(b *testing.B, s *stock, entries int) (*bearer.Route, *jwks.Verifier) {
	b.Helper()
	v := newVerifier(b, jwks.Config{Issuers: []jwks.Issuer{{
		URL: s.issuer.URL(), Audience: []string{audience}, Keys: jwks.KeysFromJWKS(s.keys),
	}}, CacheEntries: entries})
	guard, err := bearer.New(bearer.Config{Verifiers: []bearer.Verifier{v}})
	if err != nil {
		b.Fatal(err)
	}
	return guard.MustRoute(bearer.RouteConfig{Rule: scope.All("orders:read")}), v
}

// ratios compares the costs of two functions that run alternately, so that the
// noise of the machine affects both.
type ratios struct{ each []float64 }

func (r *ratios) measure(ours, theirs func()) {
	start := time.Now()
	theirs()
	middle := time.Now()
	ours()
	r.each = append(r.each, float64(time.Since(middle))/float64(middle.Sub(start)))
}

func (r *ratios) report(b *testing.B, unit string) {
	slices.Sort(r.each)
	b.ReportMetric(r.each[len(r.each)/2], unit)
}

// mallocs returns the number of objects that f allocates.
func mallocs(f func()) float64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return float64(after.Mallocs - before.Mallocs)
}

// BenchmarkFirstSight measures whole requests with new tokens, alternately with
// the bare check of their signatures. "×bare" is the median of the ratios, and
// "allocs-beyond" counts the allocations beyond the bare check.
//
// The cache has room for a tenth of the tokens, so no token is still there when
// it comes again. Each token is touched just before it is measured, as a server
// has just read the token that it verifies.
func BenchmarkFirstSight(b *testing.B) {
	const batch = 10
	for _, algorithm := range []string{"RS256", "PS256", "ES256", "EdDSA"} {
		b.Run(algorithm, func(b *testing.B) {
			s := stockOf(b, algorithm, distinct)
			route, v := benchRoute(b, s, distinct/10)
			w, request := &discard{header: http.Header{}}, httptest.NewRequest(http.MethodGet, "/orders", nil)
			at := 0
			var lines [batch][]string
			ours := func() {
				for _, line := range lines {
					request.Header["Authorization"] = line
					if _, ok := route.Admit(w, request); !ok {
						b.Fatal("refused")
					}
				}
			}
			bare := func() {
				for _, check := range s.bare[at : at+batch] {
					if !check() {
						b.Fatal("the signature is invalid")
					}
				}
			}
			next := func() {
				at = (at + batch) % (distinct - batch)
				for i := range lines {
					lines[i] = []string{"Bearer " + s.tokens[at+i]}
				}
				bare()
			}
			for range distinct / batch {
				next() // until the cache is full
				ours()
			}
			var r ratios
			for b.Loop() {
				next()
				r.measure(ours, bare)
			}
			next()
			allocs := mallocs(ours) - mallocs(bare)
			r.report(b, "×bare")
			b.ReportMetric(allocs/batch, "allocs-beyond")
			b.ReportMetric(0, "ns/op")
			if stats := v.Stats().Cache; stats.Hits*100 > stats.Misses {
				b.Errorf("%+v", stats)
			}
		})
	}
}

// BenchmarkSeenAgain measures whole requests with a known token, alternately
// with SHA-256 of the token.
func BenchmarkSeenAgain(b *testing.B) {
	const batch = 500
	for _, algorithm := range []string{"RS256", "ES256"} {
		b.Run(algorithm, func(b *testing.B) {
			s := stockOf(b, algorithm, 1)
			w, request := &discard{header: http.Header{}}, httptest.NewRequest(http.MethodGet, "/orders", nil)
			route, _ := benchRoute(b, s, 0)
			request.Header["Authorization"] = []string{"Bearer " + s.tokens[0]}
			token := []byte(s.tokens[0])
			var r ratios
			ours := func() {
				for range batch {
					if _, ok := route.Admit(w, request); !ok {
						b.Fatal("refused")
					}
				}
			}
			ours()
			for b.Loop() {
				r.measure(ours, func() {
					for range batch {
						sum = sha256.Sum256(token)
					}
				})
			}
			r.report(b, "×sha256")
			b.ReportMetric(mallocs(ours)/batch, "allocs")
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/batch, "ns/both")
			b.ReportMetric(0, "ns/op")
		})
	}
}

var sum [sha256.Size]byte

// BenchmarkParallel reports the speed-up by all cores: of new tokens relative
// to that of the bare check, and of known tokens relative to that of SHA-256.
// "scaling" is the ratio of the two speed-ups; 1 is as good as bare.
func BenchmarkParallel(b *testing.B) {
	cores := runtime.GOMAXPROCS(0)
	// speedup returns how much faster all cores are than one, with n calls each.
	speedup := func(n int, f func(worker, i int)) float64 {
		start := time.Now()
		for i := range n {
			f(0, i)
		}
		one := time.Since(start)
		start = time.Now()
		var wait sync.WaitGroup
		for w := range cores {
			wait.Go(func() {
				for i := range n {
					f(w, i)
				}
			})
		}
		wait.Wait()
		return float64(one) * float64(cores) / float64(time.Since(start))
	}
	b.Run("first sight", func(b *testing.B) {
		n := 200
		s := stockOf(b, "ES256", distinct)
		var each []float64
		for b.Loop() {
			// Each worker has its own tokens, even the one that runs alone.
			admit := func() func(worker, i int) {
				route, _ := benchRoute(b, s, 0)
				return func(worker, i int) {
					request := httptest.NewRequest(http.MethodGet, "/orders", nil)
					request.Header["Authorization"] = []string{"Bearer " + s.tokens[worker*n+i]}
					if _, ok := route.Admit(&discard{header: http.Header{}}, request); !ok {
						b.Error("refused")
					}
				}
			}
			alone, together := admit(), admit()
			start := time.Now()
			for i := range n {
				alone(0, i)
			}
			one := time.Since(start)
			start = time.Now()
			var wait sync.WaitGroup
			for w := range cores {
				wait.Go(func() {
					for i := range n {
						together(w, i)
					}
				})
			}
			wait.Wait()
			ours := float64(one) * float64(cores) / float64(time.Since(start))
			bare := speedup(n, func(worker, i int) { s.bare[worker*n+i]() })
			each = append(each, ours/bare)
		}
		slices.Sort(each)
		b.ReportMetric(each[len(each)/2], "scaling")
		b.ReportMetric(0, "ns/op")
	})
	for _, name := range []string{"seen again/one token", "seen again/one token each"} {
		b.Run(name, func(b *testing.B) {
			s := stockOf(b, "ES256", cores)
			route, _ := benchRoute(b, s, 0)
			requests := make([]*http.Request, cores)
			for w := range requests {
				requests[w] = httptest.NewRequest(http.MethodGet, "/orders", nil)
				requests[w].Header["Authorization"] = []string{"Bearer " + s.tokens[0]}
				if strings.HasSuffix(name, "each") {
					requests[w].Header["Authorization"] = []string{"Bearer " + s.tokens[w]}
				}
			}
			var each []float64
			for b.Loop() {
				const n = 5000
				ours := speedup(n, func(worker, _ int) {
					if _, ok := route.Admit(nil, requests[worker]); !ok {
						b.Error("refused")
					}
				})
				hash := speedup(n, func(worker, _ int) {
					digest := sha256.Sum256([]byte(s.tokens[worker]))
					_ = digest
				})
				each = append(each, ours/hash)
			}
			slices.Sort(each)
			b.ReportMetric(each[len(each)/2], "scaling")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// BenchmarkRefused measures a token that is forged under a known kid,
// alternately with the bare check of a signature, and tokens that are not JWTs.
func BenchmarkRefused(b *testing.B) {
	const batch = 25
	for _, algorithm := range []string{"RS256", "ES256", "EdDSA"} {
		b.Run("forged/"+algorithm, func(b *testing.B) {
			s := stockOf(b, algorithm, batch)
			_, v := benchRoute(b, s, 0)
			forged := s.tokens[0][:len(s.tokens[0])-8] + "AAAAAAAA"
			bare := bareVerification(b, s.keys, algorithm, forged)
			var r ratios
			for b.Loop() {
				r.measure(func() {
					for range batch {
						if _, err := v.Verify(b.Context(), forged); err == nil {
							b.Fatal("accepted")
						}
					}
				}, func() {
					for range batch {
						if bare() {
							b.Fatal("accepted")
						}
					}
				})
			}
			r.report(b, "×bare")
			b.ReportMetric(0, "ns/op")
		})
	}
	for _, garbage := range []struct{ name, token string }{
		{"opaque", strings.Repeat("garbage", 100)},
		{"dots", strings.Repeat(".", 10_000)},
		{"no header", strings.Repeat("garbage", 50) + "." + strings.Repeat("garbage", 50) + ".x"},
		{"a long kid", base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"RS256","typ":"at+jwt","kid":"`+strings.Repeat("k", 9000)+`"}`)) + ".e30.AA"},
	} {
		b.Run("garbage/"+garbage.name, func(b *testing.B) {
			s := stockOf(b, "ES256", 1)
			_, v := benchRoute(b, s, 0)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := v.Verify(b.Context(), garbage.token); err == nil {
					b.Fatal("accepted")
				}
			}
		})
	}
}

// BenchmarkCacheMemory reports the memory of a token in the cache.
func BenchmarkCacheMemory(b *testing.B) {
	const n = 2000
	s := stockOf(b, "ES256", n)
	for b.Loop() {
		_, v := benchRoute(b, s, 0)
		b.ReportMetric(float64(heapOf(func() {
			for _, token := range s.tokens[:n] {
				if _, err := v.Verify(b.Context(), token); err != nil {
					b.Fatal(err)
				}
			}
		}))/n, "bytes/token")
		b.ReportMetric(float64(v.Stats().Cache.Bytes)/n, "counted-bytes/token")
		b.ReportMetric(float64(len(s.tokens[0])), "token-bytes")
	}
	b.ReportMetric(0, "ns/op")
}

// heapOf returns the number of bytes by which f makes the heap grow.
func heapOf(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&before)
	f()
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&after)
	return after.HeapAlloc - before.HeapAlloc
}

// bareES256 converts the signature beforehand to the form that crypto/ecdsa
// reads, so that only the check is measured.
func bareES256(b *testing.B, point, input, signature []byte) func() bool {
	b.Helper()
	key, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), point)
	if err != nil {
		b.Fatal(err)
	}
	der, err := asn1.Marshal(struct{ R, S *big.Int }{new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:])})
	if err != nil {
		b.Fatal(err)
	}
	return func() bool {
		digest := sha256.Sum256(input)
		return ecdsa.VerifyASN1(key, digest[:], der)
	}
}
