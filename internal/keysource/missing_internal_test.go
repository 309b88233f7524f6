package keysource

import (
	"fmt"
	"testing"
	"time"
)

// Inside the package, because only memory shows from outside that this is
// bounded: a flood remembers the newest 1,024, and asking twice evicts nobody.
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
