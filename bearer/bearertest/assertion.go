package bearertest

import (
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/bearerkit/bearerkit/internal/jose"
)

// assertionLife is how far in the future the exp of an assertion may be.
const assertionLife = 5 * time.Minute

// assertionID identifies an assertion that was used.
type assertionID struct{ client, jti string }

// clientOfAssertion returns the client that signed the assertion in a form
// (private_key_jwt, RFC 7523, Section 3). It accepts an assertion once.
func (i *Issuer) clientOfAssertion(form url.Values, endpoint string) (id string, ok bool) {
	if form.Get("client_assertion_type") != "urn:ietf:params:oauth:client-assertion-type:jwt-bearer" {
		return "", false
	}
	jws, err := jose.Parse(form.Get("client_assertion"))
	if err != nil {
		return "", false
	}
	switch strings.ToLower(jws.Header.Type) {
	case "", "jwt", "client-authentication+jwt":
	default: // a client may use its key for other JWTs
		return "", false
	}
	var claims struct {
		Issuer    string         `json:"iss"`
		Subject   string         `json:"sub"`
		Audience  jsontext.Value `json:"aud"`
		Expires   float64        `json:"exp"`
		NotBefore float64        `json:"nbf"`
		ID        string         `json:"jti"`
	}
	if json.Unmarshal(jws.Payload, &claims) != nil || claims.Issuer != claims.Subject {
		return "", false
	}
	c := i.clients[claims.Issuer]
	alg := jose.Algorithm(jws.Header.Algorithm)
	if c == nil || c.key == nil || !c.key.Can(alg) || c.key.Verify(alg, jws.SigningInput, jws.Signature) != nil {
		return "", false
	}
	audience := stringOrList(claims.Audience)
	if !slices.Contains(audience, i.url) && !slices.Contains(audience, endpoint) {
		return "", false
	}
	now := numericDate(time.Now())
	if claims.Expires <= now || claims.Expires > now+assertionLife.Seconds() || claims.NotBefore > now {
		return "", false
	}
	return claims.Issuer, claims.ID != "" && i.firstUse(assertionID{claims.Issuer, claims.ID})
}

func (i *Issuer) firstUse(a assertionID) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.assertions[a] {
		return false
	}
	i.assertions[a] = true
	return true
}

// stringOrList decodes an aud (RFC 7519, Section 4.1.3). It returns nil if the
// value is neither a string nor a list of strings.
func stringOrList(value jsontext.Value) []string {
	var one string
	if json.Unmarshal(value, &one) == nil {
		return []string{one}
	}
	var list []string
	if json.Unmarshal(value, &list) != nil {
		return nil
	}
	return list
}

// numericDate returns t as a NumericDate (RFC 7519, Section 2), with fractions.
func numericDate(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }
