package introspect

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/internal/claims"
	"github.com/bearerkit/bearerkit/internal/strictjson"
)

// answer is the endpoint's answer about a token. Nothing in it depends on the time
// or on the request.
type answer struct {
	document  string // the JSON object; the strings below share its memory
	active    bool
	principal bearer.Principal
	tokenType string // unchanged
	tokenUse  string
	issuer    string // empty: there is no iss
	audience  bool   // there is an aud
	notBefore time.Time
}

// names are the members of an answer that are read.
type names struct {
	*claims.Names
	active, scope, clientID, tokenType, tokenUse int
	roles                                        []claims.Pointer
	client                                       clientNames
	journal                                      *claims.Journal
}

func newNames(c *Config) names {
	n := names{Names: claims.NewAnswerNames()}
	n.scope, n.clientID = n.Add("scope"), n.Add("client_id")
	// These members identify the kind of the answer and of its token.
	n.active, n.tokenType, n.tokenUse = n.AddStrict("active"), n.AddStrict("token_type"), n.AddStrict("token_use")
	n.roles, _ = n.AddPointers("Roles", c.Roles) // New has reported mistakes
	n.client = newClientNames(n.Names)
	n.journal = claims.NewJournal(c.Logger, c.Issuer, n.Names)
	return n
}

// inactive is the document that the cache stores for an inactive token.
const inactive = `{"active":false}`

// read reads an answer (RFC 7662, Section 2.2). An error means that the document is
// not a valid answer and says nothing about the token.
func (n names) read(document []byte) (*answer, error) {
	v, err := n.Read(document)
	if err != nil {
		return nil, err
	}
	defer n.journal.Note(&v)
	a := new(answer)
	if !v.Has(n.active) {
		return nil, &claims.Error{Claim: "active", Err: errors.New("it is missing")}
	}
	if a.active, err = strictjson.Bool(v.Raw(n.active)); err != nil {
		return nil, &claims.Error{Claim: "active", Err: err}
	}
	if !a.active {
		// The other members of such an answer are ignored.
		a.document = inactive
		return a, nil
	}
	v.KeepText(document)
	a.document = v.KeptText()
	p, err := v.Principal()
	if err != nil {
		return nil, err
	}
	for _, text := range [...]struct {
		to    *string
		claim int
	}{
		{&a.issuer, claims.Iss}, {&p.ClientID, n.clientID}, {&a.tokenType, n.tokenType}, {&a.tokenUse, n.tokenUse},
	} {
		if *text.to, err = v.Text(text.claim); err != nil {
			return nil, err
		}
	}
	if v.Has(claims.Iss) && a.issuer == "" {
		return nil, &claims.Error{Claim: "iss", Err: errors.New("an empty string")}
	}
	if p.Scopes, err = v.Scopes([]int{n.scope}, func(int) bool { return true }); err != nil {
		return nil, err
	}
	roles, err := v.Roles(nil, n.roles)
	if err != nil {
		return nil, err
	}
	audience, err := v.List(claims.Aud)
	if err != nil {
		return nil, err
	}
	if a.notBefore, err = v.Date(claims.Nbf); err != nil {
		return nil, err
	}
	a.audience = v.Has(claims.Aud)
	a.principal = p.WithAudience(audience...).WithRoles(roles...).WithClaims(a.document).
		WithStated(v.Stated(claims.Aud, n.scope) | v.StatedRoles(n.roles)).WithClient(n.client.isClient(&v, &p))
	return a, nil
}

// judge judges an answer. It runs for each request, since a cached answer may have
// expired. An inactive token is unrecognized: another endpoint may know it.
func (c *Config) judge(a *answer) (*bearer.Principal, error) {
	if !a.active {
		return nil, hinted(bearer.Unrecognized("active", "a token that the issuer calls active", "a token that it calls inactive"))
	}
	p := &a.principal
	now := time.Now()
	if e := c.refusal(a, now); e != nil {
		own := *p // the caller may change it
		e.Principal = &own
		return nil, hinted(e)
	}
	return claims.PastAuthTime(now, p, c.Leeway), nil
}

// refusal returns why an active token is refused, or nil.
func (c *Config) refusal(a *answer, now time.Time) *bearer.Error {
	p := &a.principal
	if a.issuer != "" && a.issuer != c.Issuer {
		return bearer.Invalid("iss", c.Issuer+" (Config.Issuer)", fmt.Sprintf("%.200q", a.issuer))
	}
	if check, got := a.otherKind(); check != "" {
		return bearer.Invalid(check, "an access token", fmt.Sprintf("%.64q", got))
	}
	if claims.KeyUnnamed(a.tokenType, p.Confirmation) {
		return bearer.Invalid("cnf", "the key that a token of type DPoP is bound to (RFC 9449, Section 6.2)", "none")
	}
	if !a.audience && !c.InsecureAudienceNotSent || a.audience && !c.isAudience(p) {
		got := "no aud in the answer"
		if a.audience {
			got = fmt.Sprintf("%.200q", strings.Join(p.Audience(), " "))
		}
		return bearer.Invalid("aud", fmt.Sprintf("one of %q (Config.Audience)", c.Audience), got)
	}
	return claims.CheckTimes(now, a.notBefore, p, c.Leeway)
}

func (c *Config) isAudience(p *bearer.Principal) bool {
	for _, audience := range c.Audience {
		if p.HasAudience(audience) {
			return true
		}
	}
	return false
}

// otherKind returns the member that shows the token is not an access token, and its
// value. Servers call refresh tokens active too.
func (a *answer) otherKind() (check, got string) {
	is := func(s string, values ...string) bool {
		return slices.ContainsFunc(values, func(value string) bool { return strings.EqualFold(s, value) })
	}
	switch {
	case a.tokenType != "" && !is(a.tokenType, "Bearer", "DPoP", "access_token"),
		// RFC 9449, Section 6.2: a token that is bound to a key by jkt must have
		// the type DPoP.
		a.tokenType != "" && !is(a.tokenType, "DPoP") && a.principal.Confirmation.JKT != "":
		return "token_type", a.tokenType
	case a.tokenUse != "" && !is(a.tokenUse, "access", "access_token"):
		return "token_use", a.tokenUse
	}
	return "", ""
}
