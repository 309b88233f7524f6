package jwks_test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"maps"
	"net/http"
	"os"
	"runtime"
	"runtime/debug"
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

// caching returns a verifier with keys that never change, and a function that
// returns the hits and misses of its cache since the last call.
func caching(t testing.TB, issuer *bearertest.Issuer, change func(*jwks.Config)) (*jwks.Verifier, func() (hits, misses uint64)) {
	t.Helper()
	issuer.Mint(bearertest.Token{}) // makes a key
	c := jwks.Config{Issuers: []jwks.Issuer{{
		URL: issuer.URL(), Audience: []string{audience}, Keys: jwks.KeysFromJWKS(issuer.KeySet()),
	}}}
	if change != nil {
		change(&c)
	}
	v := newVerifier(t, c)
	var last jwks.CacheStats
	return v, func() (hits, misses uint64) {
		now := v.Stats().Cache
		hits, misses = now.Hits-last.Hits, now.Misses-last.Misses
		last = now
		return hits, misses
	}
}

func TestCacheRecognizesAToken(t *testing.T) {
	issuer := newIssuer(t, bearertest.IssuerConfig{})
	v, seen := caching(t, issuer, nil)
	token := issuer.Mint(bearertest.Token{Scope: "b a c", Claims: map[string]any{"amr": []string{"pwd", "o\"tp"}, "sid": "s"}})
	first, err := v.Verify(t.Context(), token)
	if err != nil {
		t.Fatal(err)
	}
	for range 10 {
		again, err := v.Verify(t.Context(), token)
		if err != nil || again != first {
			t.Fatalf("another principal, %v", err)
		}
	}
	if hits, misses := seen(); hits != 10 || misses != 1 || v.Stats().Signatures != 1 {
		t.Errorf("%d hits, %d misses, %d signature checks", hits, misses, v.Stats().Signatures)
	}
	if c := v.Stats().Cache; c.Entries != 1 || c.Bytes < len(token) || c.Bytes > 4<<10 {
		t.Errorf("%+v", c)
	}
	var claims struct {
		SID string `json:"sid"`
	}
	if err := first.Claims(&claims); err != nil || claims.SID != "s" || first.Scopes != scope.Of("a", "b", "c") || !slices.Equal(first.AMR(), []string{"pwd", "o\"tp"}) {
		t.Errorf("%q %q %q, %v", claims.SID, first.Scopes, first.AMR(), err)
	}
}

func TestCacheIsOff(t *testing.T) {
	issuer := newIssuer(t, bearertest.IssuerConfig{})
	for name, change := range map[string]func(*jwks.Config){
		"no entries": func(c *jwks.Config) { c.CacheEntries = -1 },
		"no bytes":   func(c *jwks.Config) { c.CacheBytes = -1 },
	} {
		v, _ := caching(t, issuer, change)
		token := issuer.Mint(bearertest.Token{})
		for range 3 {
			if _, err := v.Verify(t.Context(), token); err != nil {
				t.Fatal(err)
			}
		}
		if s := v.Stats(); s.Signatures != 3 || s.Cache != (jwks.CacheStats{}) {
			t.Errorf("%s: %+v", name, s)
		}
	}
}

// The least cache holds one token.
func TestCacheOfOneToken(t *testing.T) {
	issuer := newIssuer(t, bearertest.IssuerConfig{})
	v, seen := caching(t, issuer, func(c *jwks.Config) { c.CacheEntries = 1 })
	token := issuer.Mint(bearertest.Token{})
	accept(t, v, token)
	accept(t, v, token)
	if hits, misses := seen(); hits != 1 || misses != 1 {
		t.Errorf("%d hits and %d misses", hits, misses)
	}
}

// C17, CVE-2021-32701: a hit does not skip the route's own checks.
func TestHitsDoNotSkipARoutesChecks(t *testing.T) {
	issuer := newIssuer(t, bearertest.IssuerConfig{})
	v, seen := caching(t, issuer, nil)
	guard, err := bearer.New(bearer.Config{Verifiers: []bearer.Verifier{v}})
	if err != nil {
		t.Fatal(err)
	}
	token := issuer.Mint(bearertest.Token{Scope: "orders:read"})
	status := func(c bearer.RouteConfig) int {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+token)
		return guard.MustRoute(c).Decide(r).Status()
	}
	for range 2 {
		if got := status(bearer.RouteConfig{Rule: scope.All("orders:read")}); got != http.StatusOK {
			t.Errorf("status %d", got)
		}
		if got := status(bearer.RouteConfig{Rule: scope.All("orders:write")}); got != http.StatusForbidden {
			t.Errorf("another scope: status %d", got)
		}
		if got := status(bearer.RouteConfig{Rule: scope.None, Audience: "https://other.example.com"}); got != http.StatusUnauthorized {
			t.Errorf("another audience: status %d", got)
		}
	}
	if hits, misses := seen(); hits != 5 || misses != 1 {
		t.Errorf("%d hits, %d misses", hits, misses)
	}
}

// Part 2.5: a token that was altered does not match the cached original. K3:
// another encoding of the same bytes is another token, and invalid.
func TestForgedTwinsNeverHit(t *testing.T) {
	issuer := newIssuer(t, bearertest.IssuerConfig{})
	for _, algorithm := range []string{"RS256", "ES256", "EdDSA"} {
		issuer.Mint(bearertest.Token{Algorithm: algorithm})
		v, seen := caching(t, issuer, nil)
		good := issuer.Mint(bearertest.Token{Algorithm: algorithm, Scope: "orders:read"})
		other := issuer.Mint(bearertest.Token{Algorithm: algorithm, Scope: "orders:read orders:write"})
		for range 2 {
			if _, err := v.Verify(t.Context(), good); err != nil {
				t.Fatal(err)
			}
		}
		seen()
		part, parts := strings.Split(good, "."), strings.Split(other, ".")
		payload, err := base64.RawURLEncoding.DecodeString(part[1])
		if err != nil {
			t.Fatal(err)
		}
		encode := base64.RawURLEncoding.EncodeToString
		twins := map[string]string{
			"another signature":              part[0] + "." + part[1] + "." + parts[2],
			"other claims, same signature":   part[0] + "." + parts[1] + "." + part[2],
			"one claim changed":              part[0] + "." + encode(bytes.Replace(payload, []byte("orders:read"), []byte("admin:write"), 1)) + "." + part[2],
			"claims with a space":            part[0] + "." + encode(append(payload, ' ')) + "." + part[2],
			"no signature":                   part[0] + "." + part[1] + ".",
			"alg none":                       encode([]byte(`{"alg":"none","typ":"at+jwt"}`)) + "." + part[1] + ".",
			"another header":                 encode([]byte(`{"alg":"`+algorithm+`","typ":"at+jwt"}`)) + "." + part[1] + "." + part[2],
			"padding":                        good + "=",
			"padding of the payload":         part[0] + "." + part[1] + "=." + part[2],
			"a line break":                   good + "\n",
			"a space":                        " " + good,
			"an extra dot":                   good + ".",
			"the first byte missing":         good[1:],
			"the last byte missing":          good[:len(good)-1],
			"a signature that ends in zeros": good[:len(good)-4] + "AAAA",
		}
		// The last character has unused bits. A lax decoder ignores them.
		const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
		last := strings.IndexByte(digits, good[len(good)-1])
		twins["trailing bits"] = good[:len(good)-1] + digits[last^1:last^1+1]
		lax, err := base64.RawURLEncoding.DecodeString(twins["trailing bits"][strings.LastIndexByte(good, '.')+1:])
		if signature, _ := base64.RawURLEncoding.DecodeString(part[2]); err != nil || !bytes.Equal(lax, signature) {
			t.Fatalf("changing an unused bit changes the bytes: %v", err)
		}
		for name, twin := range twins {
			if p, err := v.Verify(t.Context(), twin); err == nil {
				t.Errorf("%s: %s is accepted: %+v", algorithm, name, p)
			}
		}
		if hits, _ := seen(); hits != 0 {
			t.Errorf("%s: %d hits", algorithm, hits)
		}
		if n := v.Stats().Cache.Entries; n != 1 {
			t.Errorf("%s: %d entries", algorithm, n)
		}
		if _, err := v.Verify(t.Context(), good); err != nil {
			t.Errorf("%s: the good token: %v", algorithm, err)
		}
		if hits, _ := seen(); hits != 1 {
			t.Errorf("%s: the good token is not in the cache", algorithm)
		}
	}
}

// C17: the cache counts a token with lists of its own at its full cost.
func TestCacheCountsLists(t *testing.T) {
	const n = 300
	issuer := newIssuer(t, bearertest.IssuerConfig{})
	for name, list := range map[string]func(i int) []string{
		"one unique":      func(i int) []string { return []string{fmt.Sprint("https://api.example.com/", i)} },
		"one long":        func(i int) []string { return []string{strings.Repeat("a", 6000) + fmt.Sprint(i)} },
		"many short":      func(i int) []string { return strings.Fields(strings.Repeat(fmt.Sprint(" a", i), 100)) },
		"very many short": func(i int) []string { return strings.Fields(strings.Repeat(fmt.Sprint(" a", i), 400)) },
	} {
		tokens := make([]string, n)
		for i := range tokens {
			tokens[i] = issuer.Mint(bearertest.Token{Algorithm: "EdDSA", Audience: append(list(i), audience), Claims: map[string]any{"amr": list(i)}})
		}
		v, _ := caching(t, issuer, nil)
		grown := heapOf(func() {
			for _, token := range tokens {
				if _, err := v.Verify(t.Context(), token); err != nil {
					t.Fatal(err)
				}
			}
		})
		if c := v.Stats().Cache; c.Entries != n || uint64(c.Bytes) < grown {
			t.Errorf("%s: %d tokens, counted at %d bytes each; they cost %d", name, c.Entries, c.Bytes/n, grown/n)
		}
		runtime.KeepAlive(tokens)
	}
}

// Part 2.5: the cache stores no refused token, whatever the reason.
func TestRefusedTokensAreNotCached(t *testing.T) {
	issuer := newIssuer(t, bearertest.IssuerConfig{})
	v, _ := caching(t, issuer, nil)
	now := time.Now()
	for name, token := range map[string]bearertest.Token{
		"expired":              {TTL: -time.Hour},
		"not yet valid":        {Claims: map[string]any{"nbf": now.Add(time.Hour).Unix()}},
		"issued in the future": {Claims: map[string]any{"iat": now.Add(time.Hour).Unix()}},
		"another audience":     {Audience: []string{"https://other.example.com"}},
		"no client":            {Claims: map[string]any{"client_id": nil}},
		"malformed":            {Claims: map[string]any{"jti": 1}},
	} {
		for range 2 {
			if _, err := v.Verify(t.Context(), issuer.Mint(token)); codeOf(err) != bearer.CodeInvalidToken {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	if c := v.Stats().Cache; c.Entries != 0 || c.Hits != 0 || c.Bytes != 0 {
		t.Errorf("%+v", c)
	}
}

// I6, C9: exp ends a cached token exactly when it ends a new one, leeway
// included, and the refusal says so.
func TestCachedTokenExpires(t *testing.T) {
	inBubble(t, func(t *testing.T, issuer *bearertest.Issuer, v *jwks.Verifier) {
		token := issuer.Mint(bearertest.Token{TTL: 10 * time.Minute, Claims: map[string]any{"auth_time": time.Now().Add(2 * time.Minute).Unix()}})
		p, err := v.Verify(t.Context(), token)
		if err != nil || !p.AuthTime.IsZero() {
			t.Fatalf("an authentication in the future: %v, %v", p, err)
		}
		elapse(2*time.Minute - 6*time.Second)
		if p, err := v.Verify(t.Context(), token); err != nil || !p.AuthTime.IsZero() {
			t.Errorf("an authentication beyond the leeway: %v, %v", p, err)
		}
		elapse(time.Second)
		if p, err := v.Verify(t.Context(), token); err != nil || p.AuthTime.IsZero() {
			t.Errorf("an authentication within the leeway: %v, %v", p, err)
		}
		elapse(time.Until(p.Expires) + 5*time.Second - time.Nanosecond)
		if _, err := v.Verify(t.Context(), token); err != nil {
			t.Errorf("within the leeway: %v", err)
		}
		if s := v.Stats(); s.Cache.Hits != 3 || s.Signatures != 1 || s.Cache.Entries != 1 {
			t.Errorf("%+v", s)
		}
		elapse(time.Nanosecond)
		for range 2 {
			_, err := v.Verify(t.Context(), token)
			if codeOf(err) != bearer.CodeInvalidToken || v.Stats().Cache.Entries != 0 {
				t.Errorf("at exp and the leeway: %v, %+v", err, v.Stats())
			}
		}
		if n := v.Stats().Refusals["exp"]; n != 2 {
			t.Errorf("%d refusals for exp: %v", n, v.Stats().Refusals)
		}
	})
}

// Design, keys: a withdrawn key ends the tokens that it signed at the next
// refresh, cached ones included. Tokens signed with other keys are verified
// again.
func TestCachedTokenDiesWithItsKey(t *testing.T) {
	inBubble(t, func(t *testing.T, issuer *bearertest.Issuer, v *jwks.Verifier) {
		keeps := issuer.Mint(bearertest.Token{})
		kid, err := issuer.AddKey("ES256")
		if err != nil {
			t.Fatal(err)
		}
		dies := issuer.Mint(bearertest.Token{})
		for range 2 {
			for _, token := range []string{keeps, dies} {
				if _, err := v.Verify(t.Context(), token); err != nil {
					t.Fatal(err)
				}
			}
		}
		before := v.Stats()
		if before.Cache.Hits < 1 {
			t.Fatalf("%+v", before)
		}
		issuer.Withdraw(kid)
		elapse(15 * time.Minute) // the default interval
		for range 2 {
			if _, err := v.Verify(t.Context(), dies); codeOf(err) != bearer.CodeInvalidToken {
				t.Errorf("a token of the withdrawn key: %v", err)
			}
		}
		for range 2 {
			if _, err := v.Verify(t.Context(), keeps); err != nil {
				t.Errorf("a token of another key: %v", err)
			}
		}
		after := v.Stats()
		if after.Cache.Hits != before.Cache.Hits+1 || after.Signatures != before.Signatures+1 || after.Cache.Entries != 1 {
			t.Errorf("before %+v\nafter %+v", before, after)
		}
	})
}

// Keys that are too stale end the cached tokens too. The answer is 503, because
// nobody can tell whether the token is good.
func TestCachedTokenDiesWithStaleKeys(t *testing.T) {
	inBubble(t, func(t *testing.T, issuer *bearertest.Issuer, v *jwks.Verifier) {
		token := issuer.Mint(bearertest.Token{TTL: 1000 * time.Hour})
		if _, err := v.Verify(t.Context(), token); err != nil {
			t.Fatal(err)
		}
		end := v.Stats().Issuers[0].Fetched.Add(24 * time.Hour)
		issuer.Stop()
		elapse(time.Until(end) - time.Nanosecond)
		if _, err := v.Verify(t.Context(), token); err != nil {
			t.Errorf("before the keys are too stale: %v", err)
		}
		elapse(time.Nanosecond)
		if _, err := v.Verify(t.Context(), token); codeOf(err) != bearer.CodeUnavailable {
			t.Errorf("with keys that are too stale: %v", err)
		}
		if err := issuer.Start(); err != nil {
			t.Fatal(err)
		}
		elapse(3 * time.Second)
		if _, err := v.Verify(t.Context(), token); err != nil {
			t.Errorf("after the issuer's return: %v", err)
		}
	})
}

// CVE-2026-33496: one verifier does not use what another verifier has accepted.
func TestVerifiersShareNothing(t *testing.T) {
	a, b := newIssuer(t, bearertest.IssuerConfig{}), newIssuer(t, bearertest.IssuerConfig{})
	for _, issuer := range []*bearertest.Issuer{a, b} {
		issuer.Mint(bearertest.Token{})
	}
	first, _ := caching(t, a, nil)
	otherAudience, _ := caching(t, a, func(c *jwks.Config) { c.Issuers[0].Audience = []string{"https://other.example.com"} })
	otherKeys, _ := caching(t, a, func(c *jwks.Config) { c.Issuers[0].Keys = jwks.KeysFromJWKS(b.KeySet()) })
	token := a.Mint(bearertest.Token{})
	for range 2 {
		if _, err := first.Verify(t.Context(), token); err != nil {
			t.Error(err)
		}
		for _, v := range []*jwks.Verifier{otherAudience, otherKeys} {
			if _, err := v.Verify(t.Context(), token); codeOf(err) != bearer.CodeInvalidToken || v.Stats().Cache.Entries != 0 {
				t.Errorf("%v, %+v", err, v.Stats().Cache)
			}
		}
	}
}

// Part 2.4, 2.5: neither forged tokens nor good one-time tokens evict tokens in
// use, and the cache never exceeds its bounds.
func TestFloodsEvictNoTokenInUse(t *testing.T) {
	const entries = 100
	issuer := newIssuer(t, bearertest.IssuerConfig{})
	issuer.Mint(bearertest.Token{Algorithm: "EdDSA"})
	v, seen := caching(t, issuer, func(c *jwks.Config) { c.CacheEntries = entries })
	var inUse []string
	for range entries / 2 {
		inUse = append(inUse, issuer.Mint(bearertest.Token{Algorithm: "EdDSA"}))
	}
	use := func() {
		for _, token := range inUse {
			if _, err := v.Verify(t.Context(), token); err != nil {
				t.Fatal(err)
			}
		}
	}
	use()
	use()
	seen()
	for n := range 2000 {
		once := issuer.Mint(bearertest.Token{Algorithm: "EdDSA"})
		if _, err := v.Verify(t.Context(), once); err != nil {
			t.Fatal(err)
		}
		forged := once[:len(once)-20] + fmt.Sprintf("%020d", n)
		if _, err := v.Verify(t.Context(), forged); err == nil {
			t.Fatal("accepted")
		}
		if c := v.Stats().Cache; c.Entries > entries {
			t.Fatalf("%+v", c)
		}
	}
	if hits, _ := seen(); hits != 0 {
		t.Fatalf("%d hits by one-time tokens", hits)
	}
	use()
	if hits, misses := seen(); hits != uint64(len(inUse)) {
		t.Errorf("after the flood: %d hits, %d misses", hits, misses)
	}
}

// The cache counts tokens of unusual size at their cost.
func TestCacheIsBoundedInBytes(t *testing.T) {
	const most = 64 << 10
	issuer := newIssuer(t, bearertest.IssuerConfig{})
	v, _ := caching(t, issuer, func(c *jwks.Config) { c.CacheBytes = most })
	for n := range 200 {
		token := bearertest.Token{Claims: map[string]any{"big": strings.Repeat("x", n*50)}}
		if _, err := v.Verify(t.Context(), issuer.Mint(token)); err != nil {
			t.Fatal(err)
		}
		if c := v.Stats().Cache; c.Bytes > most || c.Entries < 2 && n > 2 {
			t.Fatalf("%d tokens: %+v", n, c)
		}
	}
	before := v.Stats().Cache
	giant := issuer.Mint(bearertest.Token{Claims: map[string]any{"big": strings.Repeat("x", most)}})
	for range 2 {
		if _, err := v.Verify(t.Context(), giant); err != nil {
			t.Fatal(err)
		}
	}
	if after := v.Stats().Cache; after.Hits != before.Hits || after.Entries != before.Entries {
		t.Errorf("a token larger than the cache: before %+v, after %+v", before, after)
	}
}

// Of concurrent requests with one new token, one checks the signature.
func TestConcurrentFirstSightsVerifyOnce(t *testing.T) {
	issuer := newIssuer(t, bearertest.IssuerConfig{})
	v, _ := caching(t, issuer, nil)
	const rounds, callers = 50, 16
	for range rounds {
		token := issuer.Mint(bearertest.Token{})
		start := make(chan struct{})
		var wait sync.WaitGroup
		for range callers {
			wait.Go(func() {
				<-start
				if _, err := v.Verify(t.Context(), token); err != nil {
					t.Error(err)
				}
			})
		}
		close(start)
		wait.Wait()
	}
	if n := v.Stats().Signatures; n != rounds {
		t.Errorf("%d checks for %d tokens", n, rounds)
	}
}

// C17: a cached token costs at most 2 KiB and is counted at no less than its
// cost. The budgets of bench measure ten thousand.
func TestCacheMemory(t *testing.T) {
	const n = 2000
	issuer := newIssuer(t, bearertest.IssuerConfig{})
	mint := benchToken("EdDSA")
	mint.Claims = maps.Clone(mint.Claims)
	mint.Claims["tenant"], mint.Claims["name"] = "3f0c7a52-5b1e-4f0e-9a77-2d1f9c1e4b60", strings.Repeat("n", 75)
	tokens := make([]string, n)
	for i := range tokens {
		tokens[i] = issuer.Mint(mint)
	}
	if length := len(tokens[0]); length < 900 || length > 960 {
		t.Fatalf("tokens of %d bytes", length)
	}
	v, _ := caching(t, issuer, nil)
	grown := heapOf(func() {
		for _, token := range tokens {
			if _, err := v.Verify(t.Context(), token); err != nil {
				t.Fatal(err)
			}
		}
	})
	c := v.Stats().Cache
	if c.Entries != n {
		t.Fatalf("%+v", c)
	}
	if grown > n*2<<10 {
		t.Errorf("%d bytes a token", grown/n)
	}
	if uint64(c.Bytes) < grown || uint64(c.Bytes) > 2*grown {
		t.Errorf("counted at %d bytes a token, which costs %d", c.Bytes/n, grown/n)
	}
	runtime.KeepAlive(tokens)
	_, _ = v.Verify(t.Context(), "keeps v alive")
}

// C-4, C17: neither a token nor its signature stays in the memory of the
// process.
func TestNoRawTokenIsKept(t *testing.T) {
	issuer := newIssuer(t, bearertest.IssuerConfig{})
	v, _ := caching(t, issuer, nil)
	// The test must not keep the tokens itself, so it keeps them reversed.
	var reversed [][]byte
	func() {
		good := issuer.Mint(bearertest.Token{Subject: "the-subject-that-is-kept"})
		expired := issuer.Mint(bearertest.Token{TTL: -time.Hour})
		if _, err := v.Verify(t.Context(), good); err != nil {
			t.Fatal(err)
		}
		_, _ = v.Verify(t.Context(), expired)
		_, _ = v.Verify(t.Context(), good[:len(good)-8]+"AAAAAAAA")
		for _, token := range []string{good, expired} {
			for _, part := range strings.Split(token, ".")[1:] {
				b := []byte(part)
				slices.Reverse(b)
				reversed = append(reversed, b)
			}
		}
	}()
	for tries := 0; ; tries++ {
		runtime.GC() // a sync.Pool is empty after two
		runtime.GC()
		heap := heapDump(t)
		if !bytes.Contains(heap, []byte("the-subject-"+"that-is-kept")) {
			t.Fatal("the heap dump lacks a subject that the cache holds: the search is broken")
		}
		found := slices.IndexFunc(reversed, func(b []byte) bool { return containsReversed(heap, b) })
		if found < 0 {
			break
		}
		if tries == 20 {
			t.Fatalf("part %d of a token is in the heap", found)
		}
	}
	_, _ = v.Verify(t.Context(), "keeps v alive")
}

func heapDump(t *testing.T) []byte {
	t.Helper()
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

// containsReversed reports whether s contains the bytes of b in reverse order.
// It does not create the reversed bytes.
func containsReversed(s, b []byte) bool {
	last := len(b) - 1
	for at := 0; ; at++ {
		next := bytes.IndexByte(s[at:], b[last])
		if next < 0 {
			return false
		}
		at += next
		match := at+len(b) <= len(s)
		for i := 0; match && i < len(b); i++ {
			match = s[at+i] == b[last-i]
		}
		if match {
			return true
		}
	}
}

// Tokens are read into the same memory one after another, and no principal sees
// another token.
func TestPrincipalsDoNotMixTokens(t *testing.T) {
	issuer := newIssuer(t, bearertest.IssuerConfig{})
	v, _ := caching(t, issuer, func(c *jwks.Config) { c.CacheEntries = 50 })
	var wait sync.WaitGroup
	for worker := range 8 {
		var kept []*bearer.Principal
		var subjects []string
		tokens := make([]string, 200)
		for i := range tokens {
			subject := fmt.Sprintf("%d-%d-%s", worker, i, strings.Repeat("s", i))
			subjects = append(subjects, subject)
			tokens[i] = issuer.Mint(bearertest.Token{Subject: subject, Scope: "z" + subject + " a" + subject, Audience: []string{audience, subject},
				Claims: map[string]any{"amr": []string{subject}, "acr": subject}})
		}
		wait.Go(func() {
			for i, token := range tokens {
				p, err := v.Verify(t.Context(), token)
				if err != nil {
					t.Error(err)
					return
				}
				kept = append(kept, p)
				_, _ = v.Verify(t.Context(), token[:len(token)-10]+"AAAAAAAAAA")
				_, _ = v.Verify(t.Context(), tokens[i/2])
			}
			for i, p := range kept {
				var claims struct {
					Sub string `json:"sub"`
				}
				err := p.Claims(&claims)
				s := subjects[i]
				if err != nil || claims.Sub != s || p.Subject != s || p.ACR != s || !p.Scopes.Has("a"+s) || !p.Scopes.Has("z"+s) ||
					!slices.Equal(p.AMR(), []string{s}) || !slices.Equal(p.Audience(), []string{audience, s}) {
					t.Errorf("token %.20s: the principal of %.20s, %v", s, p.Subject, err)
					return
				}
			}
		})
	}
	wait.Wait()
}

// Tokens with equal lists share memory. A list never takes the place of another
// claim, or of an absent one.
func TestOnlyEqualListsAreShared(t *testing.T) {
	issuer := newIssuer(t, bearertest.IssuerConfig{})
	v, _ := caching(t, issuer, nil)
	tests := []struct {
		claims   map[string]any
		aud, amr []string // aud nil: refused
	}{
		{map[string]any{"aud": audience, "amr": nil}, []string{audience}, nil},
		{map[string]any{"aud": []string{audience}, "amr": []string{}}, []string{audience}, nil},
		{map[string]any{"aud": []string{audience}, "amr": []string{audience}}, []string{audience}, []string{audience}},
		{map[string]any{"aud": []string{audience, "pwd"}, "amr": nil}, []string{audience, "pwd"}, nil},
		{map[string]any{"aud": []string{audience}, "amr": []string{"pwd"}}, []string{audience}, []string{"pwd"}},
		{map[string]any{"aud": []string{audience}, "amr": []string{"pwd", "otp"}}, []string{audience}, []string{"pwd", "otp"}},
		{map[string]any{"aud": []string{audience}, "amr": []string{"pwd,otp"}}, []string{audience}, []string{"pwd,otp"}},
		{map[string]any{"aud": nil, "amr": []string{audience}}, nil, nil},
		{map[string]any{"aud": []string{}, "amr": []string{audience}}, nil, nil},
		{map[string]any{"aud": "pwd", "amr": audience}, nil, nil},
		{map[string]any{"aud": []string{"pwd"}, "amr": []string{audience}}, nil, nil},
	}
	for round := range 4 {
		for _, tt := range tests {
			p, err := v.Verify(t.Context(), issuer.Mint(bearertest.Token{Claims: tt.claims}))
			switch {
			case tt.aud == nil && err == nil:
				t.Errorf("round %d: %v is accepted, with the audience %q", round, tt.claims, p.Audience())
			case tt.aud == nil:
			case err != nil:
				t.Errorf("round %d: %v: %v", round, tt.claims, err)
			case !slices.Equal(p.Audience(), tt.aud) || !slices.Equal(p.AMR(), tt.amr) || p.Subject != "alice":
				t.Errorf("round %d: %v gives %q and %q", round, tt.claims, p.Audience(), p.AMR())
			}
		}
	}
}
