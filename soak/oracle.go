package main

import "time"

// effect says which answers a fault allows, and for how long: at first, then until
// it ends, and afterwards. A zero effect changes nothing.
type effect struct {
	early  answers
	lead   time.Duration
	steady answers
	late   answers
	settle time.Duration
}

// longest is more than any effect lasts after the end of a fault.
const longest = 20 * time.Second

// oracle knows the answers that a request may get.
type oracle struct{ world *world }

// allowed returns the answers that a request may get. If no fault can reach it,
// this is one answer.
func (o oracle) allowed(r *request) answers {
	usual := o.usual(r)
	var allowed answers
	covered := false
	add := func(w window, e effect) {
		touched := e.touched(w, r)
		allowed |= touched
		if touched != 0 && !r.from.Before(w.Begin) && !r.to.After(w.ended().Add(e.settle)) {
			covered = true
		}
	}
	start := o.world.lastStart(instances + track(r.instance))
	for _, w := range o.world.since(track(r.side), longest, r.from, r.to) {
		if w.Fault == rotate || w.Fault == withdraw {
			if r.judgedByKey() && r.taken.Before(w.ended()) && r.to.After(w.Begin) {
				allowed |= refused | later // the key may have been withdrawn meanwhile
			}
			continue
		}
		add(w, issuerEffect(r, w, usual))
		e, from := coldEffect(r, w, usual, start)
		if e != (effect{}) {
			w.Begin = from
			add(w, e)
		}
	}
	for _, w := range o.world.since(oneRedis+track(r.side), longest, r.from, r.to) {
		add(w, redisEffect(r, w, usual))
	}
	if !covered {
		allowed |= usual
	}
	for _, w := range o.world.since(instances+track(r.instance), 0, r.from, r.to) {
		// A graceful stop answers the requests that it has.
		if w.Fault == kill || r.from.After(w.Begin.Add(-250*time.Millisecond)) {
			allowed |= none
		}
	}
	return allowed
}

// touched returns the answers that the parts of a window allow a request that
// overlaps them.
func (e effect) touched(w window, r *request) (allowed answers) {
	overlaps := func(begin, end time.Time) bool { return r.from.Before(end) && r.to.After(begin) }
	lifted, leadEnd := w.lifted(), w.Begin.Add(e.lead)
	if leadEnd.After(lifted) {
		leadEnd = lifted
	}
	if overlaps(w.Begin, leadEnd) {
		allowed |= e.early
	}
	if overlaps(leadEnd, lifted) {
		allowed |= e.steady
	}
	if overlaps(lifted, w.ended().Add(e.settle)) {
		allowed |= e.late
	}
	return allowed
}

// usual returns the answers that a request may get without a fault.
func (o oracle) usual(r *request) answers {
	var usual answers
	switch r.kind {
	case good, fresh, newborn, proven, mutual:
		usual = admitted
	case opaque:
		usual = admitted
		if r.token.revoked != nil && r.token.revoked.Load() { // since it was taken
			usual |= refused
		}
	case poor:
		usual = forbidden
	case hostile:
		usual = r.token.usual
	case replayed:
		usual = refused
		if r.first != admitted { // it may not have been used up
			usual = admitted | refused | later
		}
	case withdrawn:
		usual = refused
		if r.from.Before(r.token.event.Add(withdrawnWithin)) {
			return admitted | refused | later
		}
		return usual
	case denied:
		usual = o.denial(r)
	case revoked:
		usual = refused
		if r.from.Before(r.token.event.Add(ageWithin)) {
			usual |= admitted
		}
	default:
		usual = refused
	}
	if r.judgedByKey() && r.token.needs == needsNobody && r.from.Before(r.token.published.Add(keyWithin)) {
		usual |= later
	}
	return usual
}

// denial returns the usual answers to a denied token.
func (o oracle) denial(r *request) answers {
	known := r.token.event.Add(deniedWithin)
	began := o.world.lastStart(instances + track(r.instance)).started
	// Past is longer than a run, so that all faults of this Redis count.
	for _, w := range o.world.since(oneRedis+track(r.side), 1000*time.Hour, r.from, r.to) {
		before, after := w.Begin.Add(-unreplicated), w.ended().Add(listWithin)
		if (w.Fault == failover || w.Fault == frozen) && r.token.event.After(before) && r.token.event.Before(w.ended()) {
			return refused | admitted // the entry may be lost
		}
		// The entry may not have reached the instance before, or the instance was
		// started while the list could not be read.
		for _, at := range []time.Time{r.token.event, began} {
			if at.After(before.Add(-deniedWithin)) && at.Before(after) && after.After(known) {
				known = after
			}
		}
	}
	if r.from.Before(known) {
		return refused | admitted
	}
	return refused
}
