package bearer

import (
	"cmp"
	"context"
	"slices"
)

// Both returns a verifier that accepts a token only if two verifiers do: first
// verifies it, such as a jwks.Verifier by the issuer's keys, and then second is
// asked too, such as an introspect.Verifier that sees revocation. What first
// does not recognize is not asked about any further.
//
// The principal is what first says, narrowed by second: the scopes that both
// grant, the audiences that both name, an ACR only if they do not differ, each
// where second speaks of it; the earlier expiry and authentication, and the
// binding of either. The two must agree on issuer and subject, and a token that
// second does not recognize is bad.
//
// Both of a nil verifier is nil, which [New] reports.
func Both(first, second Verifier) Verifier {
	if isNil(first) || isNil(second) {
		return nil
	}
	return VerifierFunc(func(ctx context.Context, token string) (*Principal, error) {
		p, err := first.Verify(ctx, token)
		if err != nil || p == nil {
			return p, err
		}
		q, err := second.Verify(ctx, token)
		if err != nil {
			e := classify(err, CodeUnavailable)
			if e.Code != codeUnrecognized {
				return nil, err
			}
			refused := Invalid(cmp.Or(e.Check, "verifier"), e.Expected, e.Got)
			refused.Principal = p
			return nil, refused
		}
		if q == nil {
			return nil, errNoAnswer
		}
		return narrowed(*p, q)
	})
}

func narrowed(p Principal, q *Principal) (*Principal, error) {
	disagree := func(check, expected, got string) error {
		e := Invalid(check, expected+", as both verifiers must say", got)
		e.Principal = &p
		return e
	}
	switch {
	case p.Issuer != q.Issuer:
		return nil, disagree("iss", p.Issuer, q.Issuer)
	case q.Subject != "" && p.Subject != q.Subject:
		return nil, disagree("sub", p.Subject, q.Subject)
	}
	if !q.Scopes.IsEmpty() {
		p.Scopes = p.Scopes.Intersection(q.Scopes)
	}
	if p.Expires.IsZero() || !q.Expires.IsZero() && q.Expires.Before(p.Expires) {
		p.Expires = q.Expires
	}
	if len(q.audience) > 0 {
		p = p.WithAudience(slices.DeleteFunc(p.Audience(), func(a string) bool { return !q.HasAudience(a) })...)
	}
	if q.ACR != "" && q.ACR != p.ACR {
		p.ACR = ""
	}
	if !q.AuthTime.IsZero() && q.AuthTime.Before(p.AuthTime) {
		p.AuthTime = q.AuthTime
	}
	c, d := &p.Confirmation, q.Confirmation
	if c.JKT != "" && d.JKT != "" && c.JKT != d.JKT || c.X5TS256 != "" && d.X5TS256 != "" && c.X5TS256 != d.X5TS256 {
		return nil, disagree("cnf", "one binding", "two")
	}
	c.JKT, c.X5TS256, c.Other = cmp.Or(c.JKT, d.JKT), cmp.Or(c.X5TS256, d.X5TS256), c.Other || d.Other
	return &p, nil
}
