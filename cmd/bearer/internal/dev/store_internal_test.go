package dev

import (
	"testing"
	"testing/synctest"
	"time"
)

// A store is bounded, and forgets what expires.
func TestStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStore[int, string](3)
		for n := range 10 {
			s.put(n, "value", time.Minute)
		}
		if got := s.all(); len(got) != 3 {
			t.Errorf("%d values, want 3", len(got))
		}
		if _, ok := s.get(6); ok {
			t.Error("the oldest value did not make room")
		}
		if s.add(9, "another", time.Minute) {
			t.Error("a key was added twice")
		}
		if value, ok := s.take(9); !ok || value != "value" {
			t.Errorf("taken: %q, %v", value, ok)
		}
		if _, ok := s.take(9); ok {
			t.Error("taken twice")
		}
		s.put(10, "long", time.Hour)
		<-time.After(time.Minute) // of the bubble's clock
		if _, ok := s.get(8); ok {
			t.Error("a value outlives its time")
		}
		if got := s.all(); len(got) != 1 || got[0] != "long" {
			t.Errorf("%q", got)
		}
		if !s.add(8, "again", time.Minute) {
			t.Error("an expired key cannot be added again")
		}
		for n := range 1000 {
			s.put(n+100, "value", time.Minute)
			s.take(n + 100)
		}
		if len(s.order) > 6 {
			t.Errorf("%d keys are kept in order", len(s.order))
		}
	})
}
