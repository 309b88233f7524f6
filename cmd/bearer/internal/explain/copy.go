package explain

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/internal/jose"
	"github.com/bearerkit/bearerkit/internal/strictjson"
	"github.com/bearerkit/bearerkit/jwks"
)

// copied is a copy of the token that a key of this program signs. The SDK judges
// what the token says by the copy, although it refuses the token itself for its
// signature, its issuer or another reason. Mistakes that the SDK has found are
// repaired in the copy, so that the SDK finds the next one.
type copied struct {
	key    *ecdsa.PrivateKey
	typ    string
	claims claimSet
	issuer jwks.Issuer // with the public key
}

// copyOf returns a copy of the token with the issuer's settings.
func (j *judge) copyOf() (*copied, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	jwk, err := jose.MarshalKey(key.Public(), "", jose.ES256)
	if err != nil {
		return nil, err
	}
	c := &copied{key: key, typ: j.header.Type, claims: maps.Clone(j.claims), issuer: j.issuer}
	if !j.acceptsType() {
		c.typ = j.types()[0]
	}
	c.issuer.Keys = jwks.KeysFromJWKS(slices.Concat([]byte(`{"keys":[`), jwk, []byte(`]}`)))
	c.issuer.AllowNonHTTPSIdentifier = true
	if len(c.issuer.Audience) == 0 {
		c.issuer.Audience = []string{"unknown"}
	}
	return c, nil
}

// fromClaimedIssuer makes the issuer that the token names the copy's, so that the
// copy passes the check of iss.
func (c *copied) fromClaimedIssuer(iss string) {
	c.issuer.URL = iss
	if !c.claims.has("iss") {
		c.set("iss", `""`)
	}
	if v, err := c.verifier(0); err == nil {
		v.Close()
		return
	}
	c.issuer.URL = "https://copy.invalid" // iss is no identifier
	c.set("iss", `"https://copy.invalid"`)
}

func (c *copied) set(name, value string) { c.claims[name] = strictjson.Value(value) }

func (c *copied) verifier(leeway time.Duration) (*jwks.Verifier, error) {
	return jwks.New(jwks.Config{Issuers: []jwks.Issuer{c.issuer}, Leeway: leeway})
}

// sign returns the copy as a token.
func (c *copied) sign() (string, error) {
	header := `{"alg":"ES256"`
	if c.typ != "" {
		header += `,"typ":` + string(quote(c.typ))
	}
	return jose.Sign(c.key, jose.ES256, []byte(header+"}"), c.payload())
}

func (c *copied) payload() []byte {
	var members []string
	for _, name := range slices.Sorted(maps.Keys(c.claims)) {
		members = append(members, string(quote(name))+":"+string(c.claims[name]))
	}
	return []byte("{" + strings.Join(members, ",") + "}")
}

// judge returns what the SDK says about the copy.
func (c *copied) judge(leeway time.Duration) (*bearer.Principal, *bearer.Error, error) {
	v, err := c.verifier(leeway)
	if err != nil {
		return nil, nil, err
	}
	defer v.Close()
	token, err := c.sign()
	if err != nil {
		return nil, nil, err
	}
	p, err := v.Verify(context.Background(), token)
	if err == nil {
		return p, nil, nil
	}
	if refused, ok := errors.AsType[*bearer.Error](err); ok {
		return refused.Principal, refused, nil
	}
	return nil, nil, err
}

// maxRepairs bounds the mistakes that are found in one token.
const maxRepairs = 32

// contents returns the mistakes that the SDK finds in the claims, up to the
// audience, and what the claims say.
func (j *judge) contents() (mistakes []*bearer.Error, p *bearer.Principal, err error) {
	c, err := j.copyOf()
	if err != nil {
		return nil, nil, err
	}
	c.fromClaimedIssuer(j.iss)
	for range maxRepairs {
		p, refused, err := c.judge(j.config.Leeway)
		if err != nil || refused == nil {
			return mistakes, p, err
		}
		if stageOf(refused) == "" {
			return mistakes, p, nil // the audience or a time, which are judged one by one
		}
		mistakes = append(mistakes, refused)
		if !c.repair(refused) {
			break
		}
	}
	return mistakes, nil, nil
}

// stageOf returns the name of the check that a refusal of the copy belongs to, or
// nothing for the audience and the times.
func stageOf(e *bearer.Error) string {
	switch {
	case isMalformed(e) && e.Check == "nbf":
		return "not before"
	case isMalformed(e), e.Check == "claims" && strings.HasPrefix(e.Expected, "well-formed"):
		return "claim types"
	case e.Check == "sub", strings.Contains(e.Expected, "ClientsOnly"):
		return "subject"
	case e.Check == "kind", e.Check == "cnf":
		return "kind"
	case e.Check == "claims":
		return "required claims"
	case strings.Contains(e.Expected, "(Issuer.Audience)"), e.Check == "nbf", e.Check == "iat", e.Check == "exp":
		return ""
	}
	return "claims"
}

func isMalformed(e *bearer.Error) bool { return e.Expected == "a well-formed claim" }

// repair changes the copy so that it no longer has the mistake. It reports whether
// it could.
func (c *copied) repair(e *bearer.Error) bool {
	p := &c.issuer.Profile
	switch stageOf(e) {
	case "not before":
		c.replace("nbf") // a profile may require it
	case "claim types":
		c.replace(e.Check)
	case "subject":
		p.Subjects, p.ClientsOnly = nil, false
	case "kind":
		// Under a profile whose typ alone marks access tokens, no claim does.
		p.Types, c.typ = []string{"at+jwt"}, "at+jwt"
		p.Kind, p.Kinds = "", nil
		delete(c.claims, "token_type")
	case "required claims":
		if name, ok := strings.CutPrefix(e.Expected, "the claim "); ok {
			name, _, _ = strings.Cut(name, ", which")
			c.replace(name)
			return true
		}
		client := "client_id"
		if len(p.ClientID) > 0 && p.ClientID[0] != "" {
			client = p.ClientID[0]
		}
		if !c.claims.has("sub") {
			c.replace("sub")
		}
		p.ClientID = []string{client + " of the copy"}
		c.set(client+" of the copy", `"client"`)
	default:
		return false
	}
	return true
}

// replace replaces a claim by a good one.
func (c *copied) replace(name string) {
	switch name {
	case "exp":
		c.set(name, fmt.Sprint(time.Now().Add(time.Hour).Unix()))
	case "iat", "nbf":
		c.set(name, fmt.Sprint(time.Now().Add(-time.Minute).Unix()))
	case "cnf", "aud", "amr":
		delete(c.claims, name)
	default:
		c.set(name, `"good"`)
	}
}

// quote returns a text as a JSON string.
func quote(s string) []byte {
	b, _ := json.Marshal(s) // it replaces invalid UTF-8, and cannot fail
	return b
}

func timeJSON(t time.Time) string { return fmt.Sprint(t.Unix()) }
