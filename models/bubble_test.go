package models_test

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

// machine is a random case: operations on a part, whose answers it compares with the
// model. Concurrent says that some of the operations run concurrently.
type machine func(t *rapid.T, concurrent bool)

// check runs random cases without concurrent operations, and then with them. A case
// of the first kind fails every time, so rapid can shrink it to few operations. One
// of the second kind may depend on the scheduler, and runs only if the first passed.
func check(t *testing.T, m machine) {
	t.Helper()
	if t.Run("sequential", func(t *testing.T) { rapid.Check(t, func(t *rapid.T) { m(t, false) }) }) {
		t.Run("concurrent", func(t *testing.T) { rapid.Check(t, func(t *rapid.T) { m(t, true) }) })
	}
}

// bubbled runs each case in a synctest bubble of its own: no time passes unless the
// case lets it pass.
func bubbled(m machine) machine {
	return func(t *rapid.T, concurrent bool) {
		rapid.SyncTest(t, func(t *rapid.T) { m(t, concurrent) })
	}
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

// together runs calls concurrently and returns when all have returned.
func together(n int, call func(i int)) {
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { call(i) })
	}
	wg.Wait()
}
