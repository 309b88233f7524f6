package fuzz_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	gojose "github.com/go-jose/go-jose/v4"
	gojosejwt "github.com/go-jose/go-jose/v4/jwt"
	"github.com/golang-jwt/jwt/v5"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/introspect"
)

// leeway is the default of jwks and of introspect.
const leeway = 5 * time.Second

// FuzzClaims signs any payload. If our verifier accepts the token, golang-jwt and
// go-jose accept it with the same issuer, audience and leeway, and the principal has
// the values that encoding/json reads.
func FuzzClaims(f *testing.F) {
	f.Add(goodClaims.json())
	for _, e := range claimEdits {
		f.Add(goodClaims.with(members{e.name: e.value}).json())
	}
	verifier := sync.OnceValue(withKeys)
	f.Fuzz(func(t *testing.T, payload []byte) {
		synctest.Test(t, func(t *testing.T) {
			token := issuerEC.sign(goodHeader.json(), payload)
			p, err := verifier().Verify(t.Context(), token)
			if err != nil {
				return
			}
			samePrincipal(t, *p, payload, "")
			if err := validByGolangJWT(token); err != nil && !roundsDates(payload) {
				t.Fatalf("%s is accepted, and refused by golang-jwt: %v", payload, err)
			}
			if err := validByGoJose(token); err != nil && !roundsDates(payload) {
				t.Fatalf("%s is accepted, and refused by go-jose: %v", payload, err)
			}
		})
	})
}

func validByGolangJWT(token string) error {
	_, err := jwt.Parse(token, func(*jwt.Token) (any, error) { return issuerEC.private.Public(), nil }, jwt.WithJSONNumber(),
		jwt.WithValidMethods(names), jwt.WithIssuer(issuerURL), jwt.WithAudience(apiURL), jwt.WithExpirationRequired(), jwt.WithIssuedAt(), jwt.WithLeeway(leeway))
	return err
}

func validByGoJose(token string) error {
	read, err := gojosejwt.ParseSigned(token, []gojose.SignatureAlgorithm{gojose.ES256})
	if err != nil {
		return err
	}
	var claims gojosejwt.Claims
	if err := read.Claims(issuerEC.private.Public(), &claims); err != nil {
		return err
	}
	return claims.ValidateWithLeeway(gojosejwt.Expected{Issuer: issuerURL, AnyAudience: gojosejwt.Audience{apiURL}}, leeway)
}

// roundsDates reports whether a payload has a date that both libraries round to a
// whole second, or an nbf that is null, which we read as absent (checklist C18).
func roundsDates(payload []byte) bool {
	claims := decoded(payload)
	for _, name := range []string{"exp", "nbf", "iat"} {
		raw, ok := claims[name]
		if ok && strings.ContainsAny(string(raw), ".eEnul") {
			return true
		}
	}
	return false
}

// FuzzAnswer sends any document as the answer to an introspection request. What we
// accept, encoding/json accepts, and the principal has the values that it reads.
func FuzzAnswer(f *testing.F) {
	for _, answer := range answers {
		f.Add(answer.json())
	}
	for _, e := range claimEdits {
		f.Add(goodClaims.with(members{"active": true, e.name: e.value}).json())
	}
	for _, document := range []string{
		`{"active":false}`, `{"active":true}`, `{"active":"true"}`, `{"active":true,"active":false}`, `{"Active":true}`, `[]`, `{"active":null}`,
		`{"active":true,"aud":"https://api.example.com","token_type":"refresh"}`, `{"active":true,"aud":"https://api.example.com","username":"a"}`,
		"\xef\xbb\xbf" + `{"active":true,"aud":"https://api.example.com"}`,
	} {
		f.Add([]byte(document))
	}
	f.Fuzz(func(t *testing.T, document []byte) {
		synctest.Test(t, func(t *testing.T) {
			v := must(introspect.New(introspect.Config{
				Issuer: issuerURL, Endpoint: issuerURL + "/introspect", Auth: introspect.ClientSecretBasic("api", "secret"),
				Audience: []string{apiURL}, Client: &http.Client{Transport: saying(document)},
			}))
			defer v.Close()
			p, err := v.Verify(t.Context(), "opaque")
			if err != nil {
				return
			}
			document := bytes.TrimPrefix(document, []byte("\xef\xbb\xbf")) // ignored, as RFC 8259, Section 8.1 allows
			if string(decoded(document)["active"]) != "true" {
				t.Fatalf("%s is active", document)
			}
			samePrincipal(t, *p, document, issuerURL)
		})
	})
}

// saying answers each request with a document.
type saying []byte

func (s saying) RoundTrip(r *http.Request) (*http.Response, error) {
	return answerOf(r, http.StatusOK, string(s)), nil
}

// decoded returns the members of a document as encoding/json reads them. There are
// none if it does not.
func decoded(document []byte) map[string]json.RawMessage {
	var all map[string]json.RawMessage
	_ = json.Unmarshal(document, &all)
	return all
}

// samePrincipal compares an accepted principal with the claims as encoding/json
// reads them. A principal may lack a malformed claim that protects nothing. If there
// is no iss, the issuer is impliedIssuer.
func samePrincipal(t *testing.T, p bearer.Principal, document []byte, impliedIssuer string) {
	t.Helper()
	claims := decoded(document)
	if claims == nil {
		t.Fatalf("%s is accepted, and encoding/json refuses it", document)
	}
	for name, got := range map[string]string{"sub": p.Subject, "client_id": p.ClientID, "jti": p.TokenID, "sid": p.SessionID, "acr": p.ACR} {
		if want := text(claims[name]); got != want {
			t.Fatalf("%s: %s is %q, want %q", document, name, got, want)
		}
	}
	if want := text(claims["iss"]); p.Issuer != want && (want != "" || p.Issuer != impliedIssuer) {
		t.Fatalf("%s: iss is %q, want %q", document, p.Issuer, want)
	}
	var cnf map[string]json.RawMessage
	_ = json.Unmarshal(claims["cnf"], &cnf)
	if p.Confirmation.JKT != text(cnf["jkt"]) || p.Confirmation.X5TS256 != text(cnf["x5t#S256"]) || p.Confirmation.IsZero() && len(cnf) > 0 {
		t.Fatalf("%s: the confirmation is %+v", document, p.Confirmation)
	}
	audience := list(claims["aud"])
	if !slices.Equal(p.Audience(), audience) || !slices.Contains(audience, apiURL) {
		t.Fatalf("%s: the audience is %q, want %q", document, p.Audience(), audience)
	}
	for _, name := range p.Scopes.Names() {
		if !slices.Contains(strings.Split(strings.Join(list(claims["scope"]), " "), " "), name) {
			t.Fatalf("%s: the scope %q is granted", document, name)
		}
	}
	for name, got := range map[string]time.Time{"exp": p.Expires, "iat": p.IssuedAt} {
		var want float64
		switch err := json.Unmarshal(claims[name], &want); {
		case got.IsZero() && (claims[name] == nil || string(claims[name]) == "null"):
		case got.IsZero() || err != nil || got.Sub(time.Unix(int64(want), 0)).Abs() > time.Second:
			t.Fatalf("%s: %s is %v, want %v", document, name, got, want)
		}
	}
	if now := time.Now(); !p.Expires.IsZero() && !p.Expires.Add(leeway).After(now) {
		t.Fatalf("%s has expired", document)
	}
}

// text returns a JSON string, or the empty string for any other value.
func text(raw json.RawMessage) (s string) {
	_ = json.Unmarshal(raw, &s)
	return s
}

// list returns a JSON string or an array of strings.
func list(raw json.RawMessage) (all []string) {
	if err := json.Unmarshal(raw, &all); err == nil {
		return all
	}
	return []string{text(raw)}
}
