package jwks_test

import (
	"strings"
	"testing"

	"github.com/bearerkit/bearerkit/bearer/bearertest"
	"github.com/bearerkit/bearerkit/jwks"
)

// Part 2.3: a subject is accepted exactly, or by what it begins with up to a
// separator.
func TestSubjects(t *testing.T) {
	issuer := shapeIssuer(t)
	profile := jwks.GitHubActions()
	profile.Subjects = []string{"repo:acme/", "repo:partner/shop:ref:refs/heads/main", "repo:acme@9919/shop@74:", "alice"}
	v := byProfile(t, issuer, profile)
	for subject, accepted := range map[string]bool{
		"repo:acme/shop:ref:refs/heads/main":     true,
		"repo:acme/":                             true,
		"repo:partner/shop:ref:refs/heads/main":  true,
		"alice":                                  true,
		"repo:acme":                              false,
		"repo:acme@9919/shop@74:pull_request":    true,
		"repo:acme@9919/shop@741:pull_request":   false,
		"repo:acme@99190/shop@74:pull_request":   false,
		"repo:acme-evil/shop:ref":                false,
		"repo:Acme/shop:ref:refs/heads/main":     false,
		"repo:partner/shop:ref:refs/heads/main2": false,
		"repo:partner/shop:ref:refs/heads/mai":   false,
		"xrepo:acme/shop":                        false,
		"alicex":                                 false,
	} {
		token := issuer.Mint(bearertest.Token{Shape: bearertest.GitHubActions, Subject: subject})
		for range 2 { // the second time from the cache
			_, err := v.Verify(t.Context(), token)
			if e := refusedWith(err); (err == nil) != accepted || e != nil && e.Check != "sub" {
				t.Errorf("%q: %v; want accepted: %t", subject, err, accepted)
			}
		}
	}
}

// A8: a profile whose tokens may name no client needs a subject. An aud names the
// client only if it has one value.
func TestTokenWithoutClient(t *testing.T) {
	issuer := shapeIssuer(t)
	type claims map[string]any
	elsewhere := jwks.Spring()
	elsewhere.ClientID, elsewhere.Audience = []string{"aud", ""}, "resource"
	for _, tt := range []struct {
		name    string
		profile jwks.Profile
		shape   bearertest.Shape
		claims  claims
		client  string
		check   string // of the refusal; empty: the token is accepted
	}{
		{"no client", jwks.Firebase(), bearertest.Firebase, nil, "", ""},
		{"a client that the profile does not read", jwks.Firebase(), bearertest.Firebase, claims{"client_id": "x", "azp": "y"}, "", ""},
		{"no client and no subject", jwks.CloudflareAccess(), bearertest.CloudflareAccess, claims{"sub": nil}, "", "claims"},
		{"no client and an empty subject", jwks.CloudflareAccess(), bearertest.CloudflareAccess, claims{"sub": ""}, "", "claims"},
		{"an empty client and no subject", jwks.CloudflareAccess(), bearertest.CloudflareAccess, claims{"sub": "", "common_name": ""}, "", "claims"},
		{"a malformed client", jwks.CloudflareAccess(), bearertest.CloudflareAccess, claims{"common_name": 1}, "", "common_name"},
		{"one audience", jwks.Spring(), bearertest.Spring, claims{"aud": []string{"web"}}, "web", ""},
		{"several audiences", jwks.Spring(), bearertest.Spring, claims{"aud": []string{"api", "web"}}, "", "claims"},
		{"several audiences and a client", jwks.Spring(), bearertest.Spring, claims{"aud": []string{"api", "web"}, "client_id": "c"}, "c", ""},
		{"an audience that is malformed", jwks.Spring(), bearertest.Spring, claims{"aud": []any{"api", 1}}, "", "aud"},
		{"an aud that names only the client, and is malformed", elsewhere, bearertest.Spring, claims{"aud": []any{"api", 1}, "resource": "api"}, "", "aud"},
		{"an aud that names only the client", elsewhere, bearertest.Spring, claims{"aud": "web", "resource": "api"}, "web", ""},
	} {
		p, err := byProfile(t, issuer, tt.profile).Verify(t.Context(), issuer.Mint(bearertest.Token{Shape: tt.shape, ClientID: "web", Claims: tt.claims}))
		e := refusedWith(err)
		switch {
		case tt.check == "" && (err != nil || p.ClientID != tt.client || p.IsClient()):
			t.Errorf("%s: %v, %v", tt.name, p, err)
		case tt.check != "" && (e == nil || e.Check != tt.check):
			t.Errorf("%s: %v; want a refusal by %s", tt.name, err, tt.check)
		}
		if e != nil && e.Check == "claims" && tt.shape == bearertest.CloudflareAccess && !strings.Contains(e.Expected, `["common_name" "sub"]`) {
			t.Errorf("%s: the log expects %s", tt.name, e.Expected)
		}
		if e != nil && e.Check == "claims" && tt.shape == bearertest.Spring && !strings.Contains(e.Expected, `["client_id" "aud"]`) {
			t.Errorf("%s: the log expects %s", tt.name, e.Expected)
		}
	}
}
