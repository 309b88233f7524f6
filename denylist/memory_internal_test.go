package denylist

import (
	"testing"
	"time"
)

// Reports V12: a clock that was an hour ahead for one sweep drops no entry that
// its tokens outlive.
func TestClockAheadEndsNoEntry(t *testing.T) {
	now := time.Now()
	k := keptFrom(Times{Until: now.Add(time.Minute)}, now)
	wall := func(d time.Duration) time.Time { return now.Round(0).Add(d) } // without a monotonic reading
	tests := []struct {
		name  string
		at    time.Time
		until time.Time
		ended bool
	}{
		{"before its end", now.Add(59 * time.Second), wall(time.Minute), false},
		{"after its end", now.Add(61 * time.Second), wall(time.Minute), true},
		{"the clock is an hour ahead", now.Add(time.Second), wall(time.Minute - time.Hour), false},
		{"the clock is an hour behind", now.Add(61 * time.Second), wall(time.Minute + time.Hour), false},
	}
	for _, tt := range tests {
		k.Until = tt.until
		if got := k.hasEnded(tt.at); got != tt.ended {
			t.Errorf("%s: ended %t, want %t", tt.name, got, tt.ended)
		}
	}
}
