package jwks_test

import (
	"errors"
	"maps"
	"slices"
	"testing"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/bearer/bearertest"
	"github.com/bearerkit/bearerkit/jwks"
	"github.com/bearerkit/bearerkit/scope"
)

// seen is what a profile finds in a token.
type seen struct {
	subject, client, audience string
	scopes                    scope.Set
	roles                     string
	isClient, hasID           bool
}

func seenIn(p *bearer.Principal) seen {
	return seen{
		subject: p.Subject, client: p.ClientID, audience: spacedList(p.Audience()), scopes: p.Scopes,
		roles: spacedList(p.Roles()), isClient: p.IsClient(), hasID: p.TokenID != "",
	}
}

func spacedList(list []string) (text string) {
	for i, s := range list {
		if i > 0 {
			text += " "
		}
		text += s
	}
	return text
}

// issuerShape is an issuer's profile, and what it finds in the tokens of a user
// and of a client, if the issuer gives any.
type issuerShape struct {
	profile   jwks.Profile
	user, own *seen
}

// shapes has a row for each shape of the test kit. The tokens have the audience
// api, the client web, two scopes and two roles, as far as the issuer's tokens
// have them.
func shapes() map[bearertest.Shape]issuerShape {
	both := scope.Of("orders:read", "orders:write")
	const object = "7f3f2f0e-2d0b-4a54-9a3c-5d7b6f4f7a10"
	const roles = "admin auditor"
	workload := func(subject string, hasID bool) *seen {
		return &seen{subject: subject, client: subject, audience: "api", isClient: true, hasID: hasID}
	}
	return map[bearertest.Shape]issuerShape{
		bearertest.RFC9068: {jwks.Profile{},
			&seen{"alice", "web", "api", both, roles, false, true}, &seen{"web", "web", "api", both, roles, true, true}},
		bearertest.Keycloak: {jwks.Keycloak(),
			&seen{"alice", "web", "api", both, roles, false, true},
			&seen{"3cc1b0c5-5d2c-4c0b-8b0e-6d1f6e2f1c55", "web", "api", both, roles, true, true}},
		bearertest.EntraID: {jwks.EntraID(),
			&seen{"alice", "web", "api", both, roles, false, false}, &seen{object, "web", "api", scope.Set{}, roles, true, false}},
		bearertest.EntraIDv1: {jwks.EntraID(),
			&seen{"alice", "web", "api", both, roles, false, false}, &seen{object, "web", "api", scope.Set{}, roles, true, false}},
		bearertest.Okta: {jwks.Okta(),
			&seen{"alice", "web", "api", both, roles, false, true}, &seen{"web", "web", "api", both, roles, true, true}},
		bearertest.Auth0: {jwks.Auth0(),
			&seen{"alice", "web", "api https://issuer.example.com/userinfo", both, roles, false, false},
			&seen{"web@clients", "web", "api", both, roles, true, false}},
		bearertest.Cognito: {jwks.Cognito(),
			&seen{"alice", "web", "web", both, roles, false, true}, &seen{"web", "web", "web", both, "", true, true}},
		bearertest.AzureADB2C: {jwks.AzureADB2C(),
			&seen{"alice", "web", "api", both, roles, false, false}, &seen{object, "web", "api", both, roles, false, false}},
		bearertest.Firebase: {jwks.Firebase(), &seen{"alice", "", "api", scope.Set{}, roles, false, false}, nil},
		bearertest.Zitadel: {jwks.Zitadel(),
			&seen{"alice", "web", "web api", scope.Set{}, roles, false, true},
			&seen{"312909075212468632", "web", "web api", scope.Set{}, roles, false, true}},
		bearertest.Hydra: {jwks.Hydra(),
			&seen{"alice", "web", "api", both, roles, false, true}, &seen{"web", "web", "api", both, roles, true, true}},
		bearertest.Duende: {jwks.Duende(),
			&seen{"alice", "web", "api", both, roles, false, true}, &seen{"", "web", "api", both, roles, true, true}},
		bearertest.Spring: {jwks.Spring(),
			&seen{"alice", "web", "web", both, roles, false, true}, &seen{"web", "web", "web", both, roles, true, true}},
		bearertest.Glewlwyd: {jwks.Glewlwyd(), // a user's roles are one string, and a client has none
			&seen{"alice", "web", "api", both, "admin,auditor", false, true}, &seen{"web", "web", "api", both, "", true, true}},
		bearertest.PingFederate: {jwks.PingFederate(),
			&seen{"alice", "web", "api", both, roles, false, true}, &seen{"web", "web", "api", both, roles, true, true}},
		bearertest.ADFS: {jwks.ADFS(),
			&seen{"alice", "web", "api", both, roles, false, false}, &seen{"", "web", "api", both, roles, false, false}},
		bearertest.Google:        {jwks.Google(), nil, workload("113774264463038321964", false)},
		bearertest.GitHubActions: {jwks.GitHubActions(), nil, workload("repo:acme/shop:ref:refs/heads/main", true)},
		bearertest.Kubernetes:    {jwks.Kubernetes(), nil, workload("system:serviceaccount:shop:web", true)},
		bearertest.SPIFFE:        {jwks.SPIFFE(), nil, workload("spiffe://acme.example.com/shop/web", false)},
		bearertest.GoogleIAP: {jwks.GoogleIAP(),
			&seen{"accounts.google.com:alice", "", "api", scope.Set{}, "", false, false},
			&seen{"accounts.google.com:113774264463038321964", "", "api", scope.Set{}, "", false, false}},
		bearertest.CloudflareAccess: {jwks.CloudflareAccess(),
			&seen{"alice", "", "api", scope.Set{}, "", false, false}, &seen{"", "web", "api", scope.Set{}, "", true, false}},
	}
}

// shaped returns a token of a shape for a user of the client web.
func shaped(s bearertest.Shape) bearertest.Token {
	return bearertest.Token{Shape: s, ClientID: "web", Scope: "orders:read orders:write", Roles: []string{"admin", "auditor"}}
}

// shapeIssuer is an issuer whose API is called api.
func shapeIssuer(t *testing.T) *bearertest.Issuer {
	t.Helper()
	return newIssuer(t, bearertest.IssuerConfig{Audience: []string{"api"}, InMemory: true})
}

// byProfile returns a verifier of the issuer's tokens by a profile. The issuers
// whose tokens have no audience put the client there.
func byProfile(t *testing.T, issuer *bearertest.Issuer, profile jwks.Profile) *jwks.Verifier {
	t.Helper()
	return newVerifier(t, jwks.Config{
		Issuers: []jwks.Issuer{{URL: issuer.URL(), Audience: []string{"api", "web"}, Keys: jwks.KeysFromJWKS(issuer.KeySet()), Profile: profile}},
	})
}

// C12, A9, A12, reports L14: each profile accepts the access tokens of its issuer,
// and finds everything in them: a user's and a client's own.
func TestProfilesOfShapes(t *testing.T) {
	table := shapes()
	if got := slices.Sorted(maps.Keys(table)); !slices.Equal(got, bearertest.Shapes()) {
		t.Fatalf("the table has %q; want %q", got, bearertest.Shapes())
	}
	issuer := shapeIssuer(t)
	for s, row := range table {
		v := byProfile(t, issuer, row.profile)
		for own, want := range map[bool]*seen{false: row.user, true: row.own} {
			if want == nil {
				continue
			}
			token := shaped(s)
			token.ForClient = own
			minted := issuer.Mint(token)
			for range 2 { // the second time from the cache
				p, err := v.Verify(t.Context(), minted)
				if err != nil {
					t.Errorf("%q, own %t: %v", s, own, err)
				} else if got := seenIn(p); got != *want || p.Issuer != issuer.URL() || p.Expires.IsZero() {
					t.Errorf("%q, own %t:\n got %+v\nwant %+v", s, own, got, *want)
				}
			}
		}
	}
}

// J11: no profile accepts another kind of token that its issuer signs.
func TestProfilesRefuseTheirIssuersOtherTokens(t *testing.T) {
	issuer := shapeIssuer(t)
	// What refuses a token if not its kind: a refresh token by the issuer's own
	// secret key, and a session's by its iss.
	checks := map[bearertest.Kind][]string{
		bearertest.IDToken:      {"kind", "typ", "claims"},
		bearertest.RefreshToken: {"alg"},
		bearertest.LogoutToken:  {"typ", "kind", "claims"},
		bearertest.SessionToken: {"kind", "iss"},
	}
	others := 0
	for s, row := range shapes() {
		v := byProfile(t, issuer, row.profile)
		for _, kind := range s.Kinds()[1:] {
			others++
			// The audience is the API in every token here, as if the client and the
			// API shared a name.
			for _, audience := range []string{"api", "web"} {
				token := shaped(s)
				token.Kind, token.Claims = kind, map[string]any{"aud": audience}
				_, err := v.Verify(t.Context(), issuer.Mint(token))
				e := refusedWith(err)
				if e == nil || !slices.Contains(checks[kind], e.Check) {
					t.Errorf("%q: its %s for %s: %v", s, kind, audience, err)
				}
			}
		}
	}
	if others < 25 {
		t.Errorf("only %d other tokens were tried", others)
	}
}

func refusedWith(err error) *bearer.Error {
	e, _ := errors.AsType[*bearer.Error](err)
	return e
}
