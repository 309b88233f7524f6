package introspect_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/bearer/bearertest"
	"github.com/bearerkit/bearerkit/introspect"
	"github.com/bearerkit/bearerkit/scope"
)

// Part 2.5, CVE-2021-32701: whatever the cache contains, the permission that
// one route requires never decides for another route. Checked for random tokens
// and rules.
func TestRoutesAreJudgedApart(t *testing.T) {
	issuer := newIssuer(t, bearertest.Client{ID: "api", Secret: "secret"})
	v := newVerifier(t, issuer, nil)
	guard, err := bearer.New(bearer.Config{Verifiers: []bearer.Verifier{v}})
	if err != nil {
		t.Fatal(err)
	}
	names := []string{"a", "b", "c", "d"}
	random := rand.New(rand.NewPCG(1, 2))
	pick := func() []string {
		var some []string
		for _, name := range names {
			if random.IntN(2) == 0 {
				some = append(some, name)
			}
		}
		return some
	}
	type granted struct {
		token  string
		scopes scope.Set
	}
	var tokens []granted
	for range 16 {
		scopes := scope.Of(pick()...)
		tokens = append(tokens, granted{issuer.MintOpaque(bearertest.Token{Scope: scopes.String()}), scopes})
	}
	for range 500 {
		needed := append(pick(), names[random.IntN(len(names))])
		rule := scope.All(needed...)
		if random.IntN(2) == 0 {
			rule = scope.Any(needed...)
		}
		route := guard.MustRoute(bearer.RouteConfig{Rule: rule})
		g := tokens[random.IntN(len(tokens))]
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set("Authorization", "Bearer "+g.token)
		w := httptest.NewRecorder()
		_, admitted := route.Admit(w, r)
		if admitted != rule.Allows(g.scopes) {
			t.Fatalf("scopes %q at a route that needs %v: admitted %v", g.scopes, rule, admitted)
		}
		if !admitted && w.Code != http.StatusForbidden {
			t.Fatalf("status %d", w.Code)
		}
	}
	if n := issuer.Requests(bearertest.IntrospectionEndpoint); n > len(tokens) {
		t.Errorf("%d requests for %d tokens: the cache was not in play", n, len(tokens))
	}
}

// I7, CVE-2026-33496: the same token at two endpoints, or for two clients,
// never shares an entry, not even in a shared cache.
func TestEndpointsAndClientsAreApart(t *testing.T) {
	clients := []bearertest.Client{{ID: "api", Secret: "secret"}, {ID: "other", Secret: "secret"}}
	a, b := newIssuer(t, clients...), newIssuer(t, clients...)
	memory := newMemory()
	token := a.MintOpaque(bearertest.Token{})
	with := func(issuer *bearertest.Issuer, id string) *introspect.Verifier {
		return newVerifier(t, issuer, func(c *introspect.Config) {
			c.Auth = introspect.ClientSecretBasic(id, "secret")
			c.Shared = memory
		})
	}
	if _, err := with(a, "api").Verify(t.Context(), token); err != nil {
		t.Fatal(err)
	}
	if _, err := with(b, "api").Verify(t.Context(), token); codeOf(err) != "unrecognized" {
		t.Errorf("another endpoint: %v", err)
	}
	before := a.Requests(bearertest.IntrospectionEndpoint)
	if _, err := with(a, "other").Verify(t.Context(), token); err != nil || a.Requests(bearertest.IntrospectionEndpoint) != before+1 {
		t.Errorf("another client was not asked for: %v", err)
	}
	if _, err := with(a, "api").Verify(t.Context(), token); err != nil || a.Requests(bearertest.IntrospectionEndpoint) != before+1 {
		t.Errorf("the same client at another instance was asked for: %v", err)
	}
}

// memory is a shared cache in the process, which shows what the verifier
// stores. The tests of adapters/bearerredis use Redis.
type memory struct {
	mu       sync.Mutex
	values   map[string][]byte
	forgot   map[string]bool
	watchers map[int]func(string)
	fail     error
}

func newMemory() *memory {
	return &memory{values: map[string][]byte{}, forgot: map[string]bool{}, watchers: map[int]func(string){}}
}

func (m *memory) Get(_ context.Context, key string) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return bytes.Clone(m.values[key]), m.fail
}

func (m *memory) Set(_ context.Context, key string, value []byte, _ time.Duration) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case m.fail != nil:
		return m.fail
	case value == nil:
		delete(m.values, key)
		m.forgot[key] = true
		for _, forgotten := range m.watchers {
			go forgotten(key)
		}
	case !m.forgot[key]:
		m.values[key] = bytes.Clone(value)
	}
	return nil
}

func (m *memory) Watch(ctx context.Context, forgotten func(string)) {
	m.mu.Lock()
	id := len(m.watchers)
	m.watchers[id] = forgotten
	m.mu.Unlock()
	<-ctx.Done()
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.watchers, id)
}

// C17: a shared entry reveals nothing without the token, and cannot be forged
// without the token and the verifier's secret.
func TestSharedEntries(t *testing.T) {
	inMemory(t, []bearertest.Client{{ID: "api", Secret: "secret"}}, func(t *testing.T, issuer *bearertest.Issuer) {
		shared := newMemory()
		open := func() *introspect.Verifier {
			return newVerifier(t, issuer, func(c *introspect.Config) { c.Client, c.Shared = issuer.Client(), shared })
		}
		token := issuer.MintOpaque(bearertest.Token{Subject: "alice@example.com", Scope: "orders:read"})
		if _, err := open().Verify(t.Context(), token); err != nil {
			t.Fatal(err)
		}
		if len(shared.values) != 1 {
			t.Fatalf("%d entries", len(shared.values))
		}
		for key, value := range shared.values {
			for _, told := range []string{token, "alice", "orders", "active", issuer.URL()} {
				if strings.Contains(key+string(value), told) {
					t.Errorf("the entry contains %q", told)
				}
			}
		}
		issuer.SetFault(bearertest.IntrospectionEndpoint, bearertest.Fault{Status: 500})
		p, err := open().Verify(t.Context(), token)
		if err != nil || p.Subject != "alice@example.com" || p.Issuer != issuer.URL() {
			t.Fatalf("another instance: %+v, %v", p, err)
		}

		// A changed, swapped or forged entry is ignored.
		key, value := "", []byte(nil)
		for key, value = range shared.values {
		}
		good := bytes.Clone(value)
		for name, forged := range map[string][]byte{
			"empty": {}, "short": {1, 2, 3}, "plain": []byte(`{"active":true,"aud":"` + audience + `"}`),
			"a bit flipped": append(bytes.Clone(good[:len(good)-1]), good[len(good)-1]^1),
			"cut off":       good[:len(good)-1],
		} {
			shared.values[key] = forged
			if _, err := open().Verify(t.Context(), token); codeOf(err) != "unavailable" {
				t.Errorf("%s: %v", name, err)
			}
		}
		second := issuer.MintOpaque(bearertest.Token{})
		issuer.SetFault(bearertest.IntrospectionEndpoint, bearertest.Fault{})
		issuer.Revoke(second)
		_, _ = open().Verify(t.Context(), second)
		for other := range shared.values {
			if other != key {
				shared.values[other] = good // the entry of another token
			}
		}
		if _, err := open().Verify(t.Context(), second); codeOf(err) != "unrecognized" {
			t.Errorf("another token's entry: %v", err)
		}
	})
}

// A failing shared cache neither refuses nor accepts a token.
func TestSharedCacheFails(t *testing.T) {
	issuer := newIssuer(t, bearertest.Client{ID: "api", Secret: "secret"})
	shared := newMemory()
	shared.fail = context.DeadlineExceeded
	v := newVerifier(t, issuer, func(c *introspect.Config) { c.Shared = shared })
	good, revoked := issuer.MintOpaque(bearertest.Token{}), issuer.MintOpaque(bearertest.Token{})
	issuer.Revoke(revoked)
	if _, err := v.Verify(t.Context(), good); err != nil {
		t.Errorf("good: %v", err)
	}
	if _, err := v.Verify(t.Context(), revoked); codeOf(err) != "unrecognized" {
		t.Errorf("revoked: %v", err)
	}
	if err := v.Forget(t.Context(), good); err == nil {
		t.Error("Forget does not tell that others could not be told")
	}
}

// Forget reaches the other instances.
func TestForgetReachesOtherInstances(t *testing.T) {
	issuer := newIssuer(t, bearertest.Client{ID: "api", Secret: "secret"})
	shared := newMemory()
	one := newVerifier(t, issuer, func(c *introspect.Config) { c.Shared = shared })
	two := newVerifier(t, issuer, func(c *introspect.Config) { c.Shared = shared })
	eventually(t, "both watch", func() bool {
		shared.mu.Lock()
		defer shared.mu.Unlock()
		return len(shared.watchers) == 2
	})
	token := issuer.MintOpaque(bearertest.Token{})
	for _, v := range []*introspect.Verifier{one, two} {
		if _, err := v.Verify(t.Context(), token); err != nil {
			t.Fatal(err)
		}
	}
	issuer.Revoke(token)
	if err := one.Forget(t.Context(), token); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the other instance refuses it", func() bool {
		_, err := two.Verify(t.Context(), token)
		return codeOf(err) == "unrecognized"
	})
}

// After Forget an instance does not read the token from the shared cache,
// whatever that contains.
func TestForgetWhileSharedCacheFails(t *testing.T) {
	issuer := newIssuer(t, bearertest.Client{ID: "api", Secret: "secret"})
	for name, change := range map[string]func(*memory, *introspect.Verifier, string){
		"out of reach, and back": func(m *memory, v *introspect.Verifier, token string) {
			m.fail = context.DeadlineExceeded
			if err := v.Forget(t.Context(), token); err == nil {
				t.Error("Forget does not tell")
			}
			m.fail = nil
		},
		"back with what it held once": func(m *memory, v *introspect.Verifier, token string) {
			held := maps.Clone(m.values)
			if err := v.Forget(t.Context(), token); err != nil {
				t.Error(err)
			}
			m.values = held
		},
	} {
		shared := newMemory()
		v := newVerifier(t, issuer, func(c *introspect.Config) { c.Shared = shared })
		token := issuer.MintOpaque(bearertest.Token{})
		if _, err := v.Verify(t.Context(), token); err != nil {
			t.Fatal(err)
		}
		issuer.Revoke(token)
		change(shared, v, token)
		if _, err := v.Verify(t.Context(), token); codeOf(err) != "unrecognized" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// An entry from an instance whose clock is ahead lives no longer than others.
func TestSharedByClockAhead(t *testing.T) {
	shared := newMemory()
	with := func(c *introspect.Config) { c.Shared = shared }
	for _, ahead := range []time.Duration{time.Minute, 0} { // each bubble has a clock of its own
		inBubble(t, with, func(t *testing.T, issuer *bearertest.Issuer, v *introspect.Verifier) {
			elapse(ahead)
			issuer.OverlayIntrospection(func(string, map[string]any) map[string]any {
				return map[string]any{"active": true, "aud": audience}
			})
			if _, err := v.Verify(t.Context(), "token"); err != nil {
				t.Fatal(err)
			}
			if s := v.Stats(); s.SharedHits != 0 || s.Requests != 1 {
				t.Errorf("with a clock %v ahead: %+v", ahead, s)
			}
		})
	}
}

// Verifiers with different clients or settings do not share entries, whether
// their Auth has a secret or not.
func TestSharedSecret(t *testing.T) {
	own := introspect.BearerToken(oauth2.StaticTokenSource(&oauth2.Token{AccessToken: "own"}))
	config := introspect.Config{
		Issuer: "https://issuer.example.com", Audience: []string{audience}, Shared: newMemory(),
	}
	for name, tt := range map[string]struct {
		auth   introspect.Auth
		secret int
		ok     bool
	}{
		"a secret of its own":         {introspect.ClientSecretPost("api", "secret"), 0, true},
		"and another":                 {introspect.ClientSecretPost("api", "secret"), 32, true},
		"one that is too short":       {introspect.ClientSecretPost("api", "secret"), 31, false},
		"mutual TLS without":          {introspect.MutualTLS("api"), 0, false},
		"mutual TLS with one":         {introspect.MutualTLS("api"), 32, true},
		"a bearer token without":      {own, 0, false},
		"a bearer token with one":     {own, 32, true},
		"no Auth, which is said once": {introspect.Auth{}, 0, false},
	} {
		c := config
		c.Auth, c.SharedSecret = tt.auth, make([]byte, tt.secret)
		v, err := introspect.New(c)
		if (err == nil) != tt.ok || strings.Contains(fmt.Sprint(err), "SharedSecret") == (tt.ok || name == "no Auth, which is said once") {
			t.Errorf("%s: %v", name, err)
		}
		if err == nil {
			v.Close()
		}
	}

	shared := newMemory()
	var requests atomic.Int32
	for _, secret := range []byte("abb") {
		v := asking(t, func(string) (int, http.Header) { requests.Add(1); return 200, nil }, func(c *introspect.Config) {
			c.Shared, c.Auth, c.SharedSecret = shared, own, bytes.Repeat([]byte{secret}, 32)
		})
		if _, err := v.Verify(t.Context(), "token"); err != nil {
			t.Fatal(err)
		}
	}
	if n := requests.Load(); n != 2 {
		t.Errorf("%d requests of two clients, want 2", n)
	}

	// A verifier that requires signatures does not read an unsigned answer.
	issuer := newIssuer(t, bearertest.Client{ID: "api", Secret: "secret"})
	token := issuer.MintOpaque(bearertest.Token{})
	for _, signed := range []*introspect.Signed{nil, {Audience: "api"}} {
		v := newVerifier(t, issuer, func(c *introspect.Config) { c.Shared, c.Signed = shared, signed })
		if _, err := v.Verify(t.Context(), token); err != nil || v.Stats().Requests != 1 {
			t.Errorf("%v after %d requests", err, v.Stats().Requests)
		}
	}
}

// I7: two clients whose IDs and secrets make the same text together do not share
// entries.
func TestSharedKeysKeepTheirPartsApart(t *testing.T) {
	one, two := strings.Repeat("1", 32), strings.Repeat("2", 32)
	for _, between := range []string{"", "\x00\x00\x00\x00\x00\x00\x00\x00"} {
		shared := newMemory()
		for i, tt := range []struct{ client, secret string }{{"api", one + between + two}, {"api" + between + one, two}} {
			v := asking(t, func(string) (int, http.Header) { return 200, nil }, func(c *introspect.Config) {
				c.Shared, c.Auth, c.SharedSecret = shared, introspect.MutualTLS(tt.client), []byte(tt.secret)
			})
			if _, err := v.Verify(t.Context(), "token"); err != nil || v.Stats().Requests != 1 || len(shared.values) != i+1 {
				t.Errorf("%s: %d requests, %d shared entries, %v", tt.client, v.Stats().Requests, len(shared.values), err)
			}
		}
	}
}

// NIST SP 800-38D, Section 8: no two encryptions with one key use the same nonce.
func TestSharedNoncesDiffer(t *testing.T) {
	shared := newMemory()
	seen := map[string]bool{}
	for range 2 {
		v := asking(t, func(string) (int, http.Header) { return 200, nil }, func(c *introspect.Config) { c.Shared = shared })
		if _, err := v.Verify(t.Context(), "token"); err != nil {
			t.Fatal(err)
		}
		for key, value := range shared.values {
			seen[string(value[:12])] = true
			delete(shared.values, key)
		}
	}
	if len(seen) != 2 {
		t.Errorf("two entries begin with %d nonces, want 2", len(seen))
	}
}

// A hanging shared cache leaves enough time for the endpoint.
func TestSharedCacheHangs(t *testing.T) {
	with := func(c *introspect.Config) { c.Shared, c.Timeout = hanging{newMemory()}, 200*time.Millisecond }
	inBubble(t, with, func(t *testing.T, issuer *bearertest.Issuer, v *introspect.Verifier) {
		if _, err := v.Verify(t.Context(), issuer.MintOpaque(bearertest.Token{})); err != nil {
			t.Error(err)
		}
	})
}

type hanging struct{ *memory }

func (hanging) Get(ctx context.Context, _ string) ([]byte, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

// Concurrent callers make one request. So does a caller that looks just before
// the answer is cached and asks just after.
func TestHerdsMakeOneRequest(t *testing.T) {
	var requests atomic.Int32
	v := asking(t, func(string) (int, http.Header) { requests.Add(1); return 200, nil }, nil)
	for i := range int32(2000) {
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				if _, err := v.Verify(t.Context(), fmt.Sprint("token-", i)); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if n := requests.Load(); n != i+1 {
			t.Fatalf("%d requests for %d tokens", n, i+1)
		}
	}
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Second); !ok(); runtime.Gosched() {
		if time.Now().After(end) {
			t.Fatalf("not within a second: %s", what)
		}
	}
}

// Clients repeat tokens that the server no longer calls active, too: a quarter of
// CacheEntries is theirs.
func TestSeveralInactiveTokensAreCached(t *testing.T) {
	issuer := newIssuer(t, bearertest.Client{ID: "api", Secret: "secret"})
	v := newVerifier(t, issuer, func(c *introspect.Config) { c.CacheEntries = 400 })
	const tokens = 20
	for range 3 {
		for i := range tokens {
			if _, err := v.Verify(t.Context(), fmt.Sprint("ended-", i)); err == nil {
				t.Fatal("an unknown token is accepted")
			}
		}
	}
	if n := issuer.Requests(bearertest.IntrospectionEndpoint); n != tokens {
		t.Errorf("%d requests for %d tokens", n, tokens)
	}
}

// Part 2.5: a flood of random tokens evicts no token in use, and its memory is
// bounded. BEARERKIT_RUNS multiplies the length of the flood.
func TestFlood(t *testing.T) {
	issuer := newIssuer(t, bearertest.Client{ID: "api", Secret: "secret"})
	// The endpoint answers from memory, since it is not what is measured.
	transport := roundTripper(func(r *http.Request) (*http.Response, error) {
		w := httptest.NewRecorder()
		if err := r.ParseForm(); err != nil {
			return nil, err
		}
		active := strings.HasPrefix(r.PostForm.Get("token"), "hot")
		fmt.Fprintf(w, `{"active":%v,"aud":%q}`, active, audience)
		return w.Result(), nil
	})
	v := newVerifier(t, issuer, func(c *introspect.Config) {
		c.Endpoint, c.Client, c.MaxAge = issuer.URL()+"/introspect", &http.Client{Transport: transport}, time.Hour
		c.CacheEntries = 2000
	})
	use := func() {
		for i := range 100 {
			if _, err := v.Verify(t.Context(), fmt.Sprint("hot-", i)); err != nil {
				t.Fatal(err)
			}
		}
	}
	use()
	use()
	requests := v.Stats().Requests
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	var wg sync.WaitGroup
	for worker := range 64 {
		wg.Go(func() {
			for i := range runs(t) * 20_000 / 64 {
				if _, err := v.Verify(t.Context(), fmt.Sprintf("random-%d-%d", worker, i)); err == nil {
					t.Error("a random token is accepted")
				}
			}
		})
	}
	wg.Wait()
	runtime.GC()
	runtime.ReadMemStats(&after)
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 4<<20 {
		t.Errorf("memory grew by %d MiB", grown>>20)
	}
	flood := v.Stats().Requests - requests
	use()
	if n := v.Stats().Requests - requests - flood; n > 0 {
		t.Errorf("%d of 100 hot tokens were evicted", n)
	}
}

// Reports G12: CacheBytes bounds the memory to within a fifth, whatever the
// answers contain.
func TestBytesAreBounded(t *testing.T) {
	for _, tt := range []struct{ name, members string }{
		{"a long claim", `"x":"` + strings.Repeat("x", 20_000) + `"`},
		{"a long claim with escapes", `"sub":"` + strings.Repeat(`\u00e9`, 4000) + `"`},
		{"a long subject", `"sub":"` + strings.Repeat("x", 20_000) + `"`},
		{"many scopes", `"scope":"` + strings.Repeat("orders:read ", 2000) + `"`},
		{"long scopes", `"scope":"` + strings.Repeat("x", 20_000) + `"`},
		{"many audiences", `"aud":["` + audience + `"` + strings.Repeat(`,"a"`, 5000) + `]`},
		{"many methods", `"amr":["pwd"` + strings.Repeat(`,"a"`, 5000) + `]`},
		{"little", `"sub":"alice"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			body := `{"active":true,` + tt.members + `}`
			const bound = 4 << 20
			v := asking(t, nil, func(c *introspect.Config) {
				c.CacheBytes, c.CacheEntries, c.InsecureAudienceNotSent = bound, 100_000, true
				c.Client = &http.Client{Transport: roundTripper(func(*http.Request) (*http.Response, error) {
					return &http.Response{StatusCode: 200, Body: io.NopCloser(strings.NewReader(body))}, nil
				})}
			})
			var before, after runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			for i := range 2 * bound / (len(body) + 1000) {
				_, _ = v.Verify(t.Context(), fmt.Sprint("token-", i))
			}
			// The cache evicts in the background.
			eventually(t, "the bound holds within a fifth", func() bool {
				runtime.GC()
				runtime.ReadMemStats(&after)
				return int64(after.HeapAlloc)-int64(before.HeapAlloc) < bound*6/5
			})
			if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown < bound/4 {
				t.Errorf("%d KiB are kept: the test shows nothing", grown>>10)
			}
			runtime.KeepAlive(v)
		})
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// C17: after the request the process contains no raw token. The test searches a
// heap dump.
func TestNoRawTokenIsKept(t *testing.T) {
	issuer := newIssuer(t, bearertest.Client{ID: "api", Secret: "secret"})
	v := newVerifier(t, issuer, func(c *introspect.Config) {
		c.Client = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
		c.Shared = newMemory()
	})
	// The test itself keeps the tokens only in reverse.
	var reversed [][]byte
	func() {
		good, bad := issuer.MintOpaque(bearertest.Token{Subject: "the-subject-that-is-kept"}), "unknown_"+randomText()
		if _, err := v.Verify(t.Context(), good); err != nil {
			t.Fatal(err)
		}
		_, _ = v.Verify(t.Context(), bad)
		for _, token := range []string{good, bad} {
			b := []byte(token)
			slices.Reverse(b)
			reversed = append(reversed, b)
		}
	}()
	issuer.Stop() // frees the buffers of its connections
	eventually(t, "the heap holds no token", func() bool {
		runtime.GC() // two runs empty the sync.Pools of buffers
		runtime.GC()
		heap := heapDump(t)
		if !bytes.Contains(heap, []byte("the-subject-"+"that-is-kept")) {
			t.Fatal("the heap does not hold what is kept: the search is broken")
		}
		return !slices.ContainsFunc(reversed, func(b []byte) bool { return containsReversed(heap, b) })
	})
	if _, err := v.Verify(t.Context(), "keeps v alive"); err == nil {
		t.Error("accepted")
	}
}

func randomText() string { return fmt.Sprintf("%016x%016x", rand.Uint64(), rand.Uint64()) }

func heapDump(t *testing.T) []byte {
	f, err := os.CreateTemp(t.TempDir(), "heap")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	debug.WriteHeapDump(f.Fd())
	heap, err := os.ReadFile(f.Name())
	if err != nil {
		t.Fatal(err)
	}
	return heap
}

// containsReversed reports whether s contains b in reverse. It does not make a
// copy of the forward text.
func containsReversed(s, b []byte) bool {
	last := len(b) - 1
	for at := bytes.IndexByte(s, b[last]); at >= 0; {
		match := at+len(b) <= len(s)
		for i := 0; match && i < len(b); i++ {
			match = s[at+i] == b[last-i]
		}
		if match {
			return true
		}
		next := bytes.IndexByte(s[at+1:], b[last])
		if next < 0 {
			return false
		}
		at += 1 + next
	}
	return false
}
