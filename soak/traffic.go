package main

import (
	"context"
	mathrand "math/rand/v2"
	"sync"
	"time"
)

// most is how many requests may be under way. While an issuer hangs, those with
// unknown keys wait for 9 s.
const most = 1000

// traffic sends requests at the configured rate until ctx is done, and waits for
// their answers.
func (s *soak) traffic(ctx context.Context) {
	random := mathrand.New(mathrand.NewPCG(s.config.seed, 1000))
	ticker := time.NewTicker(time.Second / time.Duration(s.config.rate))
	defer ticker.Stop()
	var all sync.WaitGroup
	defer all.Wait()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		r := s.draw(random)
		if s.inFlight.Load() >= most {
			s.unsent.Add(1)
			continue
		}
		s.inFlight.Add(1)
		again := random.IntN(3) == 0 // of a DPoP proof, at another instance
		all.Go(func() {
			defer s.inFlight.Add(-1)
			s.one(r, again)
		})
	}
}

// askForKeys sends a token of an unknown key to every instance and side twice a
// second, which makes the instance fetch the keys whenever its budget allows. The
// oracle relies on that.
func (s *soak) askForKeys(ctx context.Context) {
	random := mathrand.New(mathrand.NewPCG(s.config.seed, 1001)) // tokens of unknown keys need none
	var all sync.WaitGroup
	defer all.Wait()
	for pause(ctx, 500*time.Millisecond) {
		for i := range s.processes {
			for side := range s.purses {
				r := &request{kind: unknown, side: side, instance: i, taken: time.Now()}
				r.token, _ = s.purses[side].take(unknown, random)
				s.inFlight.Add(1)
				all.Go(func() {
					defer s.inFlight.Add(-1)
					s.one(r, false)
				})
			}
		}
	}
}

// draw draws the next request.
func (s *soak) draw(random *mathrand.Rand) *request {
	total := 0
	for _, k := range kinds {
		total += k.share
	}
	n := random.IntN(total)
	r := &request{side: random.IntN(2), instance: random.IntN(len(s.processes)), taken: time.Now()}
	for _, k := range kinds {
		if n -= k.share; n < 0 {
			r.kind = k.kind
			break
		}
	}
	var ok bool
	if r.token, ok = s.purses[r.side].take(r.kind, random); !ok {
		r.kind = good // there is no such token yet
		r.token, _ = s.purses[r.side].take(good, random)
	}
	return r
}

// one sends a request, and judges its answer.
func (s *soak) one(r *request, again bool) {
	path := "/" + string(rune('a'+r.side)) + "/orders"
	fields, err := s.client.fields(r, path)
	if err != nil {
		s.note(err)
		return
	}
	send := func(r *request) answers {
		// A run that ends waits for the answers, so the context has no end.
		r.from = time.Now()
		got, detail := s.client.send(context.Background(), r, "https://"+s.processes[r.instance].config.Listen+path, fields)
		r.to = time.Now()
		s.results.add(r, got, s.oracle.allowed(r), detail, s.phase(r))
		return got
	}
	got := send(r)
	if r.kind == proven && again {
		r.first, r.firstAt = got, r.from
		replay := *r
		replay.kind, replay.instance = replayed, (r.instance+1)%len(s.processes)
		send(&replay)
	}
}

// phase names the fault that a request meets, for the tables.
func (s *soak) phase(r *request) string {
	for _, t := range []track{instances + track(r.instance), track(r.side), oneRedis + track(r.side)} {
		for _, w := range s.world.since(t, 0, r.from, r.to) {
			return s.trackKind(t) + " " + string(w.Fault)
		}
	}
	for _, t := range []track{track(r.side), oneRedis + track(r.side)} {
		if len(s.world.since(t, askedWithin, r.from, r.to)) > 0 {
			return "after a fault"
		}
	}
	return "no fault"
}

// trackKind names what has the faults of a track.
func (s *soak) trackKind(t track) string {
	switch {
	case t <= issuerB:
		return "issuer"
	case t < instances:
		return trackNames[t]
	}
	return "instance"
}
