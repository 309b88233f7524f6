package nettest

import (
	"math/rand/v2"
	"os"
	"sync"
	"testing"
	"time"
)

// Fault is a failure of a network.
type Fault struct {
	Name  string
	Begin func(*Proxy)
	// End ends the fault; nothing works until then. If End is nil, the fault
	// affects only open connections, and new ones work.
	End func(*Proxy)
}

// Faults returns the faults that a client must survive.
func Faults() []Fault {
	return []Fault{
		{"open connections are swallowed", func(p *Proxy) { p.SetOpen(Swallow) }, nil},
		{"open connections are reset", (*Proxy).Reset, nil},
		{"open connections stall", func(p *Proxy) { p.SetOpen(Stall) }, nil},
		{"answers are late", func(p *Proxy) { p.SetDelay(300 * time.Millisecond) }, nil},
		{"answers are too late", func(p *Proxy) { p.SetDelay(time.Minute) }, func(p *Proxy) { p.SetDelay(0) }},
		{"everything is swallowed", func(p *Proxy) { p.SetOpen(Swallow); p.SetNew(Swallow) }, func(p *Proxy) { p.SetNew(Forward) }},
		{"everything stalls", func(p *Proxy) { p.SetOpen(Stall); p.SetNew(Stall) }, func(p *Proxy) { p.SetNew(Forward) }},
	}
}

// Run returns how long a test should repeat the faults in random order, after
// one round of each. It is the duration in the environment variable
// BEARERKIT_NETWORK_TIME, such as 10m, or zero if the variable is not set.
func Run(t testing.TB) time.Duration {
	t.Helper()
	value := os.Getenv("BEARERKIT_NETWORK_TIME")
	if value == "" {
		return 0
	}
	d, err := time.ParseDuration(value)
	if err != nil {
		t.Fatalf("BEARERKIT_NETWORK_TIME: %v", err)
	}
	return d
}

// RandomFault returns one of [Faults].
func RandomFault() Fault {
	all := Faults()
	return all[rand.N(len(all))]
}

// InParallel runs all tests at the same time. The tests mostly wait, so t.Parallel
// would take longer: it runs only one test per processor.
func InParallel(t *testing.T, tests map[string]func(t *testing.T)) {
	t.Helper()
	var wg sync.WaitGroup
	for name, test := range tests {
		wg.Go(func() { t.Run(name, test) })
	}
	wg.Wait()
}
