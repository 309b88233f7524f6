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
	kid := func(i int) Query { return Query{KeyID: fmt.Sprint(i), HasKeyID: true} }
	for i := range 5 * maxMissing {
		m.add(kid(i), now)
		m.add(kid(i), now)
		if oldest := i - maxMissing + 1; oldest >= 0 && (!m.has(kid(oldest), now) || m.has(kid(oldest-1), now)) {
			t.Fatalf("after %d: the oldest that is remembered is not %d", i, oldest)
		}
	}
	if len(m.until) != maxMissing {
		t.Errorf("%d are remembered, want %d", len(m.until), maxMissing)
	}
	m.add(kid(0), now.Add(10*time.Second))
	if len(m.until) != 1 {
		t.Errorf("after their time %d are remembered, want the new one alone", len(m.until))
	}
}
