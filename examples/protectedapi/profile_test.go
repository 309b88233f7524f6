package main

import (
	"strings"
	"testing"
	"time"

	"github.com/bearerkit/bearerkit/bearer/bearertest"
	"github.com/bearerkit/bearerkit/compliance"
)

// The program prints what a profile demands.
func TestProfiles(t *testing.T) {
	t.Parallel()
	for name, p := range map[string]compliance.Profile{fapi2: compliance.FAPI2, mcp: compliance.MCP} {
		program := startProcess(t, "-dev", "-profile", name)
		eventually(t, patience, "the profile is printed", func() bool {
			stdout, _ := program.output()
			return strings.Contains(stdout, "\n"+p.String()+"\n")
		})
	}
	program := startProcess(t, "-dev", "-profile", rfc9068)
	eventually(t, patience, "the demonstration is printed", func() bool {
		stdout, _ := program.output()
		return strings.Contains(stdout, "Ctrl-C")
	})
	if stdout, _ := program.output(); strings.Contains(stdout, compliance.FAPI2.Name()) {
		t.Errorf("standard output is\n%s", stdout)
	}
}

// Checklist F5, F6 and F10.
func TestFAPI2(t *testing.T) {
	t.Parallel()
	issuer := newIssuer(t)
	if _, err := issuer.AddKey("RS256"); err != nil {
		t.Fatal(err)
	}
	mine := newHolder(t)
	url := start(t, "-issuer", issuer.URL(), "-resource", audience, "-profile", "fapi2")
	ask := func(token string) answer {
		return send(t, url, "GET /me"+dpopScheme+token+mine.proof(audience, "GET /me", token, ""))
	}
	if got := ask(mine.token(issuer, "")); got.status != 200 {
		t.Errorf("a bound token: %+v", got)
	}
	old := mine.cnf()
	old["iat"] = time.Now().Add(-11 * time.Minute).Unix()
	for what, token := range map[string]bearertest.Token{
		"RS256":              {Algorithm: "RS256", Claims: mine.cnf()},
		"eleven minutes old": {Claims: old},
	} {
		if got := ask(issuer.Mint(token)); got.status != 401 {
			t.Errorf("%s: %+v", what, got)
		}
	}
	checkStatus(t, url, "a token that is not bound", issuer.Mint(bearertest.Token{}), 401)
}

// Checklist MCP1 and MCP2.
func TestMCP(t *testing.T) {
	t.Parallel()
	issuer := newIssuer(t)
	url := start(t, "-issuer", issuer.URL(), "-resource", audience+"/mcp", "-profile", "mcp")
	for _, path := range []string{"/.well-known/oauth-protected-resource/mcp", "/.well-known/oauth-protected-resource"} {
		got := send(t, url, "GET "+path)
		if got.status != 200 || !strings.Contains(got.body, `"authorization_servers":["`+issuer.URL()+`"]`) {
			t.Errorf("%s: %+v", path, got)
		}
	}
	if got := send(t, url, "GET /me").header.Get("WWW-Authenticate"); !strings.Contains(got, `resource_metadata="`+audience+`/.well-known/oauth-protected-resource/mcp"`) {
		t.Errorf("a 401 says %s", got)
	}
}
