package bearertest

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/bearerkit/bearerkit/bearer"
)

// adapterCase is one request, and the rule that it tests.
type adapterCase struct {
	name, rule string
	method     string // default: GET
	target     string // default: /things/alice
	header     http.Header
	preset     []string             // challenges that an outer handler has set
	admitted   bool                 // whether the handler must run
	sources    []bearer.TokenSource // default: Authorization
	route      func(*Mount)
}

// The rules of adapterCases.
const (
	ruleAdmitted    = "an admitted request reaches the handler with its principal in the context"
	ruleRefused     = "only the guard writes a refusal, and the handler never runs"
	ruleOptional    = "optional authentication admits anonymous requests"
	ruleOthers      = "challenges of other schemes are kept, before the guard's (RFC 9110, Section 11.6.1)"
	ruleNoChallenge = "if the guard sends no challenge, the answer has no challenge of another scheme either"
	ruleSource      = "a token outside Authorization is judged alike, and the handler does not see the token of a WebSocket handshake"
	rulePath        = "the framework's path parameters reach r.PathValue, unescaped, and its own API returns the same values to the handler"
)

func adapterCases() []adapterCase {
	return slices.Concat(answerCases(), presetCases(), pathCases(), sourceCases())
}

// answerCases are requests that the guard admits and refuses.
func answerCases() []adapterCase {
	return []adapterCase{
		{name: "a good token", rule: ruleAdmitted, header: bearerHeader("Bearer alice"), admitted: true},
		{name: "a good token, HEAD", rule: ruleAdmitted, method: "HEAD", header: bearerHeader("Bearer alice"), admitted: true},
		{name: "no credentials", rule: ruleRefused},
		{name: "no credentials, HEAD", rule: ruleRefused, method: "HEAD"},
		{name: "no credentials, POST", rule: ruleRefused, method: "POST"},
		{name: "another scheme", rule: ruleRefused, header: bearerHeader("Basic YTpi")},
		{name: "two Authorization lines", rule: ruleRefused, header: bearerHeader("Bearer alice", "Bearer alice")},
		{name: "invalid characters", rule: ruleRefused, header: bearerHeader("Bearer a b")},
		{name: "an unknown token", rule: ruleRefused, header: bearerHeader("Bearer mallory")},
		{name: "an outage", rule: ruleRefused, header: bearerHeader("Bearer outage")},
		{name: "too little scope", rule: ruleRefused, header: bearerHeader("Bearer weak")},
		{name: "problem+json", rule: ruleRefused, header: http.Header{"Accept": {"application/problem+json"}}},
		{name: "a policy refuses", rule: ruleRefused, header: bearerHeader("Bearer alice"), route: policyError(bearer.Forbid("Not today."))},
		{name: "a policy fails", rule: ruleRefused, header: bearerHeader("Bearer alice"), route: policyError(errors.New("internal"))},
		{name: "step-up", rule: ruleRefused, header: bearerHeader("Bearer alice"), route: requireStepUp},
		{name: "optional, no credentials", rule: ruleOptional, route: setOptional, admitted: true},
		{name: "optional, a good token", rule: ruleAdmitted, header: bearerHeader("Bearer alice"), route: setOptional, admitted: true},
		{name: "optional, a bad token", rule: ruleRefused, header: bearerHeader("Bearer mallory"), route: setOptional},
	}
}

// presetCases are requests through an outer handler that has set its own
// challenges.
func presetCases() []adapterCase {
	basicChallenge := []string{`Basic realm="outer", charset="UTF-8"`}
	return []adapterCase{
		{name: "no credentials, beside Basic", rule: ruleOthers, preset: basicChallenge},
		{name: "no credentials, beside Basic and a Bearer challenge", rule: ruleOthers, preset: []string{`Bearer realm="outer", Basic realm="a, b"`, "DPoP algs=\"ES256\""}},
		{name: "an unknown token, beside Basic", rule: ruleOthers, preset: basicChallenge, header: bearerHeader("Bearer mallory")},
		{name: "invalid characters, beside Basic", rule: ruleOthers, preset: basicChallenge, header: bearerHeader("Bearer a b")},
		{name: "too little scope, beside Basic", rule: ruleOthers, preset: basicChallenge, header: bearerHeader("Bearer weak")},
		{name: "an outage, beside Basic", rule: ruleNoChallenge, preset: basicChallenge, header: bearerHeader("Bearer outage")},
		{name: "a policy refuses, beside Basic", rule: ruleNoChallenge, preset: basicChallenge, header: bearerHeader("Bearer alice"), route: policyError(bearer.Forbid("Not today."))},
		{name: "a token that is too long, beside Basic", rule: ruleNoChallenge, preset: basicChallenge, header: bearerHeader("Bearer " + strings.Repeat("a", 16<<10+1))},
		{name: "a good token, beside Basic", rule: ruleAdmitted, preset: basicChallenge, header: bearerHeader("Bearer alice"), admitted: true},
	}
}

// pathCases are requests whose path parameter is escaped in different ways.
func pathCases() []adapterCase {
	return []adapterCase{
		{name: "a path of the user", rule: rulePath, header: bearerHeader("Bearer alice"), route: requireOwner, admitted: true},
		{name: "a path of another user", rule: ruleRefused, target: "/things/bob", header: bearerHeader("Bearer alice"), route: requireOwner},
		{name: "a path of the user, escaped", rule: rulePath, target: "/things/auth0%7Cbob", header: bearerHeader("Bearer auth0"), route: requireOwner, admitted: true},
		{name: "a path of the user, escaped in lower case", rule: rulePath, target: "/things/auth0%7cbob", header: bearerHeader("Bearer auth0"), route: requireOwner, admitted: true},
		{name: "a path of the user, a letter escaped", rule: rulePath, target: "/things/%61lice", header: bearerHeader("Bearer alice"), route: requireOwner, admitted: true},
		{name: "escaped twice", rule: rulePath, target: "/things/%2561lice", header: bearerHeader("Bearer alice"), admitted: true},
		{name: "escaped twice, and a letter", rule: rulePath, target: "/things/%2561lic%65", header: bearerHeader("Bearer alice"), admitted: true},
		{name: "a space, a plus and a percent sign", rule: rulePath, target: "/things/a%20b+c%25d%2b", header: bearerHeader("Bearer alice"), admitted: true},
		{name: "letters beyond ASCII", rule: rulePath, target: "/things/%C3%a9%e2%82%AC", header: bearerHeader("Bearer alice"), admitted: true},
		{name: "bytes that are not UTF-8", rule: rulePath, target: "/things/%ff%FE", header: bearerHeader("Bearer alice"), admitted: true},
		{name: "delimiters", rule: rulePath, target: "/things/%3a%3F%23%5B%5d@!$&'()*,;=", header: bearerHeader("Bearer alice"), admitted: true},
		{name: "a path of another user, escaped twice", rule: ruleRefused, target: "/things/auth0%257cbob", header: bearerHeader("Bearer auth0"), route: requireOwner},
	}
}

// sourceCases are requests whose token is not in Authorization.
func sourceCases() []adapterCase {
	const foreign = "https://evil.example"
	sources := []bearer.TokenSource{bearer.FromAuthorization(), bearer.FromHeader("X-Token"), bearer.FromCookie("__Host-token"), bearer.FromWebSocketProtocol("token.")}
	cases := []adapterCase{
		{name: "a token in a field", header: http.Header{"X-Token": {"alice"}}, admitted: true},
		{name: "a token in a cookie", header: http.Header{"Cookie": {"__Host-token=alice"}}, admitted: true},
		{name: "a token in a cookie, of a foreign page", method: "POST", header: http.Header{"Cookie": {"__Host-token=alice"}, "Origin": {foreign}}},
		{name: "a token in a WebSocket handshake", header: handshakeHeader("chat, token.alice"), admitted: true},
		{name: "an unknown token in a WebSocket handshake", header: handshakeHeader("token.mallory, chat")},
		{name: "a cookie in a foreign WebSocket handshake", header: http.Header{
			"Upgrade": {"websocket"}, "Connection": {"Upgrade"}, "Origin": {foreign}, "Cookie": {"__Host-token=alice"},
		}},
		{name: "tokens in two places", header: http.Header{"X-Token": {"alice"}, "Authorization": {"Bearer alice"}}},
	}
	for i := range cases {
		cases[i].rule, cases[i].sources = ruleSource, sources
	}
	return cases
}

func handshakeHeader(protocols string) http.Header {
	return http.Header{"Upgrade": {"websocket"}, "Connection": {"Upgrade"}, "Sec-Websocket-Protocol": {protocols}}
}

func bearerHeader(values ...string) http.Header {
	h := http.Header{}
	for _, v := range values {
		h.Add("Authorization", v)
	}
	return h
}

func setOptional(m *Mount) { m.Optional = true }

func requireOwner(m *Mount) { m.Requirements = append(m.Requirements, bearer.SubjectInPath("id")) }

func requireStepUp(m *Mount) {
	m.Requirements = append(m.Requirements, bearer.StepUp{ACR: []string{"urn:example:mfa"}, MaxAge: time.Minute})
}

// policyError adds a policy that returns err for every request.
func policyError(err error) func(*Mount) {
	return func(m *Mount) {
		m.Requirements = append(m.Requirements,
			bearer.RequirementFunc(func(*http.Request, *bearer.Principal) error { return err }))
	}
}
