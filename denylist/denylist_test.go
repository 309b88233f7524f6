package denylist_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/denylist"
	"github.com/bearerkit/bearerkit/denylist/denylisttest"
)

func newMemory(t testing.TB, c denylist.MemoryConfig) *denylist.Memory {
	t.Helper()
	m, err := denylist.NewMemory(c)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestMemory(t *testing.T) {
	if err := denylisttest.Check(t.Context(), newMemory(t, denylist.MemoryConfig{})); err != nil {
		t.Error(err)
	}
}

func TestEntriesEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory(t, denylist.MemoryConfig{Capacity: 2, Leeway: -1})
		entry := func(subject string, d time.Duration) denylist.Entry {
			return denylist.Entry{Issuer: "i", Subject: subject, Until: time.Now().Add(d)}
		}
		denied := func(subject string) bool {
			denied, err := m.Denied(t.Context(), &bearer.Principal{Issuer: "i", Subject: subject})
			return denied && err == nil
		}
		for _, e := range []denylist.Entry{entry("short", time.Minute), entry("long", time.Hour), entry("past", 0)} {
			if err := m.Deny(t.Context(), e); err != nil {
				t.Fatal(err)
			}
		}
		if !denied("short") || !denied("long") || denied("past") {
			t.Error("at once")
		}
		if got := m.Stats(); got != (denylist.MemoryStats{Entries: 2, Capacity: 2}) {
			t.Errorf("%+v", got)
		}
		// Entries are not evicted before they expire.
		if err := m.Deny(t.Context(), entry("more", time.Hour)); !errors.Is(err, denylist.ErrFull) {
			t.Errorf("beyond the capacity: %v", err)
		}
		if err := m.Deny(t.Context(), entry("long", 2*time.Hour)); err != nil {
			t.Errorf("an existing entry: %v", err)
		}
		<-time.After(time.Minute)
		if got := m.Stats(); got != (denylist.MemoryStats{Entries: 1, Capacity: 2}) {
			t.Errorf("%+v; an expired entry counts", got)
		}
		if denied("short") || !denied("long") {
			t.Error("after a minute")
		}
		if err := m.Deny(t.Context(), entry("more", time.Hour)); err != nil {
			t.Errorf("after an entry expired: %v", err)
		}
		<-time.After(90 * time.Minute)
		if !denied("long") || denied("more") {
			t.Error("after another 90 minutes")
		}
	})
}

// A full list looks for expired entries at most once a second. It never exceeds its
// capacity, by default 100,000.
func TestFullList(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory(t, denylist.MemoryConfig{Capacity: 2, Leeway: -1})
		deny := func(subject string, d time.Duration) error {
			return m.Deny(t.Context(), denylist.Entry{Issuer: "i", Subject: subject, Until: time.Now().Add(d)})
		}
		for subject, life := range map[string]time.Duration{"short": time.Second / 2, "long": time.Hour} {
			if err := deny(subject, life); err != nil {
				t.Fatal(err)
			}
		}
		for range 3 {
			if err := deny("more", time.Hour); !errors.Is(err, denylist.ErrFull) {
				t.Errorf("beyond the capacity: %v", err)
			}
		}
		<-time.After(time.Second)
		if err := deny("more", time.Hour); err != nil {
			t.Errorf("a second later, after an entry expired: %v", err)
		}
		m = newMemory(t, denylist.MemoryConfig{})
		for n := range 100_000 {
			if err := deny(fmt.Sprint(n), time.Hour); err != nil {
				t.Fatalf("entry %d: %v", n, err)
			}
		}
		if err := deny("more", time.Hour); !errors.Is(err, denylist.ErrFull) {
			t.Errorf("beyond the default capacity: %v", err)
		}
	})
}

// Reports G2: alice signs out everywhere at a time by our clock. The iat of her
// tokens is by the issuer's clock, which may be ahead of ours by the leeway.
func TestLeewayCountsForIssuedBefore(t *testing.T) {
	tests := []struct {
		name   string
		leeway time.Duration
		issued time.Duration // iat, from the sign-out on
		denied bool
	}{
		{"issued 1.5 s before by a clock that is 4 s ahead", 0, 2500 * time.Millisecond, true},
		{"exactly the default leeway", 0, 5 * time.Second, true},
		{"a second more than the default leeway", 0, 6 * time.Second, false},
		{"exactly a leeway of 2 min", 2 * time.Minute, 2 * time.Minute, true},
		{"a second more than a leeway of 2 min", 2 * time.Minute, 2*time.Minute + time.Second, false},
		{"the same second without a leeway", -1, 0, true},
		{"the next second without a leeway", -1, time.Second, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := newMemory(t, denylist.MemoryConfig{Leeway: tt.leeway})
			now := time.Now().Truncate(time.Second)
			err := m.Deny(t.Context(), denylist.Entry{Issuer: "i", Subject: "alice", IssuedBefore: now, Until: now.Add(time.Hour)})
			if err != nil {
				t.Fatal(err)
			}
			p := &bearer.Principal{Issuer: "i", Subject: "alice", IssuedAt: now.Add(tt.issued)}
			if denied, err := m.Denied(t.Context(), p); denied != tt.denied || err != nil {
				t.Errorf("denied %t, %v; want %t", denied, err, tt.denied)
			}
			p.IssuedAt = time.Time{}
			if denied, err := m.Denied(t.Context(), p); !denied || err != nil {
				t.Errorf("a token without iat: denied %t, %v", denied, err)
			}
		})
	}
}

// Reports G2: a verifier accepts a token for the leeway after exp, so an entry
// until that exp must last equally long.
func TestLeewayCountsForUntil(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory(t, denylist.MemoryConfig{})
		exp := time.Now().Add(time.Minute)
		if err := m.Deny(t.Context(), denylist.Entry{Issuer: "i", TokenID: "1", Until: exp}); err != nil {
			t.Fatal(err)
		}
		p := &bearer.Principal{Issuer: "i", TokenID: "1", Expires: exp}
		<-time.After(time.Minute + 4999*time.Millisecond)
		if denied, err := m.Denied(t.Context(), p); !denied || err != nil {
			t.Errorf("within the leeway: denied %t, %v", denied, err)
		}
		<-time.After(time.Millisecond)
		if denied, err := m.Denied(t.Context(), p); denied || err != nil {
			t.Errorf("after the leeway: denied %t, %v", denied, err)
		}
	})
}

func TestMistakes(t *testing.T) {
	for name, e := range map[string]denylist.Entry{
		"Issuer":          {Subject: "a", Until: time.Now()},
		"Until":           {Issuer: "i", Subject: "a"},
		"has 0 of":        {Issuer: "i", Until: time.Now()},
		"has 2 of":        {Issuer: "i", Subject: "a", ClientID: "b", Until: time.Now()},
		"has 3 of TokenI": {Subject: "a", ClientID: "b", TokenID: "c"},
		"has 4 of":        {Issuer: "i", Subject: "a", ClientID: "b", TokenID: "c", SessionID: "d"},
	} {
		if err := newMemory(t, denylist.MemoryConfig{}).Deny(t.Context(), e); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%+v: %v, want it to contain %q", e, err, name)
		}
	}
	_, err := denylist.NewMemory(denylist.MemoryConfig{Capacity: -1, Leeway: time.Hour})
	for _, want := range []string{"MemoryConfig.Capacity is -1;", "MemoryConfig.Leeway is 1h0m0s; want at most 5m0s"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	if err := newMemory(t, denylist.MemoryConfig{}).Lift(t.Context(), denylist.Entry{}); err == nil {
		t.Error("lift nothing: no error")
	}
}

func TestMemoryIsSafeForConcurrentUse(t *testing.T) {
	m := newMemory(t, denylist.MemoryConfig{Capacity: 1000})
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for i := range 2000 {
				e := denylist.Entry{Issuer: "i", Subject: fmt.Sprint(g, i%500), Until: time.Now().Add(time.Hour)}
				if err := m.Deny(context.Background(), e); err != nil {
					continue // full
				}
				p := &bearer.Principal{Issuer: "i", Subject: e.Subject}
				if denied, _ := m.Denied(context.Background(), p); !denied {
					t.Errorf("%s is not denied", e.Subject)
				}
				_ = m.Lift(context.Background(), e)
				if denied, _ := m.Denied(context.Background(), p); denied {
					t.Errorf("%s is still denied", e.Subject)
				}
			}
		})
	}
	wg.Wait()
}

func TestMemoryOfAnEntry(t *testing.T) {
	const entries = 100_000
	heap := func() uint64 {
		var s runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&s)
		return s.HeapAlloc
	}
	before := heap()
	m := newMemory(t, denylist.MemoryConfig{})
	issuer := "https://login.example.com/realms/shop"
	for i := range entries {
		e := denylist.Entry{Issuer: issuer, TokenID: fmt.Sprintf("%032d", i), Until: time.Now().Add(time.Hour)}
		if err := m.Deny(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
	each := (heap() - before) / entries
	runtime.KeepAlive(m)
	if t.Logf("%d bytes an entry", each); each > 300 {
		t.Errorf("%d bytes an entry, the documentation says some 250", each)
	}
}

func BenchmarkDenied(b *testing.B) {
	m := newMemory(b, denylist.MemoryConfig{})
	for i := range 10_000 {
		e := denylist.Entry{Issuer: "https://login.example.com", TokenID: fmt.Sprint(i), Until: time.Now().Add(time.Hour)}
		if err := m.Deny(b.Context(), e); err != nil {
			b.Fatal(err)
		}
	}
	p := &bearer.Principal{Issuer: "https://login.example.com", TokenID: "another", Subject: "alice", ClientID: "shop"}
	b.ReportAllocs()
	for b.Loop() {
		if denied, err := m.Denied(b.Context(), p); denied || err != nil {
			b.Fatal(denied, err)
		}
	}
}

// Merging never ends a denial earlier, and never spares a token that the list
// denied: the later end and the later IssuedBefore count, and no IssuedBefore is
// later than any. An entry that has expired counts for nothing.
func TestTimesMerge(t *testing.T) {
	now := time.Unix(1_000_000, 0)
	at := func(seconds int) time.Time {
		if seconds == 0 {
			return time.Time{}
		}
		return now.Add(time.Duration(seconds) * time.Second)
	}
	later := func(a, b time.Time) time.Time {
		if a.After(b) {
			return a
		}
		return b
	}
	for _, existingUntil := range []int{-1, 1, 10, 20} {
		for _, until := range []int{5, 10, 15} {
			for _, existingBefore := range []int{0, -30, -20, -10} {
				for _, before := range []int{0, -20} {
					existing := denylist.Times{Until: at(existingUntil), IssuedBefore: at(existingBefore)}
					new := denylist.Times{Until: at(until), IssuedBefore: at(before)}
					want := new
					if existingUntil > 0 {
						want.Until = later(existing.Until, new.Until)
						want.IssuedBefore = later(existing.IssuedBefore, new.IssuedBefore)
						if existingBefore == 0 || before == 0 {
							want.IssuedBefore = time.Time{}
						}
					}
					if got := new.Merge(existing, now); !got.Until.Equal(want.Until) || !got.IssuedBefore.Equal(want.IssuedBefore) {
						t.Errorf("%+v merged with %+v is %+v, want %+v", new, existing, got, want)
					}
				}
			}
		}
	}
	// At its end, an entry has expired.
	if got := (denylist.Times{Until: at(5)}).Merge(denylist.Times{Until: now, IssuedBefore: at(-1)}, now); !got.Until.Equal(at(5)) || !got.IssuedBefore.IsZero() {
		t.Errorf("merged with an entry that ends now: %+v", got)
	}
}

// SE5: an entry denies a token until its end, unless the token was issued in
// a later second than IssuedBefore. A token without iat is always denied.
func TestTimesDenies(t *testing.T) {
	now := time.Unix(1_000_000, 0)
	for _, tt := range []struct {
		name   string
		times  denylist.Times
		issued time.Time
		denied bool
	}{
		{"before the end", denylist.Times{Until: now.Add(1)}, now.Add(-time.Hour), true},
		{"at the end", denylist.Times{Until: now}, now.Add(-time.Hour), false},
		{"issued before", denylist.Times{Until: now.Add(1), IssuedBefore: now}, now.Add(-time.Second), true},
		{"issued in the same second", denylist.Times{Until: now.Add(1), IssuedBefore: now}, now.Add(time.Second - 1), true},
		{"issued in the next second", denylist.Times{Until: now.Add(1), IssuedBefore: now}, now.Add(time.Second), false},
		{"without iat", denylist.Times{Until: now.Add(1), IssuedBefore: now}, time.Time{}, true},
		{"without iat and IssuedBefore", denylist.Times{Until: now.Add(1)}, time.Time{}, true},
	} {
		if got := tt.times.Denies(&bearer.Principal{IssuedAt: tt.issued}, now); got != tt.denied {
			t.Errorf("%s: denied %t", tt.name, got)
		}
	}
}
