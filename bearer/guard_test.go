package bearer_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/scope"
)

const requestID = "id-1"

// alice is the principal of the token "good".
var alice = bearer.Principal{
	Issuer: "https://login.example.com", Subject: "alice", ClientID: "shop", TokenID: "jti-1",
	Scopes: scope.Of("orders:read", "profile"),
}.WithAudience("https://api.example.com", "https://other.example.com")

// byName is a verifier that decides by the name of the token.
func byName(_ context.Context, token string) (*bearer.Principal, error) {
	p := alice
	switch token {
	case "good":
	case "key-bound":
		p.Confirmation.JKT = "thumbprint"
	case "expired":
		return nil, bearer.Expired("a time after now", "an hour ago")
	case "forged":
		return nil, bearer.Invalid("signature", "a signature by the issuer's key", "another")
	case "down":
		return nil, bearer.Unavailable(errors.New("connection refused to 10.0.0.7"), 0)
	case "suspect":
		e := bearer.Unavailable(errors.New("the endpoint fails for this token"), 0)
		e.Suspect = true
		return nil, e
	default:
		return nil, bearer.ErrUnrecognized
	}
	return &p, nil
}

// newGuard returns a guard with byName, unless the config has other verifiers.
func newGuard(t testing.TB, config bearer.Config) *bearer.Guard {
	t.Helper()
	if config.Verifiers == nil {
		config.Verifiers = []bearer.Verifier{bearer.VerifierFunc(byName)}
	}
	if config.RequestID == nil {
		config.RequestID = func(*http.Request) string { return requestID }
	}
	guard, err := bearer.New(config)
	if err != nil {
		t.Fatal(err)
	}
	return guard
}

// newRoute returns a route of newGuard. Without a rule it requires no scope.
func newRoute(t testing.TB, config bearer.Config, route bearer.RouteConfig) *bearer.Route {
	t.Helper()
	if route.Rule.Err() != nil {
		route.Rule = scope.None
	}
	rt, err := newGuard(t, config).Route(route)
	if err != nil {
		t.Fatal(err)
	}
	return rt
}

// answer is the answer that a client received, and whether the handler ran.
type answer struct {
	status    int
	header    http.Header
	body      string
	handedOn  bool
	principal bearer.Principal
	known     bool
	request   *http.Request // that the handler got
}

// challenge returns all field lines of WWW-Authenticate, joined by line breaks.
func (a answer) challenge() string {
	return strings.Join(a.header.Values("WWW-Authenticate"), "\n")
}

func serve(rt *bearer.Route, r *http.Request) (a answer) {
	w := httptest.NewRecorder()
	if handed, ok := rt.Admit(w, r); ok {
		a.handedOn, a.request = true, handed
		a.principal, a.known = bearer.FromContext(handed.Context())
		w.WriteHeader(http.StatusOK)
	}
	a.status, a.header, a.body = w.Code, w.Result().Header, w.Body.String()
	return a
}

// get returns a GET request with the given Authorization field lines.
func get(authorization ...string) *http.Request {
	r := httptest.NewRequest("GET", "/orders", nil)
	if authorization != nil {
		r.Header["Authorization"] = authorization
	}
	return r
}

func TestNewReportsAllMistakes(t *testing.T) {
	var noVerifier *pointerVerifier
	_, err := bearer.New(bearer.Config{
		Verifiers:        []bearer.Verifier{nil, bearer.VerifierFunc(nil), noVerifier},
		Realm:            "a\r\nSet-Cookie: b",
		ResourceMetadata: "http://api.example.com/metadata",
		RetryAfter:       -time.Second,
	})
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{
		"Verifiers[0] is nil", "Verifiers[1] is nil", "Verifiers[2] is nil",
		`Realm "a\r\nSet-Cookie: b"`, "ResourceMetadata", "RetryAfter",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error %q lacks %s", err, want)
		}
	}
	if _, err := bearer.New(bearer.Config{}); err == nil || !strings.Contains(err.Error(), "Verifiers is empty") {
		t.Errorf("the zero Config gives %v", err)
	}
}

type pointerVerifier struct{}

func (*pointerVerifier) Verify(context.Context, string) (*bearer.Principal, error) {
	return &alice, nil
}

// Checklist H6, B11, part 2.7: New rejects values that could inject a header
// field.
func TestNewRejectsHeaderInjection(t *testing.T) {
	for _, realm := range []string{"a\r\nX: y", "a\nb", "a\x00", "a\tb", "a\x7f", "é", "a\xff", "\u2028"} {
		if _, err := bearer.New(bearer.Config{Verifiers: []bearer.Verifier{bearer.VerifierFunc(byName)}, Realm: realm}); err == nil {
			t.Errorf("realm %q is accepted", realm)
		}
	}
	for _, metadata := range []string{
		"http://api.example.com/x", "ftp://api.example.com", "https://", "//api.example.com/x", "/x", "https:api",
		"https://api.example.com/a b", "https://api.example.com/\"", `https://api.example.com/\`, "https://api.example.com/é",
		"https://api.example.com/\r\nX: y", "https://api.example.com/#f", "https://api.example.com/#", "https://u:p@api.example.com/",
		"http://localhost.example.com/", "http://127.0.0.1.example.com/",
		"http://x.localhost/", "http://[::ffff:127.0.0.1]/", // Reports G9
	} {
		if _, err := bearer.New(bearer.Config{Verifiers: []bearer.Verifier{bearer.VerifierFunc(byName)}, ResourceMetadata: metadata}); err == nil {
			t.Errorf("resource metadata %q is accepted", metadata)
		}
	}
	for _, metadata := range []string{
		"https://api.example.com/.well-known/oauth-protected-resource/a?b=c", "http://127.0.0.1:8080/x", "http://[::1]/x", "http://localhost/x",
	} {
		newGuard(t, bearer.Config{ResourceMetadata: metadata})
	}
}

// Checklist H4, H5: realm is a quoted-string with quotes and backslashes
// escaped.
func TestRealmIsEscaped(t *testing.T) {
	tests := []struct{ realm, want string }{
		{"", `Bearer realm="api"`},
		{`say "hi", C:\x`, `Bearer realm="say \"hi\", C:\\x"`},
		{`" error="forged`, `Bearer realm="\" error=\"forged"`},
		{`\`, `Bearer realm="\\"`},
	}
	for _, tt := range tests {
		if got := serve(newRoute(t, bearer.Config{Realm: tt.realm}, bearer.RouteConfig{}), get()).challenge(); got != tt.want {
			t.Errorf("realm %q: got %s, want %s", tt.realm, got, tt.want)
		}
	}
}

// H6: a realm is printable ASCII.
func TestRealmCharacters(t *testing.T) {
	for c := range 256 {
		_, err := bearer.New(bearer.Config{Verifiers: []bearer.Verifier{boundVerifier}, Realm: "a" + string([]byte{byte(c)}) + "b"})
		if good := c >= 0x20 && c <= 0x7e; (err == nil) != good {
			t.Errorf("%#x: %v", c, err)
		}
	}
}

func TestConfigIsCopied(t *testing.T) {
	verifiers := []bearer.Verifier{bearer.VerifierFunc(byName)}
	rt := newRoute(t, bearer.Config{Verifiers: verifiers}, bearer.RouteConfig{})
	verifiers[0] = bearer.VerifierFunc(func(context.Context, string) (*bearer.Principal, error) { return &alice, nil })
	if got := serve(rt, get("Bearer forged")); got.status != 401 {
		t.Errorf("a change of the caller's slice changed the guard: %d", got.status)
	}
}

// P6: clients can fetch the resource_metadata of a challenge.
func TestResourceMetadataMustBeAURL(t *testing.T) {
	for _, url := range []string{
		"api.example.com/metadata", "https:metadata", "https:///metadata", "https://:8443/metadata",
		"https://api.example.com/#x", "https://a:b@api.example.com/", "ftp://api.example.com/", "http://api.example.com/",
	} {
		_, err := bearer.New(bearer.Config{Verifiers: []bearer.Verifier{bearer.VerifierFunc(byName)}, ResourceMetadata: url})
		if err == nil || !strings.Contains(err.Error(), "ResourceMetadata") {
			t.Errorf("%s: %v, want an error", url, err)
		}
	}
}

func TestRouteReportsAllMistakes(t *testing.T) {
	var step *bearer.StepUp
	_, err := newGuard(t, bearer.Config{}).Route(bearer.RouteConfig{
		Rule: scope.All(),
		Requirements: []bearer.Requirement{
			nil, bearer.RequirementFunc(nil), step, bearer.StepUp{},
			bearer.StepUp{ACR: []string{"a b", `c"`, ""}}, bearer.StepUp{MaxAge: 1500 * time.Millisecond}, bearer.StepUp{MaxAge: -time.Second},
			bearer.SubjectInPath(""), bearer.Hidden(nil), bearer.Hidden(bearer.SubjectInPath("")),
			bearer.Hidden(bearer.StepUp{ACR: []string{"a"}}), bearer.Hidden(bearer.Hidden(bearer.RequirementFunc(nil))),
		},
	})
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{
		"RouteConfig.Rule", "scope.All", "[0]: a nil", "[1]: a nil", "[2]: a nil", "[3]: StepUp without",
		`[4]: StepUp.ACR value "a b"`, `"c\""`, `value ""`, "[5]: StepUp.MaxAge of 1.5s", "[6]: StepUp.MaxAge of -1s",
		"[7]: SubjectInPath", "[8]: a nil", "[9]: SubjectInPath", "[10]: Hidden around a StepUp", "[11]: a nil",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error lacks %s:\n%v", want, err)
		}
	}
}

func TestMustRoutePanicsOnAnInvalidRule(t *testing.T) {
	guard := newGuard(t, bearer.Config{})
	for name, rule := range map[string]scope.Rule{"the zero Rule": {}, "no names": scope.All(), "an illegal name": scope.Any("a b")} {
		func() {
			defer func() {
				if _, isError := recover().(error); !isError {
					t.Errorf("%s: no panic with an error", name)
				}
			}()
			guard.MustRoute(bearer.RouteConfig{Rule: rule})
		}()
	}
	guard.MustRoute(bearer.RouteConfig{Rule: scope.None})
}

func TestZeroDecisionAllowsNothing(t *testing.T) {
	var d bearer.Decision
	_, known := d.Principal()
	if d.Allowed() || d.Err() == nil || d.Status() < 500 || d.Challenges() != nil || known {
		t.Errorf("allowed %t, error %v, status %d", d.Allowed(), d.Err(), d.Status())
	}
}

func TestDecideAgreesWithAdmit(t *testing.T) {
	rt := newRoute(t, bearer.Config{}, bearer.RouteConfig{Rule: scope.All("orders:read"), Audience: "https://api.example.com"})
	for _, authorization := range []string{"Bearer good", "Bearer key-bound", "Bearer expired", "Bearer forged", "Bearer down", "Bearer x", "Bearer", "Basic x"} {
		d, a := rt.Decide(get(authorization)), serve(rt, get(authorization))
		if d.Status() != a.status || d.Allowed() != a.handedOn || strings.Join(d.Challenges(), "\n") != a.challenge() {
			t.Errorf("%s: Decide says %d %q, Admit answers %d %q", authorization, d.Status(), d.Challenges(), a.status, a.challenge())
		}
		p, known := d.Principal()
		if known != a.known || p.Subject != a.principal.Subject {
			t.Errorf("%s: Decide knows %q, the handler %q", authorization, p.Subject, a.principal.Subject)
		}
		if _, isError := errors.AsType[*bearer.Error](d.Err()); isError == d.Allowed() {
			t.Errorf("%s: Err() = %v", authorization, d.Err())
		}
	}
}

// A guard that New did not build has no sources, and does not panic.
func TestSourcesOfTheZeroGuard(t *testing.T) {
	for _, guard := range []*bearer.Guard{nil, {}} {
		if sources := guard.Sources(); sources != nil {
			t.Errorf("%v", sources)
		}
	}
}
