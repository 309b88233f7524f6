package bearerredis_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bearerkit/bearerkit/adapters/bearerredis"
	"github.com/bearerkit/bearerkit/adapters/bearerredis/redistest"
	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/dpop"
	"github.com/bearerkit/bearerkit/scope"
)

func proofKey(name string) [32]byte { return sha256.Sum256([]byte(name)) }

// proofUntil returns a proof with its own key and owner.
func proofUntil(name string, until time.Time) dpop.UsedProof {
	return dpop.UsedProof{ID: proofKey(name), JKT: "jkt-" + name, Owner: proofKey("owner of " + name), Until: until}
}

func wantBurnt(t testing.TB, r *bearerredis.Replays, name string, want bool) {
	t.Helper()
	fresh, err := r.Burn(t.Context(), proofUntil(name, time.Now().Add(time.Minute)))
	if fresh != want || err != nil {
		t.Errorf("Burn(%q) = %t, %v; want %t", name, fresh, err, want)
	}
}

// C-5; RFC 9449, Section 11.1.
func TestOneCallerIsToldFresh(t *testing.T) {
	t.Parallel()
	server := redistest.New(t, redistest.Config{})
	config := bearerredis.Config{Address: server.Address()}
	first := newClient(t, config)
	stores := []*bearerredis.Replays{first.Replays(), newClient(t, config).Replays(), first.Replays()}
	for round := range 50 {
		name := fmt.Sprint(round)
		var fresh atomic.Int32
		var all sync.WaitGroup
		start := make(chan struct{})
		for caller := range 64 {
			all.Go(func() {
				<-start
				ok, err := stores[caller%len(stores)].Burn(t.Context(), proofUntil(name, time.Now().Add(time.Minute)))
				if err != nil {
					t.Error(err)
				}
				if ok {
					fresh.Add(1)
				}
			})
		}
		close(start)
		all.Wait()
		if n := fresh.Load(); n != 1 {
			t.Errorf("%d of 64 callers were told that the proof is fresh", n)
		}
	}
	other := newClient(t, bearerredis.Config{Address: server.Address(), Prefix: "other:"})
	wantBurnt(t, other.Replays(), "0", true)
}

func TestStoredProofs(t *testing.T) {
	t.Parallel()
	server := redistest.New(t, redistest.Config{})
	db := admin(t, server)
	c := newClient(t, bearerredis.Config{Address: server.Address()})
	wantBurnt(t, c.Replays(), "a", true)
	sum := proofKey("a")
	name := "bearerkit:proof:" + base64.RawURLEncoding.EncodeToString(sum[:])
	if got, err := db.Get(t.Context(), name).Result(); got != "" || err != nil {
		t.Errorf("a proof is %q, %v", got, err)
	}
	if ttl := db.PTTL(t.Context(), name).Val(); ttl <= 59*time.Second || ttl > time.Minute {
		t.Errorf("a proof lives %v, want 1m", ttl)
	}
	wantBurnt(t, c.Replays(), "a", false)
	const most = 160 // the README says 120; other versions of Redis may need more
	usage := db.MemoryUsage(t.Context(), name).Val()
	before := usedMemory(t, db.Info(t.Context(), "memory").Val())
	const n = 2000
	for i := range n {
		if _, err := c.Replays().Burn(t.Context(), proofUntil(fmt.Sprint(i), time.Now().Add(time.Minute))); err != nil {
			t.Fatal(err)
		}
	}
	each := (usedMemory(t, db.Info(t.Context(), "memory").Val()) - before) / n
	t.Logf("MEMORY USAGE %d; used_memory grows by %d a proof", usage, each)
	if usage > most {
		t.Errorf("a proof costs Redis %d bytes", usage)
	}
}

func usedMemory(t *testing.T, info string) (n int64) {
	t.Helper()
	_, rest, _ := strings.Cut(info, "used_memory:")
	if _, err := fmt.Sscan(rest, &n); err != nil {
		t.Fatal(err)
	}
	return n
}

// Reports V11: the proofs of one owner are limited across all keys and instances.
// Other owners are unaffected, and a used proof is still reported as used.
func TestQuotas(t *testing.T) {
	t.Parallel()
	server := redistest.New(t, redistest.Config{})
	owner, nobody := proofKey("owner"), [32]byte{}
	for i, tt := range []struct {
		name  string
		most  int // of the configuration
		owner [32]byte
		keys  int // that are used by turns
		want  int
	}{
		{name: "many keys of one owner", most: 30, owner: owner, keys: 64, want: 30},
		{name: "one key of one owner", most: 30, owner: owner, keys: 1, want: 30},
		{name: "one key without an owner", most: 30, owner: nobody, keys: 1, want: 30},
		{name: "two keys without an owner", most: 30, owner: nobody, keys: 2, want: 60},
		{name: "unlimited", most: -1, owner: owner, keys: 1, want: 100},
		{name: "the default", owner: owner, keys: 1, want: 100},
	} {
		t.Run(tt.name, func(t *testing.T) {
			config := bearerredis.Config{Address: server.Address(), Prefix: fmt.Sprint(i, ":"), ProofsPerOwner: tt.most}
			stores := []*bearerredis.Replays{newClient(t, config).Replays(), newClient(t, config).Replays()}
			until := time.Now().Add(time.Minute)
			burn := func(n int, owner [32]byte, key int) (bool, error) {
				return stores[n/2%2].Burn(t.Context(), dpop.UsedProof{ID: proofKey(fmt.Sprint(n)), Owner: owner, JKT: fmt.Sprint("key", key), Until: until})
			}
			taken := 0
			for n := range 100 {
				fresh, err := burn(n, tt.owner, n%tt.keys)
				switch {
				case fresh && err == nil:
					taken++
				case fresh || !errors.Is(err, dpop.ErrQuota):
					t.Fatalf("proof %d: %t, %v", n, fresh, err)
				}
			}
			if taken != tt.want {
				t.Errorf("%d were accepted, want %d", taken, tt.want)
			}
			if fresh, err := burn(0, tt.owner, 0); fresh || err != nil {
				t.Errorf("a used proof: %t, %v", fresh, err)
			}
			if fresh, err := burn(1000, proofKey("another"), 0); !fresh || err != nil {
				t.Errorf("another owner: %t, %v", fresh, err)
			}
		})
	}
}

// A quota resets when its proofs expire, and the counter expires with them.
func TestQuotasReset(t *testing.T) {
	t.Parallel()
	server := redistest.New(t, redistest.Config{})
	db := admin(t, server)
	replays := newClient(t, bearerredis.Config{Address: server.Address(), ProofsPerOwner: 2}).Replays()
	burn := func(name string) (bool, error) {
		return replays.Burn(t.Context(), dpop.UsedProof{ID: proofKey(name), Owner: proofKey("owner"), JKT: "key", Until: time.Now().Add(500 * time.Millisecond)})
	}
	for round := range 3 {
		for n := range 2 {
			eventually(t, 5*time.Second, "the quota resets", func() bool {
				fresh, err := burn(fmt.Sprint(round, n))
				if err != nil && !errors.Is(err, dpop.ErrQuota) {
					t.Fatal(err)
				}
				return fresh
			})
		}
	}
	eventually(t, 5*time.Second, "nothing is left in Redis", func() bool { return len(db.Keys(t.Context(), "*").Val()) == 0 })
}

func TestBurntProofsExpire(t *testing.T) {
	t.Parallel()
	server := redistest.New(t, redistest.Config{})
	replays := newClient(t, bearerredis.Config{Address: server.Address()}).Replays()
	until := time.Now().Add(300 * time.Millisecond)
	if fresh, err := replays.Burn(t.Context(), proofUntil("a", until)); !fresh || err != nil {
		t.Fatalf("Burn = %t, %v", fresh, err)
	}
	eventually(t, 5*time.Second, "the proof expires", func() bool {
		fresh, err := replays.Burn(t.Context(), proofUntil("a", time.Now().Add(time.Minute)))
		if fresh && time.Now().Before(until) {
			t.Error("a proof was forgotten too early")
		}
		return fresh && err == nil
	})
	for _, d := range []time.Duration{0, -time.Nanosecond, -time.Hour} {
		if fresh, err := replays.Burn(t.Context(), proofUntil("late", time.Now().Add(d))); fresh || err == nil {
			t.Errorf("until %v from now: %t, %v; want an error", d, fresh, err)
		}
	}
	wantBurnt(t, replays, "late", true)
}

// cutOff is a proxy before Redis. It counts proofs, and can drop a request, drop a
// reply, or hold back a reply. Dropping closes the connection.
func cutOff(t testing.TB, server *redistest.Server, lose func(set int64) (request, reply, hang bool)) (address string, sets *atomic.Int64) {
	sets = new(atomic.Int64)
	return fakeServer(t, func(conn net.Conn) {
		upstream, err := net.Dial("tcp", server.Address())
		if err != nil {
			t.Error(err)
			return
		}
		defer upstream.Close()
		for buf := make([]byte, 4096); ; {
			n, err := conn.Read(buf)
			if err != nil {
				return
			}
			var request, reply, hang bool
			if bytes.Contains(buf[:n], []byte("proof:")) {
				request, reply, hang = lose(sets.Add(1))
			}
			if request {
				return
			}
			if _, err := upstream.Write(buf[:n]); err != nil {
				return
			}
			if n, err = upstream.Read(buf); err != nil || reply {
				return
			}
			if hang {
				_, _ = io.Copy(io.Discard, conn)
				return
			}
			if _, err := conn.Write(buf[:n]); err != nil {
				return
			}
		}
	}), sets
}

// Whatever is lost, a used proof is never fresh, and a proof that may be fresh is
// never reported as used.
func TestLostReplies(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name      string
		lose      func(set int64) (request, reply, hang bool)
		fresh     bool // in spite of it
		sets      int64
		impatient bool
	}{
		{name: "nothing", lose: func(int64) (_, _, _ bool) { return }, fresh: true, sets: 1},
		{name: "one request", lose: func(n int64) (_, _, _ bool) { return n == 1, false, false }, fresh: true, sets: 2},
		{name: "one reply", lose: func(n int64) (_, _, _ bool) { return false, n == 1, false }, sets: 2},
		{name: "every reply, with the connection open", lose: func(int64) (_, _, _ bool) { return false, false, true }, sets: 1, impatient: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			server := redistest.New(t, redistest.Config{})
			wantBurnt(t, newClient(t, bearerredis.Config{Address: server.Address()}).Replays(), "another", true) // makes Redis know the script
			address, sets := cutOff(t, server, tt.lose)
			config := bearerredis.Config{Address: address}
			if tt.impatient {
				config.Timeout = 300 * time.Millisecond
			}
			fresh, err := newClient(t, config).Replays().Burn(t.Context(), proofUntil("a", time.Now().Add(time.Minute)))
			if fresh != tt.fresh || (err == nil) != tt.fresh {
				t.Errorf("Burn = %t, %v", fresh, err)
			}
			if n := sets.Load(); n != tt.sets {
				t.Errorf("asked %d times, want %d", n, tt.sets)
			}
			wantBurnt(t, newClient(t, bearerredis.Config{Address: server.Address()}).Replays(), "a", false)
		})
	}
	t.Run("the reply to a used proof", func(t *testing.T) {
		server := redistest.New(t, redistest.Config{})
		wantBurnt(t, newClient(t, bearerredis.Config{Address: server.Address()}).Replays(), "a", true)
		address, _ := cutOff(t, server, func(n int64) (_, _, _ bool) { return false, n == 1, false })
		fresh, err := newClient(t, bearerredis.Config{Address: address}).Replays().Burn(t.Context(), proofUntil("a", time.Now().Add(time.Minute)))
		if fresh || err == nil {
			t.Errorf("Burn = %t, %v; want an error", fresh, err)
		}
	})
}

func TestBurnRejectsUnknownReplies(t *testing.T) {
	t.Parallel()
	for _, text := range []string{":1\r\n", "+QUEUED\r\n", "$1\r\nx\r\n", "$0\r\n\r\n", "*0\r\n", "*1\r\n+OK\r\n", "-ERR no\r\n", "HTTP/1.1 200 OK\r\n\r\n"} {
		for _, most := range []int{0, -1} { // with and without a script
			replays := newClient(t, bearerredis.Config{Address: fakeServer(t, reply(text)), Timeout: 200 * time.Millisecond, ProofsPerOwner: most}).Replays()
			if fresh, err := replays.Burn(t.Context(), proofUntil("a", time.Now().Add(time.Minute))); fresh || err == nil {
				t.Errorf("%q: %t, %v; want an error", text, fresh, err)
			}
		}
	}
}

// If Redis is out of memory and may not evict keys, no proof is accepted.
func TestBurnWithoutMemory(t *testing.T) {
	t.Parallel()
	server := redistest.New(t, redistest.Config{})
	var log logBuffer
	c := newClient(t, bearerredis.Config{Address: server.Address(), Logger: log.logger()})
	wantBurnt(t, c.Replays(), "used", true)
	db := admin(t, server)
	if err := db.ConfigSet(t.Context(), "maxmemory", "1").Err(); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if fresh, err := c.Replays().Burn(t.Context(), proofUntil("new", time.Now().Add(time.Minute))); fresh || err == nil || !strings.Contains(err.Error(), "OOM") {
			t.Errorf("Burn = %t, %v; want OOM", fresh, err)
		}
	}
	if fresh, _ := c.Replays().Burn(t.Context(), proofUntil("used", time.Now().Add(time.Minute))); fresh {
		t.Error("a used proof is fresh")
	}
	if got := log.String(); strings.Count(got, "level=WARN") != 1 || !strings.Contains(got, "refuses to store") {
		t.Errorf("log:\n%s", got)
	}
	if err := db.ConfigSet(t.Context(), "maxmemory", "0").Err(); err != nil {
		t.Fatal(err)
	}
	wantBurnt(t, c.Replays(), "used", false)
	wantBurnt(t, c.Replays(), "new", true)
}

func TestBurnDuringAnOutage(t *testing.T) {
	t.Parallel()
	server := redistest.New(t, redistest.Config{})
	var log logBuffer
	c := newClient(t, bearerredis.Config{Address: server.Address(), Logger: log.logger()})
	wantBurnt(t, c.Replays(), "a", true)
	server.Stop()
	for range 100 {
		if fresh, err := c.Replays().Burn(t.Context(), proofUntil("b", time.Now().Add(time.Minute))); fresh || err == nil {
			t.Fatalf("Burn = %t, %v; want an error", fresh, err)
		}
	}
	server.Start()
	wantBurnt(t, c.Replays(), "b", true) // at once: Burn ignores the circuit
	n := 0
	eventually(t, 5*time.Second, "the recovery is logged", func() bool {
		n++
		wantBurnt(t, c.Replays(), fmt.Sprint(n), true)
		return strings.Contains(log.String(), "level=INFO")
	})
	if got := log.String(); strings.Count(got, "level=WARN") != 1 || strings.Count(got, "level=INFO") != 1 {
		t.Errorf("want one warning and one recovery in the log:\n%s", got)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if fresh, err := c.Replays().Burn(gone, proofUntil("gone", time.Now().Add(time.Minute))); fresh || err == nil {
		t.Errorf("Burn for a canceled caller = %t, %v", fresh, err)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	if fresh, err := c.Replays().Burn(t.Context(), proofUntil("a", time.Now().Add(time.Minute))); fresh || err == nil || !strings.Contains(err.Error(), "closed") {
		t.Errorf("Burn after Close = %t, %v", fresh, err)
	}
}

// Idle TLS connections that have died unnoticed cause no errors.
func TestBurnAfterARestartBehindTLS(t *testing.T) {
	t.Parallel()
	server := redistest.New(t, redistest.Config{TLS: true})
	replays := newClient(t, bearerredis.Config{Address: "rediss://" + server.Address(), TLSConfig: server.TLSConfig()}).Replays()
	var all sync.WaitGroup
	for i := range 16 {
		all.Go(func() { wantBurnt(t, replays, fmt.Sprint(i), true) })
	}
	all.Wait()
	server.Stop()
	server.Start()
	for i := range 16 {
		all.Go(func() { wantBurnt(t, replays, fmt.Sprint("new", i), true) })
	}
	all.Wait()
}

// api is an instance of an API that accepts DPoP tokens.
type api struct {
	handler http.Handler
	checker *dpop.Checker
}

// wallet is the key of a client.
type wallet struct {
	key *ecdsa.PrivateKey
	jkt string
}

const (
	origin = "https://api.example.com"
	token  = "Kz~8mXK1EalYznwH-LC-1fBAo"
)

func newWallet(t *testing.T) wallet {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	jkt, err := dpop.Thumbprint(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	return wallet{key, jkt}
}

func (w wallet) proof(t *testing.T) string {
	t.Helper()
	proof, err := dpop.NewProof(dpop.ProofConfig{Key: w.key, Algorithm: "ES256", Method: http.MethodGet, URL: origin + "/orders", AccessToken: token})
	if err != nil {
		t.Fatal(err)
	}
	return proof
}

func newAPI(t *testing.T, w wallet, address string) api {
	t.Helper()
	checker, err := dpop.New(dpop.Config{Origin: origin, Replays: newClient(t, bearerredis.Config{Address: address}).Replays()})
	if err != nil {
		t.Fatal(err)
	}
	guard, err := bearer.New(bearer.Config{
		Verifiers: []bearer.Verifier{bearer.VerifierFunc(func(context.Context, string) (*bearer.Principal, error) {
			return &bearer.Principal{Subject: "alice", Confirmation: bearer.Confirmation{JKT: w.jkt}}, nil
		})},
		Proofs: checker,
	})
	if err != nil {
		t.Fatal(err)
	}
	route := guard.MustRoute(bearer.RouteConfig{Rule: scope.None})
	return api{checker: checker, handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, ok := route.Admit(w, r); ok {
			w.WriteHeader(http.StatusOK)
		}
	})}
}

func (a api) want(t *testing.T, proof string, status int, code string) {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, origin+"/orders", nil)
	r.Header.Set("Authorization", "DPoP "+token)
	r.Header.Set("DPoP", proof)
	w := httptest.NewRecorder()
	a.handler.ServeHTTP(w, r)
	if w.Code != status || !strings.Contains(strings.Join(w.Header().Values("WWW-Authenticate"), ", "), code) {
		t.Errorf("status %d, challenges %q; want %d %s", w.Code, w.Header().Values("WWW-Authenticate"), status, code)
	}
	if status == http.StatusServiceUnavailable && (w.Header().Get("Retry-After") == "" || w.Header().Get("WWW-Authenticate") != "") {
		t.Errorf("503 with header %v", w.Header())
	}
}

// D22, C-5.
func TestAProofIsGoodOnceInAllInstances(t *testing.T) {
	t.Parallel()
	server := redistest.New(t, redistest.Config{})
	w := newWallet(t)
	first, second := newAPI(t, w, server.Address()), newAPI(t, w, server.Address())
	proof := w.proof(t)
	first.want(t, proof, http.StatusOK, "")
	second.want(t, proof, http.StatusUnauthorized, `error="invalid_dpop_proof"`)
	first.want(t, proof, http.StatusUnauthorized, `error="invalid_dpop_proof"`)
	second.want(t, w.proof(t), http.StatusOK, "")
	if n := second.checker.Stats().Replays; n != 1 {
		t.Errorf("Stats().Replays = %d, want 1", n)
	}
}

// While Redis is down, no proof is accepted. After a restart without persistence a
// used proof is accepted again, as the documentation warns.
func TestProofsBeforeAndAfterAnOutage(t *testing.T) {
	t.Parallel()
	for _, durable := range []bool{true, false} {
		t.Run(fmt.Sprintf("durable: %t", durable), func(t *testing.T) {
			server := redistest.New(t, redistest.Config{Durable: durable})
			w := newWallet(t)
			instance := newAPI(t, w, server.Address())
			used, unsent := w.proof(t), w.proof(t)
			instance.want(t, used, http.StatusOK, "")
			server.Stop()
			instance.want(t, used, http.StatusServiceUnavailable, "")
			instance.want(t, unsent, http.StatusServiceUnavailable, "")
			server.Start()
			if durable {
				instance.want(t, used, http.StatusUnauthorized, `error="invalid_dpop_proof"`)
			} else {
				instance.want(t, used, http.StatusOK, "")
			}
			instance.want(t, unsent, http.StatusOK, "")
			instance.want(t, unsent, http.StatusUnauthorized, `error="invalid_dpop_proof"`)
			if s := instance.checker.Stats(); s.Failed != 2 {
				t.Errorf("Stats() = %+v, want 2 failures", s)
			}
		})
	}
}
