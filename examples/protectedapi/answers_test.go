package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/bearerkit/bearerkit/bearer/bearertest"
)

// missing returns the status and the whole challenges for a request without a
// token. The scope is the route's.
func missing(scope string) (int, string) {
	return 401, bearerChallenge("", scope) + " | " + dpopChallenge("", scope)
}

func invalidToken(scope string) (int, string) {
	return 401, bearerChallenge("invalid_token", scope) + " | " + dpopChallenge("", scope)
}

func insufficientScope(scope string) (int, string) {
	return 403, bearerChallenge("insufficient_scope", scope)
}

var invalidRequest = bearerChallenge("invalid_request", "")

var stepUp = strings.Replace(bearerChallenge("insufficient_user_authentication", "transfers:write"),
	`, resource_metadata`, `, acr_values="urn:example:mfa", max_age="300", resource_metadata`, 1) + " | " + dpopChallenge("", "transfers:write")

var descriptions = map[string]string{
	"invalid_request":                  "The request must carry one well-formed access token, in one way.",
	"invalid_token":                    "The access token is invalid.",
	"insufficient_scope":               "The access token lacks a scope that the request needs.",
	"insufficient_user_authentication": "The request needs a stronger or more recent authentication of the user.",
	"invalid_dpop_proof":               "The DPoP proof is missing or invalid.",
	"use_dpop_nonce":                   "The DPoP proof needs the nonce of this response.",
}

// bearerChallenge returns one whole challenge, with an error unless code is empty.
func bearerChallenge(code, scope string) string { return challenge("Bearer", code, scope, "") }

func dpopChallenge(code, scope string) string {
	return challenge("DPoP", code, scope, `, algs="ES256 ES384 RS256 PS256 EdDSA Ed25519"`)
}

func challenge(scheme, code, scope, end string) string {
	c := scheme + ` realm="protectedapi"`
	if code != "" {
		c += `, error="` + code + `", error_description="` + descriptions[code] + `"`
	}
	if scope != "" {
		c += `, scope="` + scope + `"`
	}
	return c + `, resource_metadata="METADATA"` + end
}

// challenges returns the challenges of an answer by the API at url, with METADATA
// in place of the metadata's URL.
func (a answer) challenges(url string) string {
	return strings.ReplaceAll(strings.Join(a.header["Www-Authenticate"], " | "), `"`+url+`/.well-known/oauth-protected-resource"`, `"METADATA"`)
}

// protectedRoutes are the routes that need a token, with the scope in their
// challenges, scopes that are enough and scopes that are not.
var protectedRoutes = []struct {
	request, scope string
	open, closed   []string
}{
	{"GET /me", "", []string{"", "orders:read"}, nil},
	{"GET /orders", "orders:read", []string{"orders:read", "x orders:read"}, []string{"", "orders:readall", "orders", "orders:write", "ORDERS:READ", "admin"}},
	{"POST /orders", "orders:write", []string{"orders:write"}, []string{"", "orders:read", "admin"}},
	{"GET /admin/dashboard", "admin", []string{"admin", "admin settings:write"}, []string{"", "settings:write", "administrator"}},
	{"GET /admin/settings", "admin settings:write", []string{"admin settings:write", "settings:write x admin"}, []string{"", "admin", "settings:write"}},
	{"GET /reports", "reports:read", []string{"reports:read", "admin", "admin reports:read"}, []string{"", "reports", "settings:write"}},
	{"GET /users/alice/profile", "profile", []string{"profile"}, []string{"", "profiles"}},
	{"PUT /users/alice/profile", "profile", []string{"profile"}, []string{"", "profiles"}},
}

type answerTest struct {
	request   string // and header fields, one per line
	status    int
	challenge string // whole; empty: no challenge
}

func answerTests(issuer *bearertest.Issuer) []answerTest {
	bearer := func(t bearertest.Token) string { return "\nAuthorization: Bearer " + issuer.Mint(t) }
	scoped := func(scope string) string { return bearer(bearertest.Token{Scope: scope}) }
	mfa := func(ago time.Duration, acr string) string {
		return bearer(bearertest.Token{Scope: "transfers:write", Claims: map[string]any{
			"acr": acr, "auth_time": time.Now().Add(-ago).Unix(),
		}})
	}
	var tests []answerTest
	add := func(request string, status int, challenge string) {
		tests = append(tests, answerTest{request, status, challenge})
	}
	for _, rt := range protectedRoutes {
		methods := []string{rt.request}
		if path, ok := strings.CutPrefix(rt.request, "GET "); ok {
			methods = append(methods, "HEAD "+path)
		}
		for _, request := range methods {
			status, challenge := missing(rt.scope)
			add(request, status, challenge)
			add(request+"\nAuthorization: Basic YTpi", status, challenge)
			add(request+"\nAuthorization: Negotiate abc", status, challenge)
			add(request+"\nX-Forwarded-Authorization: Bearer x", status, challenge)
			add(request+"?access_token="+issuer.Mint(bearertest.Token{Scope: rt.open[0]}), status, challenge)
			status, challenge = invalidToken(rt.scope)
			add(request+"\nAuthorization: Bearer junk", status, challenge)
			add(request+forge(scoped(rt.open[0])), status, challenge)
			add(request+bearer(bearertest.Token{Scope: rt.open[0], Audience: []string{"https://other.example.com"}}), status, challenge)
			add(request+bearer(bearertest.Token{Scope: rt.open[0], Header: map[string]any{"typ": "JWT"}}), status, challenge)
			add(request+bearer(bearertest.Token{Scope: rt.open[0], TTL: -time.Minute}), 401,
				strings.Replace(challenge, "is invalid", "has expired", 1))
			add(request+scoped(rt.open[0])+scoped(rt.open[0]), 400, invalidRequest+" | "+dpopChallenge("invalid_request", ""))
			add(request+"\nAuthorization: Bearer", 400, invalidRequest)
			add(request+"\nAuthorization: Bearer a b", 400, invalidRequest)
			for _, scope := range rt.open {
				add(request+scoped(scope), 200, "")
			}
			for _, scope := range rt.closed {
				status, challenge := insufficientScope(rt.scope)
				add(request+scoped(scope), status, challenge)
			}
		}
	}
	for _, method := range []string{"GET", "HEAD", "PUT"} {
		request := method + " /users/bob/profile"
		add(request+scoped("profile"), 403, "")
		add(method+" /users/app/profile"+bearer(bearertest.Token{Subject: "app", ClientID: "app", Scope: "profile"}), 403, "")
		status, challenge := insufficientScope("profile")
		add(request+scoped("orders:read"), status, challenge)
	}
	status, challenge := insufficientScope("transfers:write")
	unauthorized, none := missing("transfers:write")
	add("POST /transfers", unauthorized, none)
	add("POST /transfers"+scoped("orders:read"), status, challenge)
	add("POST /transfers"+scoped("transfers:write"), 401, stepUp)
	add("POST /transfers"+mfa(0, "urn:example:mfa"), 200, "")
	add("POST /transfers"+mfa(4*time.Minute, "urn:example:mfa"), 200, "")
	add("POST /transfers"+mfa(301*time.Second, "urn:example:mfa"), 401, stepUp)
	add("POST /transfers"+mfa(-time.Minute, "urn:example:mfa"), 401, stepUp)
	add("POST /transfers"+mfa(0, "urn:example:pwd"), 401, stepUp)

	status, challenge = invalidToken("")
	for _, method := range []string{"GET", "HEAD"} {
		add(method+" /greeting", 200, "")
		add(method+" /greeting\nAuthorization: Basic YTpi", 200, "")
		add(method+" /greeting"+scoped(""), 200, "")
		add(method+" /greeting\nAuthorization: Bearer junk", status, challenge)
		add(method+" /greeting\nAuthorization: Bearer", 400, invalidRequest)
		for _, path := range []string{"/public", "/healthz", "/readyz"} {
			add(method+" "+path, 200, "")
			add(method+" "+path+"\nAuthorization: Bearer junk", 200, "")
		}
	}
	return tests
}

// opaqueAnswerTests are the tests of opaque tokens, whose answers are the same.
func opaqueAnswerTests(issuer *bearertest.Issuer) []answerTest {
	const bearer = "\nAuthorization: Bearer "
	mint := func(t bearertest.Token) string { return bearer + issuer.MintOpaque(t) }
	scoped := func(scope string) string { return mint(bearertest.Token{Scope: scope}) }
	var tests []answerTest
	add := func(request string, status int, challenge string) {
		tests = append(tests, answerTest{request, status, challenge})
	}
	for _, rt := range protectedRoutes {
		scope := rt.open[0]
		for _, good := range rt.open {
			add(rt.request+scoped(good), 200, "")
		}
		for _, scope := range rt.closed {
			status, challenge := insufficientScope(rt.scope)
			add(rt.request+scoped(scope), status, challenge)
		}
		revoked := issuer.MintOpaque(bearertest.Token{Scope: scope})
		issuer.Revoke(revoked)
		status, challenge := invalidToken(rt.scope)
		for _, bad := range []string{
			bearer + "unknown", bearer + "a.b", bearer + revoked,
			mint(bearertest.Token{Scope: scope, TTL: -time.Minute}),
			mint(bearertest.Token{Scope: scope, Audience: []string{"https://other.example.com"}}),
		} {
			add(rt.request+bad, status, challenge)
		}
		for name, value := range map[string]any{
			"aud": nil, "active": false, "iss": "https://other.example.com", "nbf": time.Now().Add(time.Minute).Unix(),
			"token_type": "refresh_token", "cnf": map[string]any{"jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"},
		} {
			claims := map[string]any{name: value}
			if name == "nbf" { // the issuer sees nbf too, but the API must refuse
				claims["active"] = true
			}
			add(rt.request+mint(bearertest.Token{Scope: scope, Claims: claims}), status, challenge)
		}
	}
	add("GET /users/bob/profile"+scoped("profile"), 403, "")
	add("GET /users/app/profile"+mint(bearertest.Token{Subject: "app", ClientID: "app", Scope: "profile"}), 403, "")
	add("POST /transfers"+scoped("transfers:write"), 401, stepUp)
	add("POST /transfers"+mint(bearertest.Token{Scope: "transfers:write", Claims: map[string]any{
		"acr": "urn:example:mfa", "auth_time": time.Now().Unix(),
	}}), 200, "")
	status, challenge := invalidToken("")
	add("GET /greeting"+scoped(""), 200, "")
	add("GET /greeting"+bearer+"unknown", status, challenge)
	return tests
}

func TestAnswersOnEachFramework(t *testing.T) {
	t.Parallel()
	issuer := newIssuer(t)
	tests := append(answerTests(issuer), opaqueAnswerTests(issuer)...)
	first := map[string]string{}
	for _, framework := range frameworks {
		t.Run(framework, func(t *testing.T) {
			url := start(t, asks(issuer, "-framework", framework)...)
			eventually(t, patience, "ready", func() bool { return send(t, url, "GET /readyz").status == 200 })
			for _, tt := range tests {
				got := send(t, url, tt.request)
				name := fmt.Sprintf("%.80q", tt.request)
				challenge := got.challenges(url)
				if got.status != tt.status || challenge != tt.challenge {
					t.Errorf("%s: %d %s\nwant %d %s", name, got.status, challenge, tt.status, tt.challenge)
				}
				checkBody(t, tt, got)
				got.header.Del("Date")
				got.header.Set("Www-Authenticate", challenge)
				all := fmt.Sprint(got)
				if before, ok := first[tt.request]; ok && before != all {
					t.Errorf("%s: not the same on each framework:\n%s\nwant\n%s", name, all, before)
				}
				first[tt.request] = all
			}
		})
	}
	t.Logf("%d requests on each framework", len(tests))
}

// checkBody checks that the body says what the challenge says.
func checkBody(t *testing.T, tt answerTest, got answer) {
	t.Helper()
	if media := got.header.Get("Content-Type"); media != "application/json" {
		t.Errorf("%.80q: Content-Type %q", tt.request, media)
	}
	if cache := got.header.Get("Cache-Control"); cache != "no-store" {
		t.Errorf("%.80q: Cache-Control %q", tt.request, cache)
	}
	if strings.HasPrefix(tt.request, "HEAD ") {
		if got.body != "" || got.header.Get("Content-Length") == "" {
			t.Errorf("%.80q: a body of %q, Content-Length %q", tt.request, got.body, got.header.Get("Content-Length"))
		}
		return
	}
	var body struct {
		Status      int     `json:"status"`
		Error       *string `json:"error"`
		Description string  `json:"error_description"`
		Scope       string  `json:"scope"`
		RequestID   string  `json:"request_id"`
	}
	err := json.Unmarshal([]byte(got.body), &body)
	if tt.status == 200 {
		if !strings.HasPrefix(got.body, "{") || !json.Valid([]byte(got.body)) {
			t.Errorf("%.80q: body %q", tt.request, got.body)
		}
		return
	}
	code := ""
	if body.Error != nil {
		code = *body.Error
	}
	if err != nil || body.Status != tt.status || body.Description == "" || body.RequestID != "ID" ||
		(body.Error != nil) != strings.Contains(tt.challenge, "error=") ||
		!strings.Contains(tt.challenge, code) ||
		(body.Scope != "") != (code == "insufficient_scope") {
		t.Errorf("%.80q: body %s, %v", tt.request, got.body, err)
	}
}

func TestMe(t *testing.T) {
	t.Parallel()
	issuer := newIssuer(t)
	url := start(t, "-issuer", issuer.URL(), "-audience", audience)
	token := issuer.Mint(bearertest.Token{
		Subject: "auth0|alice", Scope: "b a",
		Audience: []string{audience, "https://other.example.com"},
		Claims:   map[string]any{"exp": time.Date(2100, 1, 2, 3, 4, 5, 0, time.UTC).Unix()},
	})
	want := `{"issuer":"` + issuer.URL() + `","subject":"auth0|alice","client_id":"app",` +
		`"audience":["https://api.example.com","https://other.example.com"],"scopes":["a","b"],` +
		`"expires_at":"2100-01-02T03:04:05Z","token_type":"Bearer"}`
	if got := send(t, url, "GET /me\nAuthorization: Bearer "+token); got.body != want {
		t.Errorf("body %s\nwant %s", got.body, want)
	}
	token = issuer.Mint(bearertest.Token{})
	if got := send(t, url, "GET /me\nAuthorization: Bearer "+token); !strings.Contains(got.body, `"scopes":[]`) {
		t.Errorf("body %s; want an empty array of scopes", got.body)
	}
}

// The API does not read a token of 1 MiB to its end.
func TestOversizedTokens(t *testing.T) {
	t.Parallel()
	issuer := newIssuer(t)
	url := start(t, "-issuer", issuer.URL(), "-audience", audience)
	for size, want := range map[int]int{17 << 10: 431, 60 << 10: 431, 1 << 20: 431} {
		for _, framework := range []string{"a", "."} {
			got := send(t, url, "GET /me\nAuthorization: Bearer "+strings.Repeat(framework, size))
			if got.status != want {
				t.Errorf("a token of %d bytes: %d; want %d", size, got.status, want)
			}
		}
	}
}
