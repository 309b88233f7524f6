//go:build unix

package bearerredis_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/bearerkit/bearerkit/adapters/bearerredis"
	"github.com/bearerkit/bearerkit/adapters/bearerredis/redistest"
	"github.com/bearerkit/bearerkit/denylist"
	"github.com/bearerkit/bearerkit/dpop"
)

// lines returns the lines of the log that contain all texts.
func (b *logBuffer) lines(texts ...string) (found []string) {
	for line := range strings.Lines(b.String()) {
		if !slices.ContainsFunc(texts, func(text string) bool { return !strings.Contains(line, text) }) {
			found = append(found, line)
		}
	}
	return found
}

// line returns the first line of the log that contains all texts.
func (b *logBuffer) line(texts ...string) string {
	if lines := b.lines(texts...); len(lines) > 0 {
		return lines[0]
	}
	return ""
}

// Reports V18: while a restarted Redis loads its data, the log gives that reason.
// A second line reports the recovery.
func TestRedisLoads(t *testing.T) {
	t.Parallel()
	server := redistest.New(t, redistest.Config{Durable: true, LoadDelay: 10 * time.Millisecond})
	var log logBuffer
	client := newClient(t, bearerredis.Config{Address: server.Address(), Logger: log.logger()})
	c := client.Cache()
	w := watch(t, c)
	value := make([]byte, 4<<10) // while loading a snapshot, Redis answers after each 2 KiB
	_, _ = rand.Read(value)
	for i := range 2000 { // loading takes 20 s, which the test cuts short
		mustSet(t, c, fmt.Sprint(i), value, time.Hour)
	}
	db := admin(t, server)
	if err := db.BgRewriteAOF(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	eventually(t, 10*time.Second, "the snapshot is written", func() bool {
		info := db.Info(t.Context(), "persistence").Val()
		return strings.Contains(info, "aof_rewrite_in_progress:0") && strings.Contains(info, "aof_rewrite_scheduled:0")
	})
	denied, replays := client.Denials(), client.Replays()
	wantBurnt(t, replays, "used", true)
	server.Stop()
	server.StartLoading()

	entry := denylist.Entry{Issuer: "i", Subject: "s", Until: time.Now().Add(time.Hour)}
	for name, call := range map[string]func() error{
		"Burn": func() error {
			_, err := replays.Burn(t.Context(), dpop.UsedProof{ID: proofKey("used"), Until: time.Now().Add(time.Minute)})
			return err
		},
		"Forget": func() error { return c.Set(t.Context(), "1", nil, time.Minute) },
		"Deny":   func() error { return denied.Deny(t.Context(), entry) },
	} {
		eventually(t, 5*time.Second, name+" returns LOADING", func() bool {
			err := call()
			if err == nil {
				t.Fatalf("%s: no error while Redis is loading", name)
			}
			return strings.Contains(err.Error(), "LOADING")
		})
	}
	if _, err := c.Get(t.Context(), "1"); err == nil { // fails at once: the circuit is open
		t.Error("Get: no error while Redis is loading")
	}
	line := log.line("Redis is unavailable", "Redis is loading its data")
	for _, want := range []string{"level=WARN", "LOADING", "DPoP proofs are refused", "wait until Redis has loaded its data from disk"} {
		if !strings.Contains(line, want) {
			t.Errorf("no %q in %q of the log:\n%s", want, line, log.String())
		}
	}
	// Redis accepts a subscription while it is loading; that is not a recovery.
	w.want(t, "", 5*time.Second)
	if strings.Contains(log.String(), "Redis is available again") {
		t.Errorf("the log says that Redis is available again while it is loading:\n%s", log.String())
	}

	if err := db.ConfigSet(t.Context(), "key-load-delay", "0").Err(); err != nil {
		t.Fatal(err)
	}
	eventually(t, 20*time.Second, "values are read", func() bool {
		got, err := c.Get(t.Context(), "1")
		return err == nil && bytes.Equal(got, value)
	})
	eventually(t, 5*time.Second, "the recovery is logged", func() bool { return strings.Contains(log.String(), `level=INFO msg="Redis is available again"`) })
	loading := len(log.lines("Redis is unavailable", "Redis is loading its data")) // the watch may log the reason too
	if got := log.String(); strings.Contains(got, "maxmemory") || strings.Contains(got, "refuses") || loading != 1 {
		t.Errorf("the log:\n%s", got)
	}
	wantBurnt(t, replays, "used", false)
	if err := denied.Deny(t.Context(), entry); err != nil {
		t.Error(err)
	}
}

// Reports V18: for errors of a real Redis, the log gives the reason and reports the
// recovery.
func TestReasonsFromRedis(t *testing.T) {
	t.Parallel()
	config := func(name, value string) func(context.Context, *redis.Client) error {
		return func(ctx context.Context, db *redis.Client) error { return db.ConfigSet(ctx, name, value).Err() }
	}
	do := func(args ...any) func(context.Context, *redis.Client) error {
		return func(ctx context.Context, db *redis.Client) error { return db.Do(ctx, args...).Err() }
	}
	gone, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(gone.Addr().String())
	_ = gone.Close()
	tests := []struct {
		name        string
		begin, end  []func(context.Context, *redis.Client) error
		warn, ended string
		hint        string
		reads       bool // still
	}{
		{"OOM", []func(context.Context, *redis.Client) error{config("maxmemory", "1")}, []func(context.Context, *redis.Client) error{config("maxmemory", "0")},
			`msg="Redis refuses to store a value"`, `msg="Redis stores values again"`, "raise maxmemory", true},
		{"READONLY", []func(context.Context, *redis.Client) error{do("REPLICAOF", "127.0.0.1", port)}, []func(context.Context, *redis.Client) error{do("REPLICAOF", "NO", "ONE")},
			`msg="Redis refuses to store a value"`, `msg="Redis stores values again"`, "use the master's address", true},
		{"MASTERDOWN", []func(context.Context, *redis.Client) error{config("replica-serve-stale-data", "no"), do("REPLICAOF", "127.0.0.1", port)},
			[]func(context.Context, *redis.Client) error{do("REPLICAOF", "NO", "ONE")},
			`reason="Redis is a replica that has lost its master"`, `msg="Redis is available again"`, "restore the master", false},
		{"NOREPLICAS", []func(context.Context, *redis.Client) error{config("min-replicas-to-write", "1")}, []func(context.Context, *redis.Client) error{config("min-replicas-to-write", "0")},
			`msg="Redis refuses to store a value"`, `msg="Redis stores values again"`, "min-replicas-to-write", true},
		{"NOPERM", []func(context.Context, *redis.Client) error{do("ACL", "SETUSER", "app", "-set")}, []func(context.Context, *redis.Client) error{do("ACL", "SETUSER", "app", "+set")},
			`msg="Redis refuses to store a value"`, `msg="Redis stores values again"`, "the permissions in the README", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			server := redistest.New(t, redistest.Config{})
			db := admin(t, server)
			if err := do("ACL", "SETUSER", "app", "on", ">secret", "~*", "&*", "+@all")(t.Context(), db); err != nil {
				t.Fatal(err)
			}
			var log logBuffer
			c := newCache(t, bearerredis.Config{Address: "redis://app:secret@" + server.Address(), Logger: log.logger()})
			mustSet(t, c, "k", []byte("value"), time.Hour)
			for _, change := range tt.begin {
				if err := change(t.Context(), db); err != nil {
					t.Fatal(err)
				}
			}
			for range 3 {
				if err := c.Set(t.Context(), "new", []byte("value"), time.Hour); err == nil {
					t.Error("Set: no error")
				}
			}
			if value, err := c.Get(t.Context(), "k"); (err == nil && string(value) == "value") != tt.reads {
				t.Errorf("Get = %q, %v; want success: %t", value, err, tt.reads)
			}
			line := log.line("level=WARN")
			if strings.Count(log.String(), "level=WARN") != 1 || !strings.Contains(line, tt.warn) || !strings.Contains(line, tt.hint) {
				t.Errorf("want one warning with %s and %q in the log:\n%s", tt.warn, tt.hint, log.String())
			}
			for _, change := range tt.end {
				if err := change(t.Context(), db); err != nil {
					t.Fatal(err)
				}
			}
			eventually(t, 10*time.Second, "the recovery is logged", func() bool {
				_ = c.Set(t.Context(), "new", []byte("value"), time.Hour)
				return strings.Contains(log.String(), tt.ended)
			})
			if got := log.String(); strings.Count(got, "level=WARN") != 1 || strings.Count(got, "level=INFO") != 1 {
				t.Errorf("want one warning and one recovery in the log:\n%s", got)
			}
		})
	}
}

// Reports V18: Redis is busy with an endless script.
func TestRedisIsBusy(t *testing.T) {
	t.Parallel()
	server := redistest.New(t, redistest.Config{})
	db := admin(t, server)
	if err := db.ConfigSet(t.Context(), "lua-time-limit", "10").Err(); err != nil {
		t.Fatal(err)
	}
	var log logBuffer
	c := newCache(t, bearerredis.Config{Address: server.Address(), Logger: log.logger()})
	mustSet(t, c, "k", []byte("value"), time.Hour)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = admin(t, server).Eval(context.Background(), "while true do end", nil).Err()
	}()
	eventually(t, 5*time.Second, "Redis is busy", func() bool {
		_, err := c.Get(t.Context(), "k")
		return err != nil && strings.Contains(err.Error(), "BUSY")
	})
	if line := log.line("Redis is busy with a script"); !strings.Contains(line, "SCRIPT KILL") {
		t.Errorf("the log:\n%s", log.String())
	}
	eventually(t, 5*time.Second, "the script is killed", func() bool { return db.ScriptKill(t.Context()).Err() == nil })
	<-ended
	eventually(t, 5*time.Second, "the recovery is logged", func() bool {
		_, _ = c.Get(t.Context(), "k")
		return strings.Contains(log.String(), `msg="Redis is available again"`)
	})
}

// Reports V18: the log gives the reason for each known error reply, to reads and to
// writes.
func TestReasons(t *testing.T) {
	t.Parallel()
	tests := []struct {
		answer string
		reads  string // expected in the log after Get
		writes string
		hint   string
	}{
		{"LOADING Redis is loading the dataset in memory", "Redis is loading its data", "Redis is loading its data", "wait"},
		{"MASTERDOWN Link with MASTER is down", "lost its master", "lost its master", "master"},
		{"CLUSTERDOWN The cluster is down", "the Redis cluster is down", "the Redis cluster is down", "CLUSTER INFO"},
		{"TRYAGAIN Multiple keys request during rehashing of slot", "is moving keys", "is moving keys", "wait"},
		{"MOVED 3999 127.0.0.1:6381", "a cluster node", "a cluster node", "cluster=true"},
		{"BUSY Redis is busy running a script.", "busy with a script", "busy with a script", "SCRIPT KILL"},
		{"NOAUTH Authentication required.", "requires a password", "requires a password", "Config.Address"},
		{"WRONGPASS invalid username-password pair or user is disabled.", "rejects the user name", "rejects the user name", "Config.Address"},
		{"ERR max number of clients reached", "too many connections", "too many connections", "maxclients"},
		{"READONLY You can't write against a read only replica.", "Redis is a read-only replica", "Redis refuses to store a value", "master's address"},
		{"OOM command not allowed when used memory > 'maxmemory'.", "", "Redis refuses to store a value", "maxmemory"},
		{"ERR Error running script (call to f_1): @user_script:2: @user_script: 2: -OOM command not allowed", "", "Redis refuses to store a value", "maxmemory"},
		{"MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk.", "", "Redis refuses to store a value", "disk"},
		{"NOREPLICAS Not enough good replicas to write.", "", "Redis refuses to store a value", "min-replicas-to-write"},
		{"NOPERM this user has no permissions to run the 'set' command", "", "Redis refuses to store a value", "README"},
		{"ERR something else", "Redis replies with an error", "Redis refuses to store a value", ""},
		{"LOADINGS is no such thing", "Redis replies with an error", "Redis refuses to store a value", ""},
	}
	for _, tt := range tests {
		for call, want := range map[string]string{"Get": tt.reads, "Set": tt.writes} {
			var log logBuffer
			c := newCache(t, bearerredis.Config{Address: fakeServer(t, reply("-"+tt.answer+"\r\n")), Logger: log.logger()})
			var err error
			if call == "Get" {
				_, err = c.Get(t.Context(), "k")
			} else {
				err = c.Set(t.Context(), "k", []byte("value"), time.Minute)
			}
			line := log.line("level=WARN")
			if err == nil || !strings.Contains(line, want) || !strings.Contains(line, tt.hint) {
				t.Errorf("%s of %q: %v; want %q and %q in %s", call, tt.answer, err, want, tt.hint, line)
			}
			if strings.Contains(line, "maxmemory") && !strings.Contains(tt.answer, "OOM") {
				t.Errorf("%s of %q: %s", call, tt.answer, line)
			}
		}
	}
}
