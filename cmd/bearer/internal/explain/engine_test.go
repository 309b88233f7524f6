package explain_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/bearer/bearertest"
	"github.com/bearerkit/bearerkit/cmd/bearer/internal/explain"
	"github.com/bearerkit/bearerkit/cmd/bearer/internal/profile"
	"github.com/bearerkit/bearerkit/cmd/bearer/internal/ui"
	"github.com/bearerkit/bearerkit/jwks"
	"github.com/bearerkit/bearerkit/scope"
)

const audience = "https://api.example.com"

// profileOf returns the profile of a shape.
func profileOf(t *testing.T, s bearertest.Shape) profile.Named {
	t.Helper()
	names := map[bearertest.Shape]string{
		bearertest.RFC9068: "rfc9068", bearertest.AzureADB2C: "b2c", bearertest.CloudflareAccess: "cloudflare", bearertest.EntraIDv1: "entraid",
		bearertest.GitHubActions: "github", bearertest.GoogleIAP: "iap", bearertest.PingFederate: "ping",
	}
	name := names[s]
	if name == "" {
		name = strings.ToLower(string(s))
	}
	p, err := profile.Find(name)
	if err != nil {
		t.Fatal(err)
	}
	return p
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

// sdk is an API with the SDK's verifier and guard, as users build it.
type sdk struct {
	route *bearer.Route
	event bearer.Event
}

func newSDK(t *testing.T, c explain.Config) *sdk {
	t.Helper()
	issuer := jwks.Issuer{URL: c.Issuer, Audience: c.Audience, Profile: c.Profile.Profile}
	if c.KeysURL != "" {
		issuer.Keys, issuer.AllowNonHTTPSIdentifier = jwks.KeysFromURL(c.KeysURL), true
	}
	if c.KeysFile != "" {
		issuer.Keys, issuer.AllowNonHTTPSIdentifier = jwks.KeysFromFile(c.KeysFile), true
	}
	v, err := jwks.New(jwks.Config{Issuers: []jwks.Issuer{issuer}, Leeway: c.Leeway})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(v.Close)
	s := &sdk{}
	g, err := bearer.New(bearer.Config{Verifiers: []bearer.Verifier{v}, OnRefusal: func(_ *http.Request, e bearer.Event) { s.event = e }})
	if err != nil {
		t.Fatal(err)
	}
	rule := scope.None
	if len(c.Scope) > 0 {
		rule = scope.All(c.Scope...)
	}
	var roles []bearer.Requirement
	for _, role := range c.Roles {
		roles = append(roles, bearer.Role(role))
	}
	if s.route, err = g.Route(bearer.RouteConfig{Rule: rule, Requirements: roles}); err != nil {
		t.Fatal(err)
	}
	return s
}

type discard struct{ status int }

func (d *discard) Header() http.Header         { return http.Header{} }
func (d *discard) WriteHeader(status int)      { d.status = status }
func (d *discard) Write(b []byte) (int, error) { return len(b), nil }

// answer returns the status of the SDK, and the check that its log names.
func (s *sdk) answer(t *testing.T, token string) (status int, check string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://api.example.com/", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header["Authorization"] = []string{"Bearer " + token}
	s.event = bearer.Event{}
	w := &discard{status: 200}
	s.route.Admit(w, r)
	return w.status, s.event.Check
}

// agrees checks that a report says what the SDK does.
func agrees(t *testing.T, r *explain.Report, s *sdk, token string) {
	t.Helper()
	status, check := s.answer(t, token)
	first := ""
	for _, c := range r.Checks {
		if c.Result == explain.Fail {
			first = c.Log
			break
		}
	}
	if first != check {
		t.Errorf("the first cross is at %q; the SDK's log says %q, %q, %q", first, check, s.event.Expected, s.event.Got)
	}
	if r.Answer == nil || r.Answer.Status != status || r.Verdict.Status != status || r.Verdict.Check != check {
		t.Errorf("answer %+v, verdict %+v; the SDK answers %d, check %q", r.Answer, r.Verdict, status, check)
	}
	if (status == 200) != (r.Verdict.Cause == "") {
		t.Errorf("status %d and the cause %q", status, r.Verdict.Cause)
	}
	keepsSecret(t, r, token)
}

// keepsSecret checks that no 16 characters of the token are in the report.
func keepsSecret(t *testing.T, r *explain.Report, token string) {
	t.Helper()
	var text strings.Builder
	r.Write(&text, ui.Painter{})
	data, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	if part := partOf(token, text.String()+string(data)); part != "" {
		t.Fatalf("the report contains %q of the token", part)
	}
}

// partOf returns 16 characters of the token that the output contains, or nothing.
func partOf(token, output string) string {
	parts := map[string]bool{}
	for i := 0; i+16 <= len(token); i++ {
		parts[token[i:i+16]] = true
	}
	for i := 0; i+16 <= len(output); i++ {
		if parts[output[i:i+16]] {
			return output[i : i+16]
		}
	}
	return ""
}

// The hostile tokens of each shape: the first cross is the check that the SDK's log
// names, and the answer is the SDK's.
func TestHostileTokens(t *testing.T) {
	issuer := newIssuer(t)
	for _, shape := range bearertest.Shapes() {
		t.Run(string(shape), func(t *testing.T) {
			t.Parallel()
			c := explain.Config{Issuer: issuer.URL(), Audience: []string{audience}, Profile: profileOf(t, shape)}
			s := newSDK(t, c)
			for _, h := range issuer.Hostile(bearertest.Token{Shape: shape}) {
				t.Run(h.Name, func(t *testing.T) {
					r, err := explain.Token(t.Context(), h.Token, c)
					if err != nil {
						t.Fatal(err)
					}
					agrees(t, r, s, h.Token)
				})
			}
		})
	}
}

// Good tokens of each shape pass, and the profile is guessed.
func TestGoodTokens(t *testing.T) {
	issuer := newIssuer(t)
	for _, shape := range bearertest.Shapes() {
		t.Run(string(shape), func(t *testing.T) {
			t.Parallel()
			c := explain.Config{Issuer: issuer.URL(), Audience: []string{audience}, Profile: profileOf(t, shape)}
			token := issuer.Mint(bearertest.Token{Shape: shape, Scope: "orders:read", Roles: []string{"admin"}})
			r, err := explain.Token(t.Context(), token, c)
			if err != nil {
				t.Fatal(err)
			}
			agrees(t, r, newSDK(t, c), token)
			if want := c.Profile.Name; r.Token.Likely != want && want != "ping" {
				t.Errorf("the likely profile is %q, want %q", r.Token.Likely, want)
			}
		})
	}
}

// The issuer's clock is compared with this machine's.
func TestClockDifference(t *testing.T) {
	issuer := newIssuer(t)
	for off, want := range map[time.Duration]string{
		0: "", 10 * time.Minute: "the issuer's clock is 9 minutes ahead of this machine's", -time.Hour: "the issuer's clock is 60 minutes behind this machine's",
	} {
		issuer.SetFault(bearertest.JWKS, bearertest.Fault{Body: issuer.KeySet(), Header: http.Header{"Date": {time.Now().Add(off).UTC().Format(http.TimeFormat)}}})
		issuer.SetFault(bearertest.OAuthMetadata, bearertest.Fault{Status: 404, Header: http.Header{"Date": {time.Now().Add(off).UTC().Format(http.TimeFormat)}}})
		issuer.SetFault(bearertest.OIDCMetadata, bearertest.Fault{Header: http.Header{"Date": {time.Now().Add(off).UTC().Format(http.TimeFormat)}}})
		r, err := explain.Token(t.Context(), issuer.Mint(bearertest.Token{}), explain.Config{Issuer: issuer.URL(), Audience: []string{audience}})
		if err != nil {
			t.Fatal(err)
		}
		if got := r.Keys.Clock; got != want {
			t.Errorf("a difference of %v: %q, want %q", off, got, want)
		}
	}
}

// The report says how long an API uses the keys, and that a cache gave them.
func TestAgeOfTheKeys(t *testing.T) {
	issuer := newIssuer(t)
	issuer.SetFault(bearertest.JWKS, bearertest.Fault{Body: issuer.KeySet(), Header: http.Header{"Cache-Control": {"max-age=7200"}, "Age": {"3000"}}})
	r, err := explain.Token(t.Context(), issuer.Mint(bearertest.Token{}), explain.Config{Issuer: issuer.URL(), Audience: []string{audience}})
	if err != nil {
		t.Fatal(err)
	}
	if want := "a cache gave this answer, which is 50 minutes old; an API fetches them again after 70 minutes, so it may still have older ones"; r.Keys.Age != want {
		t.Errorf("%q, want %q", r.Keys.Age, want)
	}
}

// A text of any form is explained, and never repeated.
func FuzzToken(f *testing.F) {
	issuer, err := bearertest.NewIssuer(bearertest.IssuerConfig{InMemory: true})
	if err != nil {
		f.Fatal(err)
	}
	defer issuer.Close()
	for _, h := range issuer.Hostile(bearertest.Token{}) {
		if len(h.Token) < 4<<10 {
			f.Add(h.Token)
		}
	}
	f.Add(`{"access_token":"eyJ9.e30.e30"}`)
	f.Add("Bearer \"eyJ9.e30.\n\"")
	config := explain.Config{
		Issuer: issuer.URL(), Audience: []string{audience}, Transport: issuer.Client().Transport,
		Scope: []string{"orders:read"}, Roles: []string{"admin"},
	}
	f.Fuzz(func(t *testing.T, token string) {
		for _, c := range []explain.Config{{}, config} {
			r, err := explain.Token(t.Context(), token, c)
			if err != nil {
				t.Fatal(err)
			}
			if r.Verdict.Text == "" || len(r.Checks) < 15 {
				t.Errorf("%+v", r)
			}
			keepsSecret(t, r, token)
		}
	})
}
