package interop_test

import (
	"encoding/json"
	"net/http"
	"reflect"
	"testing"
)

const dpopClientFolder = "dpop-client"

// dpopClient is oauth4webapi in a process of its own, which keeps its keys, by
// the names that the test gives them, and the nonces that it is given.
type dpopClient struct {
	in  *json.Encoder
	out *json.Decoder
}

func newDPoPClient(t *testing.T) *dpopClient {
	t.Helper()
	process := startNode(t, dpopClientFolder, "client.mjs")
	return &dpopClient{json.NewEncoder(process.stdin), json.NewDecoder(process.stdout)}
}

// does has the client do a command, and wants a result of it.
func (c *dpopClient) does(t *testing.T, command, result any) {
	t.Helper()
	answer := struct {
		Result any    `json:"result"`
		Error  string `json:"error"`
	}{Result: result}
	if err := c.in.Encode(command); err != nil {
		t.Fatal(err)
	}
	if err := c.out.Decode(&answer); err != nil {
		t.Fatal(err)
	}
	if answer.Error != "" {
		t.Fatalf("%+v: the client says: %s", command, answer.Error)
	}
}

// token has the client ask for a token that is bound to a key, or, without a
// key, to none.
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

// clientRequest is a request that the client makes.
type clientRequest struct {
	Command string `json:"command"`
	Method  string `json:"method,omitempty"`
	URL     string `json:"url"`
	Token   string `json:"token"`
	Key     string `json:"key,omitempty"` // empty: as Bearer, without a proof
	Unsent  bool   `json:"unsent"`
}

// exchange is what the client has sent, and how it understands the answer.
type exchange struct {
	URL, Proof, Nonce, Body string
	Status                  int
	Challenges              []challenge
}

// request has the client send a request, and again if it finds that it should.
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

// proof has the client make a proof without sending it.
func (c *dpopClient) proof(t *testing.T, method, url, token, key string) string {
	t.Helper()
	return c.request(t, clientRequest{Method: method, URL: url, Token: token, Key: key, Unsent: true})[0].Proof
}

// accepts has the client send one request, and wants 200.
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

// refuses has the client send one request, and wants it to read those
// challenges, and the audit trail to name that check.
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

// why says what the audit trail has of a refusal.
func (a *boundAPI) why(t *testing.T, e exchange) string {
	t.Helper()
	if e.Status < 400 {
		return ""
	}
	event := a.refusal(t, []byte(e.Body))
	return " (check " + event.Check + ", expected " + event.Expected + ", got " + event.Got + ")"
}
