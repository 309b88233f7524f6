package bearertest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/scope"
)

// adapterCase is one request, and the rule that it proves.
type adapterCase struct {
	name, rule string
	method     string // default: GET
	target     string // default: /things/alice
	header     http.Header
	preset     []string // challenges that an outer handler has prepared
	let        bool     // the handler must run
	route      func(*Mount)
}

func bearerHeader(values ...string) http.Header {
	h := http.Header{}
	for _, v := range values {
		h.Add("Authorization", v)
	}
	return h
}

func adapterCases() []adapterCase {
	policy := func(errs ...error) func(*Mount) {
		return func(m *Mount) {
			for _, err := range errs {
				m.Requirements = append(m.Requirements,
					bearer.RequirementFunc(func(*http.Request, *bearer.Principal) error { return err }))
			}
		}
	}
	optional := func(m *Mount) { m.Optional = true }
	owned := func(m *Mount) { m.Requirements = append(m.Requirements, bearer.SubjectInPath("id")) }
	basic := []string{`Basic realm="outer", charset="UTF-8"`}
	const (
		others   = "challenges of other schemes stay, and ours come after (RFC 9110, Section 11.6.1)"
		none     = "an answer without a challenge of ours has none"
		refused  = "a refusal is written by the guard alone, and the handler never runs"
		accepted = "an accepted request reaches the handler with its principal in the context"
		path     = "the framework's path parameters reach r.PathValue, unescaped, and its own API gives the handler the same values"
	)
	return []adapterCase{
		{name: "a good token", rule: accepted, header: bearerHeader("Bearer alice"), let: true},
		{name: "a good token, HEAD", rule: accepted, method: "HEAD", header: bearerHeader("Bearer alice"), let: true},
		{name: "no credentials", rule: refused},
		{name: "no credentials, HEAD", rule: refused, method: "HEAD"},
		{name: "no credentials, POST", rule: refused, method: "POST"},
		{name: "another scheme", rule: refused, header: bearerHeader("Basic YTpi")},
		{name: "two Authorization lines", rule: refused, header: bearerHeader("Bearer alice", "Bearer alice")},
		{name: "illegal characters", rule: refused, header: bearerHeader("Bearer a b")},
		{name: "an unknown token", rule: refused, header: bearerHeader("Bearer mallory")},
		{name: "an outage", rule: refused, header: bearerHeader("Bearer outage")},
		{name: "too little scope", rule: refused, header: bearerHeader("Bearer weak")},
		{name: "problem+json", rule: refused, header: http.Header{"Accept": {"application/problem+json"}}},
		{name: "no credentials, beside Basic", rule: others, preset: basic},
		{name: "no credentials, beside Basic and a challenge of our scheme", rule: others, preset: []string{`Bearer realm="outer", Basic realm="a, b"`, "DPoP algs=\"ES256\""}},
		{name: "an unknown token, beside Basic", rule: others, preset: basic, header: bearerHeader("Bearer mallory")},
		{name: "illegal characters, beside Basic", rule: others, preset: basic, header: bearerHeader("Bearer a b")},
		{name: "too little scope, beside Basic", rule: others, preset: basic, header: bearerHeader("Bearer weak")},
		{name: "an outage, beside Basic", rule: none, preset: basic, header: bearerHeader("Bearer outage")},
		{name: "a policy's no, beside Basic", rule: none, preset: basic, header: bearerHeader("Bearer alice"), route: policy(bearer.Forbid("Not today."))},
		{name: "too long a token, beside Basic", rule: none, preset: basic, header: bearerHeader("Bearer " + strings.Repeat("a", 16<<10+1))},
		{name: "a good token, beside Basic", rule: accepted, preset: basic, header: bearerHeader("Bearer alice"), let: true},
		{name: "a policy's no", rule: refused, header: bearerHeader("Bearer alice"), route: policy(bearer.Forbid("Not today."))},
		{name: "a policy's error", rule: refused, header: bearerHeader("Bearer alice"), route: policy(errors.New("internal"))},
		{name: "step-up", rule: refused, header: bearerHeader("Bearer alice"), route: func(m *Mount) {
			m.Requirements = append(m.Requirements, bearer.StepUp{ACR: []string{"urn:example:mfa"}, MaxAge: time.Minute})
		}},
		{name: "optional, no credentials", rule: "optional authentication lets anonymous requests in", route: optional, let: true},
		{name: "optional, a good token", rule: accepted, header: bearerHeader("Bearer alice"), route: optional, let: true},
		{name: "optional, a bad token", rule: refused, header: bearerHeader("Bearer mallory"), route: optional},
		{name: "own path", rule: path, header: bearerHeader("Bearer alice"), route: owned, let: true},
		{name: "foreign path", rule: refused, target: "/things/bob", header: bearerHeader("Bearer alice"), route: owned},
		{name: "own path, escaped", rule: path, target: "/things/auth0%7Cbob", header: bearerHeader("Bearer auth0"), route: owned, let: true},
		{name: "own path, escaped in lower case", rule: path, target: "/things/auth0%7cbob", header: bearerHeader("Bearer auth0"), route: owned, let: true},
		{name: "own path, a letter escaped", rule: path, target: "/things/%61lice", header: bearerHeader("Bearer alice"), route: owned, let: true},
		{name: "escaped twice", rule: path, target: "/things/%2561lice", header: bearerHeader("Bearer alice"), let: true},
		{name: "escaped twice, and a letter", rule: path, target: "/things/%2561lic%65", header: bearerHeader("Bearer alice"), let: true},
		{name: "a space, a plus and a percent sign", rule: path, target: "/things/a%20b+c%25d%2b", header: bearerHeader("Bearer alice"), let: true},
		{name: "letters beyond ASCII", rule: path, target: "/things/%C3%a9%e2%82%AC", header: bearerHeader("Bearer alice"), let: true},
		{name: "bytes that are no UTF-8", rule: path, target: "/things/%ff%FE", header: bearerHeader("Bearer alice"), let: true},
		{name: "delimiters", rule: path, target: "/things/%3a%3F%23%5B%5d@!$&'()*,;=", header: bearerHeader("Bearer alice"), let: true},
		{name: "foreign path, escaped twice", rule: refused, target: "/things/auth0%257cbob", header: bearerHeader("Bearer auth0"), route: owned},
	}
}

// adapterVerifier knows the tokens of the suite.
var adapterVerifier = bearer.VerifierFunc(func(ctx context.Context, token string) (*bearer.Principal, error) {
	if token == "outage" {
		return nil, bearer.Unavailable(errors.New("the issuer is down"), 7*time.Second)
	}
	return Principals{
		"alice": {Subject: "alice", ClientID: "app", Scopes: scope.Of("things:read")},
		"auth0": {Subject: "auth0|bob", ClientID: "app", Scopes: scope.Of("things:read")},
		"weak":  {Subject: "alice", ClientID: "app", Scopes: scope.Of("things:readall")},
	}.Verify(ctx, token)
})

func (c adapterCase) check(mount func([]Mount) http.Handler) error {
	guard, err := bearer.New(bearer.Config{
		Verifiers: []bearer.Verifier{adapterVerifier},
		Realm:     "suite",
		RequestID: func(*http.Request) string { return "request-1" },
	})
	if err != nil {
		return err
	}
	if c.method == "" {
		c.method = http.MethodGet
	}
	if c.target == "" {
		c.target = "/things/alice"
	}
	var ran atomic.Int32
	var policy, handler atomic.Pointer[string] // what each reads of the path parameter
	m := Mount{
		Method: c.method, Path: "/things/{id}", Guard: guard, Rule: scope.All("things:read"),
		Requirements: []bearer.Requirement{bearer.RequirementFunc(func(r *http.Request, _ *bearer.Principal) error {
			id := r.PathValue("id")
			policy.Store(&id)
			return nil
		})},
		ReadID: func(id string) { handler.Store(&id) },
		Handler: func(w http.ResponseWriter, r *http.Request) {
			ran.Add(1)
			p, known := bearer.FromContext(r.Context())
			w.Header().Set("Content-Type", "text/plain")
			_, _ = fmt.Fprintf(w, "%q %v %q", p.Subject, known, r.PathValue("id"))
		},
	}
	if c.route != nil {
		c.route(&m)
	}
	reference := http.NewServeMux()
	route := m.Route()
	reference.HandleFunc(m.Method+" "+m.Path, func(w http.ResponseWriter, r *http.Request) {
		if r, ok := route.Admit(w, r); ok {
			m.Handler(w, r)
		}
	})
	want, wantSeen, err := c.send(reference)
	if err != nil {
		return err
	}
	if (ran.Swap(0) == 1) != c.let {
		return fmt.Errorf("the suite itself is wrong: the reference answers %.60q", want)
	}
	policy.Store(nil)
	got, gotSeen, err := c.send(mount([]Mount{m}))
	if err != nil {
		return err
	}
	if n := ran.Load(); (n == 1) != c.let || n > 1 {
		return fmt.Errorf("the handler ran %d times; want it to run: %v", n, c.let)
	}
	if p, h := policy.Load(), handler.Load(); p != nil && h != nil && *p != *h {
		return fmt.Errorf("the policy reads %q, and the handler %q", *p, *h)
	}
	if gotSeen != wantSeen {
		return fmt.Errorf("a handler outside that watches the request sees %s; want %s", gotSeen, wantSeen)
	}
	if got != want {
		return fmt.Errorf("the answer is\n%s\nwant\n%s", got, want)
	}
	return nil
}
