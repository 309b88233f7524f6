package dpop_test

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bearerkit/bearerkit/dpop"
)

func newMemory(t testing.TB, c dpop.MemoryConfig) *dpop.MemoryReplays {
	t.Helper()
	m, err := dpop.NewMemoryReplays(c)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// numbered returns the n-th proof ID and the n-th thumbprint.
func numbered(n int) ([32]byte, string) {
	key := sha256.Sum256(binary.BigEndian.AppendUint64(nil, uint64(n)))
	return key, fmt.Sprintf("%043d", n)
}

func TestMemoryConfig(t *testing.T) {
	_, err := dpop.NewMemoryReplays(dpop.MemoryConfig{Capacity: -1, PerKey: 400_001, PerOwner: 400_001})
	for _, want := range []string{"Capacity is -1; want", "PerKey is 400001; want at most Capacity, 0", "PerOwner is 400001; want at most Capacity, 0"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("NewMemoryReplays: %v, want %s", err, want)
		}
	}
	for _, c := range []dpop.MemoryConfig{{Capacity: 10, PerKey: 11}, {Capacity: 10, PerOwner: 11}} {
		if _, err := dpop.NewMemoryReplays(c); err == nil {
			t.Errorf("%+v: a quota beyond the capacity", c)
		}
	}
	if s := newMemory(t, dpop.MemoryConfig{}).Stats(); s.Capacity != 400_000 || s.Live != 0 {
		t.Errorf("Stats() = %+v", s)
	}
}

func TestQuota(t *testing.T) {
	until := time.Now().Add(time.Minute)
	for _, tt := range []struct {
		config dpop.MemoryConfig
		want   int
	}{
		{dpop.MemoryConfig{Capacity: 160}, 10},
		{dpop.MemoryConfig{Capacity: 160, PerKey: 3}, 3},
		{dpop.MemoryConfig{Capacity: 160, PerKey: -1}, 160},
		{dpop.MemoryConfig{Capacity: 3}, 1},
	} {
		m := newMemory(t, tt.config)
		_, greedy := numbered(0)
		var err error
		taken := 0
		for n := 0; err == nil && n <= tt.config.Capacity; n++ {
			key, _ := numbered(n)
			var fresh bool
			// Proofs count together even if they expire at different times.
			if fresh, err = m.Burn(t.Context(), dpop.UsedProof{JKT: greedy, ID: key, Until: until.Add(time.Duration(n%7) * 10 * time.Second)}); fresh {
				taken++
			}
		}
		if taken != tt.want {
			t.Errorf("%+v: one key may have %d, want %d", tt.config, taken, tt.want)
		}
		if want := dpop.ErrQuota; tt.config.PerKey >= 0 && !errors.Is(err, want) || tt.config.PerKey < 0 && !errors.Is(err, dpop.ErrFull) {
			t.Errorf("%+v: %v", tt.config, err)
		}
		// Used proofs are still known, and other keys have their share.
		key, _ := numbered(0)
		if fresh, err := m.Burn(t.Context(), dpop.UsedProof{JKT: greedy, ID: key, Until: until}); fresh || err != nil {
			t.Errorf("a used proof: %v, %v", fresh, err)
		}
		if _, modest := numbered(1); tt.config.PerKey >= 0 {
			key, _ = numbered(1 << 20)
			if fresh, err := m.Burn(t.Context(), dpop.UsedProof{JKT: modest, ID: key, Until: until}); !fresh || err != nil {
				t.Errorf("another key: %v, %v", fresh, err)
			}
		}
	}
}

// Reports V11: "sixteen keys of one client send valid proofs up to their
// quota". All keys of an owner share one quota, and other owners are not
// affected.
func TestQuotaOfAnOwner(t *testing.T) {
	until := time.Now().Add(time.Minute)
	for _, tt := range []struct {
		config dpop.MemoryConfig
		want   int
		err    error
	}{
		{dpop.MemoryConfig{Capacity: 1600}, 100, dpop.ErrQuota},
		{dpop.MemoryConfig{Capacity: 1600, PerOwner: 30}, 30, dpop.ErrQuota},
		{dpop.MemoryConfig{Capacity: 1600, PerOwner: -1}, 1600, dpop.ErrFull},
	} {
		m := newMemory(t, tt.config)
		greedy, _ := numbered(-1)
		var err error
		taken := 0
		for n := 0; err == nil && n <= tt.config.Capacity; n++ {
			key, _ := numbered(n)
			_, jkt := numbered(n % 64)
			var fresh bool
			proof := dpop.UsedProof{ID: key, JKT: jkt, Owner: greedy, Until: until.Add(time.Duration(n%7) * 10 * time.Second)}
			if fresh, err = m.Burn(t.Context(), proof); fresh {
				taken++
			}
		}
		if taken != tt.want || !errors.Is(err, tt.err) {
			t.Errorf("%+v: 64 keys of one owner may have %d, then %v; want %d, %v", tt.config, taken, err, tt.want, tt.err)
		}
		if s := m.Stats(); s.Live != tt.want {
			t.Errorf("%+v: Stats() = %+v", tt.config, s)
		}
		key, jkt := numbered(0)
		if fresh, err := m.Burn(t.Context(), dpop.UsedProof{ID: key, JKT: jkt, Owner: greedy, Until: until}); fresh || err != nil {
			t.Errorf("%+v: a used proof: %v, %v", tt.config, fresh, err)
		}
		if errors.Is(tt.err, dpop.ErrFull) {
			continue
		}
		key, jkt = numbered(1 << 20)
		if fresh, err := m.Burn(t.Context(), dpop.UsedProof{ID: key, JKT: jkt, Owner: key, Until: until}); !fresh || err != nil {
			t.Errorf("%+v: another owner: %v, %v", tt.config, fresh, err)
		}
		// A proof without an owner has no owner quota, and its key has room.
		key, _ = numbered(1<<20 + 1)
		if fresh, err := m.Burn(t.Context(), dpop.UsedProof{ID: key, JKT: jkt, Until: until}); !fresh || err != nil {
			t.Errorf("%+v: no owner: %v, %v", tt.config, fresh, err)
		}
	}
}

// An owner can use its quota again after its proofs expire.
func TestQuotaOfAnOwnerComesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory(t, dpop.MemoryConfig{Capacity: 160})
		owner, _ := numbered(-1)
		for round := range 5 {
			for n := range 10 {
				key, jkt := numbered(round*10 + n)
				if fresh, err := m.Burn(t.Context(), dpop.UsedProof{ID: key, JKT: jkt, Owner: owner, Until: time.Now().Add(30 * time.Second)}); !fresh || err != nil {
					t.Fatalf("round %d, proof %d: %v, %v", round, n, fresh, err)
				}
			}
			<-time.After(41 * time.Second)
		}
	})
}

// An owner's proof counts until it is forgotten, which is never before it expires.
func TestQuotaOfAnOwnerLastsAsLongAsItsProofs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const life = 25 * time.Second
		for offset := range 10 { // within a bucket of the store
			m := newMemory(t, dpop.MemoryConfig{Capacity: 16, PerOwner: 1})
			<-time.After(time.Duration(offset) * time.Second)
			used := time.Now()
			burn := func(n int, life time.Duration) error {
				id, jkt := numbered(n)
				_, err := m.Burn(t.Context(), dpop.UsedProof{ID: id, JKT: jkt, Owner: [32]byte{1}, Until: time.Now().Add(life)})
				return err
			}
			if err := burn(1, life); err != nil {
				t.Fatal(err)
			}
			for range 25 {
				if err := burn(2, time.Minute); !errors.Is(err, dpop.ErrQuota) {
					t.Errorf("offset %d, after %v: %v, want ErrQuota", offset, time.Since(used), err)
				}
				<-time.After(time.Second)
			}
			<-time.After(10 * time.Second)
			if err := burn(2, time.Minute); err != nil {
				t.Errorf("offset %d, after %v: %v", offset, time.Since(used), err)
			}
		}
	})
}

// An owner's proofs count until each of them is forgotten.
func TestQuotaOfAnOwnerWithProofsOfSeveralAges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory(t, dpop.MemoryConfig{Capacity: 100, PerOwner: 2})
		n := 0
		burn := func(life time.Duration) error {
			n++
			id, jkt := numbered(n)
			_, err := m.Burn(t.Context(), dpop.UsedProof{ID: id, JKT: jkt, Owner: [32]byte{1}, Until: time.Now().Add(life)})
			return err
		}
		for _, life := range []time.Duration{2 * time.Minute, 10 * time.Second} {
			if err := burn(life); err != nil {
				t.Fatal(err)
			}
		}
		if err := burn(time.Minute); !errors.Is(err, dpop.ErrQuota) {
			t.Errorf("a third proof: %v, want ErrQuota", err)
		}
		<-time.After(time.Minute)
		if err := burn(10 * time.Second); err != nil {
			t.Errorf("after one of two is forgotten: %v", err)
		}
		if err := burn(10 * time.Second); !errors.Is(err, dpop.ErrQuota) {
			t.Errorf("while the other is remembered: %v, want ErrQuota", err)
		}
		<-time.After(time.Minute)
		if err := burn(10 * time.Second); err != nil {
			t.Errorf("after one of two is forgotten: %v", err)
		}
	})
}

// A full store rejects new proofs until old ones expire; it never evicts early.
func TestFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const capacity = 1000
		m := newMemory(t, dpop.MemoryConfig{Capacity: capacity})
		until := time.Now().Add(30 * time.Second)
		burn := func(n int) (bool, error) {
			key, jkt := numbered(n)
			return m.Burn(t.Context(), dpop.UsedProof{JKT: jkt, ID: key, Until: until})
		}
		for n := range capacity {
			if fresh, err := burn(n); !fresh || err != nil {
				t.Fatalf("proof %d: %v, %v", n, fresh, err)
			}
		}
		for range 30 {
			for n := range capacity {
				if fresh, err := burn(capacity + n); fresh || !errors.Is(err, dpop.ErrFull) {
					t.Fatalf("one too many: %v, %v", fresh, err)
				}
				if fresh, err := burn(n); fresh || err != nil {
					t.Fatalf("a used proof: %v, %v", fresh, err)
				}
			}
			<-time.After(time.Second)
		}
		if s := m.Stats(); s.Live != capacity {
			t.Errorf("Stats() = %+v", s)
		}
		<-time.After(10 * time.Second)
		if s := m.Stats(); s.Live != 0 {
			t.Errorf("Stats() = %+v", s)
		}
		until = time.Now().Add(30 * time.Second)
		if fresh, err := burn(capacity); !fresh || err != nil {
			t.Errorf("after they expired: %v, %v", fresh, err)
		}
	})
}

// A store holds Capacity/80 proofs a second, as documented for the default, for
// more than two windows.
func TestDefaultHoldsItsRate(t *testing.T) {
	const rate = 500 // a tenth of the default, so that the test is quick
	synctest.Test(t, func(t *testing.T) {
		m, n := newMemory(t, dpop.MemoryConfig{Capacity: 80 * rate}), 0
		for second := range 165 {
			for range rate {
				key, jkt := numbered(n)
				n++
				// The latest Until of a checker: the proof's iat is ahead.
				if fresh, err := m.Burn(t.Context(), dpop.UsedProof{JKT: jkt, ID: key, Owner: key, Until: time.Now().Add(70 * time.Second)}); !fresh || err != nil {
					t.Fatalf("second %d: %v, %v", second, fresh, err)
				}
			}
			<-time.After(time.Second)
		}
	})
}

func TestMemoryIsSafeForConcurrentUse(t *testing.T) {
	const capacity, goroutines = 2000, 16
	m := newMemory(t, dpop.MemoryConfig{Capacity: capacity})
	var fresh atomic.Int64
	var wg sync.WaitGroup
	for range goroutines {
		wg.Go(func() {
			for n := range 2 * capacity {
				key, jkt := numbered(n)
				ok, err := m.Burn(t.Context(), dpop.UsedProof{JKT: jkt, ID: key, Owner: key, Until: time.Now().Add(time.Duration(n%80)*time.Second + time.Minute)})
				if ok {
					fresh.Add(1)
				}
				if ok && err != nil {
					t.Error("fresh, and an error")
				}
			}
		})
	}
	wg.Wait()
	if s := m.Stats(); fresh.Load() != capacity || s.Live != capacity {
		t.Errorf("%d were fresh, %+v", fresh.Load(), s)
	}
}

// A proof takes at most 160 bytes, as MemoryConfig.Capacity says. In the worst
// case every proof has a key and an owner of its own. The bytes per proof
// depend on how full the maps are, so the test tries several sizes.
// BEARERKIT_RUNS, set to any value, makes it use the default capacity as well.
func TestMemoryOfAProof(t *testing.T) {
	sizes := []int{100_000, 120_000}
	if os.Getenv("BEARERKIT_RUNS") != "" {
		sizes = append(sizes, 400_000, 480_000)
	}
	for _, proofs := range sizes {
		if got := bytesPerProof(t, proofs); got > 160 {
			t.Errorf("%d proofs: %.0f bytes each", proofs, got)
		} else {
			t.Logf("%d proofs: %.0f bytes each", proofs, got)
		}
	}
}

func bytesPerProof(t testing.TB, proofs int) float64 {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	m := newMemory(t, dpop.MemoryConfig{Capacity: proofs})
	now := time.Now()
	for n := range proofs {
		key, jkt := numbered(n)
		if fresh, err := m.Burn(t.Context(), dpop.UsedProof{JKT: jkt, ID: key, Owner: key, Until: now.Add(20*time.Second + time.Duration(n%80)*time.Second)}); !fresh || err != nil {
			t.Fatal(fresh, err)
		}
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if s := m.Stats(); s.Live < proofs {
		t.Fatalf("Stats() = %+v", s)
	}
	return float64(after.HeapAlloc-before.HeapAlloc) / float64(proofs)
}
