package bearerredis_test

import (
	"bytes"
	"context"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/bearerkit/bearerkit/adapters/bearerredis"
	"github.com/bearerkit/bearerkit/adapters/bearerredis/redistest"
)

func TestRoundTrip(t *testing.T) {
	t.Parallel()
	server := redistest.New(t, redistest.Config{})
	c := newCache(t, bearerredis.Config{Address: server.Address()})
	for _, tt := range []struct {
		name  string
		value []byte
	}{
		{"text", []byte("value")},
		{"empty, which is not nil", []byte{}},
		{"every byte", func() (all []byte) {
			for b := range 256 {
				all = append(all, byte(b))
			}
			return all
		}()},
		{"1 MiB", bytes.Repeat([]byte("x"), 1<<20)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			k := key(tt.name)
			wantValue(t, c, k, nil)
			mustSet(t, c, k, tt.value, time.Minute)
			wantValue(t, c, k, tt.value)
			mustSet(t, c, k, []byte("newer"), time.Minute)
			wantValue(t, c, k, []byte("newer"))
		})
	}
	t.Run("too large", func(t *testing.T) {
		if err := c.Set(t.Context(), key("large"), make([]byte, 1<<20+1), time.Minute); err == nil {
			t.Error("Set: no error")
		}
		db := admin(t, server)
		if err := db.Set(t.Context(), "bearerkit:"+key("large"), "v"+strings.Repeat("x", 8<<20), time.Minute).Err(); err != nil {
			t.Fatal(err)
		}
		wantValue(t, c, key("large"), nil)
	})
	t.Run("in another format", func(t *testing.T) {
		db := admin(t, server)
		if err := db.Set(t.Context(), "bearerkit:"+key("foreign"), "x", time.Minute).Err(); err != nil {
			t.Fatal(err)
		}
		wantValue(t, c, key("foreign"), nil)
	})
	t.Run("an empty key", func(t *testing.T) {
		if _, err := c.Get(t.Context(), ""); err == nil {
			t.Error("Get: no error")
		}
		for _, value := range [][]byte{nil, []byte("value")} {
			if err := c.Set(t.Context(), "", value, time.Minute); err == nil {
				t.Error("Set: no error; to a Watch the empty key means all keys")
			}
		}
	})
}

func TestStoredValues(t *testing.T) {
	t.Parallel()
	server := redistest.New(t, redistest.Config{})
	db := admin(t, server)
	c := newCache(t, bearerredis.Config{Address: "redis://" + server.Address() + "/3?client_name=api", Prefix: "shop:"})
	inside := redis.NewClient(&redis.Options{Addr: server.Address(), DB: 3, DisableIdentity: true})
	defer inside.Close()

	k := key("token")
	mustSet(t, c, k, []byte("ciphertext"), time.Minute)
	if got := inside.Get(t.Context(), "shop:"+k).Val(); got != "vciphertext" {
		t.Errorf("a value is stored as %q", got)
	}
	if ttl := inside.PTTL(t.Context(), "shop:"+k).Val(); ttl <= 59*time.Second || ttl > time.Minute {
		t.Errorf("a value lives %v, want 1m", ttl)
	}
	mustSet(t, c, k, nil, time.Minute)
	if got, err := inside.Get(t.Context(), "shop:"+k).Result(); got != "" || err != nil {
		t.Errorf("a forgotten key is %q, %v", got, err)
	}
	if ttl := inside.PTTL(t.Context(), "shop:"+k).Val(); ttl <= 59*time.Second || ttl > time.Minute {
		t.Errorf("a tombstone lives %v, want 1m", ttl)
	}
	if n := db.DBSize(t.Context()).Val(); n != 0 {
		t.Errorf("%d keys outside of the URL's database", n)
	}
	if list := db.ClientList(t.Context()).Val(); !strings.Contains(list, "name=api") {
		t.Errorf("no client has the URL's client_name:\n%s", list)
	}
}

func TestValuesExpire(t *testing.T) {
	t.Parallel()
	server := redistest.New(t, redistest.Config{})
	c := newCache(t, bearerredis.Config{Address: server.Address()})
	k := key("short")
	mustSet(t, c, k, []byte("value"), 100*time.Millisecond)
	eventually(t, 5*time.Second, "the value expires", func() bool {
		got, err := c.Get(t.Context(), k)
		return err == nil && got == nil
	})
	if n := admin(t, server).DBSize(t.Context()).Val(); n != 0 {
		t.Errorf("%d keys are left", n)
	}
	for _, ttl := range []time.Duration{0, -time.Second, time.Microsecond} {
		mustSet(t, c, k, []byte("value"), ttl)
		wantValue(t, c, k, nil)
	}
}

func TestTombstones(t *testing.T) {
	t.Parallel()
	server := redistest.New(t, redistest.Config{})
	c := newCache(t, bearerredis.Config{Address: server.Address()})
	db := admin(t, server)

	t.Run("block values until they expire", func(t *testing.T) {
		k := key("a")
		mustSet(t, c, k, []byte("old"), time.Minute)
		mustSet(t, c, k, nil, 300*time.Millisecond)
		began := time.Now()
		wantValue(t, c, k, nil)
		eventually(t, 5*time.Second, "a value is stored again", func() bool {
			mustSet(t, c, k, []byte("new"), time.Minute)
			got, err := c.Get(t.Context(), k)
			return err == nil && string(got) == "new"
		})
		if blocked := time.Since(began); blocked < 250*time.Millisecond {
			t.Errorf("blocked for %v, want 300ms", blocked)
		}
	})
	t.Run("keep the longest lifetime", func(t *testing.T) {
		k := key("b")
		mustSet(t, c, k, nil, time.Minute)
		mustSet(t, c, k, nil, time.Second)
		mustSet(t, c, k, nil, 0)
		if ttl := db.PTTL(t.Context(), "bearerkit:"+k).Val(); ttl < 50*time.Second {
			t.Errorf("a tombstone of 1m lives %v", ttl)
		}
	})
	t.Run("without a lifetime delete the value", func(t *testing.T) {
		k := key("c")
		mustSet(t, c, k, []byte("old"), time.Minute)
		mustSet(t, c, k, nil, 0)
		wantValue(t, c, k, nil)
		mustSet(t, c, k, []byte("new"), time.Minute)
		wantValue(t, c, k, []byte("new"))
	})
	t.Run("work after SCRIPT FLUSH", func(t *testing.T) {
		k := key("d")
		db.ScriptFlush(t.Context())
		mustSet(t, c, k, []byte("old"), time.Minute)
		db.ScriptFlush(t.Context())
		mustSet(t, c, k, nil, time.Minute)
		mustSet(t, c, k, []byte("new"), time.Minute)
		wantValue(t, c, k, nil)
	})
}

func TestClose(t *testing.T) {
	t.Parallel()
	server := redistest.New(t, redistest.Config{})
	var log logBuffer
	client := newClient(t, bearerredis.Config{Address: server.Address(), Logger: log.logger()})
	c := client.Cache()
	w := watch(t, c)
	mustSet(t, c, "k", []byte("value"), time.Minute)

	var users sync.WaitGroup
	inUse := make(chan struct{}, 64)
	for range 16 {
		users.Go(func() {
			for {
				got, err := c.Get(context.Background(), "k")
				if err != nil {
					if !strings.Contains(err.Error(), "closed") {
						t.Errorf("after Close: %v", err)
					}
					return
				}
				if string(got) != "value" {
					t.Errorf("Get = %q", got)
				}
				select {
				case inUse <- struct{}{}:
				default:
				}
			}
		})
	}
	for range 64 {
		<-inUse
	}
	if err := client.Close(); err != nil {
		t.Error(err)
	}
	if err := client.Close(); err != nil {
		t.Errorf("a second Close: %v", err)
	}
	users.Wait()
	for _, value := range [][]byte{nil, []byte("value")} {
		if err := c.Set(t.Context(), "k", value, time.Minute); err == nil {
			t.Error("Set after Close: no error")
		}
	}
	select {
	case <-w.ended:
		t.Error("Watch returned before its context was done")
	default:
	}
	w.stop()
	<-w.ended
	if log.String() != "" {
		t.Errorf("Close is logged as a failure:\n%s", log.String())
	}
}

func TestNothingLeaks(t *testing.T) {
	server := redistest.New(t, redistest.Config{})
	before := runtime.NumGoroutine()
	client := newClient(t, bearerredis.Config{Address: server.Address()})
	c := client.Cache()
	ctx, cancel := context.WithCancel(t.Context())
	var watches sync.WaitGroup
	subscribed := make(chan string, 100)
	for range 4 {
		watches.Go(func() { c.Watch(ctx, func(key string) { subscribed <- key }) })
	}
	for range 4 {
		<-subscribed
	}
	var users sync.WaitGroup
	for range 32 {
		users.Go(func() { _, _ = c.Get(ctx, "k") })
	}
	users.Wait()
	server.Stop()
	_, _ = c.Get(ctx, "k")
	server.Start()
	for range 4 {
		<-subscribed
	}
	cancel()
	watches.Wait()
	if err := client.Close(); err != nil {
		t.Fatal(err)
	}
	eventually(t, 5*time.Second, "all goroutines end", func() bool { return runtime.NumGoroutine() <= before })
}
