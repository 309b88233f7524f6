package main

import (
	"sync"
	"time"
)

// track is a part of the world that has one fault at a time.
type track int

// The tracks. The issuer and the Redis of side s are track s and track s+2.
const (
	issuerA track = iota
	issuerB
	oneRedis
	cluster
	instances // the first of one for each instance
)

var trackNames = []string{"issuer A", "issuer B", "Redis", "Redis Cluster", "net/http", "Echo", "Gin", "Echo v5"}

// fault names what is wrong.
type fault string

// The faults of issuers.
const (
	down     fault = "down"          // it refuses connections
	hang     fault = "hangs"         // no endpoint answers
	page     fault = "sends HTML"    // in place of all documents
	huge     fault = "sends 10 MB"   // in place of all documents
	empty    fault = "empty key set" // well-formed, without a key
	foreign  fault = "wrong issuer"  // metadata and answers name another issuer
	rotate   fault = "rotates"       // a new key replaces the old one at once
	withdraw fault = "withdraws"     // a key is withdrawn; its successor was there before
	kill     fault = "killed"        // a Redis or an instance
	freeze   fault = "frozen"        // a Redis is stopped and goes on later
	failover fault = "failed over"   // a master of the Cluster is killed, and its replica takes over
	frozen   fault = "frozen, failed over"
	part     fault = "a master killed" // which has no replica
	graceful fault = "restarted"
)

// window is the time in which a fault is in force.
type window struct {
	Track track
	Fault fault
	Begin time.Time
	Lift  time.Time // when its removal began; zero: it is in force
	End   time.Time // when it was removed; zero: it is not
}

// lifted returns when the removal of the fault began, or a time far ahead.
func (w *window) lifted() time.Time {
	if w.Lift.IsZero() {
		return w.ended()
	}
	return w.Lift
}

// ended returns the end of the window, or a time far ahead.
func (w *window) ended() time.Time {
	if w.End.IsZero() {
		return w.Begin.Add(1000 * time.Hour)
	}
	return w.End
}

// world remembers all faults of a run. It is safe for concurrent use.
type world struct {
	mu      sync.Mutex
	windows []*window
	started map[track]*life // of the instances
}

// life says when an instance was started last, and when it served its first
// request. Served is far ahead while it does not.
type life struct{ started, served time.Time }

func newWorld() *world { return &world{started: map[track]*life{}} }

// begin notes that a fault may show from now on. Call it before the fault is made.
func (w *world) begin(t track, f fault) *window {
	w.mu.Lock()
	defer w.mu.Unlock()
	one := &window{Track: t, Fault: f, Begin: time.Now()}
	w.windows = append(w.windows, one)
	return one
}

// lift notes that a fault may be gone from now on. Call it before the fault is
// removed.
func (w *world) lift(one *window) {
	w.mu.Lock()
	defer w.mu.Unlock()
	one.Lift = time.Now()
}

// end notes that a fault was removed. Call it after that.
func (w *world) end(one *window) {
	w.mu.Lock()
	defer w.mu.Unlock()
	one.End = time.Now()
}

// startedNow notes that an instance begins, with no keys at hand.
func (w *world) startedNow(t track) {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := time.Now()
	w.started[t] = &life{now, now.Add(1000 * time.Hour)}
}

// servesNow notes that an instance serves, and fetches its keys.
func (w *world) servesNow(t track) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.started[t].served = time.Now()
}

// since returns the windows of a track that ended within past before from, or
// begin before to.
func (w *world) since(t track, past time.Duration, from, to time.Time) []window {
	w.mu.Lock()
	defer w.mu.Unlock()
	var found []window
	for _, one := range w.windows {
		if one.Track == t && one.Begin.Before(to) && one.ended().Add(past).After(from) {
			found = append(found, *one)
		}
	}
	return found
}

// lastStart returns when an instance was started last.
func (w *world) lastStart(t track) life {
	w.mu.Lock()
	defer w.mu.Unlock()
	if found := w.started[t]; found != nil {
		return *found
	}
	return life{}
}

// all returns a copy of all windows.
func (w *world) all() []window {
	w.mu.Lock()
	defer w.mu.Unlock()
	var all []window
	for _, one := range w.windows {
		all = append(all, *one)
	}
	return all
}
