package inspect_test

import (
	"cmp"
	"slices"
	"strings"
	"testing"

	"github.com/bearerkit/bearerkit/bearer/bearertest"
	"github.com/bearerkit/bearerkit/cmd/bearer/internal/finding"
	"github.com/bearerkit/bearerkit/cmd/bearer/internal/inspect"
	"github.com/bearerkit/bearerkit/cmd/bearer/internal/profile"
	"github.com/bearerkit/bearerkit/cmd/bearer/internal/wire"
)

// ask inspects a development issuer with a token.
func ask(t *testing.T, issuer *bearertest.Issuer, token string) *inspect.Report {
	t.Helper()
	client := wire.New(wire.Config{})
	defer client.Close()
	report, err := inspect.Inspect(t.Context(), inspect.Config{Client: client, Input: issuer.URL(), Token: token})
	if err != nil {
		t.Fatal(err)
	}
	return report
}

func newIssuer(t *testing.T) *bearertest.Issuer {
	t.Helper()
	issuer, err := bearertest.NewIssuer(bearertest.IssuerConfig{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(issuer.Close)
	return issuer
}

// ambiguous are the shapes whose tokens do not differ from another shape's. The
// metadata of these issuers tells them apart.
var ambiguous = []string{"b2c"}

// A token, even an expired one, makes the profile of its issuer sure.
func TestTokenShowsTheProfile(t *testing.T) {
	issuer := newIssuer(t)
	for _, shape := range bearertest.Shapes() {
		named, err := profile.Find(cmp.Or(strings.TrimSuffix(string(shape), "v1"), profile.Default.Name))
		if err != nil {
			t.Fatal(err)
		}
		want := named.Name
		report := ask(t, issuer, issuer.Mint(bearertest.Token{Shape: shape, TTL: -1, Scope: "orders:read", Roles: []string{"clerk"}}))
		found := report.Profile
		if slices.Contains(ambiguous, want) {
			if !slices.Contains(found.Others, want) || found.Sure {
				t.Errorf("%s: got %+v", want, found)
			}
		} else if found.Name != want || want != "rfc9068" && !strings.Contains(report.Go, named.Go) {
			t.Errorf("%s: got %+v, %v, %s", want, found, report.Findings, report.Go)
		}
		if !strings.Contains(report.Go, `"https://api.example.com"`) && !strings.Contains(report.Go, `"app"`) {
			t.Errorf("%s: the audience is not in %s", want, report.Go)
		}
	}
}

// A token that does not fit says why, and nobody reads the token in the report.
func TestTokenDoesNotFit(t *testing.T) {
	issuer, other := newIssuer(t), newIssuer(t)
	forged := other.Mint(bearertest.Token{Claims: map[string]any{"iss": issuer.URL()}})
	tests := []struct{ name, token, want string }{
		{"opaque", "b64-opaque-token-0123456789", "token-opaque"},
		{"five segments", "eyJhbGciOiJSU0EtT0FFUCJ9.a2V5.aXY.Y2lwaGVy.dGFn", "token-opaque"},
		{"truncated", strings.Replace(issuer.Mint(bearertest.Token{}), ".", ".!", 1), "token-malformed"},
		{"another issuer", other.Mint(bearertest.Token{}), "token-issuer"},
		{"another issuer by a slash", issuer.Mint(bearertest.Token{Claims: map[string]any{"iss": issuer.URL() + "/"}}), "token-issuer"},
		{"an escape sequence as issuer", issuer.Mint(bearertest.Token{Claims: map[string]any{"iss": "\x1b[31m" + strings.Repeat("x", 999)}}), "token-issuer"},
		{"forged", forged, "token-refused"},
		{"an ID token", issuer.Mint(bearertest.Token{Shape: bearertest.Keycloak, Kind: bearertest.IDToken}), "token-refused"},
	}
	for _, tt := range tests {
		report := ask(t, issuer, tt.token)
		if len(report.Findings) != 1 || report.Findings[0].Code != tt.want {
			t.Errorf("%s: got %v, want %s", tt.name, report.Findings, tt.want)
			continue
		}
		text := report.Findings[0].Text
		if len(text) > 500 || strings.Contains(text, "\x1b") {
			t.Errorf("%s: the text is %q", tt.name, text)
		}
		for segment := range strings.SplitSeq(tt.token, ".") {
			if len(segment) > 8 && strings.Contains(text, segment) {
				t.Errorf("%s: the text has a part of the token", tt.name)
			}
		}
		if report.Profile.Sure || report.Result() != string(finding.Fault) {
			t.Errorf("%s: %+v is %s", tt.name, report.Profile, report.Result())
		}
	}
}
