package bearerredis_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bearerkit/bearerkit/adapters/bearerredis"
	"github.com/bearerkit/bearerkit/adapters/bearerredis/redistest"
)

func TestAddressesOfSeveralServers(t *testing.T) {
	t.Parallel()
	for address, shown := range map[string]string{
		"redis://a:6379?addr=b:6380&addr=[::1]:6381":                                                             "a:6379,b:6380,[::1]:6381",
		"rediss://user:hunter2@a?cluster=true":                                                                   "a:6379",
		"redis://a?cluster=true&addr=b:1&pool_size=5&client_name=api":                                            "a:6379,b:1",
		"redis://user:hunter2@s1/2?master_name=m&addr=s2:26379":                                                  "m by s1:26379,s2:26379",
		"redis://s1:1?master_name=m&sentinel_password=hunter2&db=3":                                              "m by s1:1",
		"rediss://a:hunter2@s1?master_name=m&addr=s2:1&sentinel_username=hunter2_user&sentinel_password=hunter2": "m by s1:26379,s2:1",
	} {
		config := bearerredis.Config{Address: address}
		c, err := bearerredis.New(config)
		if err != nil {
			t.Errorf("%s: %v", address, err)
			continue
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
		if text := fmt.Sprint(config); !strings.Contains(text, "Address:"+shown+" ") || strings.Contains(text, "hunter2") {
			t.Errorf("%s shows as %s; want %s", address, text, shown)
		}
	}
}

func TestMistakesWithSeveralServers(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, query string
		prefix      string
		want        []string
	}{
		{"an empty addr", "addr=", "", []string{"addr number 1", "HOST:PORT"}},
		{"an addr without a port", "addr=b:1&addr=hunter2", "", []string{"addr number 2"}},
		{"an addr with a password", "addr=:hunter2@b:1", "", []string{"addr number 1"}},
		{"the same addr", "addr=a:6379", "", []string{"duplicate"}},
		{"both", "cluster=true&master_name=m", "", []string{"cluster and master_name"}},
		{"cluster=false", "cluster=false", "", []string{"cluster: want true"}},
		{"two masters", "master_name=m&master_name=hunter2", "", []string{"master_name: want it once"}},
		{"an empty master", "master_name=&addr=b:1", "", []string{"master_name: want it once, with a value"}},
		{"a Sentinel's password without a master", "sentinel_password=hunter2", "", []string{"want master_name"}},
		{"a Sentinel's user without a password", "master_name=m&sentinel_username=hunter2", "", []string{"want sentinel_password"}},
		{"a database of a Cluster", "addr=b:1&db=1", "", []string{"no database number"}},
		{"no hash tags", "cluster=true", "a{}:", []string{"Config.Prefix", `"a{}:"`}},
		{"an unknown parameter", "addr=b:1&hunter2=1", "", []string{"unknown query parameter"}},
		{
			"everything at once", "addr=b&addr=a:26379&cluster=yes&master_name=m&sentinel_username=u&db=x", " ",
			[]string{"addr number 1", "addr number 2", "cluster: want true", "sentinel_password", "database number", "Config.Prefix"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, err := bearerredis.New(bearerredis.Config{Address: "redis://user:hunter2@a?" + tt.query, Prefix: tt.prefix})
			if err == nil || c != nil {
				t.Fatalf("New = %v, %v; want an error alone", c, err)
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %q; want %q in it", err, want)
				}
			}
			if strings.Contains(err.Error(), "hunter2") {
				t.Errorf("error %q has a secret", err)
			}
		})
	}
}

// When Sentinel names another master, no instance asks the old one any more, even
// if it is alive.
func TestTheOldMasterIsLeft(t *testing.T) {
	t.Parallel()
	first, second := redistest.New(t, redistest.Config{}), redistest.New(t, redistest.Config{})
	var stage, conns atomic.Int32
	before, after := sentinel(first.Address(), 1), sentinel(second.Address(), 2)
	serve := func(stages ...func(net.Conn)) func(net.Conn) {
		return func(conn net.Conn) {
			conns.Add(1)
			_ = conn.SetDeadline(time.Now().Add(700 * time.Millisecond)) // the next connection gets the answer of its stage
			stages[stage.Load()](conn)
		}
	}
	c := newClient(t, bearerredis.Config{
		Address: several(nil, []string{fakeServer(t, serve(before, after, before)), fakeServer(t, serve(before, after, swallow))}, "&master_name=m"),
		Timeout: 500 * time.Millisecond,
	})
	w := watch(t, c.Cache())
	wantBurnt(t, c.Replays(), "at the first", true)
	mustSet(t, c.Cache(), "k", []byte("value"), time.Minute)

	stage.Store(1)
	w.want(t, "", 5*time.Second) // subscribed to the second: the local cache is cleared
	wantBurnt(t, c.Replays(), "at the second", true)
	if n := admin(t, second).Exists(t.Context(), proofName("at the second")).Val(); n != 1 {
		t.Error("the proof is at the old master")
	}
	wantValue(t, c.Cache(), "k", nil)

	// A Sentinel that was cut off during the failover is not believed.
	stage.Store(2)
	n := conns.Load()
	eventually(t, 20*time.Second, "the Sentinels are asked", func() bool { return conns.Load() > n+6 })
	wantBurnt(t, c.Replays(), "later", true)
	if n := admin(t, second).Exists(t.Context(), proofName("later")).Val(); n != 1 {
		t.Error("the old master is used again")
	}
}

// A replica that a Sentinel names is refused: its data may be old.
func TestSentinelsThatDoNotHelp(t *testing.T) {
	t.Parallel()
	servers := redistest.NewFailover(t, redistest.Config{})
	c := newClient(t, bearerredis.Config{Address: several(nil, []string{fakeServer(t, sentinel(servers.Replica.Address(), 1))}, "&master_name=m")})
	if _, err := c.Cache().Get(t.Context(), "k"); err == nil || !strings.Contains(err.Error(), "not a master") {
		t.Errorf("Get = %v", err)
	}

	// Without Sentinels, an instance keeps its connections.
	c = newClient(t, bearerredis.Config{Address: several(nil, servers.Addresses(), "&master_name="+redistest.MasterName)})
	wantBurnt(t, c.Replays(), "before", true)
	for _, s := range servers.Sentinels {
		s.Stop()
	}
	wantBurnt(t, c.Replays(), "after", true)
	wantBurnt(t, c.Replays(), "before", false)
	other := newClient(t, bearerredis.Config{Address: several(nil, servers.Addresses(), "&master_name="+redistest.MasterName)})
	if _, err := other.Cache().Get(t.Context(), "k"); err == nil || !strings.Contains(err.Error(), "no Sentinel answers") {
		t.Errorf("without Sentinels: %v", err)
	}
}

func (a api) status(proof string) int {
	r := httptest.NewRequest(http.MethodGet, origin+"/orders", nil)
	r.Header.Set("Authorization", "DPoP "+token)
	r.Header.Set("DPoP", proof)
	w := httptest.NewRecorder()
	a.handler.ServeHTTP(w, r)
	return w.Code
}

// While no master is there, the answer is 503. The new master knows the proofs.
func TestAnswersDuringAFailover(t *testing.T) {
	t.Parallel()
	servers := redistest.NewFailover(t, redistest.Config{})
	w := newWallet(t)
	address := several(nil, servers.Addresses(), "&master_name="+redistest.MasterName)
	first, second := newAPI(t, w, address), newAPI(t, w, address)
	used, unsent := w.proof(t), w.proof(t)
	first.want(t, used, http.StatusOK, "")
	second.want(t, used, http.StatusUnauthorized, `error="invalid_dpop_proof"`)
	if n := admin(t, servers.Master).Wait(t.Context(), 1, 5*time.Second).Val(); n != 1 { // as a client with WAIT would
		t.Fatal("the replica does not follow")
	}
	servers.Master.Stop()
	first.want(t, used, http.StatusServiceUnavailable, "")
	second.want(t, unsent, http.StatusServiceUnavailable, "")
	for _, instance := range []api{first, second} {
		eventually(t, 15*time.Second, "the instance uses the new master", func() bool { return instance.status(w.proof(t)) == http.StatusOK })
		instance.want(t, used, http.StatusUnauthorized, `error="invalid_dpop_proof"`)
	}
	first.want(t, unsent, http.StatusOK, "")
	second.want(t, unsent, http.StatusUnauthorized, `error="invalid_dpop_proof"`)
}

func TestNothingLeaksWithSeveralServers(t *testing.T) {
	cluster, servers := redistest.NewCluster(t, redistest.Config{}), redistest.NewFailover(t, redistest.Config{})
	before := runtime.NumGoroutine()
	for _, address := range []string{
		several(nil, cluster.Addresses(), ""),
		several(nil, servers.Addresses(), "&master_name="+redistest.MasterName),
	} {
		c, err := bearerredis.New(bearerredis.Config{Address: address, Timeout: patient})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		subscribed, ended := make(chan string, 100), make(chan struct{})
		go func() { defer close(ended); c.Cache().Watch(ctx, func(key string) { subscribed <- key }) }()
		<-subscribed
		for i := range 20 {
			wantBurnt(t, c.Replays(), fmt.Sprint(i), true)
		}
		if _, err := c.Denials().Denied(ctx, nil); err != nil {
			t.Error(err)
		}
		cancel()
		<-ended
		if err := c.Close(); err != nil {
			t.Error(err)
		}
		if _, err := c.Cache().Get(t.Context(), "k"); err == nil {
			t.Error("Get after Close: no error")
		}
	}
	eventually(t, 10*time.Second, "all goroutines end", func() bool { return runtime.NumGoroutine() <= before })
}
