package bearertest

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/dpop"
	"github.com/bearerkit/bearerkit/scope"
)

// Nest is a guarded group with a guarded route inside it, which an adapter's
// test mounts on its framework.
type Nest struct {
	// Group has the path of the group, such as /api, and what its middleware is
	// called with. It has no method and no handler.
	Group Mount

	// Route is the route, whose path follows that of the group.
	Route Mount
}

// CheckNesting checks that an adapter of a framework judges a request once, in a
// group and in a route inside it: mount must return a handler that serves the
// nest through the adapter's middleware, once in the group and once in the route.
// It is served on loopback, as by [CheckAdapter]. The error joins all that went
// wrong, each with the rule that was broken.
func CheckNesting(mount func(Nest) http.Handler) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	var errs []error
	for _, c := range nestedCases() {
		c.key = key
		if err := c.check(mount); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w (%s)", c.name, err, c.rule))
		}
	}
	return errors.Join(errs...)
}

// nestedCase is one request to /api/things/alice, where the group needs
// api:read and the route things:read.
type nestedCase struct {
	name, rule  string
	token       string // empty: no credentials
	scheme      string // default: Bearer; DPoP sends a proof, too
	group       func(*Mount)
	route       func(*Mount)
	otherGuard  bool   // of the group, with the same verifier and proofs
	status      int    // the answer's
	anonymous   bool   // and who the handler sees
	verified    int32  // how often the token is verified
	scope       string // that every challenge names
	replayScope string // that the challenges of the answer to the same request again name, if its proof is used

	key *ecdsa.PrivateKey
}

func nestedCases() []nestedCase {
	const (
		once   = "a route inside a guarded group goes on from the group's judgement: the token is verified once, and a proof is used once"
		own    = "a route inside a guarded group judges its own scopes, and names those of the group too"
		apart  = "a route inside a group of another guard verifies the token itself; the proof is used once all the same"
		closed = "neither of two guards lets in what the other refuses"
		group  = "api:read"
		both   = "api:read things:read"
	)
	optional := func(m *Mount) { m.Optional = true }
	return []nestedCase{
		{name: "a good token", rule: once, token: "alice", status: 200, verified: 1},
		{name: "a good token and a fresh proof", rule: once, token: "bound", scheme: "DPoP", status: 200, verified: 1, replayScope: group},
		{name: "a good token, two guards", rule: apart, token: "alice", otherGuard: true, status: 200, verified: 2},
		{name: "a good token and a fresh proof, two guards", rule: apart, token: "bound", scheme: "DPoP", otherGuard: true, status: 200, verified: 2, replayScope: group},
		{name: "a bound token without its proof", rule: closed, token: "bound", status: 401, verified: 1, scope: group},
		{name: "an unknown token", rule: closed, token: "mallory", status: 401, verified: 1, scope: group},
		{name: "too little scope for the group", rule: closed, token: "things", status: 403, verified: 1, scope: group},
		{name: "too little scope for the route", rule: own, token: "api", status: 403, verified: 1, scope: both},
		{name: "too little scope for the route, two guards", rule: own, token: "api", otherGuard: true, status: 403, verified: 2, scope: both},
		{name: "step-up in the route", rule: own, token: "alice", route: func(m *Mount) {
			m.Requirements = []bearer.Requirement{bearer.StepUp{ACR: []string{"urn:example:mfa"}}}
		}, status: 401, verified: 1, scope: both},
		{name: "no credentials", rule: closed, status: 401, scope: group},
		{name: "no credentials, an optional group", rule: closed, group: optional, status: 401, scope: both},
		{name: "no credentials, an optional group, two guards", rule: closed, group: optional, otherGuard: true, status: 401, scope: both},
		{name: "no credentials, an optional route", rule: closed, route: optional, status: 401, scope: group},
		{name: "no credentials, both optional", rule: once, group: optional, route: optional, status: 200, anonymous: true},
		{name: "an unknown token, both optional", rule: closed, token: "mallory", group: optional, route: optional, status: 401, verified: 1, scope: group},
		{name: "a good token and a fresh proof, an optional group", rule: once, token: "bound", scheme: "DPoP", group: optional, status: 200, verified: 1, replayScope: group},
		{name: "a good token and a fresh proof, an optional route", rule: once, token: "bound", scheme: "DPoP", route: optional, status: 200, verified: 1, replayScope: group},
	}
}

func (c nestedCase) check(mount func(Nest) http.Handler) error {
	const target = "/api/things/alice"
	jkt, err := dpop.Thumbprint(c.key.Public())
	if err != nil {
		return err
	}
	var verified, ran, known atomic.Int32
	principals := Principals{
		"alice":  {Subject: "alice", ClientID: "app", Scopes: scope.Of("api:read", "things:read")},
		"api":    {Subject: "alice", ClientID: "app", Scopes: scope.Of("api:read")},
		"things": {Subject: "alice", ClientID: "app", Scopes: scope.Of("things:read")},
		"bound":  {Subject: "alice", ClientID: "app", Scopes: scope.Of("api:read", "things:read"), Confirmation: bearer.Confirmation{JKT: jkt}},
	}
	proofs, err := dpop.New(dpop.Config{Origin: "https://api.example.com"})
	if err != nil {
		return err
	}
	config := bearer.Config{
		Verifiers: []bearer.Verifier{bearer.VerifierFunc(func(ctx context.Context, token string) (*bearer.Principal, error) {
			verified.Add(1)
			return principals.Verify(ctx, token)
		})},
		Proofs: proofs,
	}
	guard, err := bearer.New(config)
	if err != nil {
		return err
	}
	nest := Nest{
		Group: Mount{Path: "/api", Guard: guard, Rule: scope.All("api:read")},
		Route: Mount{Method: http.MethodGet, Path: "/things/{id}", Guard: guard, Rule: scope.All("things:read"),
			Handler: func(w http.ResponseWriter, r *http.Request) {
				ran.Add(1)
				if _, ok := bearer.FromContext(r.Context()); ok {
					known.Add(1)
				}
				_, _ = fmt.Fprint(w, "served")
			}},
	}
	if c.otherGuard {
		if nest.Group.Guard, err = bearer.New(config); err != nil {
			return err
		}
	}
	if c.group != nil {
		c.group(&nest.Group)
	}
	if c.route != nil {
		c.route(&nest.Route)
	}
	request := adapterCase{method: http.MethodGet, target: target, header: http.Header{}}
	switch {
	case c.scheme == "DPoP":
		proof, err := dpop.NewProof(dpop.ProofConfig{Key: c.key, Algorithm: "ES256", Method: http.MethodGet, URL: "https://api.example.com" + target, AccessToken: c.token})
		if err != nil {
			return err
		}
		request.header.Set("Authorization", "DPoP "+c.token)
		request.header.Set("DPoP", proof)
	case c.token != "":
		request.header.Set("Authorization", "Bearer "+c.token)
	}
	h := mount(nest)
	if err := c.compare(request, h, c.status, c.scope); err != nil {
		return err
	}
	let := int32(0)
	if c.status == http.StatusOK {
		let = 1
	}
	switch {
	case ran.Load() != let:
		return fmt.Errorf("the handler ran %d times, want %d", ran.Load(), let)
	case let == 1 && (known.Load() == 0) != c.anonymous:
		return fmt.Errorf("the handler knows a principal: %v, want %v", known.Load() == 1, !c.anonymous)
	case verified.Load() != c.verified:
		return fmt.Errorf("the token was verified %d times, want %d", verified.Load(), c.verified)
	case c.replayScope == "":
		return nil
	}
	if err := c.compare(request, h, http.StatusUnauthorized, c.replayScope); err != nil {
		return fmt.Errorf("the same proof again: %w", err)
	}
	if ran.Load() != let {
		return errors.New("the same proof again: the handler ran")
	}
	return nil
}

// compare sends the request and compares the answer's status, and the scope that
// its challenges and, of a 403, its body name.
func (c nestedCase) compare(request adapterCase, h http.Handler, status int, needs string) error {
	answer, _, err := request.send(h)
	if err != nil {
		return err
	}
	if !strings.HasPrefix(answer, fmt.Sprintf("%d ", status)) {
		return fmt.Errorf("the answer is\n%s\nwant %d", answer, status)
	}
	quoted := fmt.Sprintf("scope=%q", needs)
	if needs != "" && strings.Count(answer, "scope=") != strings.Count(answer, quoted) || needs != "" && !strings.Contains(answer, quoted) {
		return fmt.Errorf("the answer is\n%s\nwant challenges with %s", answer, quoted)
	}
	if member := fmt.Sprintf(`"scope":%q`, needs); status == http.StatusForbidden && !strings.Contains(answer, member) {
		return fmt.Errorf("the answer is\n%s\nwant a body with %s", answer, member)
	}
	return nil
}
