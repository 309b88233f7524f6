package jwks

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/internal/claims"
	"github.com/bearerkit/bearerkit/internal/known"
	"github.com/bearerkit/bearerkit/internal/strictjson"
	"github.com/bearerkit/bearerkit/scope"
)

var errNoIssuer = errors.New("no iss")

// issuerOf returns whose token it says it is: which issuer's profile is to
// judge it.
func (v *Verifier) issuerOf(values *claims.Values) (*issuer, error) {
	raw := values.Raw(claims.Iss)
	if raw == nil {
		return nil, hinted(bearer.Invalid("claims", expectIssuer, errNoIssuer.Error()))
	}
	if plain, isPlain, err := strictjson.Text(raw); err == nil && isPlain {
		if i := v.issuers[string(plain)]; i != nil {
			return i, nil
		}
	}
	name, err := strictjson.String(raw)
	if err != nil {
		return nil, hinted(bearer.Invalid("claims", expectIssuer, err.Error()))
	}
	if i := v.issuers[name]; i != nil {
		return i, nil
	}
	return nil, v.spellings.unknown(name)
}

const expectIssuer = "a JSON object with an iss"

// read reads the claims of a token whose signature holds. The error names the
// first claim that is malformed or missing; the facts are what there is.
func (i *issuer) read(r *reader, f *facts) *bearer.Error {
	refused := i.readFacts(r, f)
	i.journal.Note(&r.values)
	return refused
}

func (i *issuer) readFacts(r *reader, f *facts) *bearer.Error {
	c, v, p := i.profile, &r.values, &f.principal
	f.issuer = i
	lists, bad := i.listsOf(r)
	v.KeepText(r.jws.Payload)
	*p = lists.WithClaims(v.KeptText()).WithStated(v.Stated(c.audience, c.scope...))
	if err := v.PrincipalInto(p); bad == nil {
		bad = err
	}
	var err error
	if p.ClientID, err = v.FirstText(c.clientID); bad == nil {
		bad = err
	}
	if bad == nil {
		p.Scopes, bad = v.ScopesBy(i.parseScope, c.scope, c.isScopeString)
	}
	if bad != nil {
		return malformed(bad)
	}
	if refused := c.checkKind(v, p); refused != nil {
		return refused
	}
	if f.notBefore, err = v.Date(claims.Nbf); err != nil {
		return malformed(err)
	}
	c.setClient(v, p)
	return nil
}

// malformed refuses a token for the error of a claim.
func malformed(err error) *bearer.Error {
	e, ok := errors.AsType[*claims.Error](err)
	if !ok {
		return bearer.Invalid("claims", "well-formed claims", err.Error())
	}
	refused := bearer.Invalid(e.Claim, "a well-formed claim", e.Err.Error())
	refused.Hint = "the issuer sends this claim with a wrong type or value: fix it at the issuer"
	return refused
}

// listsOf returns a principal of what lists a token has. The tokens of an issuer
// share a few, and then the memory of them too: it is not to be changed.
func (i *issuer) listsOf(r *reader) (*bearer.Principal, error) {
	c, v := i.profile, &r.values
	// Whatever begins with a line break has no audience: no JSON value does.
	r.lists = append(append(append(r.lists[:0], v.Raw(c.audience)...), '\n'), v.Raw(claims.AMR)...)
	if p := i.lists.FindBytes(r.lists); p != nil {
		return p, nil
	}
	if len(r.lists) > known.MaxText {
		v.KeepText(r.jws.Payload) // which they are parts of then, since nobody shares them
	}
	p := bearer.Principal{Issuer: i.url}
	list, err := v.List(c.audience)
	if err != nil {
		return &p, err
	}
	p = p.WithAudience(list...)
	hasAMR := v.Has(claims.AMR)
	if list, err = v.Strings(claims.AMR); err != nil {
		return &p, err
	}
	p = p.WithAMR(list...)
	if v.Has(claims.AMR) == hasAMR { // or the next token's amr would not be found malformed
		i.lists.Keep(string(r.lists), p)
	}
	return &p, nil
}

// parseScope is claims.ParseScope. The tokens of an issuer share a few values,
// and then the Set too.
func (i *issuer) parseScope(s string) (scope.Set, error) {
	if set := i.scopes.Find(s); set != nil {
		return *set, nil
	}
	set, err := claims.ParseScope(strings.Clone(s)) // not a part of the token's text
	if err == nil {
		i.scopes.Keep(s, set)
	}
	return set, err
}

func (c *profile) isScopeString(i int) bool { return c.scopeString && c.Name(i) == "scope" }

// checkKind checks that the token is an access token and whole.
func (c *profile) checkKind(v *claims.Values, p *bearer.Principal) *bearer.Error {
	for _, i := range c.forbidden {
		if v.Has(i) {
			return bearer.Invalid("kind", "an access token, which has no claim "+c.Name(i), "another kind of token")
		}
	}
	if c.kind >= 0 {
		kind, err := v.Text(c.kind)
		if err != nil || !slices.Contains(c.kinds, kind) {
			return bearer.Invalid("kind",
				fmt.Sprintf("claim %s to be one of %q", c.Name(c.kind), c.kinds), fmt.Sprintf("%.64q", kind))
		}
		if refused := checkNamed(kind, p); refused != nil {
			return refused
		}
	}
	if !c.typed && c.kind < 0 && c.looksLikeIDToken(v, p) {
		return bearer.Invalid("kind", "an access token", "what looks like an ID token: for its client, without scopes and jti")
	}
	if !c.typed && p.Subject == p.Issuer {
		return bearer.Invalid("kind", "an access token, whose sub is not its iss", "a client assertion")
	}
	if tokenType, err := v.Text(c.tokenType); err != nil {
		return malformed(err)
	} else if refused := checkNamed(tokenType, p); refused != nil {
		return refused
	}
	if p.ClientID == "" {
		names := make([]string, len(c.clientID))
		for i, claim := range c.clientID {
			names[i] = c.Name(claim)
		}
		return missing(fmt.Sprintf("one of the claims %q", names), "none")
	}
	for _, i := range c.required {
		if !v.Has(i) || v.IsEmptyText(i) {
			return missing("the claim "+c.Name(i), v.Found(i))
		}
	}
	if !v.Has(claims.Exp) {
		return missing("the claim exp", v.Found(claims.Exp))
	}
	return nil
}

// checkNamed refuses a token that says it is bound to a key, and not to which.
func checkNamed(tokenType string, p *bearer.Principal) *bearer.Error {
	if claims.KeyUnnamed(tokenType, p.Confirmation) {
		return bearer.Invalid("cnf", "the key that a token of type DPoP is bound to (RFC 9449, Section 6)", "none")
	}
	return nil
}

// looksLikeIDToken reports whether a token is no more than an ID token may be:
// for the client that it names (OpenID Connect Core, Section 2), without any
// scopes and without jti.
func (c *profile) looksLikeIDToken(v *claims.Values, p *bearer.Principal) bool {
	return p.HasAudience(p.ClientID) && !v.Has(claims.Jti) && !slices.ContainsFunc(c.scope, v.Has)
}

func missing(what, found string) *bearer.Error {
	refused := bearer.Invalid("claims", what+", which the issuer's Profile requires", found)
	refused.Hint = "the issuer omits this claim: add it at the issuer, or see which claims Issuer.Profile requires"
	return refused
}

// facts are what a token said whose signature held, and who had signed it. They
// do not change; whether they are good enough is judged each time.
type facts struct {
	issuer    *issuer
	notBefore time.Time
	principal bearer.Principal

	// From from until before until, in nanoseconds since 1970, none of the
	// token's times is of concern: a moment between them needs no closer look.
	from, until int64
}

// setTimes sets from and until.
func (f *facts) setTimes(leeway time.Duration) {
	p := &f.principal
	for _, t := range [...]time.Time{f.notBefore, p.IssuedAt, p.AuthTime} {
		if !t.IsZero() {
			f.from = max(f.from, nanoseconds(t.Add(-leeway)))
		}
	}
	f.until = nanoseconds(p.Expires.Add(leeway))
}

// nanoseconds is t.UnixNano for times of years in which that is not defined
// too: they are at the end of those in which it is.
func nanoseconds(t time.Time) int64 {
	if t.Unix() >= math.MaxInt64/int64(time.Second) {
		return math.MaxInt64
	}
	return t.UnixNano()
}

// judge judges what depends on more than the token: audience, nbf, iat and exp.
// Whether it has expired is said last, of tokens that are otherwise good.
func (f *facts) judge(now time.Time, leeway time.Duration) (*bearer.Principal, error) {
	p := &f.principal
	if refused := f.issuer.checkAudience(p); refused != nil {
		return nil, f.refuse(refused)
	}
	if at := now.UnixNano(); f.from <= at && at < f.until {
		return p, nil
	}
	if refused := claims.CheckTimes(now, f.notBefore, p, leeway); refused != nil {
		return nil, f.refuse(refused)
	}
	return claims.PastAuthTime(now, p, leeway), nil
}

// refuse adds to a refusal whose token it is.
func (f *facts) refuse(refused *bearer.Error) error {
	own := f.principal // whoever gets the error may change it
	refused.Principal = &own
	return hinted(refused)
}
