package bearerredis_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"flag"
	"io"
	"log/slog"
	"net"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/bearerkit/bearerkit/adapters/bearerredis"
	"github.com/bearerkit/bearerkit/adapters/bearerredis/redistest"
)

// TestMain runs more parallel tests than there are CPUs: most of them wait.
func TestMain(m *testing.M) {
	flag.Parse()
	given := false
	flag.Visit(func(f *flag.Flag) { given = given || f.Name == "test.parallel" })
	if !given {
		_ = flag.Set("test.parallel", "4")
	}
	os.Exit(m.Run())
}

// patient is the timeout of tests in which only the machine can be slow.
const patient = 2 * time.Second

func newClient(t testing.TB, config bearerredis.Config) *bearerredis.Client {
	t.Helper()
	if config.Timeout == 0 {
		config.Timeout = patient
	}
	c, err := bearerredis.New(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func newCache(t testing.TB, config bearerredis.Config) *bearerredis.Cache {
	t.Helper()
	return newClient(t, config).Cache()
}

// admin returns a Redis client to inspect and change the server.
func admin(t testing.TB, server *redistest.Server) *redis.Client {
	t.Helper()
	client := redis.NewClient(&redis.Options{Addr: server.Address(), DisableIdentity: true})
	t.Cleanup(func() { _ = client.Close() })
	return client
}

func key(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}

// eventually polls until yes returns true.
func eventually(t testing.TB, within time.Duration, what string, yes func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(within)
	for !yes() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("not within %v: %s", within, what)
		}
	}
}

func mustSet(t testing.TB, c *bearerredis.Cache, key string, value []byte, ttl time.Duration) {
	t.Helper()
	if err := c.Set(t.Context(), key, value, ttl); err != nil {
		t.Fatal(err)
	}
}

func wantValue(t testing.TB, c *bearerredis.Cache, key string, want []byte) {
	t.Helper()
	got, err := c.Get(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) || (got == nil) != (want == nil) {
		t.Errorf("Get = %q (nil: %t), want %q (nil: %t)", got, got == nil, want, want == nil)
	}
}

// watcher records the keys that a Watch receives.
type watcher struct {
	heard chan string
	ended chan struct{}
	stop  context.CancelFunc
}

// watch starts a Watch and returns when it has subscribed.
func watch(t testing.TB, c *bearerredis.Cache) *watcher {
	t.Helper()
	w := startWatch(t, c)
	w.want(t, "", 10*time.Second)
	return w
}

func startWatch(t testing.TB, c *bearerredis.Cache) *watcher {
	ctx, cancel := context.WithCancel(t.Context())
	w := &watcher{heard: make(chan string, 1000), ended: make(chan struct{}), stop: cancel}
	go func() {
		defer close(w.ended)
		c.Watch(ctx, func(key string) { w.heard <- key })
	}()
	t.Cleanup(func() {
		cancel()
		<-w.ended
	})
	return w
}

func (w *watcher) want(t testing.TB, key string, within time.Duration) {
	t.Helper()
	select {
	case got := <-w.heard:
		if got != key {
			t.Fatalf("told to forget %q, want %q", got, key)
		}
	case <-time.After(within):
		t.Fatalf("not told to forget %q within %v", key, within)
	}
}

// reply answers every request with text.
func reply(text string) func(net.Conn) {
	return func(conn net.Conn) {
		for buf := make([]byte, 4096); ; {
			if _, err := conn.Read(buf); err != nil {
				return
			}
			if _, err := conn.Write([]byte(text)); err != nil {
				return
			}
		}
	}
}

// swallow reads everything and never answers.
func swallow(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) }

func fakeServer(t testing.TB, serve func(net.Conn)) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	var mu sync.Mutex
	var open []net.Conn
	all.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			open = append(open, conn)
			mu.Unlock()
			all.Go(func() {
				defer conn.Close()
				serve(conn)
			})
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		mu.Lock()
		for _, conn := range open {
			_ = conn.Close()
		}
		mu.Unlock()
		all.Wait()
	})
	return l.Addr().String()
}

// logBuffer is a log that tests can read while it is written.
type logBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

func (l *logBuffer) logger() *slog.Logger { return slog.New(slog.NewTextHandler(l, nil)) }
