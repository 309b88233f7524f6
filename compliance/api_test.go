package compliance_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"go/ast"
	"go/parser"
	"go/token"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/bearer/bearertest"
	"github.com/bearerkit/bearerkit/compliance"
	"github.com/bearerkit/bearerkit/dpop"
	"github.com/bearerkit/bearerkit/introspect"
	"github.com/bearerkit/bearerkit/jwks"
	"github.com/bearerkit/bearerkit/resource"
	"github.com/bearerkit/bearerkit/scope"
)

const origin = "https://api.example.com"

// api is an API configured by a profile, with a test issuer.
type api struct {
	t      *testing.T
	issuer *bearertest.Issuer
	route  *bearer.Route
	key    *ecdsa.PrivateKey // the client's key
}

// settings returns the settings of an API that accepts JWTs and DPoP proofs.
func settings(issuer string) compliance.Settings {
	return compliance.Settings{
		Guard:    &bearer.Config{RequestID: func(*http.Request) string { return "id-1" }},
		Tokens:   &jwks.Config{Issuers: []jwks.Issuer{{URL: issuer}}},
		Proofs:   &dpop.Config{Origin: origin},
		Metadata: &resource.Config{Resource: origin},
	}
}

// newAPI returns an API configured by p. Its route has the rule.
func newAPI(t *testing.T, p compliance.Profile, rule scope.Rule, change func(*compliance.Settings)) *api {
	t.Helper()
	issuer, err := bearertest.NewIssuer(bearertest.IssuerConfig{
		Audience: []string{origin},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(issuer.Close)
	s := settings(issuer.URL())
	s.Tokens.Issuers[0].Audience = []string{origin}
	if change != nil {
		change(&s)
	}
	if err := p.Apply(s); err != nil {
		t.Fatal(err)
	}
	tokens, err := jwks.New(*s.Tokens)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(tokens.Close)
	s.Guard.Verifiers = []bearer.Verifier{tokens}
	if s.Proofs != nil {
		if s.Guard.Proofs, err = dpop.New(*s.Proofs); err != nil {
			t.Fatal(err)
		}
	}
	guard, err := bearer.New(*s.Guard)
	if err != nil {
		t.Fatal(err)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return &api{t: t, issuer: issuer, route: guard.MustRoute(bearer.RouteConfig{Rule: rule}), key: key}
}

// mint returns a token, bound to the client's key if bound is true.
func (a *api) mint(token bearertest.Token, bound bool) string {
	a.t.Helper()
	if bound {
		jkt, err := dpop.Thumbprint(a.key.Public())
		if err != nil {
			a.t.Fatal(err)
		}
		token.Claims = map[string]any{"cnf": map[string]string{"jkt": jkt}}
	}
	return a.issuer.Mint(token)
}

func (a *api) proof(token string) string {
	a.t.Helper()
	proof, err := dpop.NewProof(dpop.ProofConfig{Key: a.key, Algorithm: "ES256", Method: "GET", URL: origin + "/orders", AccessToken: token})
	if err != nil {
		a.t.Fatal(err)
	}
	return proof
}

type answer struct {
	status    int
	challenge string // all WWW-Authenticate lines
}

func (a *api) ask(url string, header http.Header) answer {
	r := httptest.NewRequest("GET", url, nil)
	for name, values := range header {
		r.Header[name] = values
	}
	w := httptest.NewRecorder()
	if _, ok := a.route.Admit(w, r); ok {
		w.WriteHeader(http.StatusOK)
	}
	return answer{w.Code, strings.Join(w.Result().Header["Www-Authenticate"], "\n")}
}

func (a *api) bearer(token string) answer {
	return a.ask("/orders", http.Header{"Authorization": {"Bearer " + token}})
}

func (a *api) dpop(token string) answer {
	return a.ask("/orders", http.Header{"Authorization": {"DPoP " + token}, "Dpop": {a.proof(token)}})
}

func (a *api) want(status int, got answer, why string) {
	a.t.Helper()
	if got.status != status {
		a.t.Errorf("%s: %d %s, want %d", why, got.status, got.challenge, status)
	}
}

// refuses checks that Apply rejects the changed settings with an error that
// contains all words.
func refuses(t *testing.T, p compliance.Profile, change func(*compliance.Settings), words ...string) {
	t.Helper()
	s := settings("https://login.example.com")
	s.Opaque = &introspect.Config{Issuer: "https://login.example.com"}
	change(&s)
	err := p.Apply(s)
	if err == nil {
		t.Errorf("Apply succeeded, want an error with %q", words)
		return
	}
	for _, word := range words {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("no %q in: %v", word, err)
		}
	}
}

// Each requirement of a profile has a test with its ID in the name.
func TestEveryLineHasATest(t *testing.T) {
	files, err := filepath.Glob("*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string]bool{}
	for _, file := range files {
		source, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range source.Decls {
			if f, ok := d.(*ast.FuncDecl); ok {
				tests[f.Name.Name] = true
			}
		}
	}
	for _, p := range []compliance.Profile{compliance.FAPI2, compliance.MCP} {
		if len(p.Requirements()) < 9 {
			t.Errorf("%s has %d lines", p.Name(), len(p.Requirements()))
		}
		for _, l := range p.Requirements() {
			if !tests["Test"+l.ID] {
				t.Errorf("%s: no Test%s of %q", p.Name(), l.ID, l.Text)
			}
			if !strings.Contains(p.String(), l.ID) || !strings.Contains(p.String(), l.Text) {
				t.Errorf("%s does not print %s", p.Name(), l.ID)
			}
		}
	}
}

// Apply reports all mistakes at once, each with the ID of its requirement.
func TestMistakesAreToldAtOnce(t *testing.T) {
	refuses(t, compliance.FAPI2, func(s *compliance.Settings) {
		s.Guard.Sources = []bearer.TokenSource{bearer.InsecureFromQuery()}
		s.Tokens.Issuers[0].Algorithms = []string{"PS256", "RS256"}
		s.Guard.MaxTokenAge = time.Hour
		s.Proofs = nil
	}, "F2: bearer.Config.Sources[0] is InsecureFromQuery()", "F5: neither", "F6: jwks.Config.Issuers[0].Algorithms has RS256", "F10: bearer.Config.MaxTokenAge is 1h0m0s")
	if err := compliance.MCP.Apply(compliance.Settings{}); err == nil || !strings.Contains(err.Error(), "Settings.Guard") {
		t.Errorf("no guard: %v", err)
	}
}

// Apply changes the given configurations, but not the slices in them, which the
// caller may use elsewhere.
func TestApplyLeavesListsOfOthersAlone(t *testing.T) {
	for _, p := range []compliance.Profile{compliance.FAPI2, compliance.MCP} {
		s := settings("https://login.example.com")
		issuers := s.Tokens.Issuers
		signed := &introspect.Signed{Audience: "api"}
		s.Opaque = &introspect.Config{Issuer: "https://login.example.com", Signed: signed}
		if err := p.Apply(s); err != nil {
			t.Fatal(err)
		}
		if issuers[0].Algorithms != nil || issuers[0].Audience != nil || signed.Algorithms != nil {
			t.Errorf("%s: %+v %+v", p.Name(), issuers, signed)
		}
	}
}
