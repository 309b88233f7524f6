package main

import (
	"net/http"
	"testing"
)

// statusOf returns the status of a request with a Host field.
func statusOf(t *testing.T, url, host string) int {
	t.Helper()
	r, err := http.NewRequest("GET", url+"/public", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Host = host
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	return resp.StatusCode
}

// Reports G11: with -dev the program answers requests for this machine's names and
// its own host only. Without -dev it accepts any Host, and takes no identity from
// it.
func TestHosts(t *testing.T) {
	t.Parallel()
	for _, framework := range frameworks {
		dev := start(t, "-framework", framework, "-dev", "-resource", "https://api.example.com/v1")
		for host, want := range map[string]int{
			"": 200, "localhost": 200, "[::1]:1": 200, "api.example.com": 200,
			"evil.example": 421, "evil.example:8080": 421, "x.localhost": 421,
		} {
			if got := statusOf(t, dev, host); got != want {
				t.Errorf("%s: Host %q under -dev: %d, want %d", framework, host, got, want)
			}
		}
		deployed := start(t, "-framework", framework, "-issuer", newIssuer(t).URL())
		if got := statusOf(t, deployed, "api.example.com"); got != 200 {
			t.Errorf("%s: Host api.example.com: %d, want 200", framework, got)
		}
	}
}
