package bearer_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/scope"
)

// counting builds a guard's Config whose dependencies count their calls.
type counting struct {
	mu       sync.Mutex
	verified []string // tokens
	denied   int      // questions to the deny list
	proofs   proofs
}

func (c *counting) Verify(_ context.Context, token string) (*bearer.Principal, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.verified = append(c.verified, token)
	p := bearer.Principal{Subject: token, ClientID: "app", Scopes: scope.Of("outer", "inner")}
	switch {
	case strings.HasPrefix(token, "bound"):
		p.Confirmation.JKT = "key"
	case token == "weak":
		p.Scopes = scope.Of("outer")
	case token == "bad":
		return nil, bearer.Invalid("signature", "", "")
	}
	return &p, nil
}

func (c *counting) Denied(context.Context, *bearer.Principal) (bool, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.denied++
	return false, nil
}

func (c *counting) config() bearer.Config {
	return bearer.Config{Verifiers: []bearer.Verifier{c}, DenyList: c, Proofs: &c.proofs}
}

// pass lets nested routes judge a request. If change is set, it changes the
// request before each route but the first. pass returns the answer of the first
// route that refuses the request, or of the last route.
func pass(r *http.Request, change func(*http.Request) *http.Request, routes ...*bearer.Route) (a answer) {
	for i, rt := range routes {
		if i > 0 && change != nil {
			r = change(r)
		}
		if a = serve(rt, r); !a.handedOn {
			return a
		}
		r = a.request
	}
	return a
}

func dpopRequest(token string) *http.Request {
	r := get("DPoP " + token)
	r.Header["Dpop"] = []string{"proof-1"}
	return r
}

// Reports L13, checklist C21: nested guards continue from the first judgement,
// and a proof is used once. The credentials that reach the inner route decide
// whether they are the same.
func TestNestedRoutesJudgeARequestOnce(t *testing.T) {
	set := func(name, value string) func(*http.Request) *http.Request {
		return func(r *http.Request) *http.Request {
			r.Header[name] = []string{value}
			return r
		}
	}
	tests := []struct {
		name     string
		token    string
		change   func(*http.Request) *http.Request
		status   int
		verified string // the tokens, in order
		denied   int
		asked    int // proofs that were looked at
		used     int
		subject  string
	}{
		{name: "a token", token: "plain", status: 200, verified: "plain", denied: 1, subject: "plain"},
		{name: "a bound token", token: "bound", status: 200, verified: "bound", denied: 1, asked: 1, used: 1, subject: "bound"},
		{name: "another token", token: "plain", change: set("Authorization", "Bearer other"), status: 200, verified: "plain other", denied: 2, subject: "other"},
		{name: "another token that is bad", token: "plain", change: set("Authorization", "Bearer bad"), status: 401, verified: "plain bad", denied: 1},
		{name: "no token", token: "plain", change: func(r *http.Request) *http.Request {
			r.Header.Del("Authorization")
			return r
		}, status: 401, verified: "plain", denied: 1},
		{name: "another scheme", token: "bound", change: set("Authorization", "Bearer bound"), status: 401, verified: "bound bound", denied: 2, asked: 1, used: 1},
		{name: "another bound token", token: "bound", change: set("Authorization", "DPoP bound-2"), status: 200, verified: "bound bound-2", denied: 2, asked: 2, used: 2, subject: "bound-2"},
		{name: "another proof", token: "bound", change: set("Dpop", "proof-2"), status: 200, verified: "bound", denied: 1, asked: 2, used: 2, subject: "bound"},
		{name: "a second proof", token: "bound", change: func(r *http.Request) *http.Request {
			r.Header["Dpop"] = []string{"proof-1", "proof-1"}
			return r
		}, status: 200, verified: "bound", denied: 1, asked: 2, used: 2, subject: "bound"},
		{name: "another method", token: "bound", change: func(r *http.Request) *http.Request {
			r.Method = http.MethodDelete
			return r
		}, status: 200, verified: "bound", denied: 1, asked: 2, used: 2, subject: "bound"},
		{name: "another request line", token: "bound", change: func(r *http.Request) *http.Request {
			r.RequestURI = "/users"
			return r
		}, status: 200, verified: "bound", denied: 1, asked: 2, used: 2, subject: "bound"},
		{name: "another URL of the same request line", token: "bound", change: func(r *http.Request) *http.Request {
			r.URL = &url.URL{Path: "/"} // as http.StripPrefix makes it
			return r
		}, status: 200, verified: "bound", denied: 1, asked: 1, used: 1, subject: "bound"},
		{name: "a request that the program made for another URL", token: "bound", change: func(r *http.Request) *http.Request {
			inside := r.Clone(r.Context())
			inside.RequestURI, inside.URL = "", &url.URL{Path: "/users"}
			return inside
		}, status: 200, verified: "bound", denied: 1, asked: 2, used: 2, subject: "bound"},
		{name: "a context that wraps it", token: "bound", change: func(r *http.Request) *http.Request {
			return r.WithContext(context.Background())
		}, status: 200, verified: "bound bound", denied: 2, asked: 2, used: 2, subject: "bound"},
		// A principal that middleware put there is not a judgement and hides none.
		{name: "a principal of a test", token: "bound", change: func(r *http.Request) *http.Request {
			return r.WithContext(bearer.NewContext(r.Context(), bearer.Principal{Subject: "forged", Scopes: scope.Of("inner")}))
		}, status: 200, verified: "bound", denied: 1, asked: 1, used: 1, subject: "bound"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var c counting
			guard := newGuard(t, c.config())
			outer, inner := guard.MustRoute(bearer.RouteConfig{Rule: scope.All("outer")}), guard.MustRoute(bearer.RouteConfig{Rule: scope.All("inner")})
			r := get("Bearer " + tt.token)
			if strings.HasPrefix(tt.token, "bound") {
				r = dpopRequest(tt.token)
			}
			got := pass(r, tt.change, outer, inner)
			if got.status != tt.status || got.principal.Subject != tt.subject {
				t.Errorf("%d for %q, want %d for %q", got.status, got.principal.Subject, tt.status, tt.subject)
			}
			if v := strings.Join(c.verified, " "); v != tt.verified || c.denied != tt.denied {
				t.Errorf("verified %q, %d questions to the deny list; want %q, %d", v, c.denied, tt.verified, tt.denied)
			}
			if c.proofs.asked != tt.asked || c.proofs.used != tt.used {
				t.Errorf("proofs looked at %d times, used %d times; want %d, %d", c.proofs.asked, c.proofs.used, tt.asked, tt.used)
			}
		})
	}
}

// RFC 9449, Section 4.2: a proof is bound to the URL. A request that the program
// itself made has no request line, so its URL counts.
func TestNestedRoutesOfARequestWithoutALine(t *testing.T) {
	for path, proofs := range map[string]int{"/orders": 1, "/users": 2} {
		var c counting
		guard := newGuard(t, c.config())
		outer, inner := guard.MustRoute(bearer.RouteConfig{Rule: scope.All("outer")}), guard.MustRoute(bearer.RouteConfig{Rule: scope.All("inner")})
		r := dpopRequest("bound")
		r.RequestURI = ""
		got := pass(r, func(r *http.Request) *http.Request {
			r.URL = &url.URL{Path: path}
			return r
		}, outer, inner)
		if got.status != 200 || c.proofs.asked != proofs || c.proofs.used != proofs {
			t.Errorf("%s: %d, proofs looked at %d times, used %d times; want %d", path, got.status, c.proofs.asked, c.proofs.used, proofs)
		}
	}
}

// Checklist C21: a principal that a test puts into the context is not a
// judgement.
func TestNewContextIsNoJudgement(t *testing.T) {
	var c counting
	rt := newGuard(t, c.config()).MustRoute(bearer.RouteConfig{Rule: scope.All("inner")})
	forged := bearer.NewContext(t.Context(), bearer.Principal{Subject: "forged", TokenType: "Bearer", Scopes: scope.Of("inner")})
	for authorization, status := range map[string]int{"": 401, "Bearer bad": 401, "Bearer weak": 403} {
		r := get().WithContext(forged)
		if authorization != "" {
			r.Header.Set("Authorization", authorization)
		}
		if got := serve(rt, r); got.status != status || got.known {
			t.Errorf("%q: %d, want %d", authorization, got.status, status)
		}
	}
	if len(c.verified) != 2 {
		t.Errorf("verified %q", c.verified)
	}
}

// Reports L13: another guard has its own verifiers and policy, so it judges the
// token itself. A proof that their common checker has used for the request is
// not used again.
func TestNestedGuards(t *testing.T) {
	tests := []struct {
		name                  string
		change                func(inner *bearer.Config)
		verified, asked, used int
		denied                int
		status                int
	}{
		{"alike", func(*bearer.Config) {}, 2, 1, 1, 2, 200},
		{"another checker", func(c *bearer.Config) { c.Proofs = &proofs{} }, 2, 1, 1, 2, 200}, // which uses it itself
		{"another checker, which refuses", func(c *bearer.Config) { c.Proofs = &proofs{useErr: bearer.ErrUnrecognized} }, 2, 1, 1, 2, 503},
		{"a checker that cannot be compared", func(c *bearer.Config) { c.Proofs = uncomparable{} }, 2, 1, 1, 2, 200},
		{"no checker, so DPoP is an unknown scheme", func(c *bearer.Config) { c.Proofs = nil }, 1, 1, 1, 1, 401},
		{"a verifier that refuses", func(c *bearer.Config) {
			c.Verifiers = []bearer.Verifier{answering(nil, bearer.Invalid("aud", "", ""))}
		}, 1, 1, 1, 1, 401},
		{"a verifier that says another key", func(c *bearer.Config) {
			c.Verifiers = []bearer.Verifier{answering(&bearer.Principal{Scopes: scope.Of("inner"), Confirmation: bearer.Confirmation{JKT: "other"}}, nil)}
		}, 1, 2, 2, 2, 200},
		{"another deny list", func(c *bearer.Config) { c.DenyList = deniesAll{} }, 2, 1, 1, 1, 401},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var c counting
			first, config := newGuard(t, c.config()), c.config()
			tt.change(&config)
			second := newGuard(t, config)
			route := func(g *bearer.Guard) *bearer.Route { return g.MustRoute(bearer.RouteConfig{Rule: scope.All("inner")}) }
			got := pass(dpopRequest("bound"), nil, route(first), route(second))
			if got.status != tt.status || len(c.verified) != tt.verified || c.denied != tt.denied || c.proofs.asked != tt.asked || c.proofs.used != tt.used {
				t.Errorf("%d, verified %d times, %d questions to the deny list, proofs looked at %d times, used %d times", got.status, len(c.verified), c.denied, c.proofs.asked, c.proofs.used)
			}
		})
	}
	t.Run("checkers that cannot be compared", func(t *testing.T) {
		var c counting
		config := c.config()
		config.Proofs = uncomparable{}
		route := func() *bearer.Route {
			return newGuard(t, config).MustRoute(bearer.RouteConfig{Rule: scope.All("inner")})
		}
		if got := pass(dpopRequest("bound"), nil, route(), route()); got.status != 200 {
			t.Errorf("%d", got.status)
		}
	})
	t.Run("the first guard again, inside the second", func(t *testing.T) {
		var c, other counting
		first, second := newGuard(t, c.config()), newGuard(t, other.config())
		route := func(g *bearer.Guard) *bearer.Route { return g.MustRoute(bearer.RouteConfig{Rule: scope.All("inner")}) }
		got := pass(dpopRequest("bound"), nil, route(first), route(second), route(first), route(second))
		if got.status != 200 || len(c.verified) != 1 || len(other.verified) != 1 || c.proofs.used != 1 || other.proofs.used != 1 {
			t.Errorf("%d, verified %q and %q, used %d and %d", got.status, c.verified, other.verified, c.proofs.used, other.proofs.used)
		}
	})
}

// uncomparable is a ProofChecker on which the operator == panics.
type uncomparable struct{ _ []int }

func (uncomparable) CheckProof(*http.Request, string, bearer.Principal) (bearer.Proof, error) {
	return &proofs{}, nil
}
func (uncomparable) Algorithms() []string { return []string{"ES256"} }
func (uncomparable) Nonce() string        { return "" }

type deniesAll struct{}

func (deniesAll) Denied(context.Context, *bearer.Principal) (bool, error) { return true, nil }

// Reports L13: each route checks its own audience, age, scope, step-up and
// requirements, whatever the outer route requires.
func TestNestedRoutesMakeTheirOwnChecks(t *testing.T) {
	now := time.Now()
	p := bearer.Principal{Subject: "alice", Scopes: scope.Of("outer"), ACR: "pwd", IssuedAt: now.Add(-time.Minute)}.WithAudience("a")
	denied := bearer.RequirementFunc(func(*http.Request, *bearer.Principal) error { return bearer.Forbid("") })
	for _, tt := range []struct {
		name   string
		route  bearer.RouteConfig
		check  string
		status int
	}{
		{"audience", bearer.RouteConfig{Audience: "b"}, "aud", 401},
		{"age", bearer.RouteConfig{MaxTokenAge: time.Second}, "iat", 401},
		{"scope", bearer.RouteConfig{Rule: scope.All("inner")}, "scope", 403},
		{"step-up", bearer.RouteConfig{Requirements: []bearer.Requirement{bearer.StepUp{ACR: []string{"mfa"}}}}, "acr", 401},
		{"requirement", bearer.RouteConfig{Requirements: []bearer.Requirement{denied}}, "policy", 403},
	} {
		var log bytes.Buffer
		guard := newGuard(t, bearer.Config{Verifiers: []bearer.Verifier{answering(&p, nil)}, Logger: slog.New(slog.NewTextHandler(&log, nil))})
		if tt.route.Rule.Err() != nil {
			tt.route.Rule = scope.None
		}
		outer, inner := guard.MustRoute(bearer.RouteConfig{Rule: scope.All("outer"), Audience: "a"}), guard.MustRoute(tt.route)
		if got := pass(get("Bearer x"), nil, outer, inner); got.status != tt.status || !strings.Contains(log.String(), " check="+tt.check+" ") && !strings.Contains(log.String(), `check="`+tt.check+`"`) {
			t.Errorf("%s: %d, want %d; %s", tt.name, got.status, tt.status, &log)
		}
		if got := pass(get("Bearer x"), nil, inner, outer); got.status != tt.status {
			t.Errorf("%s, the other way round: %d, want %d", tt.name, got.status, tt.status)
		}
	}
}

// Reports L13: challenges name the scopes of all nested routes.
func TestChallengesNameTheScopesOfNestedRoutes(t *testing.T) {
	guard := newGuard(t, (&counting{}).config())
	route := func(c bearer.RouteConfig) *bearer.Route { return guard.MustRoute(c) }
	outer, inner := bearer.RouteConfig{Rule: scope.All("outer")}, bearer.RouteConfig{Rule: scope.All("inner")}
	optional := bearer.RouteConfig{Rule: scope.All("outer"), Optional: true}
	loose := bearer.RouteConfig{Rule: scope.None, Optional: true}
	step := bearer.RouteConfig{Rule: scope.None, Requirements: []bearer.Requirement{bearer.StepUp{ACR: []string{"mfa"}}}}
	hidden := bearer.RouteConfig{Rule: scope.None, Requirements: []bearer.Requirement{bearer.Hidden(bearer.SubjectInPath("id"))}}
	const (
		lacks = `error="insufficient_scope", error_description="The access token lacks a scope that the request needs.", scope="inner outer"`
		algs  = `, algs="ES256 EdDSA"`
	)
	for _, tt := range []struct {
		name       string
		authorized string
		routes     []*bearer.Route
		status     int
		challenges []string
		bodyScope  bool
	}{
		{"too little scope", "Bearer weak", []*bearer.Route{route(outer), route(inner)}, 403, []string{`Bearer realm="api", ` + lacks}, true},
		{"too little scope, three routes", "Bearer weak", []*bearer.Route{route(loose), route(outer), route(inner)}, 403, []string{`Bearer realm="api", ` + lacks}, true},
		{"no credentials", "", []*bearer.Route{route(optional), route(inner)}, 401, []string{`Bearer realm="api", scope="inner outer"`, `DPoP realm="api", scope="inner outer"` + algs}, false},
		{"no credentials, the outer needs no scope", "", []*bearer.Route{route(loose), route(inner)}, 401, []string{`Bearer realm="api", scope="inner"`, `DPoP realm="api", scope="inner"` + algs}, false},
		{"step-up", "Bearer weak", []*bearer.Route{route(outer), route(step)}, 401, []string{
			`Bearer realm="api", error="insufficient_user_authentication", error_description="The request needs a stronger or more recent authentication of the user.", scope="outer", acr_values="mfa"`,
			`DPoP realm="api", scope="outer"` + algs}, false},
		{"a refusal that names no scope", "Bearer weak", []*bearer.Route{route(outer), route(hidden)}, 404, nil, false},
		{"the outer refuses", "", []*bearer.Route{route(outer), route(inner)}, 401, []string{`Bearer realm="api", scope="outer"`, `DPoP realm="api", scope="outer"` + algs}, false},
	} {
		r := get()
		if tt.authorized != "" {
			r = get(tt.authorized)
		}
		got := pass(r, nil, tt.routes...)
		if got.status != tt.status || !slices.Equal(got.header.Values("WWW-Authenticate"), tt.challenges) {
			t.Errorf("%s: %d\n%q, want %d\n%q", tt.name, got.status, got.header.Values("WWW-Authenticate"), tt.status, tt.challenges)
		}
		if strings.Contains(got.body, `"scope":"inner outer"`) != tt.bodyScope {
			t.Errorf("%s: the body is %s", tt.name, got.body)
		}
	}
	// A token that middleware adds or removes between the routes needs both scopes.
	added := func(r *http.Request) *http.Request {
		r.Header.Set("Authorization", "Bearer weak")
		return r
	}
	if got := pass(get(), added, route(optional), route(inner)); got.status != 403 || !strings.Contains(got.challenge(), ` scope="inner outer"`) {
		t.Errorf("an added token: %d %s", got.status, got.challenge())
	}
	removed := func(r *http.Request) *http.Request {
		r.Header.Del("Authorization")
		return r
	}
	if got := pass(get("Bearer plain"), removed, route(outer), route(inner)); got.status != 401 || !strings.Contains(got.challenge(), ` scope="inner outer"`) {
		t.Errorf("a removed token: %d %s", got.status, got.challenge())
	}
	// The answers of a route for one outer route are not those for another.
	shared, third := route(inner), bearer.RouteConfig{Rule: scope.All("third")}
	for range 2 {
		for names, around := range map[string]bearer.RouteConfig{"inner outer": outer, "inner third": third} {
			around.Optional = true
			if got := pass(get(), nil, route(around), shared); !strings.Contains(got.challenge(), `Bearer realm="api", scope="`+names+`"`) {
				t.Errorf("%s, want the scopes %s", got.challenge(), names)
			}
		}
	}
	// A challenge about another token does not name the scopes for the client's token.
	exchanged := func(r *http.Request) *http.Request {
		r.Header.Set("Authorization", "Bearer weak")
		return r
	}
	if got := pass(get("Bearer plain"), exchanged, route(outer), route(inner)); !strings.Contains(got.challenge(), ` scope="inner"`) {
		t.Errorf("an exchanged token: %s", got.challenge())
	}
	// Decide agrees with Admit.
	let := serve(route(outer), get("Bearer weak"))
	if d := route(inner).Decide(let.request); d.Status() != 403 || !slices.Equal(d.Challenges(), []string{`Bearer realm="api", ` + lacks}) {
		t.Errorf("Decide: %d %q", d.Status(), d.Challenges())
	}
}

// C10, C21: the inner route judges the scheme that reaches it, and a proof that no
// outer route has checked.
func TestNestedRouteWithAnotherScheme(t *testing.T) {
	guard := newGuard(t, (&counting{}).config())
	outer := guard.MustRoute(bearer.RouteConfig{Rule: scope.All("outer"), Optional: true})
	inner := guard.MustRoute(bearer.RouteConfig{Rule: scope.None})
	as := func(authorization string) func(*http.Request) *http.Request {
		return func(r *http.Request) *http.Request {
			r.Header.Set("Authorization", authorization)
			r.Header["Dpop"] = []string{"proof-1"}
			return r
		}
	}
	for _, tt := range []struct {
		first    *http.Request
		then     string
		admitted bool
	}{
		{get("Bearer plain"), "DPoP plain", false},
		{get("Bearer plain"), "Bearer plain", true},
		{dpopRequest("bound"), "Bearer bound", false},
		{get(), "DPoP bound", true},
		{get(), "Bearer plain", true},
	} {
		if got := pass(tt.first, as(tt.then), outer, inner); got.handedOn != tt.admitted {
			t.Errorf("%s, then %s: %d, want admitted %t", tt.first.Header.Get("Authorization"), tt.then, got.status, tt.admitted)
		}
	}
}

// A principal of NewContext keeps its token type, which no request has shown.
func TestNewContextKeepsTheTokenType(t *testing.T) {
	for _, typ := range []string{"", "DPoP", "other"} {
		p, ok := bearer.FromContext(bearer.NewContext(t.Context(), bearer.Principal{Subject: "alice", TokenType: typ}))
		if !ok || p.TokenType != typ {
			t.Errorf("%q became %q", typ, p.TokenType)
		}
	}
}

// Authenticate admits nobody: the principal of an outer guard stays as it is.
func TestAuthenticateKeepsTheOuterPrincipal(t *testing.T) {
	outer := serve(newRoute(t, bearer.Config{Verifiers: []bearer.Verifier{boundVerifier}}, bearer.RouteConfig{}), get("Bearer plain"))
	inner := newRoute(t, bearer.Config{}, bearer.RouteConfig{})
	outer.request.Header.Set("Authorization", "Bearer good")
	r, p, ok := inner.Authenticate(httptest.NewRecorder(), outer.request)
	if !ok {
		t.Fatal("refused")
	}
	if kept, ok := bearer.FromContext(r.Context()); !ok || kept.ClientID != outer.principal.ClientID || kept.ClientID == p.ClientID {
		t.Errorf("%+v, %t; the inner guard's is %+v", kept, ok, p)
	}
}

// Third-party code on one route cannot change the principal that another route
// sees.
func TestNestedRoutesSeeTheVerifiersPrincipal(t *testing.T) {
	spoil := bearer.RequirementFunc(func(_ *http.Request, p *bearer.Principal) error {
		p.Subject, p.Scopes, p.Confirmation = "mallory", scope.Of("inner"), bearer.Confirmation{}
		return nil
	})
	var c counting
	guard := newGuard(t, c.config())
	outer := guard.MustRoute(bearer.RouteConfig{Rule: scope.All("outer"), Requirements: []bearer.Requirement{spoil}})
	inner := guard.MustRoute(bearer.RouteConfig{Rule: scope.All("inner")})
	if got := pass(get("Bearer weak"), nil, outer, inner); got.status != 403 {
		t.Errorf("a requirement of the outer route gave the token a scope: %d", got.status)
	}
	if got := pass(get("Bearer plain"), nil, outer, inner); got.principal.Subject != "plain" {
		t.Errorf("the inner route admits %q", got.principal.Subject)
	}
}

// A long request, such as a stream whose context serves further requests within
// the program, has its token verified again. Its proof was fresh when the
// request arrived and is not checked again.
func TestJudgementOfATokenExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var c counting
		guard := newGuard(t, c.config())
		outer, inner := guard.MustRoute(bearer.RouteConfig{Rule: scope.All("outer")}), guard.MustRoute(bearer.RouteConfig{Rule: scope.All("inner")})
		let := serve(outer, dpopRequest("bound"))
		for _, tt := range []struct {
			later time.Duration
			want  int
		}{{0, 1}, {10 * time.Second, 1}, {1, 2}, {10 * time.Second, 3}} {
			<-time.After(tt.later)
			if got := serve(inner, let.request); got.status != 200 || len(c.verified) != tt.want || c.denied != tt.want {
				t.Errorf("%d, verified %d times, %d questions to the deny list; want %d", got.status, len(c.verified), c.denied, tt.want)
			}
		}
		if c.proofs.asked != 1 || c.proofs.used != 1 {
			t.Errorf("the proof was looked at %d times, used %d times", c.proofs.asked, c.proofs.used)
		}
	})
}

// Printing the context of a request does not reveal the token.
func TestPrintedContextHasNoToken(t *testing.T) {
	let := serve(newRoute(t, bearer.Config{}, bearer.RouteConfig{}), get("Bearer good"))
	for _, format := range []string{"%v", "%+v", "%#v", "%s"} {
		if text := fmt.Sprintf(format, let.request.Context()); strings.Contains(text, "good") || strings.Contains(text, "alice") {
			t.Errorf("%s: %s", format, text)
		}
	}
}

// Checklist C7b, C21; reports V11: the proof is checked with the binding and
// used last, so a request that is refused for another reason does not use it.
func TestProofIsUsedLast(t *testing.T) {
	used := &bearer.Error{Code: bearer.CodeInvalidDPoPProof, Check: "replay", Expected: "a new proof", Got: "a used proof"}
	invalid := &bearer.Error{Code: bearer.CodeInvalidDPoPProof, Check: "htu"}
	no := bearer.RequirementFunc(func(*http.Request, *bearer.Principal) error { return bearer.Forbid("") })
	const challenge = `DPoP realm="api", error="invalid_dpop_proof", error_description="The DPoP proof is missing or invalid.", scope="inner", algs="ES256 EdDSA"`
	for _, tt := range []struct {
		name          string
		err, useErr   error
		rule          string
		requirements  []bearer.Requirement
		status, asked int
		used          int
		challenge     string // the last
		check         string
	}{
		{name: "good", rule: "inner", status: 200, asked: 1, used: 1},
		{name: "used before", useErr: used, rule: "inner", status: 401, asked: 1, used: 1, challenge: challenge, check: "replay"},
		{name: "used before, and too little scope", useErr: used, rule: "admin", status: 403, asked: 1, check: "scope",
			challenge: `DPoP realm="api", error="insufficient_scope", error_description="The access token lacks a scope that the request needs.", scope="admin", algs="ES256 EdDSA"`},
		{name: "used before, and a policy refuses", useErr: used, rule: "inner", requirements: []bearer.Requirement{no}, status: 403, asked: 1, check: "policy"},
		{name: "invalid, and too little scope", err: invalid, rule: "admin", status: 401, asked: 1, check: "htu",
			challenge: strings.Replace(challenge, "inner", "admin", 1)},
		{name: "the store cannot tell", useErr: errors.New("the store is down"), rule: "inner", status: 503, asked: 1, used: 1, check: "DPoP proof"},
		{name: "an answer that no proof may give", useErr: bearer.Forbid("no"), rule: "inner", status: 503, asked: 1, used: 1, check: "DPoP proof"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var events []bearer.Event
			c := counting{proofs: proofs{err: tt.err, useErr: tt.useErr}}
			config := c.config()
			config.OnRefusal = func(_ *http.Request, e bearer.Event) { events = append(events, e) }
			rt := newGuard(t, config).MustRoute(bearer.RouteConfig{Rule: scope.All(tt.rule), Requirements: tt.requirements})
			got := serve(rt, dpopRequest("bound"))
			if got.status != tt.status || c.proofs.asked != tt.asked || c.proofs.used != tt.used {
				t.Errorf("%d, looked at %d times, used %d times; want %d, %d, %d", got.status, c.proofs.asked, c.proofs.used, tt.status, tt.asked, tt.used)
			}
			if lines := got.header.Values("WWW-Authenticate"); tt.challenge != "" && (len(lines) == 0 || lines[len(lines)-1] != tt.challenge) || tt.challenge == "" && len(lines) > 0 {
				t.Errorf("challenges %q, want %q", lines, tt.challenge)
			}
			if tt.status == 200 {
				return
			}
			if len(events) != 1 || events[0].Check != tt.check || events[0].ClientID != "app" || strings.Contains(fmt.Sprint(events), "proof-1") {
				t.Errorf("events %+v, want one of check %q, with the client", events, tt.check)
			}
		})
	}
}

// A checker that returns neither an error nor a proof means "cannot tell".
func TestCheckerWithoutAProof(t *testing.T) {
	var c counting
	config := c.config()
	config.Proofs = noProof{}
	rt := newGuard(t, config).MustRoute(bearer.RouteConfig{Rule: scope.None})
	if got := serve(rt, dpopRequest("bound")); got.status != 503 || got.header.Get("Retry-After") == "" {
		t.Errorf("%d %v", got.status, got.header)
	}
}

type noProof struct{ uncomparable }

func (noProof) CheckProof(*http.Request, string, bearer.Principal) (bearer.Proof, error) {
	return (*proofs)(nil), nil
}

// An anonymous request to an optional route has no principal, whatever the
// route requires.
func TestAnonymousHasNoPrincipal(t *testing.T) {
	rt := newRoute(t, bearer.Config{}, bearer.RouteConfig{Rule: scope.All("orders:read"), Optional: true})
	w := httptest.NewRecorder()
	r, ok := rt.Admit(w, get())
	if _, known := bearer.FromContext(r.Context()); !ok || known || len(w.Header()) != 0 {
		t.Errorf("%v, known %v, %v", ok, known, w.Header())
	}
}

// Reports L12, L13: OnAdmit is called once for a request that passes several
// routes of a guard, by the first that admits it.
func TestOnAdmitIsCalledOnceForNestedRoutes(t *testing.T) {
	preflight := get()
	preflight.Method = http.MethodOptions
	preflight.Header.Set("Origin", "https://app.example.com")
	preflight.Header.Set("Access-Control-Request-Method", "GET")
	for _, tt := range []struct {
		name    string
		request *http.Request
		change  func(*http.Request) *http.Request
		route   bearer.RouteConfig // all three
		want    string
		status  int
	}{
		{name: "a token", request: get("Bearer plain"), want: "plain", status: 200},
		{name: "a bound token", request: dpopRequest("bound"), want: "bound", status: 200},
		{name: "anonymous", request: get(), route: bearer.RouteConfig{Optional: true}, want: "-", status: 200},
		{name: "anonymous, without a rule", request: get(), route: bearer.RouteConfig{Rule: scope.None, Optional: true}, want: "-", status: 200},
		{name: "a preflight", request: preflight, want: "-", status: 200},
		{name: "too little scope", request: get("Bearer weak"), route: bearer.RouteConfig{Rule: scope.All("inner")}, status: 403},
		{name: "another token", request: get("Bearer plain"), change: func(r *http.Request) *http.Request {
			r.Header.Set("Authorization", "Bearer other")
			return r
		}, want: "plain other", status: 200},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var told []string
			config := (&counting{}).config()
			config.InsecurePassPreflights = true
			config.OnAdmit = func(r *http.Request) {
				p, known := bearer.FromContext(r.Context())
				if !known {
					p.Subject = "-"
				}
				told = append(told, p.Subject)
			}
			if tt.route.Rule.Err() != nil {
				tt.route.Rule = scope.All("outer")
			}
			rt := newGuard(t, config).MustRoute(tt.route)
			if got := pass(tt.request, tt.change, rt, rt, rt); got.status != tt.status || strings.Join(told, " ") != tt.want {
				t.Errorf("%d, the hook received %q; want %d, %q", got.status, told, tt.status, tt.want)
			}
		})
	}
	t.Run("of two guards", func(t *testing.T) {
		var told []string
		route := func(name string) *bearer.Route {
			config := (&counting{}).config()
			config.OnAdmit = func(*http.Request) { told = append(told, name) }
			return newGuard(t, config).MustRoute(bearer.RouteConfig{Rule: scope.All("outer")})
		}
		first, second := route("first"), route("second")
		if got := pass(get("Bearer plain"), nil, first, second, first); got.status != 200 || !slices.Equal(told, []string{"first", "second"}) {
			t.Errorf("%d, the hooks called are %q", got.status, told)
		}
	})
	t.Run("after Authenticate", func(t *testing.T) {
		calls := 0
		config := (&counting{}).config()
		config.OnAdmit = func(*http.Request) { calls++ }
		rt := newGuard(t, config).MustRoute(bearer.RouteConfig{Rule: scope.All("outer")})
		r, _, ok := rt.Authenticate(httptest.NewRecorder(), get("Bearer plain"))
		if !ok || calls != 0 {
			t.Fatalf("%v, %d calls before it is admitted", ok, calls)
		}
		if got := serve(rt, r); got.status != 200 || calls != 1 {
			t.Errorf("%d, %d calls", got.status, calls)
		}
	})
}

// A request that a guard admits as anonymous is anonymous to its handler, its
// hook and its outcome, even if an outer guard or a test has put a principal
// into the context.
func TestAnonymousHidesTheOuterPrincipal(t *testing.T) {
	verifier := bearer.VerifierFunc(func(_ context.Context, token string) (*bearer.Principal, error) {
		return &bearer.Principal{Subject: token, ClientID: "app"}, nil
	})
	hooked := 0
	outer, err := bearer.New(bearer.Config{Verifiers: []bearer.Verifier{verifier}, Sources: headerFormQuery})
	if err != nil {
		t.Fatal(err)
	}
	for _, hook := range []func(*http.Request){nil, func(r *http.Request) {
		hooked++
		if p, known := bearer.FromContext(r.Context()); known {
			t.Errorf("the hook sees %v", p)
		}
	}} {
		inner, err := bearer.New(bearer.Config{Verifiers: []bearer.Verifier{verifier}, OnAdmit: hook})
		if err != nil {
			t.Fatal(err)
		}
		for _, rule := range []scope.Rule{scope.None, scope.All("admin")} {
			ctx, outcome := bearer.WithOutcome(t.Context())
			r := httptest.NewRequest(http.MethodGet, "/?access_token=alice", nil).WithContext(ctx)
			r, ok := outer.MustRoute(bearer.RouteConfig{Rule: scope.None}).Admit(httptest.NewRecorder(), r)
			if !ok {
				t.Fatal("the outer guard refuses")
			}
			plain := httptest.NewRequest(http.MethodGet, "/", nil)
			plain = plain.WithContext(bearer.NewContext(plain.Context(), bearer.Principal{Subject: "mallory"}))
			for _, r := range []*http.Request{r, plain} {
				r, ok := inner.MustRoute(bearer.RouteConfig{Rule: rule, Optional: true}).Admit(httptest.NewRecorder(), r)
				if !ok {
					t.Fatal("the inner guard refuses")
				}
				if p, known := bearer.FromContext(r.Context()); known {
					t.Errorf("the handler sees %v", p)
				}
			}
			if p, known := outcome.Principal(); known {
				t.Errorf("the outcome is of %v", p)
			}
		}
	}
	if hooked != 4 {
		t.Errorf("the hook was called %d times, want 4", hooked)
	}
}
