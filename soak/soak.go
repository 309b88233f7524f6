package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/bearerkit/bearerkit/soak/internal/instance"
)

// config configures a run.
type config struct {
	duration   time.Duration
	rate       int // requests a second
	seed       uint64
	frameworks []string
	out        string    // folder for soak.json and soak.svg; empty: none
	progress   io.Writer // one line every ten seconds
}

// soak is a run.
type soak struct {
	config    config
	world     *world
	oracle    oracle
	client    *client
	servers   *servers
	purses    [2]*purse
	processes []*process
	results   *results
	samples   samples

	inFlight atomic.Int64
	unsent   atomic.Int64 // requests that were not sent, since too many were under way

	mu   sync.Mutex
	errs []error
}

// note remembers an error, which fails the run.
func (s *soak) note(err error) {
	if err != nil && !errors.Is(err, context.Canceled) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.errs = append(s.errs, err)
	}
}

// run runs a soak, and returns what it found.
func run(ctx context.Context, c config) (*report, error) {
	s := &soak{config: c, world: newWorld(), results: newResults(c.progress)}
	s.oracle = oracle{s.world}
	var err error
	if s.client, err = newClient(); err != nil {
		return nil, err
	}
	s.servers, err = newServers()
	defer s.servers.close()
	if err != nil {
		return nil, err
	}
	for i, issuer := range s.servers.issuers {
		if s.purses[i], err = newPurse(issuer, s.client); err != nil {
			return nil, err
		}
	}
	s.processes, err = s.servers.start(ctx, s.client, c.frameworks)
	defer func() {
		for _, p := range s.processes {
			p.kill()
		}
	}()
	if err != nil {
		return nil, err
	}
	if err := s.warmUp(ctx); err != nil {
		return nil, err
	}
	began := time.Now()
	s.results.began, s.samples.began = began, began
	s.load(ctx)
	if ctx.Err() == nil {
		s.finish()
	} else {
		s.note(errors.New("interrupted"))
	}
	return s.report(began), nil
}

// warmUp waits until all instances have their keys, and denies the first tokens.
func (s *soak) warmUp(ctx context.Context) error {
	for i, p := range s.processes {
		for attempt := 0; ; attempt++ {
			state, err := p.state(ctx)
			if err == nil && state.Ready {
				s.samples.baseline = append(s.samples.baseline, state)
				break
			}
			if attempt == 200 || !pause(ctx, 50*time.Millisecond) {
				return fmt.Errorf("%s is not ready: %v", p.config.Framework, errors.Join(err, ctx.Err()))
			}
		}
		s.world.startedNow(instances + track(i))
		s.world.servesNow(instances + track(i))
	}
	// The samples of a loaded instance are compared with those of a used one.
	for side := range s.purses {
		for range 5 {
			s.denyOne(ctx, side, 0)
		}
		if len(s.purses[side].denied) == 0 {
			return fmt.Errorf("no token can be denied at side %d", side)
		}
	}
	pause(ctx, deniedWithin)
	return ctx.Err()
}

// denyOne denies a token by an instance.
func (s *soak) denyOne(ctx context.Context, side, at int) {
	s.purses[side].deny(func(id string) bool {
		return s.processes[at].deny(ctx, instance.Denial{Side: side, TokenID: id, Until: time.Now().Add(24 * time.Hour)}) == nil
	})
}

// load sends the requests and makes the faults until the time is over. The faults
// end a while before the requests, so that the last answers are the usual ones.
func (s *soak) load(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, s.config.duration)
	defer cancel()
	faulty, stop := context.WithTimeout(ctx, s.config.duration-s.quiet())
	defer stop()
	var all sync.WaitGroup
	for side := range s.purses {
		all.Go(func() { s.issuerTrack(faulty, side) })
		all.Go(func() { s.gradual(ctx, side) })
	}
	all.Go(func() { s.redisTrack(faulty, oneRedis, oneFaults) })
	all.Go(func() { s.redisTrack(faulty, cluster, clusterFaults) })
	all.Go(func() { s.restartTrack(faulty) })
	all.Go(func() { s.askForKeys(ctx) })
	all.Go(func() { s.sample(ctx) })
	s.traffic(ctx)
	all.Wait()
}

// quiet is how long the end of a run is free of faults.
func (s *soak) quiet() time.Duration {
	return min(askedWithin+2*time.Second, s.config.duration/5)
}

// gradual denies and revokes tokens all the time.
func (s *soak) gradual(ctx context.Context, side int) {
	for at := 0; pause(ctx, 1700*time.Millisecond); at++ {
		s.denyOne(ctx, side, at%len(s.processes))
		s.purses[side].revoke()
	}
}

// restartTrack restarts one instance after the other. In a long run the last part
// has no restarts, to show whether memory grows.
func (s *soak) restartTrack(ctx context.Context) {
	plan := newSchedule(s.config.seed, instances, instanceFaults)
	every := max(5*time.Second, s.config.duration/20)
	began := time.Now()
	for i := plan.random.IntN(len(s.processes)); ; i++ {
		f, rest, _ := plan.next()
		if !pause(ctx, every-2*time.Second+rest/2) {
			return
		}
		if s.config.duration >= growthAfter && time.Since(began) > s.config.duration*6/10 {
			return
		}
		s.restart(i%len(s.processes), f)
	}
}

func (s *soak) restart(i int, f fault) {
	p, t := s.processes[i], instances+track(i)
	w := s.world.begin(t, f)
	if f == kill {
		p.kill()
	} else {
		s.note(p.stop())
	}
	s.world.startedNow(t)
	ctx, cancel := context.WithTimeout(context.Background(), 40*time.Second)
	defer cancel()
	s.note(p.start(ctx))
	s.world.servesNow(t)
	s.world.end(w)
}
