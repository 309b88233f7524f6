package bearerredis_test

import (
	"encoding/base64"
	"fmt"
	"net"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/bearerkit/bearerkit/adapters/bearerredis"
	"github.com/bearerkit/bearerkit/adapters/bearerredis/redistest"
)

// createUser creates the user app with the rule number n of the README.
func createUser(t *testing.T, n int, password string, servers ...*redistest.Server) {
	t.Helper()
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	rule, _, _ := strings.Cut(strings.Split(string(readme), "ACL SETUSER ")[n+1], "\n")
	args := []any{"ACL", "SETUSER"}
	for word := range strings.FieldsSeq(strings.Replace(rule, "PASSWORD", password, 1)) {
		args = append(args, word)
	}
	for _, server := range servers {
		db := redis.NewClient(&redis.Options{Addr: server.Address(), Password: admins, TLSConfig: server.TLSConfig(), DisableIdentity: true})
		if err := db.Do(t.Context(), args...).Err(); err != nil {
			t.Fatalf("%q: %v", rule, err)
		}
		_ = db.Close()
	}
}

const admins = "the-password-of-admins"

// useAll uses all three parts.
func useAll(t *testing.T, config bearerredis.Config) {
	t.Helper()
	first, second := newClient(t, config), newClient(t, config)
	w := watch(t, second.Cache())
	for i := range 10 { // in a Cluster, on several nodes
		k := fmt.Sprint(i)
		mustSet(t, first.Cache(), k, []byte("value"), time.Minute)
		wantValue(t, second.Cache(), k, []byte("value"))
		mustSet(t, first.Cache(), k, nil, time.Minute)
		w.want(t, k, time.Second)
		wantBurnt(t, first.Replays(), k, true)
		wantBurnt(t, second.Replays(), k, false)
	}
	clusterDenials(t, first, second)
}

// The permissions in the README suffice, TLS protects all connections, and every
// password is needed.
func TestClusterWithTLSAndUsers(t *testing.T) {
	t.Parallel()
	cluster := redistest.NewCluster(t, redistest.Config{TLS: true, Password: admins})
	createUser(t, 0, "secret", append(cluster.Masters[:], cluster.Replica)...)
	tls := strings.Replace(several(url.UserPassword("app", "secret"), cluster.Addresses(), "&client_name=api"), "redis:", "rediss:", 1)
	useAll(t, bearerredis.Config{Address: tls, TLSConfig: cluster.Masters[0].TLSConfig()})

	for name, config := range map[string]bearerredis.Config{
		"certificate": {Address: tls},
		"WRONGPASS":   {Address: strings.Replace(tls, "secret", "hunter2", 1), TLSConfig: cluster.Masters[0].TLSConfig()},
		"":            {Address: strings.Replace(tls, "rediss:", "redis:", 1)},
	} {
		wantFailure(t, config, name)
	}
}

func TestSentinelWithTLSAndUsers(t *testing.T) {
	t.Parallel()
	servers := redistest.NewFailover(t, redistest.Config{TLS: true, Password: admins})
	createUser(t, 0, "secret", servers.Master, servers.Replica)
	createUser(t, 1, "sentry", servers.Sentinels[:]...)
	address := strings.Replace(several(url.UserPassword("app", "secret"), servers.Addresses(),
		"&client_name=api&master_name="+redistest.MasterName+"&sentinel_username=app&sentinel_password=sentry"), "redis:", "rediss:", 1)
	trust := servers.Master.TLSConfig()
	useAll(t, bearerredis.Config{Address: address, TLSConfig: trust})

	for name, config := range map[string]bearerredis.Config{
		"certificate": {Address: address},
		"WRONGPASS":   {Address: strings.Replace(address, "secret", "hunter2", 1), TLSConfig: trust},
		"no Sentinel": {Address: strings.Replace(address, "sentry", "hunter2", 1), TLSConfig: trust},
		"does not know the master \"other\"": {
			Address: strings.Replace(address, redistest.MasterName, "other", 1), TLSConfig: trust,
		},
	} {
		wantFailure(t, config, name)
	}
}

func wantFailure(t *testing.T, config bearerredis.Config, want string) {
	t.Helper()
	var log logBuffer
	config.Logger = log.logger()
	c := newClient(t, config)
	_, err := c.Replays().Burn(t.Context(), proofUntil("p", time.Now().Add(time.Minute)))
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("Burn = %v, want %q", err, want)
	}
	if text := fmt.Sprint(err, log.String()); strings.Contains(text, "hunter2") {
		t.Errorf("a password shows: %s", text)
	}
}

// Whatever the Sentinels say, no call waits, and nothing panics.
func TestBrokenSentinels(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"*0\r\n", "*1\r\n$1\r\nx\r\n", "*2\r\n*-1\r\n*-1\r\n", "$-1\r\n", ":1\r\n", "+OK\r\n", "-ERR no\r\n", "-NOAUTH Authentication required.\r\n", "x", ""} {
		t.Run(strings.TrimSpace(text), func(t *testing.T) {
			t.Parallel()
			serve := reply(text)
			if text == "" {
				serve = swallow
			}
			address := several(nil, []string{fakeServer(t, serve), fakeServer(t, serve)}, "&master_name=m")
			wantSlowFailure(t, address)
		})
	}
}

// A Cluster client asks nodes in goroutines of its own.
func TestBrokenNodes(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"*0\r\n", "*1\r\n*1\r\n:1\r\n", "*1\r\n*3\r\n:0\r\n:16383\r\n*0\r\n", "*1\r\n*2\r\n:0\r\n:16383\r\n", "$-1\r\n", "+OK\r\n", "-MOVED 1 :0\r\n", "-ASK 1 x\r\n", "-CLUSTERDOWN no\r\n", "x", ""} {
		t.Run(strings.TrimSpace(text), func(t *testing.T) {
			t.Parallel()
			serve := reply(text)
			if text == "" {
				serve = swallow
			}
			wantSlowFailure(t, several(nil, []string{fakeServer(t, serve), fakeServer(t, serve)}, ""))
		})
	}
}

func wantSlowFailure(t *testing.T, address string) {
	t.Helper()
	const timeout = 100 * time.Millisecond
	c := newClient(t, bearerredis.Config{Address: address, Timeout: timeout})
	startWatch(t, c.Cache())
	for i := range 10 {
		began := time.Now()
		if fresh, err := c.Replays().Burn(t.Context(), proofUntil(fmt.Sprint(i), time.Now().Add(time.Minute))); fresh && err == nil {
			t.Log("accepted: the server's reply was a valid one")
		}
		if took := time.Since(began); took > timeout+400*time.Millisecond {
			t.Errorf("Burn took %v", took)
		}
	}
}

// A Sentinel that was cut off still names the earlier master. An answer from
// another one, with a higher epoch, is newer.
func TestTheNewestSentinelDecides(t *testing.T) {
	t.Parallel()
	old, current := redistest.New(t, redistest.Config{}), redistest.New(t, redistest.Config{})
	stale := fakeServer(t, sentinel(old.Address(), 3))
	c := newClient(t, bearerredis.Config{Address: several(nil, []string{stale, fakeServer(t, sentinel(current.Address(), 4))}, "&master_name=m")})
	wantBurnt(t, c.Replays(), "proof", true)
	if n := admin(t, current).Exists(t.Context(), proofName("proof")).Val(); n != 1 {
		t.Error("the proof is not at the newest master")
	}
}

func proofName(name string) string {
	sum := proofKey(name)
	return "bearerkit:proof:" + base64.RawURLEncoding.EncodeToString(sum[:])
}

// sentinel answers like a Sentinel that knows the master at an address.
func sentinel(address string, epoch int) func(net.Conn) {
	host, port, _ := strings.Cut(address, ":")
	return func(conn net.Conn) {
		for buf := make([]byte, 4096); ; {
			n, err := conn.Read(buf)
			if err != nil {
				return
			}
			text := "-ERR unknown command\r\n"
			switch request := string(buf[:n]); {
			case strings.Contains(request, "get-master-addr-by-name"):
				text = array(host, port)
			case strings.Contains(request, "SENTINEL"):
				text = array("ip", host, "port", port, "config-epoch", fmt.Sprint(epoch))
			}
			if _, err := conn.Write([]byte(text)); err != nil {
				return
			}
		}
	}
}

func array(words ...string) string {
	text := fmt.Sprintf("*%d\r\n", len(words))
	for _, word := range words {
		text += fmt.Sprintf("$%d\r\n%s\r\n", len(word), word)
	}
	return text
}
