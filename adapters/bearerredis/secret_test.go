package bearerredis_test

import (
	"fmt"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bearerkit/bearerkit/adapters/bearerredis"
	"github.com/bearerkit/bearerkit/adapters/bearerredis/redistest"
)

func TestPassword(t *testing.T) {
	t.Parallel()
	const right = "correct horse & battery/staple?"
	server := redistest.New(t, redistest.Config{Password: right})
	c := newCache(t, bearerredis.Config{Address: "redis://:" + url.QueryEscape(right) + "@" + server.Address()})
	// In a URL's user information, + does not mean a space.
	if err := c.Set(t.Context(), "k", []byte("value"), time.Minute); err == nil {
		t.Error("a password with + for space is accepted")
	}
	c = newCache(t, bearerredis.Config{Address: (&url.URL{Scheme: "redis", User: url.UserPassword("default", right), Host: server.Address()}).String()})
	mustSet(t, c, "k", []byte("value"), time.Minute)
	wantValue(t, c, "k", []byte("value"))
	watch(t, c)

	var log logBuffer
	const wrong = "hunter2hunter2"
	c = newCache(t, bearerredis.Config{Address: "redis://:" + wrong + "@" + server.Address(), Logger: log.logger()})
	if text := fmt.Sprintf("%v %+v", c, c); strings.Contains(text, wrong) {
		t.Error("printing the cache shows the password")
	}
	w := startWatch(t, c)
	_, getErr := c.Get(t.Context(), "k")
	setErr := c.Set(t.Context(), "k", nil, time.Minute)
	eventually(t, 5*time.Second, "both failures are logged", func() bool { return strings.Count(log.String(), "level=WARN") >= 2 })
	for _, text := range []string{fmt.Sprint(getErr), fmt.Sprint(setErr), log.String()} {
		if !strings.Contains(text, "WRONGPASS") {
			t.Errorf("want WRONGPASS: %s", text)
		}
		if strings.Contains(text, wrong) {
			t.Errorf("the password shows: %s", text)
		}
	}
	if len(w.heard) > 0 {
		t.Error("a watch without permission received a key")
	}
}

// A server that does not know a command quotes its arguments, possibly truncated.
func TestServerEchoesThePassword(t *testing.T) {
	const password = "hunter2hunter2"
	for _, text := range []string{
		"ERR unknown command 'HELLO', with args beginning with: '2' 'AUTH' '" + password[:10],
		"ERR " + password + " is not allowed",
	} {
		c := newCache(t, bearerredis.Config{Address: "redis://:" + password + "@" + fakeServer(t, reply("-"+text+"\r\n"))})
		_, err := c.Get(t.Context(), "k")
		if err == nil || strings.Contains(err.Error(), password[:10]) || !strings.Contains(err.Error(), "ERR ") {
			t.Errorf("%q: err = %v", text, err)
		}
	}
}

func TestTLS(t *testing.T) {
	server := redistest.New(t, redistest.Config{TLS: true, Password: "secret"})
	address := "rediss://:secret@" + server.Address()
	c := newCache(t, bearerredis.Config{Address: address, TLSConfig: server.TLSConfig()})
	mustSet(t, c, "k", []byte("value"), time.Minute)
	wantValue(t, c, "k", []byte("value"))
	w := watch(t, c)
	mustSet(t, c, "k", nil, time.Minute)
	w.want(t, "k", time.Second)

	untrusting := newCache(t, bearerredis.Config{Address: address})
	eventually(t, 5*time.Second, "Get with an unknown authority fails", func() bool {
		_, err := untrusting.Get(t.Context(), "k")
		if err == nil {
			t.Fatal("Get with an unknown authority: no error")
		}
		return strings.Contains(err.Error(), "certificate") // not a timeout on a slow machine
	})

	// The go-redis client does not notice that idle TLS connections are dead. Callers
	// must not see an error.
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() { _, _ = c.Get(t.Context(), "k") })
	}
	all.Wait()
	server.Stop()
	server.Start()
	w.want(t, "", 5*time.Second)
	mustSet(t, c, "k", []byte("new"), time.Minute)
	wantValue(t, c, "k", []byte("new"))
}
