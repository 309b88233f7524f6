package jwks

import (
	"context"
	"errors"
	"strings"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/internal/claims"
	"github.com/bearerkit/bearerkit/internal/known"
	"github.com/bearerkit/bearerkit/internal/strictjson"
	"github.com/bearerkit/bearerkit/scope"
)

const expectIssuer = "a JSON object with an iss"

// findIssuer finds the issuer that the token claims to come from. The issuer's
// profile judges the token.
func (t *unverified) findIssuer(ctx context.Context) error {
	raw, s := t.claims.Raw(claims.Iss), t.snapshot
	if raw == nil {
		return hinted(bearer.Invalid("claims", expectIssuer, "no iss"))
	}
	// A name without escapes needs no copy.
	if plain, isPlain, _ := strictjson.Text(raw); isPlain { // String returns the error
		if t.issuer = s.issuers[string(plain)]; t.issuer != nil {
			return nil
		}
	}
	name, err := strictjson.String(raw)
	if err != nil {
		return hinted(bearer.Invalid("claims", expectIssuer, err.Error()))
	}
	if t.issuer = s.issuers[name]; t.issuer != nil {
		return nil
	}
	if s.resolver != nil && isResolvable(name) {
		t.issuer, err = s.resolver.issuer(ctx, name)
		if !errors.Is(err, bearer.ErrUnrecognized) {
			return err
		}
	}
	return s.spellings.unknown(name)
}

// read reads the claims of a token whose signature was verified. The error names
// the first claim that is malformed or missing; f then holds the claims that
// were read before it.
func (i *issuer) read(t *unverified, f *facts, m *memory) *bearer.Error {
	refused := i.readFacts(t, f, m)
	i.journal.Note(t.claims)
	return refused
}

func (i *issuer) readFacts(t *unverified, f *facts, m *memory) *bearer.Error {
	c, v, p := i.profile, t.claims, &f.principal
	f.issuer = i
	lists, bad := i.readLists(t, m)
	v.KeepText(t.jws.Payload)
	*p = lists.WithClaims(v.KeptText()).WithStated(v.Stated(c.audience, c.scope...) | v.StatedRoles(c.roles))
	// Read on after a malformed claim: the log shows whose token it is.
	if err := v.PrincipalInto(p); bad == nil {
		bad = err
	}
	var err error
	if p.ClientID, err = c.readClientID(v); bad == nil {
		bad = err
	}
	if bad == nil {
		p.Scopes, bad = v.ScopesBy(i.parseScope, c.scope, c.isScopeString)
	}
	if bad == nil {
		bad = i.readRoles(t, p, m)
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
	return c.checkHolder(p)
}

func (i *issuer) readRoles(t *unverified, p *bearer.Principal, m *memory) (err error) {
	if m.roles, err = t.claims.Roles(m.roles[:0], i.profile.roles); len(m.roles) > 0 {
		*p = p.WithRoles(m.roles...) // which copies them
	}
	return err
}

// malformed refuses a token because of a claim's error.
func malformed(err error) *bearer.Error {
	e, ok := errors.AsType[*claims.Error](err)
	if !ok {
		return bearer.Invalid("claims", "well-formed claims", err.Error())
	}
	refused := bearer.Invalid(e.Claim, "a well-formed claim", e.Err.Error())
	refused.Hint = "the issuer sends this claim with a wrong type or value: fix it at the issuer"
	return refused
}

// readLists returns a principal with the token's issuer, audience and amr. An
// issuer's tokens have few different lists, so tokens with equal lists share one
// principal: do not modify it.
func (i *issuer) readLists(t *unverified, m *memory) (*bearer.Principal, error) {
	c, v := i.profile, t.claims
	// A key that begins with a line break has no audience: no JSON value begins
	// with one.
	m.lists = append(append(append(m.lists[:0], v.Raw(c.audience)...), '\n'), v.Raw(claims.AMR)...)
	if p := i.lists.FindBytes(m.lists); p != nil {
		return p, nil
	}
	if len(m.lists) > known.MaxText {
		// No other token will share these lists, so they may refer to the text
		// of this one.
		v.KeepText(t.jws.Payload)
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
	// Do not share a malformed amr, which v has just discarded: each token must
	// report its own.
	if v.Has(claims.AMR) == hasAMR {
		i.lists.Keep(string(m.lists), p)
	}
	return &p, nil
}

// parseScope is [claims.ParseScope]. An issuer's tokens have few different scope
// claims, so tokens with equal claims share one Set.
func (i *issuer) parseScope(s string) (scope.Set, error) {
	if set := i.scopes.Find(s); set != nil {
		return *set, nil
	}
	set, err := claims.ParseScope(strings.Clone(s)) // s refers to the token's text
	if err == nil {
		i.scopes.Keep(s, set)
	}
	return set, err
}
