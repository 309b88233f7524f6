package main

import (
	"bytes"
	"context"
	mathrand "math/rand/v2"
	"syscall"
	"time"

	"github.com/bearerkit/bearerkit/bearer/bearertest"
)

// The faults of each kind of server, in the order before they are shuffled. The
// two issuers begin at different places, so that a short run has all of them.
var (
	issuerFaults   = []fault{down, rotate, hang, empty, page, withdraw, foreign, huge}
	oneFaults      = []fault{kill, freeze}
	clusterFaults  = []fault{failover, part, frozen}
	instanceFaults = []fault{graceful, graceful, kill, graceful}
)

// schedule draws the faults of a track. It depends on the seed only.
type schedule struct {
	random *mathrand.Rand
	faults []fault
	deck   []fault
}

func newSchedule(seed uint64, t track, faults []fault) *schedule {
	s := &schedule{random: mathrand.New(mathrand.NewPCG(seed, uint64(t)+1)), faults: faults}
	if t == issuerA || t == issuerB {
		// Both issuers shuffle alike, and the second begins in the middle.
		shared := mathrand.New(mathrand.NewPCG(seed, 0))
		s.deck = append(s.deck, faults...)
		shared.Shuffle(len(s.deck), func(i, j int) { s.deck[i], s.deck[j] = s.deck[j], s.deck[i] })
		if t == issuerB {
			s.deck = append(s.deck[len(s.deck)/2:], s.deck[:len(s.deck)/2]...)
		}
	}
	return s
}

// next returns the next fault, how long it lasts, and how long to rest before it.
func (s *schedule) next() (f fault, rest, lasts time.Duration) {
	if len(s.deck) == 0 {
		s.deck = append(s.deck, s.faults...)
		s.random.Shuffle(len(s.deck), func(i, j int) { s.deck[i], s.deck[j] = s.deck[j], s.deck[i] })
	}
	f, s.deck = s.deck[0], s.deck[1:]
	return f, time.Second + s.between(3*time.Second), 3*time.Second + s.between(3*time.Second)
}

func (s *schedule) between(d time.Duration) time.Duration {
	return time.Duration(s.random.Int64N(int64(d)))
}

// settleAfter is how long after a fault of an issuer its keys may be unknown. The
// next fault waits for that, because the answers during a fault depend on it.
func settleAfter(f fault) time.Duration {
	switch f {
	case hang:
		return hangWithin
	case rotate, withdraw:
		return withdrawnWithin
	}
	return keyWithin
}

// issuerTrack makes the faults of an issuer until ctx is done.
func (s *soak) issuerTrack(ctx context.Context, side int) {
	plan := newSchedule(s.config.seed, track(side), issuerFaults)
	purse := s.purses[side]
	for settle := time.Duration(0); ; {
		f, rest, lasts := plan.next()
		if !pause(ctx, rest+settle) {
			return
		}
		if plan.random.IntN(2) == 0 { // a key that nobody knows, while all is well
			s.note(purse.bear(false))
			if !pause(ctx, keyWithin) {
				return
			}
		}
		switch f {
		case rotate:
			w := s.world.begin(track(side), f)
			s.note(purse.rotate())
			s.world.end(w)
		case withdraw:
			old, err := purse.addKey()
			s.note(err)
			if !pause(ctx, keyWithin) {
				return
			}
			w := s.world.begin(track(side), f)
			purse.withdraw(old)
			s.world.end(w)
		default:
			s.issuerFault(ctx, side, f, lasts)
		}
		settle = settleAfter(f)
	}
}

// issuerFault makes a fault that lasts a while.
func (s *soak) issuerFault(ctx context.Context, side int, f fault, lasts time.Duration) {
	issuer, purse := s.servers.issuers[side], s.purses[side]
	w := s.world.begin(track(side), f)
	all := func(one bearertest.Fault) {
		for _, endpoint := range []bearertest.Endpoint{bearertest.OAuthMetadata, bearertest.OIDCMetadata, bearertest.JWKS, bearertest.IntrospectionEndpoint} {
			issuer.SetFault(endpoint, one)
		}
	}
	switch f {
	case down:
		issuer.Stop()
	case hang:
		all(bearertest.Fault{Hang: true})
	case page:
		all(bearertest.Fault{Body: []byte("<!doctype page><title>Please wait</title>")})
	case huge:
		all(bearertest.Fault{Body: bytes.Repeat([]byte("{"), 10<<20)})
	case empty:
		issuer.SetFault(bearertest.JWKS, bearertest.Fault{Body: []byte(`{"keys":[]}`)})
	case foreign:
		metadata := []byte(`{"issuer":"https://login.example.net","jwks_uri":"https://login.example.net/jwks"}`)
		issuer.SetFault(bearertest.OAuthMetadata, bearertest.Fault{Body: metadata})
		issuer.SetFault(bearertest.OIDCMetadata, bearertest.Fault{Body: metadata})
		issuer.OverlayIntrospection(func(_ string, answer map[string]any) map[string]any {
			if answer["active"] == true {
				answer["iss"] = "https://login.example.net"
			}
			return answer
		})
	}
	if f == down || f == hang || f == page || f == huge {
		s.note(purse.bear(true))
	}
	pause(ctx, lasts)
	s.world.lift(w)
	all(bearertest.Fault{})
	issuer.OverlayIntrospection(nil)
	s.note(issuer.Start())
	s.world.end(w)
}

// redisTrack makes the faults of one Redis until ctx is done.
func (s *soak) redisTrack(ctx context.Context, t track, faults []fault) {
	plan := newSchedule(s.config.seed, t, faults)
	for {
		f, rest, lasts := plan.next()
		if !pause(ctx, rest+3*time.Second) {
			return
		}
		w := s.world.begin(t, f)
		s.note(s.servers.keeper.do(func() { s.redisFault(ctx, w, lasts) }))
		s.world.end(w)
	}
}

// redisFault makes a fault of a Redis, and returns when Redis is well again.
func (s *soak) redisFault(ctx context.Context, w *window, lasts time.Duration) {
	v, t, f := s.servers, w.Track, w.Fault
	server := v.one
	if t == cluster {
		lasts += 2 * time.Second // the nodes need up to 3 s to replace a master
	}
	switch {
	case f == part:
		server = v.cluster.Masters[2]
	case t == cluster:
		server = v.replicated
	}
	stopped := f == freeze || f == frozen
	replaced := f == failover || f == frozen
	if stopped {
		server.Signal(syscall.SIGSTOP)
	} else {
		server.Stop()
	}
	pause(ctx, lasts)
	ctx = context.WithoutCancel(ctx) // a run that ends puts all right, too
	if replaced {
		until(ctx, func() bool { return says(v.replica.Address(), "INFO replication", "role:master") })
	}
	s.world.lift(w)
	if stopped {
		server.Signal(syscall.SIGCONT)
	} else {
		server.Start()
	}
	if replaced {
		v.cluster.WaitForReplica(server)
		v.replicated, v.replica = v.replica, v.replicated
	}
	if t == cluster {
		v.waitForCluster(ctx)
	}
}
