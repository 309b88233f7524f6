package keysource

import (
	"fmt"
	"testing"
	"time"
)

// This test is inside the package, because from outside only memory use shows
// that missing is bounded. A flood leaves the newest 1,024 entries, and a
// repeated query evicts none.
func TestMissingForgetsTheOldest(t *testing.T) {
	m := newMissing(10 * time.Second)
	now := time.Now()
	set := &keySet{fetched: now}
	kid := func(i int) Query { return Query{KeyID: fmt.Sprint(i), HasKeyID: true} }
	for i := range 5 * maxMissing {
		m.add(kid(i), set, now)
		m.add(kid(i), set, now)
		if oldest := i - maxMissing + 1; oldest >= 0 && (!m.has(kid(oldest), set, now) || m.has(kid(oldest-1), set, now)) {
			t.Fatalf("after %d: the oldest that is remembered is not %d", i, oldest)
		}
	}
	if len(m.notes) != maxMissing {
		t.Errorf("%d are remembered, want %d", len(m.notes), maxMissing)
	}
	m.add(kid(0), set, now.Add(10*time.Second))
	if len(m.notes) != 1 {
		t.Errorf("after their time %d are remembered, want the new one alone", len(m.notes))
	}
}
