package main

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/bearerkit/bearerkit/adapters/bearerredis"
	"github.com/bearerkit/bearerkit/adapters/bearerredis/redistest"
	"github.com/bearerkit/bearerkit/bearer/bearertest"
	"github.com/bearerkit/bearerkit/introspect"
)

// newTool returns a verifier with the program's settings: the same issuer,
// endpoint, client and Redis.
func newTool(t *testing.T, issuer *bearertest.Issuer, server *redistest.Server) *introspect.Verifier {
	t.Helper()
	client, err := bearerredis.New(bearerredis.Config{Address: server.Address()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	tool, err := introspect.New(introspect.Config{
		Issuer:   issuer.URL(),
		Auth:     introspect.ClientSecretBasic("api", clientSecret),
		Audience: []string{audience},
		Shared:   client.Cache(),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(tool.Close)
	return tool
}

// startTwo starts two instances of the built program that share a Redis. Its tests
// are not parallel: the timeouts for Redis are short, and then answers change.
func startTwo(t *testing.T, issuer *bearertest.Issuer, server *redistest.Server, more ...string) [2]*process {
	t.Helper()
	var instances [2]*process
	for i := range instances {
		instances[i] = startProcess(t, asks(issuer, append(more, "-redis", server.Address(), "-framework", frameworks[i])...)...)
	}
	return instances
}

// A copy of Redis reveals no token and no claim. Each entry expires when its answer
// does.
func TestRedisHoldsNoTokenAndNoClaim(t *testing.T) {
	server := redistest.New(t, redistest.Config{})
	issuer := newIssuer(t)
	p := startProcess(t, asks(issuer, "-redis", server.Address(), "-introspect-all")...)
	jwt, opaque, unknown := issuer.Mint(bearertest.Token{}), issuer.MintOpaque(bearertest.Token{}), "unknown-token"
	checkStatus(t, p.url, "a JWT", jwt, 200)
	checkStatus(t, p.url, "an opaque token", opaque, 200)
	checkStatus(t, p.url, "an unknown token", unknown, 401)

	db := redis.NewClient(&redis.Options{Addr: server.Address()})
	defer db.Close()
	keys, err := db.Keys(t.Context(), "*").Result()
	if err != nil || len(keys) != 3 {
		t.Fatalf("keys %q, %v; want 3", keys, err)
	}
	for _, key := range keys {
		value, err := db.Get(t.Context(), key).Result()
		if err != nil {
			t.Fatal(err)
		}
		for _, hush := range []string{jwt, opaque, unknown, "active", "alice", issuer.URL(), clientSecret} {
			if strings.Contains(key+value, hush) {
				t.Errorf("%s stands in %q: %q", hush, key, value)
			}
		}
		if ttl := db.PTTL(t.Context(), key).Val(); ttl <= 0 || ttl > time.Minute {
			t.Errorf("%q lives for %v", key, ttl)
		}
	}
}

// Forget at one instance makes all instances refuse a revoked token within a
// second, although answers live for a minute.
func TestForgetReachesEveryInstance(t *testing.T) {
	server := redistest.New(t, redistest.Config{})
	issuer := newIssuer(t)
	instances := startTwo(t, issuer, server)
	first, second := newTool(t, issuer, server), newTool(t, issuer, server)
	token := issuer.MintOpaque(bearertest.Token{})
	accepted := func(tool *introspect.Verifier) bool {
		_, err := tool.Verify(t.Context(), token)
		return err == nil
	}
	if !accepted(first) || !accepted(second) {
		t.Fatal("the token is not accepted")
	}
	for _, p := range instances {
		checkStatus(t, p.url, "before", token, 200)
	}

	issuer.Revoke(token)
	for _, p := range instances {
		checkStatus(t, p.url, "revoked, and nobody was told", token, 200)
	}
	if err := first.Forget(t.Context(), token); err != nil {
		t.Fatal(err)
	}
	if accepted(first) {
		t.Error("the instance that forgets accepts the token")
	}
	eventually(t, time.Second, "the others refuse it", func() bool {
		return !accepted(second) && send(t, instances[0].url, meWith(token)).status == 401 && send(t, instances[1].url, meWith(token)).status == 401
	})
}

// Without Forget, instances see a revocation when the answer expires.
func TestRevocationIsSeenWithinMaxAge(t *testing.T) {
	server := redistest.New(t, redistest.Config{})
	issuer := newIssuer(t)
	const maxAge = 2 * time.Second
	instances := startTwo(t, issuer, server, "-introspection-max-age", maxAge.String())
	token := issuer.MintOpaque(bearertest.Token{})
	checkStatus(t, instances[0].url, "before", token, 200)
	<-time.After(maxAge / 2)
	// Sharing an answer does not extend its lifetime.
	checkStatus(t, instances[1].url, "before", token, 200)
	checkAsked(t, issuer, 1)
	issuer.Revoke(token)
	<-time.After(maxAge / 2)
	for _, p := range instances {
		checkStatus(t, p.url, "after", token, 401)
	}
}

// Redis is killed, restarted and hangs while both instances are in use. The answers
// may take longer, but do not change.
func TestRedisIsLostUnderLoad(t *testing.T) {
	server := redistest.New(t, redistest.Config{Password: "hush"})
	issuer := newIssuer(t)
	var instances [2]*process
	for i := range instances {
		instances[i] = startProcess(t, asks(issuer, "-introspection-max-age", "100ms", "-redis", "redis://:hush@"+server.Address())...)
	}
	var good, revoked [20]string
	for i := range good {
		good[i], revoked[i] = issuer.MintOpaque(bearertest.Token{}), issuer.MintOpaque(bearertest.Token{})
		issuer.Revoke(revoked[i])
	}
	ctx, stop := context.WithCancel(t.Context())
	var load sync.WaitGroup
	var answers atomic.Int64
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 16}}
	defer client.CloseIdleConnections()
	ask := func(url, token string, want int) {
		r, err := http.NewRequest(http.MethodGet, url+"/me", nil)
		if err != nil {
			t.Error(err)
			return
		}
		r.Header.Set("Authorization", "Bearer "+token)
		answer, err := client.Do(r)
		if err != nil {
			t.Error(err)
			return
		}
		_ = answer.Body.Close()
		if answer.StatusCode != want {
			t.Errorf("%d; want %d", answer.StatusCode, want)
		}
		answers.Add(1)
	}
	for _, p := range instances {
		for n := range 8 {
			load.Go(func() {
				for i := n; ctx.Err() == nil; i++ {
					ask(p.url, good[i%len(good)], 200)
					ask(p.url, revoked[i%len(revoked)], 401)
				}
			})
		}
	}
	length := 250 * time.Millisecond
	if long, ok := longRun(t); ok {
		length = long / 7
	}
	pause := func() { <-time.After(length) }
	pause()
	for range 2 {
		server.Stop()
		pause()
		server.Start()
		pause()
	}
	server.Signal(syscall.SIGSTOP)
	pause()
	server.Signal(syscall.SIGCONT)
	pause()
	stop()
	load.Wait()
	t.Logf("%d answers", answers.Load())

	// Redis serves again, so that the second instance need not ask.
	eventually(t, patience, "the instances share answers again", func() bool {
		before := issuer.Requests(bearertest.IntrospectionEndpoint)
		token := issuer.MintOpaque(bearertest.Token{})
		for _, p := range instances {
			checkStatus(t, p.url, "after", token, 200)
		}
		return issuer.Requests(bearertest.IntrospectionEndpoint) == before+1
	})
	for _, p := range instances {
		p.end(t, syscall.SIGTERM)
		_, stderr := p.output()
		if !strings.Contains(stderr, "Redis is unavailable") || strings.Contains(stderr, "hush") || strings.Contains(stderr, "opaque_") {
			t.Errorf("the log is\n%s", stderr)
		}
	}
}

// The program starts while Redis is down.
func TestRedisIsDownAtTheStart(t *testing.T) {
	server := redistest.New(t, redistest.Config{})
	server.Stop()
	issuer := newIssuer(t)
	instances := startTwo(t, issuer, server)
	token := issuer.MintOpaque(bearertest.Token{})
	for _, p := range instances {
		checkStatus(t, p.url, "without Redis", token, 200)
		checkStatus(t, p.url, "without Redis", "unknown", 401)
	}
	server.Start()
	eventually(t, patience, "the instances share answers", func() bool {
		before := issuer.Requests(bearertest.IntrospectionEndpoint)
		token := issuer.MintOpaque(bearertest.Token{})
		for _, p := range instances {
			checkStatus(t, p.url, "with Redis", token, 200)
		}
		return issuer.Requests(bearertest.IntrospectionEndpoint) == before+1
	})
}

// With a Redis Cluster, instances share introspection answers, and the deny list.
func TestRedisCluster(t *testing.T) {
	cluster := redistest.NewCluster(t, redistest.Config{Password: "hush"})
	issuer := newIssuer(t)
	admin := issuer.Mint(bearertest.Token{Subject: "root", ClientID: "console", Scope: "denials:write"})
	for name, address := range map[string]string{
		"cluster=true": "redis://:hush@" + cluster.Masters[1].Address() + "?cluster=true",
		"addr":         "redis://:hush@" + cluster.Masters[0].Address() + "?addr=" + cluster.Masters[2].Address(),
	} {
		t.Run(name, func(t *testing.T) {
			first := startProcess(t, asks(issuer, "-redis", address)...)
			second := startProcess(t, asks(issuer, "-redis", address, "-framework", "echo5")...)
			eventually(t, patience, "the instances share answers", func() bool {
				before := issuer.Requests(bearertest.IntrospectionEndpoint)
				token := issuer.MintOpaque(bearertest.Token{})
				checkStatus(t, first.url, "the first", token, 200)
				checkStatus(t, second.url, "the second", token, 200)
				return issuer.Requests(bearertest.IntrospectionEndpoint) == before+1
			})
			stolen := issuer.Mint(bearertest.Token{Claims: map[string]any{"jti": name}})
			checkStatus(t, second.url, "before", stolen, 200)
			if status, text := change(t, "POST", first.url, admin, `{"jti":"`+name+`"}`); status != 200 {
				t.Fatalf("%d %s", status, text)
			}
			eventually(t, patience, "the second instance refuses the denied token", func() bool {
				return send(t, second.url, meWith(stolen)).status == 401
			})
			for _, p := range []*process{first, second} {
				p.end(t, syscall.SIGTERM)
				if _, stderr := p.output(); strings.Contains(stderr, "hush") {
					t.Errorf("the log is\n%s", stderr)
				}
			}
		})
	}
}
