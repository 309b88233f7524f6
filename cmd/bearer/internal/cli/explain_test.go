package cli_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bearerkit/bearerkit/adapters/bearerhttp"
	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/bearer/bearertest"
	"github.com/bearerkit/bearerkit/cmd/bearer/internal/explain"
	"github.com/bearerkit/bearerkit/dpop"
	"github.com/bearerkit/bearerkit/jwks"
	"github.com/bearerkit/bearerkit/resource"
	"github.com/bearerkit/bearerkit/scope"
)

// admit returns the status of an API that checks DPoP proofs.
func admit(t *testing.T, issuer *bearertest.Issuer, url, token, proof string) int {
	t.Helper()
	checker, err := dpop.New(dpop.Config{Origin: audience})
	if err != nil {
		t.Fatal(err)
	}
	v, err := jwks.New(jwks.Config{Issuers: []jwks.Issuer{{URL: issuer.URL(), Audience: []string{audience}}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(v.Close)
	guard, err := bearer.New(bearer.Config{Verifiers: []bearer.Verifier{v}, Proofs: checker})
	if err != nil {
		t.Fatal(err)
	}
	route, err := guard.Route(bearer.RouteConfig{Rule: scope.None})
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodGet, url, nil)
	r.Header.Set("Authorization", "DPoP "+token)
	r.Header.Set("DPoP", proof)
	w := httptest.NewRecorder()
	route.Admit(w, r)
	return w.Code
}

// newAPI serves an API with metadata, whose route /orders needs orders:read.
func newAPI(t *testing.T, issuer *bearertest.Issuer) string {
	t.Helper()
	mux := http.NewServeMux()
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	metadata, err := resource.New(resource.Config{Resource: server.URL, AuthorizationServers: []string{issuer.URL()}})
	if err != nil {
		t.Fatal(err)
	}
	v, err := jwks.New(jwks.Config{Issuers: []jwks.Issuer{{URL: issuer.URL(), Audience: []string{server.URL}}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(v.Close)
	guard, err := bearer.New(bearer.Config{Verifiers: []bearer.Verifier{v}, ResourceMetadata: metadata.URL()})
	if err != nil {
		t.Fatal(err)
	}
	mux.Handle(metadata.Path(), metadata)
	mux.Handle("/orders", bearerhttp.Require(guard, scope.All("orders:read"))(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusNoContent)
	})))
	return server.URL
}

func reportOf(t *testing.T, r result) explain.Report {
	t.Helper()
	var report explain.Report
	if err := json.Unmarshal([]byte(r.out), &report); err != nil {
		t.Fatalf("%v: %+v", err, r)
	}
	return report
}

// The API's URL alone is enough: its challenge and its metadata name the rest.
func TestExplainAsksTheAPI(t *testing.T) {
	issuer := newIssuer(t)
	api := newAPI(t, issuer)
	for _, tt := range []struct {
		name         string
		token        bearertest.Token
		send         bool
		code         int
		cause, first string
	}{
		{"a good token", bearertest.Token{Audience: []string{api}, Scope: "orders:read"}, false, 0, "", "An API would let this token in."},
		{"a good token that is sent", bearertest.Token{Audience: []string{api}, Scope: "orders:read"}, true, 0, "", "The API answered 204. An API would let"},
		{"a token without the scope", bearertest.Token{Audience: []string{api}}, true, 1, "lacks-scope", "The API answered 403 insufficient_scope."},
		{"a token for another API", bearertest.Token{Scope: "orders:read"}, true, 1, "other-audience", "The API answered 401 invalid_token."},
		{"a token for its route", bearertest.Token{Audience: []string{api + "/"}, Scope: "orders:read"}, false, 1, "audience-looks-equal", "An API would answer 401"},
		{"a token whose form the API does not know", bearertest.Token{Shape: bearertest.Keycloak, Audience: []string{api}, Scope: "orders:read"}, true, 1, "", "The API answered 401 invalid_token. That is not what"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			token := issuer.Mint(tt.token)
			args := []string{"explain", "-", "--api", api + "/orders"}
			if tt.send {
				args = append(args, "--send")
			}
			got := on(token, append(args, "--json")...)
			r := reportOf(t, got)
			if got.code != tt.code || r.Verdict.Cause != tt.cause || !strings.HasPrefix(r.Verdict.Text, tt.first) {
				t.Errorf("exit code %d, want %d; cause %q, want %q; %s", got.code, tt.code, r.Verdict.Cause, tt.cause, r.Verdict.Text)
			}
			if r.API.Status != 401 || r.API.Resource != api || len(r.API.Issuers) != 1 || strings.Join(r.API.Scope, " ") != "orders:read" || r.API.Problems != nil {
				t.Errorf("%+v", r.API)
			}
			text := on(token, args...)
			if text.code != tt.code || !strings.HasPrefix(text.out, tt.first) || strings.Contains(text.out+text.stderr, token[20:40]) {
				t.Errorf("%+v", text)
			}
		})
	}
}

// An API without metadata names its scope, which belongs into the next command.
func TestExplainOfAnAPIWithoutMetadata(t *testing.T) {
	issuer := newIssuer(t)
	for _, tt := range []struct{ challenge, want string }{
		{`Bearer scope="orders:read orders:write"`, ` --scope "orders:read orders:write"`},
		{`Bearer realm="api"`, " --profile rfc9068"},
		{"Bearer scope=\"`id`\"", " --profile rfc9068"}, // a shell would run it
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("WWW-Authenticate", tt.challenge)
			w.WriteHeader(http.StatusUnauthorized)
		}))
		got := on(issuer.Mint(bearertest.Token{}), "explain", "-", "--api", server.URL, "--json")
		server.Close()
		if r := reportOf(t, got); got.code != 3 || !strings.HasSuffix(r.Advice.Command, tt.want) {
			t.Errorf("%s: exit code %d, %q; want %q", tt.challenge, got.code, r.Advice.Command, tt.want)
		}
	}
}

// An API that repeats the token in its answer does not bring it into the output, not
// even in base64.
func TestExplainOfAnAPIThatRepeatsTheToken(t *testing.T) {
	token := newIssuer(t).Mint(bearertest.Token{})
	forms := map[string]string{"itself": token, "the field": "Bearer " + token, "base64url": base64.RawURLEncoding.EncodeToString([]byte(token))}
	for _, prefix := range []string{"", "x", "Bearer "} {
		forms["base64 of "+prefix] = base64.StdEncoding.EncodeToString([]byte(prefix + token))
	}
	var shown string
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "" {
			w.Header().Set("Retry-After", shown)
			w.Header().Set("WWW-Authenticate", `Bearer realm="`+shown+`", error="insufficient_scope", scope="`+shown+`"`)
		}
		w.WriteHeader(http.StatusForbidden)
		_, _ = w.Write([]byte(`{"request_id":"` + shown + `"}`))
	}))
	defer api.Close()
	for name, form := range forms {
		shown = form
		for _, args := range [][]string{nil, {"--json"}} {
			got := on(token, append([]string{"explain", "-", "--api", api.URL, "--send"}, args...)...)
			for _, secret := range []string{token, strings.TrimRight(form, "=")} {
				if part := partOf(secret, got.out+got.stderr); part != "" {
					t.Errorf("%s: the output contains %q", name, part)
				}
			}
			if got.code != 1 || !strings.Contains(got.out, "403") {
				t.Errorf("%s: %+v", name, got)
			}
		}
	}
	shown = strings.Repeat("x", 4000)
	if got := on(token, "explain", "-", "--api", api.URL, "--send", "--json"); strings.Contains(got.out, shown[:200]) {
		t.Error("a long value is not shortened")
	}
}

// Answers of APIs of all kinds, and what the client should do.
func TestExplainOfAnswers(t *testing.T) {
	issuer := newIssuer(t)
	token := issuer.Mint(bearertest.Token{})
	for _, tt := range []struct {
		name     string
		status   int
		header   http.Header
		code     int
		advice   string // of the answer to the token
		problems string // of the API
	}{
		{"no challenge", 401, nil, 1, "a proxy may have removed the field Authorization", "no WWW-Authenticate"},
		{"a challenge that nobody can parse", 401, http.Header{"Www-Authenticate": {`Bearer realm=api, scope="a`}}, 1, "", "cannot parse"},
		{"an invalid token", 401, http.Header{"Www-Authenticate": {`Bearer realm="api", error="invalid_token"`}}, 1, "Get a new token", "no resource_metadata"},
		{"step-up", 401, http.Header{"Www-Authenticate": {`Bearer error="insufficient_user_authentication", acr_values="mfa", max_age="60"`}}, 1, `acr_values "mfa"`, ""},
		{"a nonce", 401, http.Header{"Www-Authenticate": {`DPoP error="use_dpop_nonce"`}}, 1, "DPoP-Nonce", ""},
		{"more scope", 403, http.Header{"Www-Authenticate": {`Bearer error="insufficient_scope", scope="a b"`}}, 1, `scope "a b"`, "is this route protected?"},
		{"forbidden", 403, nil, 1, "somebody must grant the right", ""},
		{"too many", 429, http.Header{"Retry-After": {"7"}}, 3, "after 7 s", ""},
		{"unavailable", 503, http.Header{"Retry-After": {"3"}}, 3, "after 3 s", ""},
		{"unavailable until a time", 503, http.Header{"Retry-After": {"Fri, 31 Dec 2027 23:59:59 GMT"}}, 3, "at the time of Retry-After", ""},
		{"a login page", 302, http.Header{"Location": {"https://login.example.com"}}, 1, "login page", ""},
		{"not found", 404, nil, 1, "hides it", ""},
		{"malformed", 400, nil, 1, "one Authorization field", ""},
		{"too long", 431, nil, 1, "too long", ""},
		{"broken", 500, nil, 1, "says nothing about the token", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				for name, values := range tt.header {
					w.Header()[name] = values
				}
				w.WriteHeader(tt.status)
				_, _ = w.Write([]byte(`{"request_id":"7f3a"}`))
			}))
			defer server.Close()
			got := on(token, "explain", "-", "--api", server.URL, "--send", "--issuer", issuer.URL(), "--audience", audience, "--json")
			r := reportOf(t, got)
			if got.code != tt.code || r.API.Sent.Status != tt.status || r.API.Sent.RequestID != "7f3a" {
				t.Errorf("exit code %d, want %d: %+v", got.code, tt.code, r.API.Sent)
			}
			if tt.status >= 300 && tt.status != r.Verdict.Status && !strings.HasSuffix(r.Verdict.Text, r.API.Sent.Advice) {
				t.Errorf("the verdict %q does not say what to do: %q", r.Verdict.Text, r.API.Sent.Advice)
			}
			if !strings.Contains(r.API.Sent.Advice, tt.advice) || !strings.Contains(strings.Join(r.API.Problems, "; "), tt.problems) {
				t.Errorf("%q, %q", r.API.Sent.Advice, r.API.Problems)
			}
		})
	}
}

// The token goes only where the user sends it: not along a redirect, and not over
// http to another machine.
func TestExplainKeepsTheTokenToTheAPI(t *testing.T) {
	var seen []string
	other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { seen = append(seen, r.Header.Get("Authorization")) }))
	defer other.Close()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, other.URL, http.StatusTemporaryRedirect)
	}))
	defer server.Close()
	on("token", "explain", "-", "--api", server.URL, "--send")
	if seen != nil {
		t.Errorf("another server got %q", seen)
	}
	if got := on("token", "explain", "-", "--api", "http://api.example.com", "--send"); got.code != 3 || !strings.Contains(got.stderr, "https") {
		t.Errorf("%+v", got)
	}
}

func TestExplainReadsTheToken(t *testing.T) {
	issuer := newIssuer(t)
	token := issuer.Mint(bearertest.Token{})
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte(" Authorization: Bearer "+token+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	api := []string{"--issuer", issuer.URL(), "--audience", audience}
	for name, args := range map[string][]string{
		"as an argument": {"explain", token}, "on standard input": {"explain", "-"}, "in a file": {"explain", "--token-file", file},
		"with its scheme": {"explain", "Bearer " + token}, "under DPoP": {"explain", "DPoP " + token},
	} {
		if got := on("  bearer  "+token+"\n", append(args, api...)...); got.code != 0 || got.stderr != "" {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

// A mistake on the command line is exit code 2, and shows no part of a token.
func TestMistakes(t *testing.T) {
	const token = "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJhIn0.c2lnbmF0dXJl"
	for _, tt := range []struct {
		args []string
		want string
	}{
		{[]string{token}, "bearer explain TOKEN"},
		{[]string{"explain"}, "no token"},
		{[]string{"explain", token, token}, "2 arguments"},
		{[]string{"explain", "-" + token}, "not shown"},
		{[]string{"explain", token, "--token-file", "x"}, "want one of them"},
		{[]string{"explain", "--token-file", "does/not/exist"}, "no such file"},
		{[]string{"explain", token, "--issuer", "https://login.example.com"}, "--audience"},
		{[]string{"explain", token, "--profile", "x", "--at", "noon", "--send", "--keys", "a", "--jwks-uri", "b"}, `--profile: "x" is unknown; want one of adfs`},
		{[]string{"explain", token, "--scope", "a"}, "need --issuer"},
		{[]string{"explain", token, "--issuer", "http://login.example.com", "--audience", "a"}, "--insecure-allow-http); if this is the tokens' iss, name its keys by --jwks-uri or --keys"},
		{[]string{"explain", token, "--issuer", "https://login.example.com/{tenant}", "--audience", "a"}, `--issuer: contains the placeholder "{tenant}"`},
		{[]string{"explain", token, "--issuer", "https://login.example.com", "--audience", "a", "--leeway", "10m"}, "--leeway is 10m0s; want at most 5m0s"},
		{[]string{"explain", token, "--issuer", "https://login.example.com", "--audience", "a", "--keys", "does/not/exist"}, "--keys: does/not/exist: no such file"},
		{[]string{"explain", token, "--leeway", token}, "not shown"},
		{[]string{"explain", token, "--issuer", "--audience", "a"}, "--issuer has no value: the flag --audience follows"},
		{[]string{"token", "--audience", "--scope=a"}, "--audience has no value: the flag --scope follows"},
		{[]string{"token", "--user", "alice"}, "bearer token --help lists the flags"},
		{[]string{"proof", token}, "not shown"},
		{[]string{"help", token}, "no such command"},
		{[]string{"token", token}, "not shown"},
	} {
		got := on("", tt.args...)
		if got.code != 2 || got.out != "" || strings.Count(got.stderr, "\n") != 1 || !strings.Contains(got.stderr, tt.want) {
			t.Errorf("%q: %+v; want %q", tt.args, got, tt.want)
		}
		if strings.Contains(got.stderr, token[:12]) {
			t.Errorf("%q: the token is in %q", tt.args, got.stderr)
		}
	}
}
