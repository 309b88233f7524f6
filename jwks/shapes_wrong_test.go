package jwks_test

import (
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/bearerkit/bearerkit/bearer/bearertest"
)

// alsoAccepts lists, for each profile, the other issuers whose access tokens it
// accepts, because nothing in them tells them from those of the profile's own
// issuer. docs/issuers.md says what that means.
var alsoAccepts = map[bearertest.Shape][]bearertest.Shape{
	bearertest.RFC9068:      {bearertest.Duende, bearertest.Glewlwyd},
	bearertest.Duende:       {bearertest.RFC9068, bearertest.Glewlwyd},
	bearertest.ADFS:         {bearertest.EntraIDv1},
	bearertest.EntraID:      {bearertest.EntraIDv1, bearertest.AzureADB2C, bearertest.ADFS},
	bearertest.EntraIDv1:    {bearertest.EntraID, bearertest.AzureADB2C, bearertest.ADFS},
	bearertest.AzureADB2C:   {bearertest.EntraID},
	bearertest.Zitadel:      {bearertest.Hydra, bearertest.Keycloak},
	bearertest.Hydra:        {bearertest.RFC9068, bearertest.Duende, bearertest.Glewlwyd, bearertest.Keycloak, bearertest.Zitadel},
	bearertest.PingFederate: {bearertest.RFC9068, bearertest.Duende, bearertest.Glewlwyd, bearertest.Keycloak, bearertest.Zitadel, bearertest.Hydra},
	bearertest.Spring:       {bearertest.Duende, bearertest.Glewlwyd, bearertest.Zitadel, bearertest.Hydra, bearertest.GitHubActions, bearertest.Kubernetes},
	bearertest.Auth0: {bearertest.RFC9068, bearertest.Duende, bearertest.Glewlwyd, bearertest.Keycloak, bearertest.Zitadel, bearertest.Hydra,
		bearertest.EntraID, bearertest.AzureADB2C, bearertest.Google},
}

// C12, A12: under the profile of another issuer, an access token is refused, and
// the log names the field to set. The profiles that accept it are listed in
// alsoAccepts; they find no more in it than its issuer's own profile does.
func TestWrongProfile(t *testing.T) {
	issuer := shapeIssuer(t)
	table := shapes()
	refused := 0
	for wrong, row := range table {
		v := byProfile(t, issuer, row.profile)
		accepted := map[bearertest.Shape]bool{}
		for s, right := range table {
			for own, want := range map[bool]*seen{false: right.user, true: right.own} {
				if want == nil || s == wrong {
					continue
				}
				token := shaped(s)
				token.ForClient = own
				p, err := v.Verify(t.Context(), issuer.Mint(token))
				if err == nil {
					accepted[s] = true
					findsNoMore(t, wrong, s, seenIn(p), *want)
					continue
				}
				refused++
				if e := refusedWith(err); e == nil || !strings.Contains(e.Hint, "Issuer.Profile") && (e.Check != "aud" || !strings.Contains(e.Hint, "Issuer.Audience")) {
					t.Errorf("profile %q, token of %q, own %t: the log does not name the field: %+v", wrong, s, own, e)
				}
			}
		}
		if got, want := slices.Sorted(maps.Keys(accepted)), slices.Sorted(slices.Values(alsoAccepts[wrong])); !slices.Equal(got, want) {
			t.Errorf("profile %q accepts the tokens of %q; want %q", wrong, got, want)
		}
	}
	if refused < 600 {
		t.Errorf("only %d refusals", refused)
	}
}

// docs/issuers.md has a table of these profiles.
func TestWrongProfileOfTheDocs(t *testing.T) {
	page, err := os.ReadFile("../docs/issuers.md")
	if err != nil {
		t.Fatal(err)
	}
	named := func(shapes ...bearertest.Shape) []string {
		names := []string{}
		for _, s := range shapes {
			switch s {
			case bearertest.RFC9068:
				names = append(names, "RFC 9068")
			case bearertest.EntraIDv1:
				names = append(names, "EntraID version 1")
			default:
				names = append(names, string(s))
			}
		}
		slices.Sort(names)
		return names
	}
	for wrong, others := range alsoAccepts {
		row := "| " + named(wrong)[0] + " | " + strings.Join(named(others...), ", ") + " |\n"
		if !strings.Contains(string(page), row) && wrong != bearertest.EntraIDv1 {
			t.Errorf("docs/issuers.md has no row %s", row)
		}
	}
}

// findsNoMore checks that a wrong profile grants nothing that the right one does
// not grant.
func findsNoMore(t *testing.T, wrong, s bearertest.Shape, got, right seen) {
	t.Helper()
	roles := strings.Fields(right.roles)
	more := slices.ContainsFunc(strings.Fields(got.roles), func(role string) bool { return !slices.Contains(roles, role) })
	if got.subject != right.subject || got.audience != right.audience || more ||
		!right.scopes.Contains(got.scopes) || got.isClient && !right.isClient {
		t.Errorf("profile %q finds more in a token of %q: %+v; want no more than %+v", wrong, s, got, right)
	}
}
