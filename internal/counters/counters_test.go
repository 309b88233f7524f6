package counters_test

import (
	"maps"
	"sync"
	"testing"

	"github.com/bearerkit/bearerkit/internal/counters"
)

func TestByName(t *testing.T) {
	var c counters.ByName
	if got := c.Snapshot(); got == nil || len(got) != 0 {
		t.Errorf("before the first event: %v, want an empty map", got)
	}
	concurrently(func() { c.Add("exp"); c.Add("aud"); c.Add("exp") })
	want := map[string]uint64{"exp": 2 * events, "aud": events}
	got := c.Snapshot()
	if !maps.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	got["exp"] = 0
	if !maps.Equal(c.Snapshot(), want) {
		t.Error("changing a snapshot changes the counters")
	}
}

const events = 4000

// concurrently calls f as many times as events says.
func concurrently(f func()) {
	var wait sync.WaitGroup
	for range 4 {
		wait.Go(func() {
			for range events / 4 {
				f()
			}
		})
	}
	wait.Wait()
}
