//go:build unix

package bearerredis_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/bearerkit/bearerkit/adapters/bearerredis"
	"github.com/bearerkit/bearerkit/adapters/bearerredis/redistest"
)

func TestRedisKilledAndRestarted(t *testing.T) {
	t.Parallel()
	server := redistest.New(t, redistest.Config{})
	var log logBuffer
	c := newCache(t, bearerredis.Config{Address: server.Address(), Logger: log.logger()})
	w := watch(t, c)
	mustSet(t, c, "k", []byte("value"), time.Minute)
	wantValue(t, c, "k", []byte("value"))

	server.Stop()
	began := time.Now()
	for range 1000 {
		if _, err := c.Get(t.Context(), "k"); err == nil {
			t.Fatal("Get: no error")
		}
		if err := c.Set(t.Context(), "k", []byte("value"), time.Minute); err == nil {
			t.Fatal("Set: no error")
		}
	}
	if took := time.Since(began); took > time.Second {
		t.Errorf("2000 calls while Redis is down took %v", took)
	}
	if err := c.Set(t.Context(), "k", nil, time.Minute); err == nil {
		t.Error("forgetting while Redis is down: no error")
	}
	eventually(t, 5*time.Second, "both failures are logged", func() bool { return strings.Count(log.String(), "level=WARN") == 2 })

	server.Start()
	w.want(t, "", 5*time.Second)
	eventually(t, 5*time.Second, "values are stored again", func() bool {
		return c.Set(t.Context(), "k", []byte("new"), time.Minute) == nil
	})
	wantValue(t, c, "k", []byte("new"))
	mustSet(t, c, "k", nil, time.Minute)
	w.want(t, "k", time.Second)
	if got := log.String(); strings.Count(got, "level=WARN") != 2 || strings.Count(got, "level=INFO") != 2 {
		t.Errorf("want two warnings and two recoveries in the log:\n%s", got)
	}
}

func TestRedisStartsLater(t *testing.T) {
	t.Parallel()
	server := redistest.New(t, redistest.Config{})
	server.Stop()
	var log logBuffer
	c := newCache(t, bearerredis.Config{Address: server.Address(), Logger: log.logger()})
	w := startWatch(t, c)
	eventually(t, 5*time.Second, "the watch fails", func() bool { return strings.Contains(log.String(), "other instances") })
	if _, err := c.Get(t.Context(), "k"); err == nil {
		t.Error("Get: no error")
	}
	server.Start()
	w.want(t, "", 5*time.Second)
	eventually(t, 5*time.Second, "Redis is used", func() bool {
		return c.Set(t.Context(), "k", []byte("value"), time.Minute) == nil
	})
}

// A suspended Redis keeps its connections open and does not answer.
func TestRedisHangs(t *testing.T) {
	server := redistest.New(t, redistest.Config{})
	var log logBuffer
	c := newCache(t, bearerredis.Config{Address: server.Address(), Timeout: 100 * time.Millisecond, Logger: log.logger()})
	w := watch(t, c)
	eventually(t, 5*time.Second, "a value is stored", func() bool {
		return c.Set(t.Context(), "k", []byte("value"), time.Minute) == nil
	})

	server.Signal(syscall.SIGSTOP)
	began := time.Now()
	var all sync.WaitGroup
	for range 64 {
		all.Go(func() {
			if _, err := c.Get(t.Context(), "k"); err == nil {
				t.Error("Get: no error")
			}
		})
	}
	all.Wait()
	if took := time.Since(began); took > time.Second {
		t.Errorf("64 calls while Redis is suspended took %v, want about 100ms", took)
	}
	eventually(t, 5*time.Second, "the watch notices", func() bool { return strings.Contains(log.String(), "other instances") })
	server.Signal(syscall.SIGCONT)
	w.want(t, "", 5*time.Second)
	eventually(t, 5*time.Second, "the value is read again", func() bool {
		got, err := c.Get(t.Context(), "k")
		return err == nil && string(got) == "value"
	})
}

// A suspended Redis executes pending commands when it resumes. Callers that got an
// error must not have been told a wrong result.
func TestBurnWhileRedisHangs(t *testing.T) {
	server := redistest.New(t, redistest.Config{})
	const timeout = 100 * time.Millisecond
	replays := newClient(t, bearerredis.Config{Address: server.Address(), Timeout: timeout}).Replays()
	eventually(t, 5*time.Second, "a proof is used", func() bool {
		fresh, err := replays.Burn(t.Context(), proofUntil("used", time.Now().Add(time.Minute)))
		return fresh && err == nil
	})
	server.Signal(syscall.SIGSTOP)
	began := time.Now()
	var all sync.WaitGroup
	for i := range 64 {
		name := "used"
		if i%2 == 0 {
			name = fmt.Sprint(i)
		}
		all.Go(func() {
			if fresh, err := replays.Burn(t.Context(), proofUntil(name, time.Now().Add(time.Minute))); fresh || err == nil {
				t.Errorf("Burn(%q) = %t, %v; want an error", name, fresh, err)
			}
		})
	}
	all.Wait()
	if took := time.Since(began); took > time.Second {
		t.Errorf("64 calls while Redis is suspended took %v, want about %v", took, timeout)
	}
	server.Signal(syscall.SIGCONT)
	for range 200 {
		if fresh, _ := replays.Burn(t.Context(), proofUntil("used", time.Now().Add(time.Minute))); fresh {
			t.Fatal("a used proof is fresh")
		}
	}
	eventually(t, 5*time.Second, "Redis is used", func() bool {
		fresh, err := replays.Burn(t.Context(), proofUntil("new", time.Now().Add(time.Minute)))
		return fresh && err == nil
	})
}

func TestBrokenServers(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		serve func(net.Conn)
	}{
		{"never answers", swallow},
		{"closes connections", func(net.Conn) {}},
		{"speaks HTTP", reply("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")},
		{"sends extra replies", reply("+OK\r\n+OK\r\n+OK\r\n$5\r\nvevil\r\n")},
		{"sends an empty array", reply("*0\r\n")},
		{"sends numbers", reply("*3\r\n:1\r\n:2\r\n:3\r\n")},
		{"announces 1 GiB", reply("$1073741824\r\nx")},
		{"announces the largest length", reply("$9223372036854775807\r\nx")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			const timeout = 100 * time.Millisecond
			c := newCache(t, bearerredis.Config{Address: fakeServer(t, tt.serve), Timeout: timeout})
			startWatch(t, c) // must not panic
			ctx, cancel := context.WithTimeout(t.Context(), 1500*time.Millisecond)
			defer cancel()
			for ctx.Err() == nil {
				began := time.Now()
				got, err := c.Get(ctx, "k")
				if took := time.Since(began); took > timeout+400*time.Millisecond {
					t.Errorf("Get took %v", took)
				}
				if err == nil && got != nil {
					t.Logf("Get = %q", got) // allowed: the server sent a valid reply
				}
				select {
				case <-time.After(20 * time.Millisecond):
				case <-ctx.Done():
				}
			}
			if err := c.Set(t.Context(), "k", nil, time.Minute); err == nil && tt.name == "never answers" {
				t.Error("forgetting: no error")
			}
		})
	}
}

// Of successive callers, only those that test Redis wait.
func TestHangingServerIsCheap(t *testing.T) {
	const timeout = 100 * time.Millisecond
	var connections atomic.Int64
	c := newCache(t, bearerredis.Config{Timeout: timeout, Address: fakeServer(t, func(conn net.Conn) {
		connections.Add(1)
		swallow(conn)
	})})
	began := time.Now()
	for range 1000 {
		if _, err := c.Get(t.Context(), "k"); err == nil {
			t.Fatal("Get: no error")
		}
		if err := c.Set(t.Context(), "k", []byte("value"), time.Minute); err == nil {
			t.Fatal("Set: no error")
		}
		if took := time.Since(began); took > 5*timeout {
			t.Fatalf("not 2000 calls in %v, want them in little more than %v", took, timeout)
		}
	}
	if n := connections.Load(); n > 3 {
		t.Errorf("%d connections, want 1", n)
	}
}

// A connection attempt that outlasts its command does not delay the recovery.
func TestSlowFailuresToConnect(t *testing.T) {
	server := redistest.New(t, redistest.Config{TLS: true})
	var back atomic.Bool
	address := fakeServer(t, func(conn net.Conn) {
		if !back.Load() {
			swallow(conn)
			return
		}
		upstream, err := net.Dial("tcp", server.Address())
		if err != nil {
			t.Error(err)
			return
		}
		go func() { _, _ = io.Copy(upstream, conn); _ = upstream.Close() }()
		_, _ = io.Copy(conn, upstream)
	})
	c := newCache(t, bearerredis.Config{Address: "rediss://" + address, TLSConfig: server.TLSConfig(), Timeout: 250 * time.Millisecond})
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() { _, _ = c.Get(t.Context(), "k") })
	}
	all.Wait()
	failed := time.Now()
	eventually(t, 5*time.Second, "the handshakes have failed", func() bool { return time.Since(failed) > 1500*time.Millisecond })
	back.Store(true)
	eventually(t, 5*time.Second, "Redis is used", func() bool {
		_, err := c.Get(t.Context(), "k")
		return err == nil
	})
	if took := time.Since(failed); took > 2500*time.Millisecond {
		t.Errorf("recovered %v after the failure, want less than a second after Redis was up again", took)
	}
}

// A canceled caller does not open the circuit.
func TestImpatientCallers(t *testing.T) {
	server := redistest.New(t, redistest.Config{})
	c := newCache(t, bearerredis.Config{Address: server.Address()})
	mustSet(t, c, "k", []byte("value"), time.Minute)
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.Get(gone, "k"); !errors.Is(err, context.Canceled) {
		t.Errorf("Get = %v, want %v", err, context.Canceled)
	}
	wantValue(t, c, "k", []byte("value")) // the circuit is closed
}

// Whatever happens to Redis, a key has its own value or no value.
func TestHammer(t *testing.T) {
	server := redistest.New(t, redistest.Config{})
	// Each cache stands for an instance of the program.
	config := bearerredis.Config{Address: server.Address(), Timeout: 100 * time.Millisecond}
	caches := []*bearerredis.Cache{newCache(t, config), newCache(t, config)}
	for _, c := range caches {
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { defer close(ended); c.Watch(ctx, func(string) {}) }()
		defer func() { cancel(); <-ended }()
	}

	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var hits, failures, slow atomic.Int64
	var users sync.WaitGroup
	for user := range 64 {
		users.Go(func() {
			c := caches[user%len(caches)]
			for i := 0; ctx.Err() == nil; i++ {
				k := fmt.Sprintf("key-%d", (user+i)%100)
				began := time.Now()
				var err error
				switch i % 10 {
				case 0:
					err = c.Set(t.Context(), k, []byte("value of "+k), time.Second)
				case 5:
					if user == 0 && i%100 == 5 {
						err = c.Set(t.Context(), k, nil, 10*time.Millisecond)
					}
				default:
					var got []byte
					if got, err = c.Get(t.Context(), k); got != nil {
						hits.Add(1)
						if string(got) != "value of "+k {
							t.Errorf("%s has %q", k, got)
						}
					}
				}
				if time.Since(began) > time.Second {
					slow.Add(1)
				}
				if err != nil { // leave the CPU to Redis
					failures.Add(1)
					select {
					case <-time.After(time.Millisecond):
					case <-ctx.Done():
					}
				}
			}
		})
	}
	for range 3 {
		n := hits.Load()
		eventually(t, 20*time.Second, "the cache is used", func() bool { return hits.Load() > n+500 })
		n = failures.Load()
		server.Stop()
		eventually(t, 20*time.Second, "calls fail", func() bool { return failures.Load() > n+500 })
		server.Start()
	}
	n := hits.Load()
	eventually(t, 20*time.Second, "the cache is used again", func() bool { return hits.Load() > n+500 })
	cancel()
	users.Wait()
	t.Logf("%d hits, %d failures, %d calls over a second", hits.Load(), failures.Load(), slow.Load())
	if slow.Load() > 0 {
		t.Errorf("%d calls took over a second, with a timeout of 100ms", slow.Load())
	}
}
