package denylist

import (
	"testing"
	"time"
)

// Reports V12: a wall clock that is an hour ahead during one sweep does not
// remove an entry early.
func TestClockAheadEndsNoEntry(t *testing.T) {
	now := time.Now()
	s := newStored(Times{Until: now.Add(time.Minute)}, now)
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
		s.Until = tt.until
		if got := s.expired(tt.at); got != tt.ended {
			t.Errorf("%s: expired %t, want %t", tt.name, got, tt.ended)
		}
	}
}
