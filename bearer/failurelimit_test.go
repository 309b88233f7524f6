package bearer_test

import (
	"fmt"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bearerkit/bearerkit/bearer"
)

// from returns a request with the given credentials from an address, through
// the given proxies.
func from(address, authorization string, forwarded ...string) *http.Request {
	r := get(authorization)
	r.RemoteAddr = netip.AddrPortFrom(netip.MustParseAddr(address), 4711).String()
	if forwarded != nil {
		r.Header["X-Forwarded-For"] = forwarded
	}
	return r
}

// RFC 6585, Section 4: 429 "MAY include a Retry-After header indicating how
// long to wait". The guard does not inspect further tokens of a guessing
// address.
func TestFailureLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log eventLog
		rt := newRoute(t, log.config(bearer.Config{FailureLimit: &bearer.FailureLimit{Burst: 3, Every: 2 * time.Second}}), bearer.RouteConfig{})
		want := func(r *http.Request, status int, why string) answer {
			t.Helper()
			got := serve(rt, r)
			if got.status != status {
				t.Errorf("%s: %d, want %d", why, got.status, status)
			}
			return got
		}
		for range 3 {
			want(from("192.0.2.1", "Bearer forged"), 401, "within the burst")
		}
		got := want(from("192.0.2.1", "Bearer good"), 429, "a good token after the burst")
		if got.header.Get("Retry-After") != "2" || got.challenge() != "" || got.header.Get("Cache-Control") != "no-store" ||
			got.body != `{"status":429,"error_description":"Too many requests with bad access tokens came from this address.","request_id":"id-1"}`+"\n" {
			t.Errorf("%v %s", got.header, got.body)
		}
		event := log.events[len(log.events)-1]
		if event.Code != bearer.CodeTooManyFailures || event.Check != "failures" || !strings.Contains(event.Expected, "192.0.2.1") || event.Subject != "" {
			t.Errorf("event %+v", event)
		}
		want(from("192.0.2.1", "Basic YTpi"), 401, "no credentials that are judged")
		want(get(), 401, "no credentials")
		want(from("192.0.2.2", "Bearer good"), 200, "another address")

		<-time.After(2*time.Second - 1)
		want(from("192.0.2.1", "Bearer good"), 429, "before one is regained")
		<-time.After(1)
		want(from("192.0.2.1", "Bearer good"), 200, "when one is regained")
		want(from("192.0.2.1", "Bearer forged"), 401, "which is used")
		want(from("192.0.2.1", "Bearer forged"), 429, "and was the only one")
		<-time.After(6 * time.Second)
		for range 3 {
			want(from("192.0.2.1", "Bearer forged"), 401, "all are regained")
		}
		want(from("192.0.2.1", "Bearer forged"), 429, "and no more than these")
	})
}

// Reports V5: a token that makes the endpoint fail counts as a failure of its
// address. An outage does not.
func TestWhatIsAFailure(t *testing.T) {
	for token, want := range map[string]int{
		"good": 200, "forged": 429, "unknown": 429, "key-bound": 429,
		"expired": 401, // proven, and what any client has at times
		"down":    503,
		"suspect": 429,
	} {
		rt := newRoute(t, bearer.Config{FailureLimit: &bearer.FailureLimit{Burst: 1}}, bearer.RouteConfig{})
		serve(rt, from("192.0.2.1", "Bearer "+token))
		if got := serve(rt, from("192.0.2.1", "Bearer "+token)); got.status != want {
			t.Errorf("%s: then %d, want %d", token, got.status, want)
		}
	}
	proof := &proofs{err: &bearer.Error{Code: bearer.CodeInvalidDPoPProof}}
	for code, want := range map[bearer.Code]int{bearer.CodeInvalidDPoPProof: 429, bearer.CodeUseDPoPNonce: 401} {
		proof.err = &bearer.Error{Code: code}
		rt := newRoute(t, bearer.Config{
			Verifiers: []bearer.Verifier{boundVerifier}, Proofs: proof, FailureLimit: &bearer.FailureLimit{Burst: 1},
		}, bearer.RouteConfig{})
		serve(rt, from("192.0.2.1", "DPoP key"))
		if got := serve(rt, from("192.0.2.1", "DPoP key")); got.status != want {
			t.Errorf("%s: then %d, want %d", code, got.status, want)
		}
	}
}

// Attack 2.7: an address in a field that any client can send is ignored.
func TestFailureAddress(t *testing.T) {
	proxies := func(peer netip.Addr) bool { return netip.MustParsePrefix("10.0.0.0/8").Contains(peer) }
	tests := []struct {
		name      string
		trusted   func(netip.Addr) bool
		peer      string
		forwarded []string
		same      bool // as 192.0.2.1
	}{
		{"the peer", nil, "192.0.2.1", nil, true},
		{"another port is the same client", nil, "192.0.2.1", nil, true},
		{"IPv4 in IPv6", nil, "::ffff:192.0.2.1", nil, true},
		{"the field of a peer that is not a proxy", proxies, "192.0.2.9", []string{"192.0.2.1"}, false},
		{"the field where no proxy is trusted", nil, "10.0.0.1", []string{"192.0.2.1"}, false},
		{"from the proxy", proxies, "10.0.0.1", []string{"192.0.2.1"}, true},
		{"what the client wrote before the proxy", proxies, "10.0.0.1", []string{"198.51.100.1, 192.0.2.1"}, true},
		{"through two proxies, in one line", proxies, "10.0.0.1", []string{"192.0.2.1, 10.1.1.1"}, true},
		{"through sixteen proxies", proxies, "10.0.0.1", []string{"192.0.2.1" + strings.Repeat(",10.1.1.1", 15)}, true},
		{"through seventeen proxies", proxies, "10.0.0.1", []string{"192.0.2.1" + strings.Repeat(",10.1.1.1", 16)}, false},
		{"in another line", proxies, "10.0.0.1", []string{"198.51.100.1", " 192.0.2.1 "}, true},
		{"through two proxies", proxies, "10.0.0.1", []string{"198.51.100.1,192.0.2.1", "10.1.1.1"}, true},
		{"a client that names itself", proxies, "10.0.0.1", []string{"192.0.2.1, 198.51.100.1"}, false},
		{"more hops than anybody has", proxies, "10.0.0.1", []string{"192.0.2.1" + strings.Repeat(",10.0.0.2", 100_000)}, false},
		{"with a port", proxies, "10.0.0.1", []string{"192.0.2.1:4711"}, true},
		{"an entry that is not an address", proxies, "10.0.0.1", []string{"192.0.2.1, unknown"}, false},
	}
	for _, tt := range tests {
		rt := newRoute(t, bearer.Config{FailureLimit: &bearer.FailureLimit{Burst: 1, TrustedProxy: tt.trusted}}, bearer.RouteConfig{})
		serve(rt, from("192.0.2.1", "Bearer forged"))
		want := 200
		if tt.same {
			want = 429
		}
		if got := serve(rt, from(tt.peer, "Bearer good", tt.forwarded...)); got.status != want {
			t.Errorf("%s: %d, want %d", tt.name, got.status, want)
		}
	}
	rt := newRoute(t, bearer.Config{FailureLimit: &bearer.FailureLimit{Burst: 1}}, bearer.RouteConfig{})
	serve(rt, from("2001:db8:1:2::1", "Bearer forged"))
	for peer, want := range map[string]int{"2001:db8:1:2:ffff::9": 429, "2001:db8:1:3::1": 200} {
		if got := serve(rt, from(peer, "Bearer good")); got.status != want {
			t.Errorf("%s after its neighbour: %d, want %d", peer, got.status, want)
		}
	}
	// CVE-2025-64484: another spelling of the field's name is a different field.
	proxied := from("10.0.0.1", "Bearer forged", "192.0.2.1")
	proxied.Header["X_Forwarded_For"] = []string{"198.51.100.7"}
	proxied.Header["X-Forwarded_For"] = []string{"198.51.100.7"}
	rt = newRoute(t, bearer.Config{FailureLimit: &bearer.FailureLimit{Burst: 1, TrustedProxy: proxies}}, bearer.RouteConfig{})
	serve(rt, proxied)
	for client, want := range map[string]int{"192.0.2.1": 429, "198.51.100.7": 200} {
		if got := serve(rt, from("10.0.0.1", "Bearer good", client)); got.status != want {
			t.Errorf("%s after a field of another spelling: %d, want %d", client, got.status, want)
		}
	}
	// What a proxy writes in place of an address counts for the proxy.
	rt = newRoute(t, bearer.Config{FailureLimit: &bearer.FailureLimit{Burst: 1, TrustedProxy: proxies}}, bearer.RouteConfig{})
	serve(rt, from("10.0.0.1", "Bearer forged", "unknown"))
	for peer, want := range map[string]int{"10.0.0.1": 429, "10.0.0.2": 200} {
		if got := serve(rt, from(peer, "Bearer good", "unknown")); got.status != want {
			t.Errorf("an unknown client of %s: %d, want %d", peer, got.status, want)
		}
	}
	// Nobody vouches for the fields of a peer without an address.
	rt = newRoute(t, bearer.Config{FailureLimit: &bearer.FailureLimit{Burst: 1, TrustedProxy: func(netip.Addr) bool { return true }}}, bearer.RouteConfig{})
	for i, want := range []int{401, 429} {
		r := from("192.0.2.1", "Bearer forged", "198.51.100."+strconv.Itoa(i))
		r.RemoteAddr = "@"
		if got := serve(rt, r); got.status != want {
			t.Errorf("without an address, with a field: %d, want %d", got.status, want)
		}
	}
	// All clients of a Unix socket, which have no address, count as one.
	r := get("Bearer forged")
	r.RemoteAddr = "@"
	serve(rt, r)
	if got := serve(rt, r); got.status != 429 {
		t.Errorf("without an address: %d", got.status)
	}
}

// A flood of addresses uses bounded memory, and does not evict the addresses
// with the most failures.
func TestFailureLimitIsBounded(t *testing.T) {
	const addresses = 100
	rt := newRoute(t, bearer.Config{FailureLimit: &bearer.FailureLimit{Burst: 5, Every: time.Hour, MaxAddresses: addresses}}, bearer.RouteConfig{})
	for range 5 {
		serve(rt, from("192.0.2.1", "Bearer forged"))
	}
	for i := range 100 * addresses {
		serve(rt, from(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}).String(), "Bearer forged"))
	}
	if got := serve(rt, from("192.0.2.1", "Bearer good")); got.status != 429 {
		t.Errorf("who guesses most: %d, want 429", got.status)
	}
	if n := bearer.FailuresRemembered(rt); n != addresses {
		t.Errorf("%d addresses are remembered, want %d", n, addresses)
	}
}

// An address that is remembered takes no room from another, one that has regained
// its failures makes room, and others keep theirs.
func TestFailureLimitMakesRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rt := newRoute(t, bearer.Config{FailureLimit: &bearer.FailureLimit{Burst: 3, Every: time.Second, MaxAddresses: 3}}, bearer.RouteConfig{})
		fail := func(address string, times, remembered int) {
			t.Helper()
			for range times {
				serve(rt, from(address, "Bearer forged"))
			}
			if n := bearer.FailuresRemembered(rt); n != remembered {
				t.Errorf("after %s: %d addresses are remembered, want %d", address, n, remembered)
			}
		}
		fail("192.0.2.1", 1, 1)
		fail("192.0.2.2", 1, 2)
		fail("192.0.2.3", 4, 3)
		fail("192.0.2.1", 0, 3)
		<-time.After(time.Second) // the first two have regained all, at this moment
		fail("192.0.2.3", 1, 3)   // known, so nobody makes room
		fail("192.0.2.4", 1, 2)   // the first two make room
		if got := serve(rt, from("192.0.2.3", "Bearer good")); got.status != 429 {
			t.Errorf("who guesses most: %d, want 429", got.status)
		}
		// Failures count from now, and not from the last one.
		<-time.After(time.Hour)
		for _, want := range []int{401, 401, 401, 429} {
			if got := serve(rt, from("192.0.2.1", "Bearer forged")); got.status != want {
				t.Errorf("an hour later: %d, want %d", got.status, want)
			}
		}
	})
}

// The documented defaults: 100 failures, and 65,536 addresses.
func TestFailureLimitDefaults(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rt := newRoute(t, bearer.Config{FailureLimit: &bearer.FailureLimit{}}, bearer.RouteConfig{})
		judged := 0
		for serve(rt, from("192.0.2.1", "Bearer forged")).status == 401 {
			judged++
		}
		if judged != 100 {
			t.Errorf("%d failures, want 100", judged)
		}
		for i := range 1<<16 + 1 {
			serve(rt, from(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}).String(), "Bearer forged"))
		}
		if n := bearer.FailuresRemembered(rt); n != 1<<16 {
			t.Errorf("%d addresses are remembered, want 65,536", n)
		}
	})
	const year = 365 * 24 * time.Hour
	for _, tt := range []struct {
		limit bearer.FailureLimit
		ok    bool
	}{
		{bearer.FailureLimit{Burst: 1, Every: year}, true},
		{bearer.FailureLimit{Burst: 1, Every: year + 1}, false},
		{bearer.FailureLimit{Every: year / 100}, true},
		{bearer.FailureLimit{Every: year/100 + 1}, false},
	} {
		_, err := bearer.New(bearer.Config{Verifiers: []bearer.Verifier{bearer.VerifierFunc(byName)}, FailureLimit: &tt.limit})
		if (err == nil) != tt.ok {
			t.Errorf("%+v: %v", tt.limit, err)
		}
	}
}

func TestFailureLimitConcurrently(t *testing.T) {
	rt := newRoute(t, bearer.Config{FailureLimit: &bearer.FailureLimit{Burst: 10, Every: time.Hour}}, bearer.RouteConfig{})
	var wg sync.WaitGroup
	var bad atomic.Int64
	for client := range 8 {
		wg.Go(func() {
			for range 100 {
				if got := serve(rt, from("192.0.2."+strconv.Itoa(client), "Bearer forged")); got.status == 401 {
					bad.Add(1)
				}
			}
		})
	}
	wg.Wait()
	if bad.Load() != 80 {
		t.Errorf("%d guesses were judged, want 10 of each of 8", bad.Load())
	}
}

func TestFailureLimitMistakes(t *testing.T) {
	_, err := bearer.New(bearer.Config{
		Verifiers:    []bearer.Verifier{bearer.VerifierFunc(byName)},
		FailureLimit: &bearer.FailureLimit{Burst: -1, Every: -1, MaxAddresses: -1},
		MaxTokenAge:  -1,
		DenyList:     (*pointerDenyList)(nil),
	})
	if _, err := bearer.New(bearer.Config{
		Verifiers:    []bearer.Verifier{bearer.VerifierFunc(byName)},
		FailureLimit: &bearer.FailureLimit{Burst: 1 << 30},
	}); !strings.Contains(fmt.Sprint(err), "FailureLimit: Burst and Every") {
		t.Errorf("a limit that overflows: %v", err)
	}
	for _, want := range []string{"FailureLimit: Burst", "Every is", "MaxAddresses is", "MaxTokenAge is -1ns", "DenyList contains a nil pointer"} {
		if !strings.Contains(fmt.Sprint(err), want) {
			t.Errorf("%q is missing in %v", want, err)
		}
	}
	if strings.Contains(fmt.Sprint(err), "Burst and Every") {
		t.Errorf("a mistake that follows from another: %v", err)
	}
	if _, err := newGuard(t, bearer.Config{}).Route(bearer.RouteConfig{MaxTokenAge: -1}); !strings.Contains(fmt.Sprint(err), "RouteConfig.MaxTokenAge is -1ns") {
		t.Errorf("a route with a negative age: %v", err)
	}
}

type pointerDenyList struct{ denyList }

// Reports V16: a foreign page can make a browser send bad tokens in forms and
// links. They do not count, so the page cannot lock out the visitor's address.
// An address over its limit is refused wherever its token comes from.
func TestOnlyHeaderTokensCountAsFailures(t *testing.T) {
	form := func(token string) *http.Request { return post(formType, "access_token="+token) }
	query := func(token string) *http.Request {
		r := get()
		r.URL.RawQuery = "access_token=" + token
		return r
	}
	header := func(token string) *http.Request { return get("Bearer " + token) }
	config := bearer.Config{Sources: headerFormQuery, FailureLimit: &bearer.FailureLimit{Burst: 3, Every: time.Hour}}
	for name, send := range map[string]func(string) *http.Request{"form": form, "query": query} {
		rt := newRoute(t, config, bearer.RouteConfig{})
		for range 10 {
			for token, want := range map[string]int{"forged": 401, "unknown": 401, "key-bound": 401, "suspect": 503} {
				if got := serve(rt, send(token)); got.status != want {
					t.Errorf("%s: %s: %d, want %d", name, token, got.status, want)
				}
			}
		}
		if got := serve(rt, header("good")); got.status != 200 {
			t.Errorf("after bad tokens in a %s: %d, want 200", name, got.status)
		}
		for range 3 {
			serve(rt, header("forged"))
		}
		for way, r := range map[string]*http.Request{"form": form("good"), "query": query("good"), "header": header("good")} {
			if got := serve(rt, r); got.status != 429 {
				t.Errorf("over the limit, in the %s: %d, want 429", way, got.status)
			}
		}
	}
	// A bad token in the header also counts if tokens in forms are accepted.
	rt := newRoute(t, config, bearer.RouteConfig{})
	for range 3 {
		serve(rt, post(formType, "a=b", "Bearer forged"))
	}
	if got := serve(rt, header("good")); got.status != 429 {
		t.Errorf("after bad tokens in the header of forms: %d, want 429", got.status)
	}
}
