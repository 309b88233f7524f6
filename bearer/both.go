package bearer

import (
	"cmp"
	"context"
	"slices"

	"github.com/bearerkit/bearerkit/internal/nilcheck"
)

// Both returns a verifier that accepts a token only if two verifiers do: first
// verifies it, such as a jwks.Verifier by the issuer's keys, and then second is
// asked too, such as an introspect.Verifier that sees revocation. What first
// does not recognize is not asked about any further.
//
// The principal is what first says, narrowed by what second states, and never
// more than either grants:
//
//   - the scopes, audiences and authentication methods (amr) that both state,
//     and an ACR only if it is the same in both. A claim that second does not
//     contain leaves first's as it is; one that it contains and that is empty,
//     such as "scope":"", leaves nothing;
//   - the earlier expiry, auth_time and iat. An auth_time of second that is of no
//     use, such as one in the future, leaves none;
//   - the bindings of both;
//   - the subject and client of first. second must name the same or none, where
//     an empty name is none; a client ID or jti that only second knows is added,
//     and a token is a client's own ([Principal.IsClient]) if first says so, or
//     if second says so and names a subject.
//
// The issuer must be the same, and a token that second does not recognize is bad.
//
// [Principal.Claims] decodes the claims of first, and they are not narrowed: a
// role that second has withdrawn is still among them. A policy reads what second
// may narrow from the principal's fields and methods.
//
// Both of a nil verifier is nil, which [New] reports.
func Both(first, second Verifier) Verifier {
	if nilcheck.IsNil(first) || nilcheck.IsNil(second) {
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
			refused.Hint = e.Hint
			own := *p // the verifier may share p
			refused.Principal = &own
			return nil, refused
		}
		if q == nil {
			return nil, errNoAnswer
		}
		return narrowed(*p, q)
	})
}

// narrowed returns p, narrowed by what q states.
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
	case q.ClientID != "" && p.ClientID != "" && p.ClientID != q.ClientID:
		return nil, disagree("client_id", p.ClientID, q.ClientID)
	}
	// An identifier permits nothing, and a deny list may name it.
	p.ClientID, p.TokenID = cmp.Or(p.ClientID, q.ClientID), cmp.Or(p.TokenID, q.TokenID)

	if q.Subject != "" && q.holder == holderClient {
		p.holder = holderClient // an answer without sub does not say
	}

	stated := q.statements()
	p.stated |= stated
	if stated&StatedScopes != 0 {
		p.Scopes = p.Scopes.Intersection(q.Scopes)
	}
	if stated&StatedAudience != 0 {
		p.audience = inBoth(p.audience, q.audience)
	}
	if stated&StatedAMR != 0 {
		p.amr = inBoth(p.amr, q.amr)
	}
	if stated&StatedACR != 0 && q.ACR != p.ACR {
		p.ACR = ""
	}
	if stated&StatedAuthTime != 0 && q.AuthTime.Before(p.AuthTime) {
		p.AuthTime = q.AuthTime // zero if q's auth_time is of no use
	}
	if !q.IssuedAt.IsZero() && q.IssuedAt.Before(p.IssuedAt) {
		p.IssuedAt = q.IssuedAt
	}
	// Without an expiry a token is good forever, so absent is the wider one.
	if p.Expires.IsZero() || !q.Expires.IsZero() && q.Expires.Before(p.Expires) {
		p.Expires = q.Expires
	}
	c, d := &p.Confirmation, q.Confirmation
	if c.JKT != "" && d.JKT != "" && c.JKT != d.JKT || c.X5TS256 != "" && d.X5TS256 != "" && c.X5TS256 != d.X5TS256 {
		return nil, disagree("cnf", "one binding", "two")
	}
	c.JKT, c.X5TS256, c.Other = cmp.Or(c.JKT, d.JKT), cmp.Or(c.X5TS256, d.X5TS256), c.Other || d.Other
	return &p, nil
}

// inBoth returns the values of a that b has too, in a slice of its own.
func inBoth(a, b []string) []string {
	return slices.DeleteFunc(slices.Clone(a), func(value string) bool { return !slices.Contains(b, value) })
}
