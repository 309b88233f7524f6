package main

import (
	"io"
	"net/http"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/bearerkit/bearerkit/adapters/bearerredis/redistest"
	"github.com/bearerkit/bearerkit/bearer/bearertest"
)

// change adds an entry to the deny list, or removes it, and returns the status and
// the body.
func change(t *testing.T, method, url, token, body string) (int, string) {
	t.Helper()
	r, err := http.NewRequest(method, url+"/denials", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	got, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer got.Body.Close()
	text, err := io.ReadAll(got.Body)
	if err != nil {
		t.Error(err)
	}
	return got.StatusCode, string(text)
}

func TestDenials(t *testing.T) {
	t.Parallel()
	issuer := newIssuer(t)
	admin := issuer.Mint(bearertest.Token{Subject: "root", ClientID: "console", Scope: "denials:write"})
	named := issuer.Mint(bearertest.Token{Claims: map[string]any{"jti": "j1", "sid": "s1"}})
	other := issuer.Mint(bearertest.Token{Subject: "bob", ClientID: "other"})
	denied := "401 " + bearerChallenge("invalid_token", "") + " | " + dpopChallenge("", "")
	for _, framework := range frameworks {
		url := start(t, "-issuer", issuer.URL(), "-audience", audience, "-framework", framework)
		ask := func(token string) string {
			got := send(t, url, meWith(token))
			if got.status == 200 {
				return "200"
			}
			return strconv.Itoa(got.status) + " " + got.challenges(url)
		}
		for _, body := range []string{
			`{"jti":"j1"}`, `{"sub":"alice"}`, `{"client_id":"app"}`, `{"sid":"s1"}`, `{"sub":"alice","iss":"` + issuer.URL() + `"}`,
			`{"sub":"alice","issued_before":"2099-01-01T00:00:00Z","until":"2100-01-01T00:00:00Z"}`,
		} {
			if got := ask(named); got != "200" {
				t.Errorf("%s: before %s: %s", framework, body, got)
			}
			if status, text := change(t, "POST", url, admin, body); status != 200 || !strings.Contains(text, `"until":"2`) {
				t.Errorf("%s: %s: %d %s", framework, body, status, text)
			}
			if got := ask(named); got != denied {
				t.Errorf("%s: after %s: %s; want %s", framework, body, got, denied)
			}
			if got := ask(other); got != "200" {
				t.Errorf("%s: another token after %s: %s", framework, body, got)
			}
			if status, text := change(t, "DELETE", url, admin, body); status != 200 {
				t.Errorf("%s: lift %s: %d %s", framework, body, status, text)
			}
		}
		for body, want := range map[string]int{
			`{"sub":"alice","issued_before":"2001-01-01T00:00:00Z"}`: 200,
			`{"sub":"alice","iss":"https://other.example.com"}`:      200,
			`{}`:                         400,
			``:                           400,
			`{"sub":"a","jti":"b"}`:      400,
			`{"sub":"a","sid":"b"}`:      400,
			`{"sub":"a","Sub":"b"}`:      400,
			`{"sub":"a","sub":"b"}`:      400,
			`{"sub":"a","until":"soon"}`: 400,
			`{"sub":"a","until":"2020-01-01T00:00:00Z"}`:     400,
			`{"sub":"` + strings.Repeat("a", maxBody) + `"}`: 413,
		} {
			if status, text := change(t, "POST", url, admin, body); status != want {
				t.Errorf("%s: %.40s: %d %s, want %d", framework, body, status, text, want)
			}
		}
		if got := ask(named); got != "200" {
			t.Errorf("%s: entries that are not about the token: %s", framework, got)
		}
		if status, _ := change(t, "POST", url, other, `{"sub":"root"}`); status != 403 {
			t.Errorf("%s: without the scope: %d", framework, status)
		}
	}
}

// The other instance refuses a token soon after it was denied at one instance.
// Both refuse it while Redis is down. Then the list cannot be changed.
func TestDenialsOfSeveralInstances(t *testing.T) {
	server := redistest.New(t, redistest.Config{Durable: true})
	issuer := newIssuer(t)
	admin := issuer.Mint(bearertest.Token{Subject: "root", ClientID: "console", Scope: "denials:write"})
	token := issuer.Mint(bearertest.Token{})
	var instances [2]*process
	for i := range instances {
		instances[i] = startProcess(t, "-issuer", issuer.URL(), "-audience", audience, "-redis", server.Address(), "-dpop", "off", "-framework", frameworks[i])
		eventually(t, patience, "ready", func() bool { return send(t, instances[i].url, "GET /readyz").status == 200 })
		checkStatus(t, instances[i].url, "before", token, 200)
	}
	if status, text := change(t, "POST", instances[0].url, admin, `{"sub":"alice"}`); status != 200 {
		t.Fatalf("%d %s", status, text)
	}
	checkStatus(t, instances[0].url, "where it was denied", token, 401)
	eventually(t, patience, "the other refuses it", func() bool { return send(t, instances[1].url, meWith(token)).status == 401 })
	server.Stop()
	for _, p := range instances {
		checkStatus(t, p.url, "Redis is lost", token, 401)
		checkStatus(t, p.url, "Redis is lost, and another", admin, 200)
		if status, text := change(t, "POST", p.url, admin, `{"sub":"bob"}`); status != 503 {
			t.Errorf("deny while Redis is lost: %d %s", status, text)
		}
	}
	server.Start()
	eventually(t, patience, "lifted", func() bool {
		status, _ := change(t, "DELETE", instances[1].url, admin, `{"sub":"alice"}`)
		return status == 200
	})
	for _, p := range instances {
		eventually(t, patience, "it is accepted again", func() bool { return send(t, p.url, meWith(token)).status == 200 })
		p.end(t, syscall.SIGTERM)
	}
}
