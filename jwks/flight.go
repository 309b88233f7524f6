package jwks

import (
	"hash/maphash"
	"sync"
	"sync/atomic"
)

// flight is one check of a signature, which those wait for who come with the
// same token meanwhile. It is work of the processor and waits for nothing, so
// that nobody's context can end it for the others.
type flight struct {
	token  string        // empty once it was left
	sum    uint64        // see sumOf
	landed chan struct{} // nil while nobody waits
	next   *flight

	// To be read after landed is closed. Both are zero if the one who led
	// panicked, or found claims that are not to be accepted.
	failed     bool   // the signature does not hold by the keys of the generation
	entry      *entry // what was proven
	generation uint64
}

// flights are those under way whose sums are alike. Each keeps a processor busy
// or is about to leave.
type flights struct {
	mu    sync.Mutex
	first *flight
	_     [48]byte // a cache line each
}

func (c *cache) flightsOf(sum uint64) *flights { return &c.flights[sum%uint64(len(c.flights))] }

// sumOf returns a hash of all of a token. Whoever holds the lock of flights tells
// tokens apart by it: a sender chooses the ends of his tokens, and may make many
// with one tag.
func sumOf(token string) uint64 { return maphash.String(seed, token) }

// join returns the entry of a token, if there is one by now; or a flight, to be
// waited for or, by the one who leads, to be left. Who leads does it in own.
func (c *cache) join(token string, tag uint64, own *flight) (e *entry, f *flight, leads bool) {
	sum := sumOf(token)
	all := c.flightsOf(sum)
	all.mu.Lock()
	defer all.mu.Unlock()
	for f := all.first; f != nil; f = f.next {
		if f.sum == sum && f.token == token {
			if f.landed == nil {
				f.landed = make(chan struct{})
			}
			return nil, f, false
		}
	}
	// Whoever led before has added what it proved before it left.
	if e := c.find(token, tag, func(e *entry) bool { return e.sum == sum }); e != nil {
		return e, nil, false
	}
	*own = flight{token: token, sum: sum, next: all.first}
	all.first = own
	return nil, own, true
}

// leave ends a flight. If nobody waited for it, nobody has it any more.
func (c *cache) leave(f *flight) {
	all := c.flightsOf(f.sum)
	all.mu.Lock()
	defer all.mu.Unlock()
	for at := &all.first; *at != nil; at = &(*at).next {
		if *at == f {
			*at = f.next
			break
		}
	}
	f.token = ""
	if f.landed != nil {
		close(f.landed)
	}
}

// counter is a counter whose parts do not share a cache line, so that counting
// on all cores costs none of them much.
type counter [16]struct {
	n atomic.Uint64
	_ [56]byte
}

// add counts in one of the parts, whichever.
func (c *counter) add(part uint32) { c[part%uint32(len(c))].n.Add(1) }

func (c *counter) load() (sum uint64) {
	for i := range c {
		sum += c[i].n.Load()
	}
	return sum
}
