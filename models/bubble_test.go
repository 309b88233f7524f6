package models_test

import (
	"maps"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

// check runs a state machine with random operations, each case in a synctest bubble
// of its own: no time passes unless the case lets it pass. If a case fails, rapid
// shrinks it to few operations.
func check(t *testing.T, machine func(t *rapid.T)) {
	t.Helper()
	rapid.Check(t, func(t *rapid.T) { rapid.SyncTest(t, machine) })
}

// elapse lets time pass in a bubble, and waits until nothing more happens.
func elapse(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

// drawStep draws a time to let pass: nothing, an instant, or up to most. Rapid
// shrinks it towards zero.
func drawStep(t *rapid.T, most time.Duration) time.Duration {
	unit := rapid.SampledFrom([]time.Duration{time.Millisecond, 100 * time.Millisecond, time.Second, 10 * time.Second, time.Minute, 10 * time.Minute, time.Hour}).
		Filter(func(d time.Duration) bool { return d <= most }).Draw(t, "unit")
	return min(unit*time.Duration(rapid.IntRange(0, 20).Draw(t, "units")), most)
}

// repeat runs the operations in random order. Half of the cases leave out the
// concurrent ones, so that rapid shrinks a case to one without them if it can: that
// one fails every time.
func repeat(t *rapid.T, operations, concurrent map[string]func(*rapid.T)) {
	if rapid.Bool().Draw(t, "concurrent") {
		maps.Copy(operations, concurrent)
	}
	t.Repeat(operations)
}

// together runs calls concurrently and returns when all have returned.
func together(n int, call func(i int)) {
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { call(i) })
	}
	wg.Wait()
}
