package bearerredis_test

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/bearerkit/bearerkit/adapters/bearerredis"
	"github.com/bearerkit/bearerkit/adapters/bearerredis/redistest"
	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/denylist"
)

// several returns an address of several servers. The query ends with more.
func several(user *url.Userinfo, addrs []string, more string) string {
	u := url.URL{Scheme: "redis", User: user, Host: addrs[0], RawQuery: url.Values{"addr": addrs[1:]}.Encode() + more}
	return u.String()
}

// The three parts work in a Cluster, whatever slots their keys have.
func TestCluster(t *testing.T) {
	t.Parallel()
	cluster := redistest.NewCluster(t, redistest.Config{})
	all := bearerredis.Config{Address: several(nil, cluster.Addresses(), "")}
	one := bearerredis.Config{Address: "redis://" + cluster.Masters[1].Address() + "?cluster=true"}
	db := redis.NewClusterClient(&redis.ClusterOptions{Addrs: cluster.Addresses(), DisableIdentity: true})
	t.Cleanup(func() { _ = db.Close() })

	t.Run("cache", func(t *testing.T) { clusterCache(t, newCache(t, all), newCache(t, one)) })
	t.Run("proofs", func(t *testing.T) { clusterProofs(t, db, all, one) })
	t.Run("deny list", func(t *testing.T) {
		clusterDenials(t, newClient(t, all), newClient(t, one))
		for _, prefix := range []string{"{app}:", "a{b:", "a}b:", "}{:"} {
			braces := all
			braces.Prefix = prefix
			clusterDenials(t, newClient(t, braces), newClient(t, braces))
		}
	})
	t.Run("keys", func(t *testing.T) {
		for _, name := range []string{"{denied}", "{denied}:until", "{denied}:log", "{denied}:version"} {
			if n := db.Exists(t.Context(), "bearerkit:"+name).Val(); n != 1 {
				t.Errorf("no key %s", name)
			}
		}
	})
	t.Run("nodes without scripts", func(t *testing.T) {
		err := db.ForEachMaster(t.Context(), func(ctx context.Context, node *redis.Client) error { return node.ScriptFlush(ctx).Err() })
		if err != nil {
			t.Fatal(err)
		}
		wantBurnt(t, newClient(t, all).Replays(), "after SCRIPT FLUSH", true)
		mustSet(t, newCache(t, all), "after SCRIPT FLUSH", []byte("value"), time.Minute)
	})
	t.Run("a slot moves", func(t *testing.T) { movingSlot(t, db, cluster, all) })
	t.Run("not told that it is a Cluster", func(t *testing.T) {
		c := newCache(t, bearerredis.Config{Address: cluster.Masters[0].Address()})
		var err error
		for i := range 10 {
			if _, failed := c.Get(t.Context(), fmt.Sprint(i)); failed != nil && strings.Contains(failed.Error(), "MOVED") {
				err = failed
			}
		}
		if err == nil {
			t.Error("no error names MOVED")
		}
	})
}

func clusterCache(t *testing.T, first, second *bearerredis.Cache) {
	w := watch(t, second)
	for i := range 100 {
		k := key(fmt.Sprint(i))
		mustSet(t, first, k, []byte("value of "+k), time.Minute)
		wantValue(t, second, k, []byte("value of "+k))
	}
	for i := range 20 { // by any node
		k := key(fmt.Sprint(i))
		mustSet(t, first, k, nil, time.Minute)
		w.want(t, k, time.Second)
		mustSet(t, second, k, []byte("late"), time.Minute)
		wantValue(t, second, k, nil)
	}
}

func clusterProofs(t *testing.T, db *redis.ClusterClient, all, one bearerredis.Config) {
	stores := []*bearerredis.Replays{newClient(t, all).Replays(), newClient(t, one).Replays()}
	for round := range 30 {
		var fresh atomic.Int32
		var callers sync.WaitGroup
		for caller := range 32 {
			callers.Go(func() {
				ok, err := stores[caller%2].Burn(t.Context(), proofUntil(fmt.Sprint(round), time.Now().Add(time.Minute)))
				if err != nil {
					t.Error(err)
				}
				if ok {
					fresh.Add(1)
				}
			})
		}
		callers.Wait()
		if n := fresh.Load(); n != 1 {
			t.Errorf("%d of 32 callers were told that the proof is fresh", n)
		}
	}

	// The limit holds across all slots. A refused proof takes no memory.
	limited := all
	limited.Prefix, limited.ProofsPerOwner = "limited:", 10
	replays := newClient(t, limited).Replays()
	for i := range 15 {
		proof := proofUntil(fmt.Sprint(i), time.Now().Add(time.Minute))
		proof.Owner = proofKey("owner")
		if ok, err := replays.Burn(t.Context(), proof); ok != (i < 10) || (err == nil) != (i < 10) {
			t.Errorf("proof %d = %t, %v", i, ok, err)
		}
		if ok, err := replays.Burn(t.Context(), proof); ok || (err == nil) != (i < 10) {
			t.Errorf("proof %d again = %t, %v", i, ok, err)
		}
	}
	var proofs atomic.Int32
	err := db.ForEachMaster(t.Context(), func(ctx context.Context, node *redis.Client) error {
		names, err := node.Keys(ctx, "limited:proof:*").Result()
		proofs.Add(int32(len(names)))
		return err
	})
	if err != nil || proofs.Load() != 10 {
		t.Errorf("%d proofs, %v; want 10", proofs.Load(), err)
	}
	unlimited := all
	unlimited.ProofsPerOwner = -1
	wantBurnt(t, newClient(t, unlimited).Replays(), "0", false)
}

func clusterDenials(t *testing.T, first, second *bearerredis.Client) {
	entry := denylist.Entry{Issuer: "i", Subject: "mallory", Until: time.Now().Add(time.Hour)}
	if err := first.Denials().Deny(t.Context(), entry); err != nil {
		t.Fatal(err)
	}
	mallory := &bearer.Principal{Issuer: "i", Subject: "mallory"}
	is := func(want bool) func() bool {
		return func() bool {
			denied, err := second.Denials().Denied(t.Context(), mallory)
			return denied == want && err == nil
		}
	}
	eventually(t, 2*time.Second, "the other instance denies", is(true))
	if err := second.Denials().Lift(t.Context(), entry); err != nil {
		t.Fatal(err)
	}
	if denied, err := second.Denials().Denied(t.Context(), mallory); denied || err != nil {
		t.Errorf("after Lift: %t, %v", denied, err)
	}
	if err := first.Denials().Deny(t.Context(), entry); err != nil {
		t.Fatal(err)
	}
	eventually(t, 2*time.Second, "the other instance denies again", is(true))
}

// While a slot moves, the nodes answer ASK and then MOVED.
func movingSlot(t *testing.T, db *redis.ClusterClient, cluster *redistest.Cluster, config bearerredis.Config) {
	config.Prefix = "{moving}:" // all keys and the channel are in one slot
	c := newClient(t, config)
	cache, replays := c.Cache(), c.Replays()
	w := watch(t, cache)
	mustSet(t, cache, "moving", []byte("value"), time.Minute)
	slot := int(db.ClusterKeySlot(t.Context(), "{moving}:moving").Val())
	from, err := db.MasterForKey(t.Context(), "{moving}:moving")
	if err != nil {
		t.Fatal(err)
	}
	to := admin(t, cluster.Masters[0])
	if to.Options().Addr == from.Options().Addr {
		to = admin(t, cluster.Masters[1])
	}
	id := func(node *redis.Client) string { return node.Do(t.Context(), "CLUSTER", "MYID").String() }
	must := func(node *redis.Client, args ...any) {
		t.Helper()
		if err := node.Do(t.Context(), args...).Err(); err != nil {
			t.Fatal(args, err)
		}
	}
	ids := map[*redis.Client]string{from: lastWord(id(from)), to: lastWord(id(to))}
	must(to, "CLUSTER", "SETSLOT", slot, "IMPORTING", ids[from])
	must(from, "CLUSTER", "SETSLOT", slot, "MIGRATING", ids[to])
	wantValue(t, cache, "moving", []byte("value")) // not moved yet
	host, port, _ := strings.Cut(to.Options().Addr, ":")
	must(from, "MIGRATE", host, port, "{moving}:moving", 0, 5000)
	wantValue(t, cache, "moving", []byte("value")) // by ASK
	mustSet(t, cache, "moving", []byte("new"), time.Minute)
	wantValue(t, cache, "moving", []byte("new"))
	for _, node := range []*redis.Client{to, from} {
		must(node, "CLUSTER", "SETSLOT", slot, "NODE", ids[to])
	}
	wantValue(t, cache, "moving", []byte("new")) // by MOVED
	w.want(t, "", 5*time.Second)                 // subscribed to the other node
	mustSet(t, cache, "moving", nil, time.Minute)
	w.want(t, "moving", time.Second)
	wantValue(t, cache, "moving", nil)
	wantBurnt(t, replays, "after a slot moved", true)
	wantBurnt(t, replays, "after a slot moved", false)
}

func lastWord(s string) string { return s[strings.LastIndexByte(s, ' ')+1:] }
