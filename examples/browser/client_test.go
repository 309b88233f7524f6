package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"testing"
	"time"

	"github.com/bearerkit/bearerkit/adapters/bearerhttp"
	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/bearer/bearertest"
	"github.com/bearerkit/bearerkit/examples/browser/client"
	"github.com/bearerkit/bearerkit/scope"
)

// call is what the page does, and what must come of it.
type call struct {
	URL        string `json:"url"`
	Token      string `json:"token"`
	Renewed    string `json:"renewed"`
	Authorized string `json:"authorized"`

	name   string
	status int
	events []string // waits are joined
}

type results struct {
	Parsed []json.RawMessage `json:"parsed"`
	Calls  []struct {
		Status int      `json:"status"`
		Events []string `json:"events"`
	} `json:"calls"`
}

// The client of docs/browser-clients.md reacts to each refusal of the API as the
// page says.
func TestClient(t *testing.T) {
	issuer := newIssuer(t)
	good := issuer.Mint(bearertest.Token{Scope: "orders:read"})
	expired := issuer.Mint(bearertest.Token{Scope: "orders:read", TTL: -time.Hour})
	profile := issuer.Mint(bearertest.Token{Scope: "profile"})
	api := serveAPI(t, issuer)
	ordersRead := `authorize {"scope":"orders:read"}`
	calls := []call{
		{name: "a good token", URL: api, Token: good, status: 200},
		{name: "the token has expired", URL: api, Token: expired, Renewed: good, status: 200, events: []string{"renew"}},
		{name: "the new token is refused too, and the user logs in", URL: api, Token: expired, Renewed: expired, Authorized: good, status: 200,
			events: []string{"renew", `authorize {"error":"invalid_token","scope":"orders:read"}`}},
		{name: "everything is refused", URL: api, Token: expired, Renewed: expired, Authorized: expired, status: 401,
			events: []string{"renew", `authorize {"error":"invalid_token","scope":"orders:read"}`}},
		{name: "no token", URL: api, Authorized: good, status: 200, events: []string{ordersRead}},
		{name: "the user does not log in", URL: api, status: 401, events: []string{ordersRead}},
		{name: "a scope is missing", URL: api, Token: profile, Authorized: good, status: 200,
			events: []string{`authorize {"error":"insufficient_scope","scope":"orders:read"}`}},
		{name: "the issuer does not grant the scope", URL: api, Token: profile, Authorized: profile, status: 403,
			events: []string{`authorize {"error":"insufficient_scope","scope":"orders:read"}`}},
		stepUp(t), forbidden(t), limited(t), down(t),
	}
	got := runNode(t, nil, calls)
	for n, c := range calls {
		events := slices.Compact(got.Calls[n].Events)
		if got.Calls[n].Status != c.status || !slices.Equal(events, c.events) {
			t.Errorf("%s: %d %q; want %d %q", c.name, got.Calls[n].Status, events, c.status, c.events)
		}
	}
}

// The parser follows the grammar of RFC 9110, Section 11.6.1, and returns nothing for
// a field that does not.
func TestChallengesInJavaScript(t *testing.T) {
	tests := []struct{ value, want string }{
		{`Bearer realm="api", scope="orders:read orders:write"`, `[{"scheme":"bearer","params":{"realm":"api","scope":"orders:read orders:write"}}]`},
		{`Bearer realm="api",error="invalid_token" , error_description="a, b=\"c\" \\ d"`,
			`[{"scheme":"bearer","params":{"realm":"api","error":"invalid_token","error_description":"a, b=\"c\" \\ d"}}]`},
		{`Basic realm="Bearer error=", Bearer realm="api", DPoP algs="ES256", error="use_dpop_nonce"`,
			`[{"scheme":"basic","params":{"realm":"Bearer error="}},{"scheme":"bearer","params":{"realm":"api"}},` +
				`{"scheme":"dpop","params":{"algs":"ES256","error":"use_dpop_nonce"}}]`},
		{`Negotiate YWJj==, bearer REALM = api`, `[{"scheme":"negotiate","token68":"YWJj==","params":{}},{"scheme":"bearer","params":{"realm":"api"}}]`},
		{`Negotiate, Bearer realm=""`, `[{"scheme":"negotiate","params":{}},{"scheme":"bearer","params":{"realm":""}}]`},
		{`Bearer`, `[{"scheme":"bearer","params":{}}]`},
		{`,, Bearer realm="a" ,,`, `[{"scheme":"bearer","params":{"realm":"a"}}]`},
		{`Bearer __proto__="x"`, `[{"scheme":"bearer","params":{"__proto__":"x"}}]`},
		{"Bearer\trealm=x", `[]`}, {`Bearer realm="open`, `[]`}, {`realm="x"`, `[]`}, {`Bearer realm=x y`, `[]`}, {`"x"`, `[]`}, {``, `[]`},
	}
	var values []string
	for _, tt := range tests {
		values = append(values, tt.value)
	}
	for n, got := range runNode(t, values, nil).Parsed {
		if string(got) != tests[n].want {
			t.Errorf("%s: %s; want %s", tests[n].value, got, tests[n].want)
		}
	}
}

// The page of the docs shows the whole module, so that readers can copy it.
func TestThePageShowsTheClient(t *testing.T) {
	page, err := os.ReadFile("../../docs/browser-clients.md")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(page, append([]byte("```js\n"), append(client.Module, "```\n"...)...)) {
		t.Error("docs/browser-clients.md differs from client.mjs")
	}
}

func newIssuer(t *testing.T) *bearertest.Issuer {
	t.Helper()
	issuer, err := bearertest.NewIssuer(bearertest.IssuerConfig{Audience: []string{audience}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(issuer.Close)
	return issuer
}

// serveAPI serves the API of the example. POST /recover starts the issuer.
func serveAPI(t *testing.T, issuer *bearertest.Issuer) string {
	t.Helper()
	handler, err := newAPI(issuer.URL(), "")
	if err != nil {
		t.Fatal(err)
	}
	return serveRecovering(t, handler, func() {
		if err := issuer.Start(); err != nil {
			t.Error(err)
		}
	})
}

func serveRecovering(t *testing.T, handler http.Handler, recover func()) string {
	t.Helper()
	mux := http.NewServeMux()
	mux.Handle("/", handler)
	mux.HandleFunc("POST /recover", func(http.ResponseWriter, *http.Request) { recover() })
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server.URL
}

// serveRule serves a route with a rule, for the token alice.
func serveRule(t *testing.T, config bearer.Config, more ...bearer.Requirement) string {
	t.Helper()
	config.Verifiers = []bearer.Verifier{bearertest.Principals{"alice": {Subject: "alice"}}}
	config.Logger = slog.New(slog.NewTextHandler(io.Discard, nil))
	guard, err := bearer.New(config)
	if err != nil {
		t.Fatal(err)
	}
	return serveRecovering(t, bearerhttp.Require(guard, scope.None, more...)(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})), func() {})
}

func stepUp(t *testing.T) call {
	return call{
		name: "the login is too weak", URL: serveRule(t, bearer.Config{}, bearer.StepUp{ACR: []string{"mfa"}, MaxAge: time.Minute}), Token: "alice",
		status: 401, events: []string{`authorize {"error":"insufficient_user_authentication","acr_values":"mfa","max_age":"60"}`},
	}
}

func forbidden(t *testing.T) call {
	return call{name: "a role is missing", URL: serveRule(t, bearer.Config{}, bearer.Role("admin")), Token: "alice", status: 403}
}

// limited has a limit of one bad token in two seconds from an address.
func limited(t *testing.T) call {
	api := serveRule(t, bearer.Config{FailureLimit: &bearer.FailureLimit{Burst: 1, Every: 2 * time.Second}})
	return call{name: "too many bad tokens", URL: api, Token: "old", Renewed: "alice", status: 200, events: []string{"renew", "wait"}}
}

func down(t *testing.T) call {
	issuer := newIssuer(t)
	issuer.Stop()
	return call{
		name: "the issuer is down", URL: serveAPI(t, issuer), Token: issuer.Mint(bearertest.Token{Scope: "orders:read"}),
		status: 200, events: []string{"wait"},
	}
}

// runNode runs testdata/client_test.mjs.
func runNode(t *testing.T, parse []string, calls []call) results {
	t.Helper()
	if _, err := exec.LookPath("node"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip("there is no node")
	}
	if parse == nil {
		parse = []string{}
	}
	if calls == nil {
		calls = []call{}
	}
	input, err := json.Marshal(map[string]any{"parse": parse, "calls": calls})
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "node", "testdata/client_test.mjs")
	cmd.Stdin = bytes.NewReader(input)
	out, err := cmd.Output()
	if failed := (*exec.ExitError)(nil); errors.As(err, &failed) {
		t.Fatalf("%v\n%s", err, failed.Stderr)
	}
	if err != nil {
		t.Fatal(err)
	}
	var got results
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return got
}
