package main

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
)

// The page rotates the issuer's keys: a token of the new key works at once, and one
// of the old key until the API has fetched the keys without it.
func TestConsoleRotatesTheKeys(t *testing.T) {
	t.Parallel()
	base := start(t, "-dev", "-refresh-budget", "1ms")
	bearer := func(token string) int {
		return send(t, base, "GET /orders\nAuthorization: Bearer "+token).status
	}
	mint := func() string {
		return consoleToken(t, base, url.Values{"sub": {"alice"}, "scope": {"orders:read"}})
	}
	change := func(what string) (signs, old any) {
		status, answer := ask(t, base, "/console/keys", url.Values{"change": {what}})
		if status != 200 {
			t.Fatalf("%s: %d %v", what, status, answer)
		}
		return answer["signs"], answer["old"]
	}
	first := mint()
	kid, old := change("rotate")
	if old == "" || old == kid {
		t.Fatalf("%v, %v", kid, old)
	}
	second := mint()
	if a, b := bearer(second), bearer(first); a != 200 || b != 200 {
		t.Errorf("after the rotation: the new token %d, the old one %d", a, b)
	}
	if signs, old := change("withdraw"); signs != kid || old != "" {
		t.Errorf("%v, %v", signs, old)
	}
	if got := bearer(first); got != 200 {
		t.Errorf("the old token before the API fetches the keys: %d", got)
	}
	change("rotate")
	if got := bearer(mint()); got != 200 { // the API fetches the keys
		t.Errorf("the newest token: %d", got)
	}
	if a, b := bearer(second), bearer(first); a != 200 || b != 401 {
		t.Errorf("after the withdrawal: the second token %d, the first %d", a, b)
	}
	for range 3 {
		change("rotate")
	}
	change("withdraw")
	if kids := strings.Count(keySet(t, base), `"kid"`); kids != 5 {
		t.Errorf("the issuer publishes %d keys, want one of each family", kids)
	}
	if status, answer := ask(t, base, "/console/keys", url.Values{"change": {"lose"}}); status != 400 {
		t.Errorf("%d %v", status, answer)
	}
}

// keySet reads the issuer's keys, where its metadata says.
func keySet(t *testing.T, base string) string {
	t.Helper()
	body := send(t, base, "GET /console/state").body
	_, rest, _ := strings.Cut(body, `"issuer":{"url":"http://`)
	issuer, _, _ := strings.Cut(rest, `"`)
	return send(t, "http://"+issuer, "GET /jwks").body
}

// Three bad tokens are enough for a 429 on the console's own route, which then
// refuses good tokens too. The API's routes have no limit.
func TestConsoleLimitsBadTokens(t *testing.T) {
	t.Parallel()
	for _, framework := range frameworks {
		base := start(t, "-framework", framework, "-dev")
		good := consoleToken(t, base, url.Values{"sub": {"alice"}, "scope": {"orders:read"}})
		call := func(path, token string) answer {
			return send(t, base, "GET "+path+"\nAuthorization: Bearer "+token)
		}
		const limited, free = "/console/limited", "/orders"
		if got := call(limited, good).status; got != 200 {
			t.Fatalf("%s: a good token: %d", framework, got)
		}
		for range 3 {
			if got := call(limited, forge(good)).status; got != 401 {
				t.Errorf("%s: a bad token: %d", framework, got)
			}
			call(free, forge(good))
		}
		got := call(limited, good)
		after, err := strconv.Atoi(got.header.Get("Retry-After"))
		if got.status != http.StatusTooManyRequests || err != nil || after < 1 || after > 3 {
			t.Errorf("%s: %+v", framework, got)
		}
		if got := call(free, good).status; got != 200 {
			t.Errorf("%s: the API's own route: %d", framework, got)
		}
		if got := send(t, base, "GET "+limited).status; got != 401 {
			t.Errorf("%s: without a token: %d", framework, got)
		}
	}
}

// A profile may require that tokens are bound. The page then binds its tokens, or
// says that it cannot.
func TestConsoleKnowsTheProfile(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ args, want string }{
		{"", `"dpop":"allowed","mtls":"off"`},
		{"-profile fapi2", `"dpop":"required","mtls":"off"`},
		{"-profile fapi2 -dpop off -mtls allowed", `"dpop":"off","mtls":"required"`},
	} {
		c := configOf(t, append([]string{"-dev", "-listen", "127.0.0.1:0"}, strings.Fields(tt.args)...)...)
		dpop, mtls := c.binds()
		if got := `"dpop":"` + dpop + `","mtls":"` + mtls + `"`; got != tt.want {
			t.Errorf("%s: %s, want %s", tt.args, got, tt.want)
		}
	}
}

func configOf(t *testing.T, args ...string) config {
	t.Helper()
	c, err := parseFlags(args, t.Output())
	if err != nil {
		t.Fatal(err)
	}
	return c
}
