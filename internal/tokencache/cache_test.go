package tokencache_test

import (
	"fmt"
	"math"
	"runtime"
	"sync"
	"testing"
	"time"
	"weak"

	"github.com/bearerkit/bearerkit/internal/tokencache"
)

// value is what these tests store: a number that names the token, and the
// version that it was proven with.
type value struct{ n int }

type (
	cache = tokencache.Cache[value]
	entry = tokencache.Entry[value]
)

// version is the version of each value in a cache of newCache.
const version = 1

func newCache(entries, bytes int) *cache {
	return newCacheOf(entries, bytes, func(*value, time.Time) uint64 { return version })
}

func newCacheOf(entries, bytes int, now func(*value, time.Time) uint64) *cache {
	return tokencache.New(tokencache.Config[value]{Entries: entries, Bytes: bytes, Version: now, Rejected: errRejected})
}

func tokenOf(n int) string { return fmt.Sprintf("token %d", n) }

func entryOf(n, weight int) *entry {
	return &entry{
		Value: value{n}, Version: version, Sum: tokencache.SumOf(tokenOf(n)), Weight: weight, Expires: math.MaxInt64,
	}
}

// add has token n proven.
func add(t testing.TB, c *cache, n, weight int) { addEntry(t, c, entryOf(n, weight), time.Now()) }

func addEntry(t testing.TB, c *cache, e *entry, now time.Time) {
	t.Helper()
	_, err := c.Do(t.Context(), now, tokenOf(e.Value.n), e.Version, func() (*entry, error) { return e, nil })
	if err != nil {
		t.Error(err)
	}
}

func has(c *cache, n int) bool {
	e := c.Get(tokenOf(n), time.Now())
	if e != nil && e.Value.n != n {
		panic("the entry of another token")
	}
	return e != nil
}

// audit checks that the cache reports exactly what it holds of the first n
// tokens, and no more than its bounds allow.
func audit(t *testing.T, c *cache, n, maxEntries, maxBytes int) {
	t.Helper()
	entries, bytes := 0, 0
	for i := range n {
		if e := c.Get(tokenOf(i), time.Now()); e != nil {
			entries++
			bytes += e.Weight
		}
	}
	s := c.Stats()
	if s.Entries != entries || s.Bytes != bytes {
		t.Fatalf("holds %d entries of %d bytes, reports %d of %d", entries, bytes, s.Entries, s.Bytes)
	}
	if entries > maxEntries || bytes > maxBytes {
		t.Fatalf("holds %d entries of %d bytes, want at most %d of %d", entries, bytes, maxEntries, maxBytes)
	}
}

func TestGetCountsHitsAndMisses(t *testing.T) {
	c := newCache(10, 100)
	has(c, 1)
	add(t, c, 1, 10)
	has(c, 1)
	has(c, 1)
	if got, want := c.Stats(), (tokencache.Stats{Hits: 2, Misses: 1, Entries: 1, Bytes: 10}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

func TestNilCacheStoresNothing(t *testing.T) {
	var c *cache
	add(t, c, 1, 10)
	if has(c, 1) || c.Stats() != (tokencache.Stats{}) {
		t.Errorf("%+v", c.Stats())
	}
	c.Remove(entryOf(1, 10))
}

func TestTransientEntryIsNotStored(t *testing.T) {
	c := newCache(10, 100)
	e := entryOf(1, 10)
	e.Transient = true
	addEntry(t, c, e, time.Now())
	if has(c, 1) {
		t.Error("stored")
	}
}

// Two entries of a token that two calls added with different versions.
func TestNewEntryReplacesTheTokensOldOne(t *testing.T) {
	c := newCache(10, 100)
	add(t, c, 1, 10)
	e := entryOf(1, 20)
	e.Version = version + 1
	addEntry(t, c, e, time.Now())
	if s := c.Stats(); s.Entries != 1 || s.Bytes != 20 {
		t.Errorf("%+v", s)
	}
}

// The signature, at the token's end, is what the cache looks up first.
func TestTokensWithTheSameEndAreDifferent(t *testing.T) {
	const end = ".the same 16 bytes"
	c := newCache(10, 1000)
	for n := range 5 {
		token := fmt.Sprint(n) + end
		_, err := c.Do(t.Context(), time.Now(), token, version, func() (*entry, error) {
			return &entry{Value: value{n}, Version: version, Sum: tokencache.SumOf(token), Expires: math.MaxInt64}, nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for n := range 5 {
		if e := c.Get(fmt.Sprint(n)+end, time.Now()); e == nil || e.Value.n != n {
			t.Errorf("token %d: %v", n, e)
		}
	}
	if c.Get("5"+end, time.Now()) != nil {
		t.Error("found a token that was never added")
	}
}

// Part 2.4: a hundred thousand tokens that come once do not evict tokens that
// were used again, even if nobody uses those meanwhile.
func TestOneTimeTokensEvictNoTokenInUse(t *testing.T) {
	const inUse = 1000
	c := newCache(10_000, 32<<20)
	for n := range inUse {
		add(t, c, n, 2000)
		has(c, n)
	}
	for n := range 100_000 {
		add(t, c, inUse+n, 2000)
	}
	for n := range inUse {
		if !has(c, n) {
			t.Fatalf("token %d was evicted", n)
		}
	}
	if s := c.Stats(); s.Entries != 10_000 {
		t.Errorf("%d entries, want 10000", s.Entries)
	}
}

func TestTokenThatComesBackAfterItsEvictionStays(t *testing.T) {
	c := newCache(100, 1<<20)
	for n := range 102 {
		add(t, c, n, 1)
	}
	if has(c, 0) {
		t.Fatal("not evicted")
	}
	add(t, c, 0, 1)
	for n := range 1000 {
		add(t, c, 1000+n, 1)
	}
	if !has(c, 0) {
		t.Error("evicted again")
	}
}

func TestCacheOfAnySize(t *testing.T) {
	for entries := 1; entries < 40; entries += 3 {
		for _, bytes := range []int{1, 10, 100, 1000} {
			c := newCache(entries, bytes)
			tokens := 2*entries + 1
			for n := range 300 {
				add(t, c, n%tokens, n*7%23)
				for used := range n % 4 {
					if found := c.Get(tokenOf((n+used)%tokens), time.Now()); found != nil && n%11 == 0 {
						c.Remove(found)
						c.Remove(found)
					}
				}
				if n%10 == 0 {
					audit(t, c, tokens, entries, bytes)
				}
			}
		}
	}
}

// The cache discards worthless entries when others come, before anybody asks for
// them.
func TestWorthlessEntriesLeaveByThemselves(t *testing.T) {
	current := uint64(version)
	c := newCacheOf(1000, 1<<20, func(v *value, _ time.Time) uint64 {
		if v.n%2 == 1 && v.n < 100 {
			return current
		}
		return version
	})
	now := time.Now()
	for n := range 100 {
		e := entryOf(n, 1)
		if n%2 == 0 {
			e.Expires = now.Add(time.Minute).UnixNano()
		}
		addEntry(t, c, e, now)
	}
	current++ // the odd ones no longer hold
	for n := range 60 {
		addEntry(t, c, entryOf(1000+n, 1), now.Add(time.Hour))
	}
	if s := c.Stats(); s.Entries != 60 {
		t.Errorf("%d entries, want 60", s.Entries)
	}
}

func TestGetDiscardsAnEntryOfAnotherVersion(t *testing.T) {
	current := uint64(version)
	c := newCacheOf(10, 100, func(*value, time.Time) uint64 { return current })
	add(t, c, 1, 10)
	current++
	if has(c, 1) {
		t.Error("found")
	}
	if s := c.Stats(); s.Entries != 0 || s.Misses != 1 {
		t.Errorf("%+v", s)
	}
	current--
	if has(c, 1) {
		t.Error("found once its version is the present one again")
	}
}

// Run with -race: Get takes no lock, whatever other goroutines add and remove.
func TestCacheIsSafeForConcurrentUse(t *testing.T) {
	const tokens = 200
	c := newCache(64, 1<<20)
	var wait sync.WaitGroup
	for worker := range 8 {
		wait.Go(func() {
			for n := range 5000 {
				i := (n*7 + worker*13) % tokens
				switch e := c.Get(tokenOf(i), time.Now()); {
				case e == nil:
					add(t, c, i, 10)
				case e.Value.n != i:
					t.Error("the entry of another token")
				case n%17 == 0:
					c.Remove(e)
				}
			}
		})
	}
	wait.Wait()
	audit(t, c, tokens, 64, 1<<20)
}

// Neither the cache nor its memory of evicted tokens refers to an entry that has
// left.
func TestEvictedEntriesAreGarbage(t *testing.T) {
	c := newCache(10, 1<<20)
	var entries []weak.Pointer[entry]
	for n := range 1000 {
		e := entryOf(n, 1)
		entries = append(entries, weak.Make(e))
		addEntry(t, c, e, time.Now())
		has(c, n-n%3)
	}
	runtime.GC()
	reachable := 0
	for _, e := range entries {
		if e.Value() != nil {
			reachable++
		}
	}
	if held := c.Stats().Entries; reachable != held {
		t.Errorf("%d entries are reachable, and %d are in the cache", reachable, held)
	}
	runtime.KeepAlive(c)
}

func TestLookupsDoNotAllocate(t *testing.T) {
	c := newCache(10, 1<<20)
	add(t, c, 1, 10)
	known, unknown, now := tokenOf(1), tokenOf(2), time.Now()
	if n := testing.AllocsPerRun(100, func() { c.Get(known, now); c.Get(unknown, now) }); n != 0 {
		t.Errorf("%v allocations for a known and an unknown token", n)
	}
	ctx := t.Context()
	if n := testing.AllocsPerRun(100, func() {
		_, _ = c.Do(ctx, now, unknown, version, func() (*entry, error) { return nil, errRejected })
	}); n != 0 {
		t.Errorf("%v allocations for a proof", n)
	}
}

func BenchmarkCache(b *testing.B) {
	c, now := newCache(10_000, 32<<20), time.Now()
	tokens, entries := make([]string, 20_000), make([]*entry, 20_000)
	for n := range tokens {
		tokens[n], entries[n] = tokenOf(n), entryOf(n, 2000)
		if n < 8000 {
			addEntry(b, c, entries[n], now)
		}
	}
	b.Run("hit", func(b *testing.B) {
		for n := 0; b.Loop(); n++ {
			c.Get(tokens[n%8000], now)
		}
	})
	b.Run("miss", func(b *testing.B) {
		for n := 0; b.Loop(); n++ {
			c.Get(tokens[8000+n%12_000], now)
		}
	})
	b.Run("hit in parallel", func(b *testing.B) {
		b.RunParallel(func(pb *testing.PB) {
			for n := 0; pb.Next(); n++ {
				c.Get(tokens[n%100], now)
			}
		})
	})
	b.Run("miss and add", func(b *testing.B) {
		b.ReportAllocs()
		for n := 0; b.Loop(); n++ {
			token, sum := tokens[n%len(tokens)], entries[n%len(tokens)].Sum
			if c.Get(token, now) == nil {
				_, _ = c.Do(b.Context(), now, token, version, func() (*entry, error) {
					return &entry{Version: version, Sum: sum, Weight: 2000, Expires: math.MaxInt64}, nil
				})
			}
		}
	})
}
