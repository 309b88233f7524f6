package bearerredis_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/bearerkit/bearerkit/adapters/bearerredis"
	"github.com/bearerkit/bearerkit/adapters/bearerredis/redistest"
)

func TestForgetReachesOtherInstances(t *testing.T) {
	t.Parallel()
	server := redistest.New(t, redistest.Config{})
	config := bearerredis.Config{Address: server.Address()}
	first, second, third := newCache(t, config), newCache(t, config), newCache(t, config)
	stranger := newCache(t, bearerredis.Config{Address: server.Address(), Prefix: "other:"})
	watchers := []*watcher{watch(t, second), watch(t, third), watch(t, first)}
	foreign := watch(t, stranger)

	k := key("token")
	mustSet(t, second, k, []byte("value"), time.Minute)
	mustSet(t, first, k, nil, time.Minute)
	for _, w := range watchers {
		w.want(t, k, time.Second)
	}
	for _, c := range []*bearerredis.Cache{first, second, third} {
		wantValue(t, c, k, nil)
	}

	mustSet(t, stranger, "other", nil, time.Minute)
	foreign.want(t, "other", time.Second) // and nothing before it
	mustSet(t, first, "last", nil, time.Minute)
	watchers[0].want(t, "last", time.Second) // nor the stranger's
}

// If Redis is out of memory and may not evict keys, it refuses values. Stored
// values can be read, and all instances can forget a token.
func TestRedisOutOfMemory(t *testing.T) {
	t.Parallel()
	server := redistest.New(t, redistest.Config{})
	db := admin(t, server)
	var log logBuffer
	c := newCache(t, bearerredis.Config{Address: server.Address(), Logger: log.logger()})
	w := watch(t, c)
	mustSet(t, c, "kept", []byte("value"), time.Minute)
	mustSet(t, c, "doomed", []byte("value"), time.Minute)
	if err := db.ConfigSet(t.Context(), "maxmemory", "1").Err(); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if err := c.Set(t.Context(), "new", []byte("value"), time.Minute); err == nil || !strings.Contains(err.Error(), "OOM") {
			t.Errorf("Set = %v, want OOM", err)
		}
		wantValue(t, c, "kept", []byte("value"))
	}
	mustSet(t, c, "doomed", nil, time.Minute)
	w.want(t, "doomed", time.Second)
	wantValue(t, c, "doomed", nil)
	if got := log.String(); strings.Count(got, "level=WARN") != 1 || !strings.Contains(got, "refuses to store") {
		t.Errorf("log:\n%s", got)
	}
}

// A user without permission to publish still forgets the key in Redis. The error
// says that other instances were not notified.
func TestForgetWithoutPermissionToPublish(t *testing.T) {
	t.Parallel()
	server := redistest.New(t, redistest.Config{})
	db := admin(t, server)
	if err := db.Do(t.Context(), "ACL", "SETUSER", "app", "on", ">secret", "~*", "resetchannels", "+@all").Err(); err != nil {
		t.Fatal(err)
	}
	c := newCache(t, bearerredis.Config{Address: "redis://app:secret@" + server.Address()})
	mustSet(t, c, "k", []byte("value"), time.Minute)
	if err := c.Set(t.Context(), "k", nil, time.Minute); err == nil {
		t.Error("no error")
	}
	mustSet(t, c, "k", []byte("value"), time.Minute)
	wantValue(t, c, "k", nil)
}

// The permissions in the README suffice for the cache and the replay store, and do
// not extend to another prefix.
func TestPermissionsInREADME(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(readme), "ACL SETUSER ")
	rule, _, _ := strings.Cut(rest, "\n")
	server := redistest.New(t, redistest.Config{})
	db := admin(t, server)
	args := []any{"ACL", "SETUSER"}
	for word := range strings.FieldsSeq(strings.Replace(rule, "PASSWORD", "secret", 1)) {
		args = append(args, word)
	}
	if err := db.Do(t.Context(), args...).Err(); err != nil {
		t.Fatalf("%q: %v", rule, err)
	}
	client := newClient(t, bearerredis.Config{Address: "redis://app:secret@" + server.Address() + "/1?client_name=api"})
	c := client.Cache()
	w := watch(t, c)
	mustSet(t, c, "k", []byte("value"), time.Minute)
	wantValue(t, c, "k", []byte("value"))
	mustSet(t, c, "k", nil, time.Minute)
	mustSet(t, c, "k", nil, time.Minute)
	w.want(t, "k", time.Second)
	w.want(t, "k", time.Second)
	wantBurnt(t, client.Replays(), "proof", true)
	wantBurnt(t, client.Replays(), "proof", false)
	stranger := newCache(t, bearerredis.Config{Address: "redis://app:secret@" + server.Address(), Prefix: "other:"})
	if err := stranger.Set(t.Context(), "k", []byte("value"), time.Minute); err == nil || !strings.Contains(err.Error(), "NOPERM") {
		t.Errorf("another prefix: %v, want NOPERM", err)
	}
}
