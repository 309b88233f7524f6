package models_test

import (
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// fault is a fault in a part that keeps state.
type fault struct {
	name    string
	machine machine
	// concurrent says that only concurrent operations show the fault.
	concurrent bool
	// most is how many operations a report may have: twice the fewest that show the
	// fault. Rapid may keep a few that it cannot remove one by one.
	most int
}

// runFault is set in the process that runs a case with a fault.
const runFault = "BEARERKIT_MODELS_FAULT"

// Each model finds faults in its part, and rapid shrinks the case to the operations
// that show them. A failure cannot be observed in the test that fails, so each fault
// runs in a process of its own.
func TestFaults(t *testing.T) {
	if raceDetector {
		t.Skip("rapid needs minutes to shrink under the race detector")
	}
	faults := [][]fault{replayFaults(), denialFaults(), tokenFaults(), introspectionFaults(), keyFaults()}
	for _, ofModel := range faults {
		for _, f := range ofModel {
			t.Run(f.name, func(t *testing.T) {
				if os.Getenv(runFault) != "" {
					rapid.Check(t, func(t *rapid.T) { f.machine(t, f.concurrent) })
					return
				}
				f.check(t)
			})
		}
	}
}

// alone reports whether no other of the counted calls is under way. The order of the
// calls does not matter, so a case fails every time.
func alone(calls *atomic.Int32) bool {
	calls.Add(1)
	defer calls.Add(-1)
	time.Sleep(time.Millisecond)
	defer time.Sleep(time.Millisecond)
	return calls.Load() == 1
}

// check runs the case in a process of its own, and reads rapid's report.
func (f fault) check(t *testing.T) {
	// The name has no characters that a regular expression interprets.
	run := "^TestFaults$/^" + strings.ReplaceAll(f.name, " ", "_") + "$"
	c := exec.CommandContext(t.Context(), os.Args[0], "-test.run", run,
		"-rapid.nofailfile", "-rapid.seed", "1", "-rapid.checks", "20000", "-rapid.steps", "12", "-rapid.shrinktime", "2m")
	c.Env = append(os.Environ(), runFault+"=1")
	out, err := c.CombinedOutput()
	report := string(out)
	if err == nil || !strings.Contains(report, "[rapid] failed after") {
		t.Fatalf("rapid found no reproducible failure: %v\n%s", err, report)
	}
	n := strings.Count(report, "[rapid] draw action:")
	t.Logf("%d operations, %d draws", n, strings.Count(report, "[rapid] draw "))
	if n < 1 || n > f.most {
		t.Fatalf("rapid shrank the case to %d operations, want 1 to %d:\n%s", n, f.most, report)
	}
}
