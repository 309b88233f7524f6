package interop_test

import (
	"encoding/json"
	"net/http"
	"reflect"
	"sync"
	"testing"
)

const dpopClientFolder = "dpop-client"

// dpopClient is oauth4webapi in a process of its own. The process keeps the keys,
// which tests refer to by name, and the nonces from servers.
type dpopClient struct{ *nodeClient }

var startDPoPClient = sync.OnceValues(func() (*dpopClient, error) {
	c, err := newNodeClient(dpopClientFolder)
	return &dpopClient{c}, err
})

// sharedDPoPClient returns the client that all tests share. It handles one command
// at a time, so tests that use it must not be parallel.
func sharedDPoPClient(t *testing.T) *dpopClient {
	t.Helper()
	needNode(t, dpopClientFolder)
	c, err := startDPoPClient()
	if err != nil {
		t.Fatal(err)
	}
	c.process.showIfFailed(t)
	return c
}

// token makes the client request a token that is bound to a key. Without a key the
// token is not bound.
func (c *dpopClient) token(t *testing.T, o *nodeOP, a *boundAPI, key, scope string) string {
	t.Helper()
	var got struct{ Token, Type, Thumbprint string }
	c.does(t, map[string]string{
		"command": "token", "issuer": o.issuer, "resource": a.url, "scope": scope, "key": key,
	}, &got)
	want, bound := "bearer", ""
	if key != "" {
		want = "dpop"
		if cnf, _ := claimsOf(got.Token)["cnf"].(map[string]any); cnf != nil {
			bound, _ = cnf["jkt"].(string)
		}
	}
	if got.Type != want || bound != got.Thumbprint {
		t.Fatalf("a token of type %q, bound to %q; want %q and %q", got.Type, bound, want, got.Thumbprint)
	}
	return got.Token
}

// clientRequest is a request for the client to make.
type clientRequest struct {
	Command string `json:"command"`
	Method  string `json:"method,omitempty"`
	URL     string `json:"url"`
	Token   string `json:"token"`
	Key     string `json:"key,omitempty"` // empty: Bearer, without a proof
	Unsent  bool   `json:"unsent"`
}

// exchange is a request of the client and its reading of the answer.
type exchange struct {
	URL, Proof, Nonce, Body string
	Status                  int
	Challenges              []challenge
}

// request makes the client send a request. The client may decide to retry.
func (c *dpopClient) request(t *testing.T, r clientRequest) []exchange {
	t.Helper()
	r.Command = "request"
	var got []exchange
	c.does(t, r, &got)
	if len(got) == 0 {
		t.Fatalf("%+v: the client sends nothing", r)
	}
	return got
}

// proof makes the client create a proof without sending it.
func (c *dpopClient) proof(t *testing.T, method, url, token, key string) string {
	t.Helper()
	return c.request(t, clientRequest{Method: method, URL: url, Token: token, Key: key, Unsent: true})[0].Proof
}

// accepts makes the client send a request and requires 200 without a retry.
func (c *dpopClient) accepts(t *testing.T, a *boundAPI, r clientRequest) (exchange, principal) {
	t.Helper()
	got := c.request(t, r)
	if len(got) != 1 || got[0].Status != http.StatusOK {
		t.Fatalf("%s %s: %+v; want 200 at once%s", r.Method, r.URL, got, a.why(t, got[0]))
	}
	var p principal
	if err := json.Unmarshal([]byte(got[0].Body), &p); err != nil {
		t.Fatal(err)
	}
	return got[0], p
}

// refuses makes the client send a request. It checks the challenges that the
// client reads and the check that the event names.
func (c *dpopClient) refuses(t *testing.T, a *boundAPI, r clientRequest, status int, check string, want ...challenge) {
	t.Helper()
	got := c.request(t, r)
	if len(got) != 1 || got[0].Status != status || !reflect.DeepEqual(got[0].Challenges, want) {
		t.Errorf("%s %s: %+v; want %d and %+v", r.Method, r.URL, got, status, want)
		return
	}
	if event := a.refusal(t, []byte(got[0].Body)); event.Check != check {
		t.Errorf("%s %s: refused by check %q%s; want %q", r.Method, r.URL, event.Check, a.why(t, got[0]), check)
	}
}

// why describes the event of a refusal.
func (a *boundAPI) why(t *testing.T, e exchange) string {
	t.Helper()
	if e.Status < 400 {
		return ""
	}
	event := a.refusal(t, []byte(e.Body))
	return " (check " + event.Check + ", expected " + event.Expected + ", got " + event.Got + ")"
}
