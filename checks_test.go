package bearerkit_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"flag"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/bearer/bearertest"
	"github.com/bearerkit/bearerkit/dpop"
	"github.com/bearerkit/bearerkit/internal/jose"
	"github.com/bearerkit/bearerkit/introspect"
	"github.com/bearerkit/bearerkit/jwks"
	"github.com/bearerkit/bearerkit/scope"
)

var update = flag.Bool("update", false, "rewrite docs/checks.md and docs/troubleshooting.md")

// Reports L15, L19: docs/checks.md shows what an operator reads for each check
// that can refuse a request, as the code really says it, and what to do. After a
// change of a text:
//
//	go test . -run TestChecks -update
func TestChecks(t *testing.T) {
	c := newCheckPage(t)
	c.jwts()
	c.answers()
	c.guards()
	c.proofs()
	const begin, end = "<!-- checks -->\n", "<!-- end of checks -->\n"
	page, err := os.ReadFile("docs/checks.md")
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok1 := strings.Cut(string(page), begin)
	_, after, ok2 := strings.Cut(rest, end)
	if !ok1 || !ok2 {
		t.Fatal("docs/checks.md has no place for the table")
	}
	want := before + begin + c.page.String() + end + after
	if *update {
		if err := os.WriteFile("docs/checks.md", []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if want != string(page) {
		t.Errorf("docs/checks.md is not what the code says; go test . -run TestChecks -update\n%s", firstDifference(want, string(page)))
	}
	for _, check := range checksOfTheCode(t) {
		if !c.seen[check] {
			t.Errorf("no row shows the check %q", check)
		}
	}
}

func firstDifference(want, got string) string {
	a, b := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return fmt.Sprintf("line %d: %s\nwant:    %s", i+1, b[i], a[i])
		}
	}
	return fmt.Sprintf("%d lines, want %d", len(b), len(a))
}

// checksOfTheCode returns the names of all checks that stand in the code.
func checksOfTheCode(t *testing.T) []string {
	t.Helper()
	names := map[string]bool{}
	literal := regexp.MustCompile(`(?:Invalid|Unrecognized|invalid|malformed|refused|disagree)\("([^"%]+)"|Check:\s+"([^"]+)"|\.Check(?:, [\w.]+)* = "([^"]+)"`)
	for _, dir := range []string{"bearer", "jwks", "introspect", "dpop", "internal/claims"} {
		files, err := filepath.Glob(filepath.Join(dir, "*.go"))
		if err != nil || len(files) == 0 {
			t.Fatal(dir, err)
		}
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			source, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range literal.FindAllStringSubmatch(string(source), -1) {
				names[m[1]+m[2]+m[3]] = true
			}
		}
	}
	delete(names, "request") // the client has gone, and nobody reads the record
	delete(names, "clock")   // of a machine whose clock was set: see dpop's own tests
	return slices.Sorted(maps.Keys(names))
}

type checkPage struct {
	t      *testing.T
	issuer *bearertest.Issuer
	key    *ecdsa.PrivateKey
	seen   map[string]bool
	page   strings.Builder
}

const audience = "https://api.example.com"

func newCheckPage(t *testing.T) *checkPage {
	t.Helper()
	issuer, err := bearertest.NewIssuer(bearertest.IssuerConfig{Clients: []bearertest.Client{{ID: "api", Secret: "secret"}}})
	if err != nil {
		t.Fatal(err)
	}
	if err := issuer.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(issuer.Close)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return &checkPage{
		t: t, issuer: issuer, key: key, seen: map[string]bool{},
	}
}

func (c *checkPage) section(title, text string) {
	fmt.Fprintf(&c.page, "\n## %s\n\n%s\n\n| `check` | when | `expected` | `got` | `hint`: what to do |\n| --- | --- | --- | --- | --- |\n", title, text)
}

// varying matches what differs from run to run, and steady replaces it.
var varying = regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ|\d+h\d+m[\d.]+m?s`)

func (c *checkPage) steady(s string) string {
	s = strings.ReplaceAll(s, c.issuer.URL(), "https://login.example.com")
	return varying.ReplaceAllStringFunc(s, func(found string) string {
		if strings.Contains(found, "T") {
			return "(a time)"
		}
		return "(a duration)"
	})
}

var fetched = regexp.MustCompile(`fetched \S+ ago`)

// row sends a request and writes what the log is told about it.
func (c *checkPage) row(when string, config bearer.Config, route bearer.RouteConfig, r *http.Request, times ...int) {
	c.t.Helper()
	var events []bearer.Event
	config.OnRefusal = func(_ *http.Request, e bearer.Event) { events = append(events, e) }
	guard, err := bearer.New(config)
	if err != nil {
		c.t.Fatalf("%s: %v", when, err)
	}
	rt, err := guard.Route(route)
	if err != nil {
		c.t.Fatalf("%s: %v", when, err)
	}
	for range append(times, 1)[0] {
		rt.Admit(httptest.NewRecorder(), r.Clone(r.Context()))
	}
	if len(events) == 0 {
		c.t.Errorf("%s: the request is let in", when)
		return
	}
	c.write(when, events[len(events)-1])
}

func (c *checkPage) write(when string, e bearer.Event) {
	c.seen[e.Check] = true
	got := e.Got
	if got == "" {
		got = e.Cause
	}
	got = fetched.ReplaceAllString(c.steady(got), "fetched 3s ago")
	if e.ClaimedIssuer != "" {
		got += fmt.Sprintf("; `claimed_iss` %s", c.steady(e.ClaimedIssuer))
		if e.ClaimedKeyID != "" {
			got += ", `claimed_kid` " + e.ClaimedKeyID
		}
	}
	cell := func(s string) string { return strings.ReplaceAll(strings.ReplaceAll(s, "|", `\|`), "<", `&lt;`) }
	fmt.Fprintf(&c.page, "| `%s` (%d) | %s | %s | %s | %s |\n", e.Check, e.Status, when, cell(c.steady(e.Expected)), cell(got), cell(c.steady(e.Hint)))
}

func requestWith(token string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "https://api.example.com/orders/alice", nil)
	r.RemoteAddr = "192.0.2.1:4711"
	r.SetPathValue("id", "alice")
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	return r
}

var noScope = bearer.RouteConfig{Rule: scope.None}

func (c *checkPage) tokens(change func(*jwks.Issuer)) bearer.Config {
	c.t.Helper()
	issuer := jwks.Issuer{URL: c.issuer.URL(), Audience: []string{audience}}
	if change != nil {
		change(&issuer)
	}
	v, err := jwks.New(jwks.Config{Issuers: []jwks.Issuer{issuer}})
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(v.Close)
	return bearer.Config{Verifiers: []bearer.Verifier{v}}
}

func (c *checkPage) jwts() {
	c.section("JWT access tokens (`jwks`)", "`claimed_iss` and `claimed_kid` are unverified: anybody may have written them into the token. The same is true of `got` for `iss`, `alg`, `typ` and the other checks before the signature. `iss`, `sub`, `client_id` and `jti` are verified.")
	std := c.tokens(nil)
	minted := func(header, claims map[string]any) *http.Request {
		return requestWith(c.issuer.Mint(bearertest.Token{Header: header, Claims: claims}))
	}
	parts := strings.Split(c.issuer.Mint(bearertest.Token{}), ".")
	c.row("the token is not a JWT", std, noScope, requestWith("ory_at_abc"))
	c.row("the header is not JSON", std, noScope, requestWith("e30x."+parts[1]+"."+parts[2]))
	c.row("the payload is truncated", std, noScope, requestWith(parts[0]+"."+parts[1][:41]+"."+parts[2]))
	c.row("the header has `crit`", std, noScope, minted(map[string]any{"crit": []string{"b64"}, "b64": true}, nil))
	c.row("`iss` is missing", std, noScope, minted(nil, map[string]any{"iss": nil}))
	c.row("the issuer is unknown", std, noScope, minted(nil, map[string]any{"iss": "https://other.example.com"}))
	c.row("`iss` has an extra trailing slash", std, noScope, minted(nil, map[string]any{"iss": c.issuer.URL() + "/"}))
	c.row("the algorithm is not accepted", c.tokens(func(i *jwks.Issuer) { i.Algorithms = []string{"RS256"} }), noScope, minted(nil, nil))
	c.row("the token is of another kind", std, noScope, minted(map[string]any{"typ": "JWT"}, nil))
	c.row("the key is unknown", std, noScope, minted(map[string]any{"kid": "2019-07"}, nil))
	c.row("the key is for another algorithm", std, noScope, minted(map[string]any{"kid": "key-1"}, nil))
	c.row("the key ID is missing but required", c.tokens(func(i *jwks.Issuer) { i.RequireKeyID = true }), noScope, minted(map[string]any{"kid": nil}, nil))
	c.row("the signature is forged", std, noScope, requestWith(parts[0]+"."+parts[1]+"."+strings.Repeat("A", 43)+strings.Repeat("Q", 43)))
	keycloak := c.tokens(func(i *jwks.Issuer) { i.Profile = jwks.Keycloak() })
	c.row("an ID token; the issuer has a profile", keycloak, noScope, minted(map[string]any{"typ": "JWT"}, map[string]any{"typ": "ID", "azp": "app"}))
	workloads := c.tokens(func(i *jwks.Issuer) {
		i.Profile.Subjects, i.Profile.ClientsOnly = []string{"repo:acme/", "alice"}, true
	})
	c.row("the subject is not accepted", workloads, noScope, minted(nil, map[string]any{"sub": "repo:other/shop:ref:refs/heads/main"}))
	c.row("a user's token, where only clients are accepted", workloads, noScope, minted(nil, nil))
	c.row("a claim is missing", std, noScope, minted(nil, map[string]any{"client_id": nil}))
	c.row("a claim is malformed", std, noScope, minted(nil, map[string]any{"exp": "tomorrow"}))
	c.row("a binding is malformed", std, noScope, minted(nil, map[string]any{"cnf": "x"}))
	c.row("the token is for another API", std, noScope, minted(nil, map[string]any{"aud": "https://other.example.com"}))
	c.row("the token is not valid yet", std, noScope, minted(nil, map[string]any{"nbf": 4e9}))
	c.row("the token was issued in the future", std, noScope, minted(nil, map[string]any{"iat": 4e9}))
	c.row("the token has expired", std, noScope, minted(nil, map[string]any{"exp": 1e9}))
	down := c.tokens(func(i *jwks.Issuer) { i.Keys = jwks.KeysFromURL("http://127.0.0.1:1/jwks") })
	c.row("the keys cannot be fetched", down, noScope, minted(nil, nil))
	v, err := jwks.New(jwks.Config{Resolve: func(context.Context, string) (jwks.Issuer, error) {
		return jwks.Issuer{}, errors.New("tenants: connection refused")
	}})
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(v.Close)
	c.row("Config.Resolve cannot tell", bearer.Config{Verifiers: []bearer.Verifier{v}}, noScope, minted(nil, nil))
}

func (c *checkPage) asked(change func(*introspect.Config)) bearer.Config {
	c.t.Helper()
	config := introspect.Config{Issuer: c.issuer.URL(), Audience: []string{audience}, Auth: introspect.ClientSecretBasic("api", "secret")}
	if change != nil {
		change(&config)
	}
	v, err := introspect.New(config)
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(v.Close)
	return bearer.Config{Verifiers: []bearer.Verifier{v}}
}

func (c *checkPage) answers() {
	c.section("Opaque tokens (`introspect`)", "The record contains what the issuer says about a token only if the issuer calls the token active.")
	said := func(when string, members map[string]any) {
		c.issuer.OverlayIntrospection(func(_ string, answer map[string]any) map[string]any {
			maps.Copy(answer, members)
			return answer
		})
		c.row(when, c.asked(nil), noScope, requestWith(c.issuer.MintOpaque(bearertest.Token{})))
		c.issuer.OverlayIntrospection(nil)
	}
	c.row("the token is a JWT", c.asked(nil), noScope, requestWith(c.issuer.Mint(bearertest.Token{})))
	c.row("the issuer does not call the token active", c.asked(nil), noScope, requestWith("unknown"))
	said("the token is from another issuer", map[string]any{"iss": "https://other.example.com"})
	said("the token is for another API", map[string]any{"aud": "https://other.example.com"})
	said("a refresh token", map[string]any{"token_type": "refresh_token"})
	said("a refresh token", map[string]any{"token_use": "refresh"})
	said("the token is bound, but the answer does not name its key", map[string]any{"token_type": "DPoP"})
	said("the token has expired", map[string]any{"exp": 1e9})
	said("the token is not valid yet", map[string]any{"nbf": 4e9})
	said("the token was issued in the future", map[string]any{"iat": 4e9})
	failing := func(when string, f bearertest.Fault) {
		c.issuer.SetFault(bearertest.IntrospectionEndpoint, f)
		c.row(when, c.asked(nil), noScope, requestWith("unknown"))
		c.issuer.SetFault(bearertest.IntrospectionEndpoint, bearertest.Fault{})
	}
	failing("the endpoint rejects our credentials", bearertest.Fault{Status: 401})
	failing("the endpoint fails", bearertest.Fault{Status: 500})
	failing("the endpoint limits our rate", bearertest.Fault{Status: 429})
	failing("the URL is a web page", bearertest.Fault{Body: []byte("<!doctype html>")})
	c.row("the endpoint is unreachable", c.asked(func(i *introspect.Config) { i.Endpoint = "http://127.0.0.1:1/" }), noScope, requestWith("unknown"))
}

// says is a verifier that gives one answer.
func says(p *bearer.Principal, err error) bearer.Verifier {
	return bearer.VerifierFunc(func(context.Context, string) (*bearer.Principal, error) { return p, err })
}

type denyAll struct{ err error }

func (d denyAll) Denied(context.Context, *bearer.Principal) (bool, error) { return true, d.err }

func (c *checkPage) guards() {
	c.section("Requests and routes (`bearer`)", "The guard itself makes these checks, with any verifier.")
	alice := bearer.Principal{Issuer: "https://login.example.com", Subject: "alice", ClientID: "app", Scopes: scope.Of("orders:read"), IssuedAt: time.Unix(1e9, 0)}
	good := bearer.Config{Verifiers: []bearer.Verifier{says(&alice, nil)}}
	with := func(change func(*bearer.Config)) bearer.Config { own := good; change(&own); return own }
	of := func(p bearer.Principal) bearer.Config {
		return bearer.Config{Verifiers: []bearer.Verifier{says(&p, nil)}}
	}
	route := func(more ...bearer.Requirement) bearer.RouteConfig {
		return bearer.RouteConfig{Rule: scope.None, Requirements: more}
	}
	request := requestWith("x")
	two := requestWith("x")
	two.Header.Add("Authorization", "Basic YTpi")
	spaces := requestWith("a b")
	form := httptest.NewRequest(http.MethodPost, "/", strings.NewReader("access_token=%zz"))
	form.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	inForm := httptest.NewRequest(http.MethodPost, "/", strings.NewReader("access_token=y"))
	inForm.Header = http.Header{"Content-Type": {"application/x-www-form-urlencoded"}, "Authorization": {"Bearer x"}}
	takesForms := with(func(c *bearer.Config) {
		c.Sources = []bearer.TokenSource{bearer.FromAuthorization(), bearer.FromFormBody()}
	})

	c.row("no token", good, noScope, requestWith(""))
	c.row("a token in two ways", takesForms, noScope, inForm)
	c.row("two field lines", good, noScope, two)
	c.row("illegal characters", good, noScope, spaces)
	c.row("a form that cannot be read", takesForms, noScope, form)
	c.row("a token that is too long", good, noScope, requestWith(strings.Repeat("a", 16<<10+1)))
	c.row("no verifier recognizes the token", bearer.Config{Verifiers: []bearer.Verifier{says(nil, bearer.ErrUnrecognized)}}, noScope, request)
	c.row("a verifier fails", bearer.Config{Verifiers: []bearer.Verifier{says(nil, errors.New("the database is down"))}}, noScope, request)
	bad := bearer.Config{Verifiers: []bearer.Verifier{says(nil, bearer.Invalid("signature", "a", "b"))}, FailureLimit: &bearer.FailureLimit{Burst: 1}}
	c.row("too many bad tokens from one address", bad, noScope, request, 2)
	c.row("the token is for another resource", good, bearer.RouteConfig{Rule: scope.None, Audience: audience}, request)
	c.row("the token is too old", good, bearer.RouteConfig{Rule: scope.None, MaxTokenAge: 20 * 365 * 24 * time.Hour}, request)
	c.row("the token is denied", with(func(c *bearer.Config) { c.DenyList = denyAll{} }), noScope, request)
	c.row("the deny list fails", with(func(c *bearer.Config) { c.DenyList = denyAll{errors.New("Redis is down")} }), noScope, request)
	bound, certified := alice, alice
	bound.Confirmation.JKT, certified.Confirmation.X5TS256 = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I", "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"
	c.row("the token is bound to a key", of(bound), noScope, request)
	withCertificates := of(certified)
	withCertificates.Certificates = &bearer.Certificates{}
	c.row("the client certificate is missing", withCertificates, noScope, request)
	c.row("a scope is missing", good, bearer.RouteConfig{Rule: scope.All("orders:write")}, request)
	c.row("the authentication is too weak", good, route(bearer.StepUp{ACR: []string{"mfa"}}), request)
	c.row("the authentication is too old", good, route(bearer.StepUp{MaxAge: time.Minute}), request)
	c.row("a requirement refuses", good, route(bearer.RequirementFunc(func(*http.Request, *bearer.Principal) error { return errors.New("office hours are over") })), request)
	c.row("the user in the path is another one", of(bearer.Principal{Subject: "bob", ClientID: "app"}), route(bearer.SubjectInPath("id")), request)
	c.row("the relation does not exist", good, route(bearer.RelationInPath("id", func(context.Context, *bearer.Principal, string) (bool, error) { return false, nil })), request)
	c.sources(good)
	c.roles(alice)
	c.both(alice)
	c.twice(good)
}

// sources shows refusals of tokens outside Authorization.
func (c *checkPage) sources(config bearer.Config) {
	config.Sources = []bearer.TokenSource{bearer.FromHeader("X-Token"), bearer.FromCookie("__Host-token"), bearer.FromWebSocketProtocol("token.")}
	row := func(when, method string, header http.Header) {
		r := httptest.NewRequest(method, "/", nil)
		r.Header = header
		c.row(when, config, noScope, r)
	}
	row("a cookie in a request of another site's page", http.MethodPost, http.Header{"Cookie": {"__Host-token=x"}, "Origin": {"https://other.example.com"}})
	row("two cookies of the name", http.MethodGet, http.Header{"Cookie": {"__Host-token=x; __Host-token=y"}})
	row("two lines of a field that carries the token", http.MethodGet, http.Header{"X-Token": {"x", "y"}})
	row("two subprotocols with a token", http.MethodGet, http.Header{"Upgrade": {"websocket"}, "Sec-Websocket-Protocol": {"token.x, token.y"}})
}

// roles shows what a caller without the role or the claim comes to.
func (c *checkPage) roles(p bearer.Principal) {
	p = p.WithRoles("buyer", "viewer").WithClaims(`{"tenant":"globex"}`)
	config := bearer.Config{Verifiers: []bearer.Verifier{says(&p, nil)}}
	row := func(when string, r bearer.Requirement) {
		c.row(when, config, bearer.RouteConfig{Rule: scope.None, Requirements: []bearer.Requirement{r}}, requestWith("x"))
	}
	row("a role is missing", bearer.Role("admin"))
	row("all of several roles are missing", bearer.AnyRole("admin", "support"))
	row("a claim has another value", bearer.Claim("/tenant", "acme"))
	row("a claim is missing", bearer.Claim("/address/country", "CH"))
	row("authorization details are missing", bearer.Details("payment_initiation", func(*http.Request, []struct{}) error { return nil }))
	row("both the scope and the role are missing", bearer.AnyOf(bearer.Scope(scope.All("admin")), bearer.Role("admin")))
}

// both shows what two verifiers disagree about.
func (c *checkPage) both(p bearer.Principal) {
	other := func(change func(*bearer.Principal)) bearer.Config {
		q := p
		change(&q)
		return bearer.Config{Verifiers: []bearer.Verifier{bearer.Both(says(&p, nil), says(&q, nil))}}
	}
	c.row("two verifiers disagree", other(func(q *bearer.Principal) { q.Issuer = "https://other.example.com" }), noScope, requestWith("x"))
	c.row("two verifiers disagree", other(func(q *bearer.Principal) { q.Subject = "bob" }), noScope, requestWith("x"))
	c.row("two verifiers disagree", other(func(q *bearer.Principal) { q.ClientID = "other" }), noScope, requestWith("x"))
}

// twice shows what a path with one name twice comes to, and a route without a rule.
func (c *checkPage) twice(config bearer.Config) {
	config.OnRefusal = func(_ *http.Request, e bearer.Event) { c.write("a path parameter's name occurs twice", e) }
	guard, err := bearer.New(config)
	if err != nil {
		c.t.Fatal(err)
	}
	guard.MustRoute(noScope).AdmitPath(httptest.NewRecorder(), requestWith("x"), []string{"id", "id"}, []string{"a", "b"})
	config.OnRefusal = func(_ *http.Request, e bearer.Event) {
		c.write("a route has neither a rule nor the declaration as public", e)
	}
	if guard, err = bearer.New(config); err != nil {
		c.t.Fatal(err)
	}
	bearer.NewRoutes(guard).Refuse(httptest.NewRecorder(), requestWith("x"), http.MethodGet, "/debug")
}

// failingStore is a store of used proofs that is out of reach.
type failingStore struct{}

func (failingStore) Burn(context.Context, dpop.UsedProof) (bool, error) {
	return false, errors.New("Redis is down")
}

// brokenChecker is a checker that somebody else wrote.
type brokenChecker struct{ bearer.ProofChecker }

func (brokenChecker) CheckProof(*http.Request, string, bearer.Principal) (bearer.Proof, error) {
	return nil, errors.New("the key service is down")
}

func (c *checkPage) proofs() {
	c.section("DPoP proofs (`dpop`)", "The client builds the proof, so usually only the client's developer can fix it.")
	jkt, err := dpop.Thumbprint(c.key.Public())
	if err != nil {
		c.t.Fatal(err)
	}
	alice := bearer.Principal{Issuer: "https://login.example.com", Subject: "alice", ClientID: "app", Confirmation: bearer.Confirmation{JKT: jkt}}
	guarded := func(change func(*dpop.Config)) bearer.Config {
		config := dpop.Config{Origin: "https://api.example.com"}
		if change != nil {
			change(&config)
		}
		checker, err := dpop.New(config)
		if err != nil {
			c.t.Fatal(err)
		}
		return bearer.Config{Verifiers: []bearer.Verifier{says(&alice, nil)}, Proofs: checker}
	}
	const token = "x"
	send := func(proofs ...string) *http.Request {
		r := requestWith("")
		r.Header["Authorization"] = []string{"DPoP " + token}
		r.Header["Dpop"] = proofs
		return r
	}
	proof := func(key crypto.Signer, header, payload map[string]any) string {
		c.t.Helper()
		return c.forgeProof(key, token, header, payload)
	}
	own := func(header, payload map[string]any) *http.Request { return send(proof(c.key, header, payload)) }
	std := guarded(nil)
	c.row("the proof is missing", std, noScope, send())
	c.row("the proof is not a JWT", std, noScope, send("proof"))
	c.row("the proof has another `typ`", std, noScope, own(map[string]any{"typ": "JWT"}, nil))
	c.row("the algorithm is not accepted", guarded(func(d *dpop.Config) { d.Algorithms = []string{"RS256"} }), noScope, own(nil, nil))
	c.row("the key is missing", std, noScope, own(map[string]any{"jwk": nil}, nil))
	other, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		c.t.Fatal(err)
	}
	c.row("the proof is signed by another key", std, noScope, send(proof(other, nil, nil)))
	forged := proof(c.key, nil, nil)
	c.row("the signature is forged", std, noScope, send(forged[:len(forged)-86]+strings.Repeat("A", 43)+strings.Repeat("Q", 43)))
	c.row("a claim is missing", std, noScope, own(nil, map[string]any{"jti": nil}))
	c.row("the payload is not JSON", std, noScope, send(c.signed(`{"typ":"dpop+jwt","alg":"ES256","jwk":`+c.jwk()+`}`, "[]")))
	c.row("the proof is for another method", std, noScope, own(nil, map[string]any{"htm": "POST"}))
	c.row("the proof is for another URL", std, noScope, own(nil, map[string]any{"htu": "http://10.0.0.7:8080/orders/alice"}))
	c.row("the proof is for another token", std, noScope, own(nil, map[string]any{"ath": "fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo"}))
	nonces, err := dpop.NewNonces(dpop.NoncesConfig{})
	if err != nil {
		c.t.Fatal(err)
	}
	c.row("the nonce is missing", guarded(func(d *dpop.Config) { d.Nonces = nonces }), noScope, own(nil, nil))
	c.row("the proof is too old", std, noScope, own(nil, map[string]any{"iat": 1e9}))
	c.row("the proof was used before", std, noScope, own(nil, nil), 2)
	c.row("the store of used proofs fails", guarded(func(d *dpop.Config) { d.Replays = failingStore{} }), noScope, own(nil, nil))
	broken := std
	broken.Proofs = brokenChecker{std.Proofs}
	c.row("your own checker fails", broken, noScope, own(nil, nil))
	required := guarded(nil)
	required.ProofsRequired = true
	c.row("the token is sent under the scheme Bearer", required, noScope, requestWith(token))
}

func (c *checkPage) jwk() string {
	b, err := jose.MarshalKey(c.key.Public(), "", "")
	if err != nil {
		c.t.Fatal(err)
	}
	return string(b)
}

func (c *checkPage) signed(header, payload string) string {
	s, err := jose.Sign(c.key, jose.ES256, []byte(header), []byte(payload))
	if err != nil {
		c.t.Fatal(err)
	}
	return s
}

// forgeProof makes a proof for GET of /orders/alice with other members of header
// and payload; nil takes one away.
func (c *checkPage) forgeProof(key crypto.Signer, token string, header, payload map[string]any) string {
	c.t.Helper()
	public, err := jose.MarshalKey(key.Public(), "", "")
	if err != nil {
		c.t.Fatal(err)
	}
	sum := sha256.Sum256([]byte(token))
	head := map[string]any{"typ": "dpop+jwt", "alg": "ES256", "jwk": jsontext.Value(public)}
	body := map[string]any{
		"jti": "1", "htm": "GET", "htu": "https://api.example.com/orders/alice", "iat": time.Now().Unix(),
		"ath": base64.RawURLEncoding.EncodeToString(sum[:]),
	}
	marshal := func(all, changed map[string]any) []byte {
		maps.Copy(all, changed)
		maps.DeleteFunc(all, func(_ string, value any) bool { return value == nil })
		b, err := json.Marshal(all, json.Deterministic(true))
		if err != nil {
			c.t.Fatal(err)
		}
		return b
	}
	signed, err := jose.Sign(key, jose.ES256, marshal(head, header), marshal(body, payload))
	if err != nil {
		c.t.Fatal(err)
	}
	return signed
}
