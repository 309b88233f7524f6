package jwks

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/internal/jose"
	"github.com/bearerkit/bearerkit/internal/strictjson"
	"github.com/bearerkit/bearerkit/scope"
)

// claims are the members of a token's payload that a profile asks for, raw, by
// index; nil is absent. They alias the payload.
type claims []strictjson.Value

// readClaims reads a payload in one strict pass.
func (c *profile) readClaims(payload []byte) (claims, error) {
	values := make(claims, len(c.names))
	err := strictjson.Object(payload, func(name []byte, value strictjson.Value) error {
		if i, ok := c.index[string(name)]; ok {
			values[i] = value
		}
		return nil
	})
	return values, err
}

// readIssuer reads iss alone: which issuer's profile is to judge the token.
func readIssuer(payload []byte) (iss string, err error) {
	found := false
	err = strictjson.Object(payload, func(name []byte, value strictjson.Value) (err error) {
		if string(name) == "iss" {
			found = true
			iss, err = strictjson.String(value)
		}
		return err
	})
	if err == nil && !found {
		err = errors.New("no iss")
	}
	return iss, err
}

// text returns a claim that must be a string if it is there.
func (v claims) text(i int) (string, error) {
	if v[i] == nil {
		return "", nil
	}
	return strictjson.String(v[i])
}

// list returns a claim that may be one string or an array of strings (RFC
// 7519, Section 4.1.3).
func (v claims) list(i int) ([]string, error) {
	if v[i] == nil {
		return nil, nil
	}
	if v[i].Kind() == '"' {
		s, err := strictjson.String(v[i])
		return []string{s}, err
	}
	return strictjson.Strings(v[i])
}

// maxNumericDate is the end of the year 9999; no token means a later time.
const maxNumericDate = 253402300799

// date returns a claim that must be a NumericDate if it is there: a JSON
// number, integer or not (RFC 7519, Section 2). The zero time is absent.
func (v claims) date(i int) (time.Time, error) {
	if v[i] == nil {
		return time.Time{}, nil
	}
	if v[i].Kind() != '0' {
		return time.Time{}, errors.New("not a number")
	}
	seconds, err := strconv.ParseFloat(string(v[i]), 64)
	if err != nil || seconds < 0 || seconds > maxNumericDate {
		return time.Time{}, errors.New("a number that is no time from 1970 to 9999")
	}
	whole, fraction := math.Modf(seconds)
	return time.Unix(int64(whole), int64(fraction*1e9)), nil
}

// scopes returns the scopes of the first claim that carries any.
func (c *profile) scopes(v claims) (scope.Set, error) {
	for _, i := range c.scope {
		switch {
		case v[i] == nil:
			continue
		case v[i].Kind() == '"' || c.scopeString && c.names[i] == "scope":
			s, err := strictjson.String(v[i])
			if err != nil {
				return scope.Set{}, err
			}
			return scope.Parse(s)
		}
		names, err := strictjson.Strings(v[i])
		if err != nil {
			return scope.Set{}, err
		}
		return scope.New(names...)
	}
	return scope.Set{}, nil
}

// firstText returns the first of some claims that a token has.
func (v claims) firstText(indexes []int) (string, error) {
	for _, i := range indexes {
		if v[i] != nil {
			return strictjson.String(v[i])
		}
	}
	return "", nil
}

// confirmation reads cnf (RFC 7800). A claim that binds the token in no way
// that is known binds it all the same.
func (v claims) confirmation() (bearer.Confirmation, error) {
	var c bearer.Confirmation
	if v[claimCnf] == nil {
		return c, nil
	}
	known := func(value strictjson.Value) (string, error) {
		s, err := strictjson.String(value)
		if err != nil {
			return "", err
		}
		if digest, err := jose.DecodeBase64URL(s); err != nil || len(digest) != 32 {
			return "", errors.New("not the base64url of a SHA-256 digest")
		}
		return s, nil
	}
	err := strictjson.Object(v[claimCnf], func(name []byte, value strictjson.Value) (err error) {
		switch string(name) {
		case "jkt":
			c.JKT, err = known(value)
		case "x5t#S256":
			c.X5TS256, err = known(value)
		default:
			c.Other = true
		}
		return err
	})
	if c.IsZero() {
		c.Other = true
	}
	return c, err
}

// refusal is what a claim was refused for.
func refusal(check string, err error) *bearer.Error {
	return bearer.Invalid(check, "a well-formed claim", err.Error())
}

// principal reads the claims of a token whose signature holds. The error names
// the first claim that is malformed or missing.
func (c *profile) principal(v claims, issuer string, payload []byte) (*bearer.Principal, *bearer.Error) {
	p := bearer.Principal{Issuer: issuer}
	for _, text := range [...]struct {
		to    *string
		claim int
	}{{&p.Subject, claimSub}, {&p.ID, claimJti}, {&p.ACR, claimACR}} {
		s, err := v.text(text.claim)
		if err != nil {
			return nil, refusal(c.names[text.claim], err)
		}
		*text.to = s
	}
	for _, date := range [...]struct {
		to    *time.Time
		claim int
	}{{&p.Expires, claimExp}, {&p.IssuedAt, claimIat}, {&p.AuthTime, claimAuthTime}} {
		t, err := v.date(date.claim)
		if err != nil {
			return nil, refusal(c.names[date.claim], err)
		}
		*date.to = t
	}
	var err error
	if p.ClientID, err = v.firstText(c.clientID); err != nil {
		return nil, refusal("client_id", err)
	}
	if p.Scopes, err = c.scopes(v); err != nil {
		return nil, refusal("scope", err)
	}
	if p.Confirmation, err = v.confirmation(); err != nil {
		return nil, refusal("cnf", err)
	}
	audience, err := v.list(c.audience)
	if err != nil {
		return nil, refusal(c.names[c.audience], err)
	}
	amr, err := v.list(claimAMR)
	if err != nil {
		return nil, refusal("amr", err)
	}
	p = p.WithAudience(audience...).WithAMR(amr...).WithClaims(payload)
	return &p, c.checkKind(v, &p)
}

// checkKind checks that the token is an access token and whole.
func (c *profile) checkKind(v claims, p *bearer.Principal) *bearer.Error {
	for _, i := range c.forbidden {
		if v[i] != nil {
			return bearer.Invalid("kind", "an access token, which has no claim "+c.names[i], "another kind of token")
		}
	}
	if c.kind >= 0 {
		kind, err := v.text(c.kind)
		if err != nil || !slices.Contains(c.kinds, kind) {
			return bearer.Invalid("kind",
				fmt.Sprintf("claim %s to be one of %q", c.names[c.kind], c.kinds), fmt.Sprintf("%.64q", kind))
		}
	}
	if !c.typed && c.kind < 0 && c.looksLikeIDToken(v, p) {
		return bearer.Invalid("kind", "an access token", "what looks like an ID token: for its client, without scopes and jti")
	}
	if !c.typed && p.Subject == p.Issuer {
		return bearer.Invalid("kind", "an access token, whose sub is not its iss", "a client assertion")
	}
	if p.ClientID == "" {
		names := make([]string, len(c.clientID))
		for i, claim := range c.clientID {
			names[i] = c.names[claim]
		}
		return missing(fmt.Sprintf("one of the claims %q", names))
	}
	for _, i := range c.required {
		if v[i] == nil || string(v[i]) == `""` {
			return missing("the claim " + c.names[i])
		}
	}
	return nil
}

// looksLikeIDToken reports whether a token is no more than an ID token may be:
// for the client that it names (OpenID Connect Core, Section 2), without any
// scopes and without jti.
func (c *profile) looksLikeIDToken(v claims, p *bearer.Principal) bool {
	return p.HasAudience(p.ClientID) && v[claimJti] == nil &&
		!slices.ContainsFunc(c.scope, func(i int) bool { return v[i] != nil })
}

func missing(what string) *bearer.Error {
	return bearer.Invalid("claims", what+", which the issuer's Profile requires", "none")
}
