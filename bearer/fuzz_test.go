package bearer_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/bearer/bearertest"
	"github.com/bearerkit/bearerkit/scope"
)

// credentialsGrammar is the grammar of RFC 6750, Section 2.1, with a case-
// insensitive scheme (RFC 9110, Section 11.1).
var credentialsGrammar = regexp.MustCompile(`^[Bb][Ee][Aa][Rr][Ee][Rr] +([A-Za-z0-9\-._~+/]+=*)$`)

// The guard accepts exactly the values of Authorization that follow the
// grammar. It answers others with 400 or 401, and a strict parser accepts the
// challenge.
func FuzzAuthorization(f *testing.F) {
	for _, seed := range []string{
		"", "Bearer", "Bearer ", "Bearer good", "bearer  a.b.c==", "Bearer a b", "Bearer\ta", "Bearer a,Bearer b", "Basic eDp5",
		"Bearer a=b", "Bearer =", "Bearer \xff", "Bearer \x00", "BearerX a", "Bearer \"a\"", "Digest a=\"b\"", " Bearer a", "Bearer é",
	} {
		f.Add(seed)
	}
	rt := newRoute(f, bearer.Config{Verifiers: []bearer.Verifier{answering(&alice, nil)}}, bearer.RouteConfig{Rule: scope.All("orders:read")})
	f.Fuzz(func(t *testing.T, authorization string) {
		got := serve(rt, get(authorization))
		match := credentialsGrammar.FindStringSubmatch(authorization)
		fits := match != nil && len(match[1]) <= 16<<10
		if got.handedOn != fits || got.known != fits {
			t.Fatalf("%q: the handler ran %t, the grammar accepts %t", authorization, got.handedOn, fits)
		}
		if fits {
			return
		}
		if got.status == 431 {
			if len(authorization) <= 16<<10 || got.challenge() != "" {
				t.Fatalf("%q: %d %s", authorization, got.status, got.challenge())
			}
			return
		}
		challenges, err := bearertest.ParseChallenges(got.header.Values("WWW-Authenticate"))
		if err != nil || len(challenges) != 1 {
			t.Fatalf("%q: challenges %v, %v", authorization, challenges, err)
		}
		want := map[int]string{400: "invalid_request", 401: ""}
		if match != nil {
			want = nil // it was too long
		}
		if code, ok := want[got.status]; !ok || challenges[0].Params["error"] != code || challenges[0].Scheme != "Bearer" {
			t.Fatalf("%q: %d %s", authorization, got.status, got.challenge())
		}
		var body struct {
			Status int    `json:"status"`
			Error  string `json:"error"`
		}
		if err := json.Unmarshal([]byte(got.body), &body); err != nil || body.Status != got.status || body.Error != challenges[0].Params["error"] {
			t.Fatalf("%q: body %s, %v", authorization, got.body, err)
		}
	})
}

// The guard accepts a form only with a single token, and the handler reads the
// same bytes.
func FuzzFormBody(f *testing.F) {
	for _, seed := range []string{"", "access_token=good", "a=b&access_token=x", "access_token=a&access_token=b", "access%5Ftoken=a&b=%zz", "a;b", "access_token=%C3%A9"} {
		f.Add(seed)
	}
	rt := newRoute(f, bearer.Config{Verifiers: []bearer.Verifier{answering(&alice, nil)}, Sources: headerFormQuery}, bearer.RouteConfig{})
	f.Fuzz(func(t *testing.T, body string) {
		got := serve(rt, post(formType, body))
		if !got.handedOn {
			if got.status != 400 && got.status != 401 {
				t.Fatalf("%q: %d", body, got.status)
			}
			return
		}
		r := httptest.NewRequest("POST", "/", strings.NewReader(body))
		r.Header.Set("Content-Type", formType)
		if err := r.ParseForm(); err != nil || len(r.PostForm["access_token"]) != 1 || !credentialsGrammar.MatchString("Bearer "+r.PostForm.Get("access_token")) {
			t.Fatalf("the handler ran for %q: %v, %v", body, r.PostForm, err)
		}
		if err := got.request.ParseForm(); err != nil || got.request.PostForm.Encode() != r.PostForm.Encode() {
			t.Fatalf("%q: the handler reads %v, %v", body, got.request.PostForm, err)
		}
	})
}

// New and Route either reject a realm, scope or class, or a strict parser reads
// it unchanged from the challenge (checklist H3, H4, H5, H6).
func FuzzChallenge(f *testing.F) {
	f.Add("api", "orders:read", "urn:example:mfa", uint16(300))
	f.Add(`a "b" \c`, "x", "y", uint16(0))
	f.Add("a\r\nX: y", "a b", `a"b`, uint16(1))
	f.Add("", "", "", uint16(7))
	f.Add(`", error="x`, "[", "a,b=c", uint16(9))
	f.Fuzz(func(t *testing.T, realm, name, acr string, maxAge uint16) {
		p := alice
		p.Scopes, _ = scope.New(name)
		guard, err := bearer.New(bearer.Config{Realm: realm, Verifiers: []bearer.Verifier{answering(&p, nil)}})
		if printable := strings.Trim(realm, printableASCII) == ""; printable != (err == nil) {
			t.Fatalf("realm %q: %v", realm, err)
		}
		if err != nil {
			return
		}
		rt, err := guard.Route(bearer.RouteConfig{Rule: scope.All(name), Requirements: []bearer.Requirement{
			bearer.StepUp{ACR: []string{acr}, MaxAge: time.Duration(maxAge) * time.Second}}})
		if err != nil {
			return
		}
		if realm == "" {
			realm = "api"
		}
		want := map[string]string{"realm": realm, "scope": name}
		check := func(r *http.Request) {
			got := serve(rt, r)
			challenges, err := bearertest.ParseChallenges(got.header.Values("WWW-Authenticate"))
			if err != nil || len(challenges) != 1 || got.handedOn {
				t.Fatalf("realm %q, scope %q, acr %q: challenges %v, %v", realm, name, acr, challenges, err)
			}
			for param, value := range want {
				if challenges[0].Params[param] != value {
					t.Fatalf("%s %q is read back as %q", param, value, challenges[0].Params[param])
				}
			}
		}
		check(get())
		if acr != "" {
			want["error"], want["acr_values"] = "insufficient_user_authentication", acr
			check(get("Bearer x"))
		}
	})
}

const printableASCII = " !\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmnopqrstuvwxyz{|}~"
