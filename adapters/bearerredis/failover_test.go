//go:build unix

package bearerredis_test

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/bearerkit/bearerkit/adapters/bearerredis"
	"github.com/bearerkit/bearerkit/adapters/bearerredis/redistest"
	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/denylist"
)

// unreplicated is the time before a failure of the master in which a change may be
// lost: the master replies before its replica has the change.
const unreplicated = time.Second

// rounds returns the number of failovers of each test: FAILOVERS in the
// environment, or one.
func rounds(t *testing.T) int {
	t.Helper()
	n, err := strconv.Atoi(os.Getenv("FAILOVERS"))
	if err != nil {
		return 1
	}
	return n
}

// load uses several instances of an API at once and remembers what they were told.
type load struct {
	t         *testing.T
	instances []*bearerredis.Client
	patient   *bearerredis.Client // not used while the load runs
	stop      context.CancelFunc
	workers   sync.WaitGroup

	proofs, refusals, hits, misses atomic.Int64
	lastRefusal                    atomic.Int64 // nanoseconds since began
	began                          time.Time

	mu       sync.Mutex
	accepted map[string]time.Time // proofs, when Burn was called
	denied   map[string]time.Time // subjects, when Deny was called
}

func startLoad(t *testing.T, config bearerredis.Config) *load {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	unhurried := config
	unhurried.Timeout = patient
	l := &load{t: t, stop: stop, began: time.Now(), accepted: map[string]time.Time{}, denied: map[string]time.Time{}}
	l.patient = newClient(t, unhurried)
	for range 3 {
		l.instances = append(l.instances, newClient(t, config))
	}
	entry := denylist.Entry{Issuer: "i", Subject: "mallory", Until: time.Now().Add(time.Hour)}
	eventually(t, 20*time.Second, "an entry is stored", func() bool { return l.instances[0].Denials().Deny(ctx, entry) == nil })
	for _, instance := range l.instances {
		eventually(t, 20*time.Second, "the entry is known", func() bool {
			denied, err := instance.Denials().Denied(ctx, &bearer.Principal{Issuer: "i", Subject: "mallory"})
			return denied && err == nil
		})
	}
	for i, instance := range l.instances {
		l.workers.Go(func() { instance.Cache().Watch(ctx, func(string) {}) })
		for worker := range 4 {
			l.workers.Go(func() { l.useProofs(ctx, i, worker) })
		}
		l.workers.Go(func() { l.useCache(ctx, instance) })
	}
	l.workers.Go(func() { l.deny(ctx) })
	t.Cleanup(func() { stop(); l.workers.Wait() })
	return l
}

// wait lets other goroutines and Redis have the CPU.
func wait(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

// useProofs uses proofs at one instance and repeats each at another one.
func (l *load) useProofs(ctx context.Context, at, worker int) {
	first, second := l.instances[at].Replays(), l.instances[(at+1)%len(l.instances)].Replays()
	for i := 0; ctx.Err() == nil; i++ {
		name := fmt.Sprintf("proof %d of %d of %d", i, worker, at)
		proof := proofUntil(name, time.Now().Add(5*time.Minute))
		began := time.Now()
		fresh, err := first.Burn(l.t.Context(), proof)
		again, againErr := second.Burn(l.t.Context(), proof)
		switch {
		case fresh:
			l.proofs.Add(1)
			l.mu.Lock()
			l.accepted[name] = began
			l.mu.Unlock()
			if again {
				l.t.Errorf("%s was accepted twice in a row", name)
			}
		case err != nil:
			l.refusals.Add(1)
			l.lastRefusal.Store(int64(time.Since(l.began)))
		default:
			l.t.Errorf("%s: a new proof was called used", name)
		}
		if again && againErr == nil { // the first try failed, and did not use it
			l.mu.Lock()
			l.accepted[name] = began
			l.mu.Unlock()
		}
		wait(ctx, 2*time.Millisecond)
	}
}

func (l *load) useCache(ctx context.Context, instance *bearerredis.Client) {
	cache := instance.Cache()
	for i := 0; ctx.Err() == nil; i++ {
		name := fmt.Sprintf("value-%d", i%49)
		if i%5 == 0 {
			_ = cache.Set(l.t.Context(), name, []byte("value of "+name), time.Minute)
		}
		got, _ := cache.Get(l.t.Context(), name)
		switch string(got) {
		case "":
			l.misses.Add(1)
		case "value of " + name:
			l.hits.Add(1)
		default:
			l.t.Errorf("%s has %q", name, got)
		}
		wait(ctx, 2*time.Millisecond)
	}
}

// deny denies subjects at the first instance, and asks all instances about the one
// that they know.
func (l *load) deny(ctx context.Context) {
	for i := 0; ctx.Err() == nil; i++ {
		subject, began := fmt.Sprintf("subject %d", i), time.Now()
		entry := denylist.Entry{Issuer: "i", Subject: subject, Until: began.Add(time.Hour)}
		if l.instances[0].Denials().Deny(l.t.Context(), entry) == nil {
			l.mu.Lock()
			l.denied[subject] = began
			l.mu.Unlock()
		}
		for _, instance := range l.instances { // however Redis is
			if !l.denies(instance, "mallory") {
				l.t.Error("a denied subject was let in")
			}
		}
		wait(ctx, 20*time.Millisecond)
	}
}

func (l *load) denies(instance *bearerredis.Client, subject string) bool {
	denied, err := instance.Denials().Denied(l.t.Context(), &bearer.Principal{Issuer: "i", Subject: subject})
	return denied || err != nil
}

// recovered waits until all instances accept proofs again and returns how long
// that took since the crash.
func (l *load) recovered(crash time.Time) time.Duration {
	l.t.Helper()
	eventually(l.t, 15*time.Second, "proofs are refused", func() bool { return l.lastRefusal.Load() > int64(crash.Sub(l.began)) })
	eventually(l.t, 15*time.Second, "proofs are accepted", func() bool {
		return time.Since(l.began)-time.Duration(l.lastRefusal.Load()) > time.Second
	})
	return time.Duration(l.lastRefusal.Load()) - crash.Sub(l.began)
}

// finish stops the load, presents all used proofs again, and asks all instances
// about all denied subjects. Only what was changed just before a crash may be
// unknown.
func (l *load) finish(crashes []time.Time) {
	l.t.Helper()
	l.stop()
	l.workers.Wait()
	excused := func(at time.Time) bool {
		for _, crash := range crashes {
			if at.After(crash.Add(-unreplicated)) && at.Before(crash) {
				return true
			}
		}
		return false
	}
	lostProofs, lostDenials := 0, 0
	for name, at := range l.accepted {
		fresh, err := l.patient.Replays().Burn(l.t.Context(), proofUntil(name, time.Now().Add(time.Minute)))
		if err != nil {
			l.t.Fatal(err)
		}
		if fresh {
			lostProofs++
			if !excused(at) {
				l.t.Errorf("%s was accepted twice", name)
			}
		}
	}
	wait(l.t.Context(), 1500*time.Millisecond) // until the copies have the latest changes
	for subject, at := range l.denied {
		for i, instance := range l.instances {
			if l.denies(instance, subject) {
				continue
			}
			lostDenials++
			if !excused(at) {
				l.t.Errorf("%s, denied at %v, is let in by instance %d", subject, at.Sub(l.began), i)
			}
		}
	}
	l.t.Logf("%d proofs accepted, %d refused with an error; %d cached values read, %d absent; %d subjects denied; lost: %d proofs, %d denials",
		l.proofs.Load(), l.refusals.Load(), l.hits.Load(), l.misses.Load(), len(l.denied), lostProofs, lostDenials)
}

func TestSentinelFailover(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name      string
		fail, end func(master *redistest.Server)
	}{
		{"the master crashes", (*redistest.Server).Stop, (*redistest.Server).Start},
		// It keeps its connections, and believes to be the master when it is back.
		{"the master hangs", func(s *redistest.Server) { s.Signal(syscall.SIGSTOP) }, func(s *redistest.Server) { s.Signal(syscall.SIGCONT) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			servers := redistest.NewFailover(t, redistest.Config{})
			l := startLoad(t, bearerredis.Config{
				Address: several(nil, servers.Addresses(), "&master_name="+redistest.MasterName),
				Timeout: 250 * time.Millisecond,
			})
			var crashes []time.Time
			master, replica := servers.Master, servers.Replica
			for range rounds(t) {
				crashes = append(crashes, l.failover(master, tt.fail))
				if got := servers.MasterBySentinel(); got != replica.Address() {
					t.Errorf("the master is %s, want %s", got, replica.Address())
				}
				master, replica = replica, master
				tt.end(replica)
				wait(t.Context(), 2*time.Second) // in which the old master, if it runs, is still a master
				if len(crashes) < rounds(t) {
					servers.WaitForReplica(replica)
				}
			}
			l.finish(crashes)
		})
	}
}

// failover waits until the load uses proofs, lets the master fail, and waits until
// proofs are used again. It returns the time of the failure.
func (l *load) failover(master *redistest.Server, fail func(*redistest.Server)) time.Time {
	l.t.Helper()
	n := l.proofs.Load()
	eventually(l.t, 20*time.Second, "proofs are used", func() bool { return l.proofs.Load() > n+1000 })
	fail(master)
	failed := time.Now()
	took := l.recovered(failed)
	l.t.Logf("all proofs were accepted again %v after the failure", took.Round(time.Millisecond))
	if took > 10*time.Second {
		l.t.Errorf("the failover took %v", took)
	}
	return failed
}

func TestClusterFailover(t *testing.T) {
	t.Parallel()
	cluster := redistest.NewCluster(t, redistest.Config{})
	l := startLoad(t, bearerredis.Config{Address: several(nil, cluster.Addresses(), ""), Timeout: 250 * time.Millisecond})
	var crashes []time.Time
	master, replica := cluster.Masters[0], cluster.Replica
	for range rounds(t) {
		crashes = append(crashes, l.failover(master, (*redistest.Server).Stop))
		master, replica = replica, master
		replica.Start()
		if len(crashes) < rounds(t) {
			cluster.WaitForReplica(replica)
		}
	}
	l.finish(crashes)
}
