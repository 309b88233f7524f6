package jwks_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/bearer/bearertest"
	"github.com/bearerkit/bearerkit/jwks"
	"github.com/bearerkit/bearerkit/scope"
)

var null = json.RawMessage("null")

// Reports L1, L2, L3, C18: a malformed claim that no route asks for does not
// refuse a token. A route that asks for it answers as if it were absent. The
// answers are compared whole: none says what is wrong with the token.
func TestMalformedClaimsAreAbsent(t *testing.T) {
	const (
		scopeMissing = `Bearer realm="api", error="insufficient_scope", ` +
			`error_description="The access token lacks a scope that the request needs.", scope="orders:read"`
		stepUp = `Bearer realm="api", error="insufficient_user_authentication", ` +
			`error_description="The request needs a stronger or more recent authentication of the user.", scope="orders:read", `
		invalid = `Bearer realm="api", error="invalid_token", error_description="The access token is invalid.", scope="orders:read"`
	)
	acr := bearer.StepUp{ACR: []string{"mfa"}}
	maxAge := bearer.StepUp{MaxAge: time.Minute}
	now := time.Now().Unix()
	tests := []struct {
		name      string
		claims    map[string]any
		require   bearer.Requirement
		status    int
		challenge string
	}{
		{name: "nothing", status: 200},
		// L1: null is absent.
		{name: "optional claims that are null", claims: map[string]any{"acr": null, "auth_time": null, "amr": null, "nbf": null, "roles": null, "token_type": null, "nonce": null}, status: 200},
		{name: "acr that is null, step-up", claims: map[string]any{"acr": null}, require: acr, status: 401, challenge: stepUp + `acr_values="mfa"`},
		{name: "scope that is null", claims: map[string]any{"scope": null}, status: 403, challenge: scopeMissing},
		{name: "scope that is null, and scp", claims: map[string]any{"scope": null, "scp": []string{"orders:read"}}, status: 200},
		{name: "sub that is null", claims: map[string]any{"sub": null}, status: 401, challenge: invalid},
		{name: "jti that is null", claims: map[string]any{"jti": null}, status: 401, challenge: invalid},
		{name: "client_id that is null", claims: map[string]any{"client_id": null}, status: 401, challenge: invalid},
		{name: "iss that is null", claims: map[string]any{"iss": null}, status: 401, challenge: invalid},
		{name: "aud that is null", claims: map[string]any{"aud": null}, status: 401, challenge: invalid},
		{name: "exp that is null", claims: map[string]any{"exp": null}, status: 401, challenge: invalid},
		{name: "iat that is null", claims: map[string]any{"iat": null}, status: 401, challenge: invalid},
		{name: "cnf that is null", claims: map[string]any{"cnf": null}, status: 401, challenge: invalid},
		// L3: the wrong type is absent, unless the profile requires the claim.
		{name: "claims of the wrong type", claims: map[string]any{
			"acr": []string{"mfa"}, "auth_time": "2026-01-01T00:00:00Z", "amr": "pwd", "roles": 7, "groups": map[string]any{"a": []int{1}}, "token_type": 1,
		}, status: 200},
		{name: "acr that is an array, step-up", claims: map[string]any{"acr": []string{"mfa"}}, require: acr, status: 401, challenge: stepUp + `acr_values="mfa"`},
		{name: "acr that is a number, step-up", claims: map[string]any{"acr": 1}, require: acr, status: 401, challenge: stepUp + `acr_values="mfa"`},
		{name: "auth_time that is a string, step-up", claims: map[string]any{"auth_time": time.Unix(now, 0).Format(time.RFC3339)}, require: maxAge, status: 401, challenge: stepUp + `max_age="60"`},
		{name: "auth_time that is a number in a string, step-up", claims: map[string]any{"auth_time": json.RawMessage(`"4000000000"`)}, require: maxAge, status: 401, challenge: stepUp + `max_age="60"`},
		{name: "well-formed auth_time and acr, step-up", claims: map[string]any{"auth_time": now, "acr": "mfa"}, require: bearer.StepUp{ACR: acr.ACR, MaxAge: time.Minute}, status: 200},
		{name: "sub that is a number", claims: map[string]any{"sub": 7}, status: 401, challenge: invalid},
		{name: "client_id that is an array", claims: map[string]any{"client_id": []string{"app"}}, status: 401, challenge: invalid},
		{name: "nbf that is a string", claims: map[string]any{"nbf": "0"}, status: 401, challenge: invalid},
		// L2: empty names are ignored; any other malformed scope grants nothing.
		{name: "scope with two spaces", claims: map[string]any{"scope": "a  orders:read"}, status: 200},
		{name: "scope with leading and trailing spaces", claims: map[string]any{"scope": " orders:read "}, status: 200},
		{name: "scope of other names with two spaces", claims: map[string]any{"scope": "a  b"}, status: 403, challenge: scopeMissing},
		{name: "scope of spaces", claims: map[string]any{"scope": "   "}, status: 403, challenge: scopeMissing},
		{name: "scope with a tab", claims: map[string]any{"scope": "orders:read\tadmin"}, status: 403, challenge: scopeMissing},
		{name: "scope with a line break", claims: map[string]any{"scope": "orders:read\n"}, status: 403, challenge: scopeMissing},
		{name: "scope with a quote", claims: map[string]any{"scope": `orders:read "`}, status: 403, challenge: scopeMissing},
		{name: "scope that is an array", claims: map[string]any{"scope": []string{"orders:read"}}, status: 403, challenge: scopeMissing},
		{name: "scope that is a number", claims: map[string]any{"scope": 1}, status: 403, challenge: scopeMissing},
		{name: "scope that is a number, and scp", claims: map[string]any{"scope": 1, "scp": []string{"orders:read"}}, status: 403, challenge: scopeMissing},
		{name: "scp with a number", claims: map[string]any{"scope": nil, "scp": []any{"orders:read", 1}}, status: 403, challenge: scopeMissing},
		{name: "scp with an empty name", claims: map[string]any{"scope": nil, "scp": []string{"orders:read", ""}}, status: 200},
	}
	issuer := newIssuer(t, bearertest.IssuerConfig{})
	guard, err := bearer.New(bearer.Config{Verifiers: []bearer.Verifier{trusting(t, issuer, nil)}})
	if err != nil {
		t.Fatal(err)
	}
	requestID := regexp.MustCompile(`,"request_id":"[^"]*"`)
	for _, tt := range tests {
		config := bearer.RouteConfig{Rule: scope.All("orders:read")}
		if tt.require != nil {
			config.Requirements = []bearer.Requirement{tt.require}
		}
		route := guard.MustRoute(config)
		claims := map[string]any{"scope": "orders:read"}
		maps.Copy(claims, tt.claims)
		token := issuer.Mint(bearertest.Token{Claims: claims})
		for _, use := range []string{"first", "second"} { // the cache may answer the second
			r, w := httptest.NewRequest(http.MethodGet, "/orders", nil), httptest.NewRecorder()
			r.Header.Set("Authorization", "Bearer "+token)
			if _, ok := route.Admit(w, r); ok {
				w.WriteHeader(http.StatusOK)
			}
			if w.Code != tt.status || w.Header().Get("WWW-Authenticate") != tt.challenge {
				t.Errorf("%s, %s use: %d %s\nwant %d %s", tt.name, use, w.Code, w.Header().Get("WWW-Authenticate"), tt.status, tt.challenge)
			}
			var body struct {
				Status      int    `json:"status"`
				Error       string `json:"error"`
				Description string `json:"error_description"`
			}
			if tt.status == 200 {
				continue
			}
			if err := json.Unmarshal(requestID.ReplaceAll(w.Body.Bytes(), nil), &body); err != nil || body.Status != tt.status ||
				!strings.Contains(tt.challenge, `error="`+body.Error+`", error_description="`+body.Description+`"`) {
				t.Errorf("%s: body %s, %v", tt.name, w.Body, err)
			}
		}
	}
}

// The log says what was found in place of a required claim.
func TestRequiredClaimSaysWhatWasFound(t *testing.T) {
	issuer := newIssuer(t, bearertest.IssuerConfig{})
	v := trusting(t, issuer, func(i *jwks.Issuer) { i.Profile = jwks.Profile{Required: []string{"sub", "amr", "exp", "scope"}} })
	good := map[string]any{"amr": []string{"pwd"}, "scope": "a"}
	tests := []struct {
		claims     map[string]any
		check, got string
	}{
		{map[string]any{"sub": null}, "claims", "null"},
		{map[string]any{"sub": ""}, "claims", "none"}, // no value
		{map[string]any{"sub": []string{"alice"}}, "claims", "a JSON array instead of a string"},
		{map[string]any{"amr": nil}, "claims", "none"},
		{map[string]any{"amr": "pwd"}, "claims", "a JSON string instead of an array"},
		{map[string]any{"amr": "pwd"}, "claims", "a JSON string instead of an array"}, // again: a malformed list is not shared
		{map[string]any{"scope": "a\tb"}, "claims", "not scope names (RFC 6749, Section 3.3)"},
		{map[string]any{"scope": "a\tb"}, "claims", "not scope names (RFC 6749, Section 3.3)"}, // nor is a malformed scope
		{map[string]any{"exp": null}, "claims", "null"},
		{map[string]any{"aud": null}, "aud", "none"},
		{map[string]any{"aud": []string{"other", "more"}}, "aud", `"other more"`},
		{map[string]any{"client_id": 7}, "client_id", "a JSON number instead of a string"},
	}
	if _, err := v.Verify(t.Context(), issuer.Mint(bearertest.Token{Claims: good})); err != nil {
		t.Fatal(err)
	}
	for _, tt := range tests {
		claims := maps.Clone(good)
		maps.Copy(claims, tt.claims)
		_, err := v.Verify(t.Context(), issuer.Mint(bearertest.Token{Claims: claims}))
		if e, ok := errors.AsType[*bearer.Error](err); !ok || e.Code != bearer.CodeInvalidToken || e.Check != tt.check || e.Got != tt.got {
			t.Errorf("%v: %v, want check %s, got %s", tt.claims, err, tt.check, tt.got)
		}
	}
}

// RFC 9068, Section 4: iss is the issuer's URL exactly, after JSON's escapes are
// decoded (RFC 8259, Section 7). The text of the JSON is not compared.
func TestIssuerIsComparedDecoded(t *testing.T) {
	issuer := newIssuer(t, bearertest.IssuerConfig{})
	v := newVerifier(t, jwks.Config{Issuers: []jwks.Issuer{
		{URL: issuer.URL(), Audience: []string{audience}},
		{URL: `realm\/shop`, AllowNonHTTPSIdentifier: true, Audience: []string{audience}, Keys: jwks.KeysFromJWKS(issuer.KeySet())},
	}, Client: issuer.Client()})
	now := time.Now().Unix()
	for _, tt := range []struct{ name, iss, check, got string }{
		{"no escapes", `"iss":"` + issuer.URL() + `",`, "", ""},
		{"escaped slashes", `"iss":"` + strings.ReplaceAll(issuer.URL(), "/", `\/`) + `",`, "", ""},
		{"an escaped letter", `"iss":"\u0068` + issuer.URL()[1:] + `",`, "", ""},
		{"the name, escaped", `"iss":"realm\\/shop",`, "", ""},
		{"a JSON text that equals the name", `"iss":"realm\/shop",`, "iss", `"realm/shop"`},
		{"no iss", "", "claims", "no iss"},
		{"a number", `"iss":7,`, "claims", "a JSON number instead of a string"},
		{"an empty string", `"iss":"",`, "iss", `""`},
		{"two of them", `"iss":"` + issuer.URL() + `","iss":"` + issuer.URL() + `",`, "claims", ""},
	} {
		token := issuer.Sign("ES256", []byte(`{"alg":"ES256","typ":"at+jwt"}`),
			fmt.Appendf(nil, `{%s"aud":%q,"sub":"alice","client_id":"app","jti":"1","iat":%d,"exp":%d}`, tt.iss, audience, now, now+3600))
		_, err := v.Verify(t.Context(), token)
		e, _ := errors.AsType[*bearer.Error](err)
		if tt.check == "" && err != nil || tt.check != "" && (e == nil || e.Check != tt.check || tt.got != "" && e.Got != tt.got) {
			t.Errorf("%s: %v; want a refusal by %q, got %s", tt.name, err, tt.check, tt.got)
		}
	}
	// RFC 7519, Section 7.2: malformed JSON is refused, even behind all claims.
	for _, tail := range []string{"}x", `,"iss":"` + issuer.URL() + `"}`, ""} {
		token := issuer.Sign("ES256", []byte(`{"alg":"ES256","typ":"at+jwt"}`),
			fmt.Appendf(nil, `{"iss":%q,"aud":%q,"sub":"alice","client_id":"app","jti":"1","iat":%d,"exp":%d%s`, issuer.URL(), audience, now, now+3600, tail))
		if _, err := v.Verify(t.Context(), token); refusedWith(err) == nil || refusedWith(err).Check != "claims" {
			t.Errorf("a payload that ends in %q: %v", tail, err)
		}
	}
}

// C18: the log says once per issuer that a malformed claim is read as absent. A
// token that the issuer did not sign causes no record.
func TestAbsentClaimsAreLoggedOnce(t *testing.T) {
	var log strings.Builder
	a, b := newIssuer(t, bearertest.IssuerConfig{}), newIssuer(t, bearertest.IssuerConfig{})
	v := newVerifier(t, jwks.Config{
		Issuers: []jwks.Issuer{{URL: a.URL(), Audience: []string{audience}}, {URL: b.URL(), Audience: []string{audience}}},
		Logger:  slog.New(slog.NewTextHandler(&log, nil)),
	})
	malformed := map[string]any{"acr": []string{"secret"}, "auth_time": "secret", "scope": "secret\t"}
	forged := b.Mint(bearertest.Token{Claims: map[string]any{"iss": a.URL(), "acr": 7}})
	if _, err := v.Verify(t.Context(), forged); err == nil {
		t.Fatal("a forged token is accepted")
	}
	if strings.Contains(log.String(), "absent") {
		t.Errorf("a forged token caused a record: %s", log.String())
	}
	for range 3 {
		for _, issuer := range []*bearertest.Issuer{a, b} {
			if _, err := v.Verify(t.Context(), issuer.Mint(bearertest.Token{Claims: malformed})); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, issuer := range []string{a.URL(), b.URL()} {
		for claim, found := range map[string]string{
			"acr": "a JSON array instead of a string", "auth_time": "a JSON string instead of a number",
			"scope": "not scope names (RFC 6749, Section 3.3)",
		} {
			line := `level=INFO msg="a claim of the issuer is malformed and is read as absent" issuer=` + issuer + ` claim=` + claim + ` found="` + found + `"`
			if n := strings.Count(log.String(), line); n != 1 {
				t.Errorf("%d lines %s in\n%s", n, line, log.String())
			}
		}
	}
	if strings.Contains(log.String(), "secret") {
		t.Errorf("a value is logged: %s", log.String())
	}
}

// Reports G4: a token whose type says that it is bound to a key must name the
// key, even if nobody checks bindings.
func TestTokenTypeDPoPNamesItsKey(t *testing.T) {
	const thumbprint = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"
	jkt, certificate := map[string]any{"jkt": thumbprint}, map[string]any{"x5t#S256": thumbprint}
	keycloak := func(typ string, cnf any) shape {
		return shape{typedJWT, map[string]any{"typ": typ, "azp": "c", "jti": "1", "cnf": cnf}}
	}
	plain := func(tokenType, cnf any) shape {
		return shape{nil, map[string]any{"client_id": "c", "jti": "1", "token_type": tokenType, "cnf": cnf}}
	}
	tests := []struct {
		name    string
		profile jwks.Profile
		token   shape
		accept  bool
	}{
		{"Keycloak, DPoP and a key", jwks.Keycloak(), keycloak("DPoP", jkt), true},
		{"Keycloak, DPoP and no cnf", jwks.Keycloak(), keycloak("DPoP", nil), false},
		{"Keycloak, DPoP and a certificate", jwks.Keycloak(), keycloak("DPoP", certificate), false},
		{"Keycloak, DPoP and something else", jwks.Keycloak(), keycloak("DPoP", map[string]any{"kid": "k"}), false},
		{"Keycloak, Bearer and no cnf", jwks.Keycloak(), keycloak("Bearer", nil), true},
		{"token_type DPoP and a key", jwks.Profile{}, plain("DPoP", jkt), true},
		{"token_type DPoP and no cnf", jwks.Profile{}, plain("DPoP", nil), false},
		{"token_type dpop and no cnf", jwks.Profile{}, plain("dpop", nil), false},
		{"token_type Bearer and no cnf", jwks.Profile{}, plain("Bearer", nil), true},
	}
	issuer := newIssuer(t, bearertest.IssuerConfig{})
	for _, tt := range tests {
		v := trusting(t, issuer, func(i *jwks.Issuer) { i.Profile = tt.profile })
		_, err := v.Verify(t.Context(), tt.token.mint(issuer))
		e, _ := errors.AsType[*bearer.Error](err)
		if tt.accept && err != nil || !tt.accept && (e == nil || e.Code != bearer.CodeInvalidToken || e.Check != "cnf") {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}
