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

// Nest is a guarded group that contains a guarded route. An adapter's test mounts
// it on its framework.
type Nest struct {
	// Group has the path of the group, such as /api, and the arguments of its
	// middleware. It has no method and no handler.
	Group Mount

	// Route is the route. Its path is relative to the path of the group.
	Route Mount
}

// CheckNesting checks that an adapter for a framework judges a request once if
// the request passes a group and a route in it. The function mount must return a
// handler that serves the nest through the adapter's middleware, both in the
// group and in the route. CheckNesting serves it on loopback, as [CheckAdapter]
// does. The error joins all failures, each with the rule that the adapter broke.
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
	scheme      string // default: Bearer; DPoP also sends a proof
	group       func(*Mount)
	route       func(*Mount)
	otherGuard  bool   // whether the group has another guard with the same verifier and checker
	status      int    // of the answer
	anonymous   bool   // whether the handler sees no principal
	verified    int32  // how often the token is verified
	scope       string // the scope in every challenge
	replayScope string // the scope in the challenges for a replay of the request; empty: no replay

	key *ecdsa.PrivateKey
}

func nestedCases() []nestedCase {
	const (
		once   = "a route in a guarded group continues from the group's judgement: the token is verified once, and a proof is used once"
		own    = "a route in a guarded group checks its own scopes, and its challenges also name the group's"
		apart  = "a route in a group of another guard verifies the token itself, but the proof is still used once"
		closed = "a request must pass both the group and the route"
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

const (
	nestOrigin = "https://api.example.com"
	nestTarget = "/api/things/alice"
)

// nestCounts counts what happens while a nest serves requests.
type nestCounts struct {
	verified atomic.Int32 // verifications of the token
	runs     atomic.Int32 // of the handler
	known    atomic.Int32 // runs of the handler with a principal
}

// nest returns the nest of the case.
func (c nestedCase) nest(counts *nestCounts) (Nest, error) {
	jkt, err := dpop.Thumbprint(c.key.Public())
	if err != nil {
		return Nest{}, err
	}
	all := scope.Of("api:read", "things:read")
	principals := Principals{
		"alice":  {Subject: "alice", ClientID: "app", Scopes: all},
		"api":    {Subject: "alice", ClientID: "app", Scopes: scope.Of("api:read")},
		"things": {Subject: "alice", ClientID: "app", Scopes: scope.Of("things:read")},
		"bound":  {Subject: "alice", ClientID: "app", Scopes: all, Confirmation: bearer.Confirmation{JKT: jkt}},
	}
	proofs, err := dpop.New(dpop.Config{Origin: nestOrigin})
	if err != nil {
		return Nest{}, err
	}
	config := bearer.Config{
		Verifiers: []bearer.Verifier{bearer.VerifierFunc(func(ctx context.Context, token string) (*bearer.Principal, error) {
			counts.verified.Add(1)
			return principals.Verify(ctx, token)
		})},
		Proofs: proofs,
	}
	outer, err := bearer.New(config)
	if err != nil {
		return Nest{}, err
	}
	inner := outer
	if c.otherGuard {
		if inner, err = bearer.New(config); err != nil {
			return Nest{}, err
		}
	}
	nest := Nest{
		Group: Mount{Path: "/api", Guard: outer, Rule: scope.All("api:read")},
		Route: Mount{Method: http.MethodGet, Path: "/things/{id}", Guard: inner, Rule: scope.All("things:read"),
			Handler: func(w http.ResponseWriter, r *http.Request) {
				counts.runs.Add(1)
				if _, ok := bearer.FromContext(r.Context()); ok {
					counts.known.Add(1)
				}
				_, _ = fmt.Fprint(w, "served")
			}},
	}
	if c.group != nil {
		c.group(&nest.Group)
	}
	if c.route != nil {
		c.route(&nest.Route)
	}
	return nest, nil
}

// request returns the request of the case, with a fresh proof if it needs one.
func (c nestedCase) request() (adapterCase, error) {
	request := adapterCase{method: http.MethodGet, target: nestTarget, header: http.Header{}}
	switch {
	case c.scheme == "DPoP":
		proof, err := dpop.NewProof(dpop.ProofConfig{
			Key: c.key, Algorithm: "ES256", Method: http.MethodGet, URL: nestOrigin + nestTarget, AccessToken: c.token,
		})
		if err != nil {
			return adapterCase{}, err
		}
		request.header.Set("Authorization", "DPoP "+c.token)
		request.header.Set("DPoP", proof)
	case c.token != "":
		request.header.Set("Authorization", "Bearer "+c.token)
	}
	return request, nil
}

func (c nestedCase) check(mount func(Nest) http.Handler) error {
	var counts nestCounts
	nest, err := c.nest(&counts)
	if err != nil {
		return err
	}
	request, err := c.request()
	if err != nil {
		return err
	}
	h := mount(nest)
	if err := c.compare(request, h, c.status, c.scope); err != nil {
		return err
	}
	runs := int32(0)
	if c.status == http.StatusOK {
		runs = 1
	}
	switch {
	case counts.runs.Load() != runs:
		return fmt.Errorf("the handler ran %d times, want %d", counts.runs.Load(), runs)
	case runs == 1 && (counts.known.Load() == 0) != c.anonymous:
		return fmt.Errorf("the handler has a principal: %v, want %v", counts.known.Load() == 1, !c.anonymous)
	case counts.verified.Load() != c.verified:
		return fmt.Errorf("the token was verified %d times, want %d", counts.verified.Load(), c.verified)
	case c.replayScope == "":
		return nil
	}
	if err := c.compare(request, h, http.StatusUnauthorized, c.replayScope); err != nil {
		return fmt.Errorf("the same proof again: %w", err)
	}
	if counts.runs.Load() != runs {
		return errors.New("the same proof again: the handler ran")
	}
	return nil
}

// compare sends the request. It compares the answer's status, and the scope in its
// challenges and in the body of a 403.
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
