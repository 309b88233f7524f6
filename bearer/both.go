package bearer

import (
	"cmp"
	"context"
	"slices"

	"github.com/bearerkit/bearerkit/internal/nilcheck"
)

// Both returns a verifier that accepts a token only if two verifiers do. It asks
// first, for example a jwks.Verifier, which checks the signature. It then asks
// second, for example an introspect.Verifier, which detects revocation. If first
// does not recognize the token, Both does not ask second.
//
// The principal is that of first, narrowed by second. It never has more than
// either verifier grants:
//
//   - the scopes, roles, audiences and authentication methods (amr) of both, and
//     the ACR if it is the same in both. A claim that is absent in second leaves
//     first's value unchanged; an empty claim, such as "scope":"", removes all
//     values;
//   - the earlier exp, auth_time and iat. An unusable auth_time in second, such
//     as one in the future, removes the principal's;
//   - the bindings of both;
//   - the subject and client ID of first. Those of second must be the same or
//     empty. Both adds a client ID or jti that only second has. The token is a
//     client's own ([Principal.IsClient]) if first says so, or if second says so
//     and has a subject.
//
// Both rejects a token if the issuers differ, or if second does not recognize it.
//
// [Principal.Claims], and with it [Claim] and [ClaimsOf], read the claims of first,
// which are not narrowed: they may still contain a role that second no longer
// grants. A policy that relies on second must read the principal's fields and
// other methods, such as [Principal.HasRole].
//
// Both returns nil if a verifier is nil; [New] reports it.
func Both(first, second Verifier) Verifier {
	if nilcheck.IsNil(first) || nilcheck.IsNil(second) {
		return nil
	}
	return both{first, second}
}

// both is the verifier that [Both] returns.
type both struct{ first, second Verifier }

func (b both) Verify(ctx context.Context, token string) (*Principal, error) {
	p, err := b.first.Verify(ctx, token)
	if err != nil || p == nil {
		return p, err
	}
	q, err := b.second.Verify(ctx, token)
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
}

// narrowed returns p narrowed by the claims of q.
func narrowed(p Principal, q *Principal) (*Principal, error) {
	disagree := func(check, expected, got string) error {
		e := Invalid(check, expected+" (from both verifiers)", got)
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
	// Adding an identifier grants nothing, and a deny list may contain it.
	p.ClientID, p.TokenID = cmp.Or(p.ClientID, q.ClientID), cmp.Or(p.TokenID, q.TokenID)
	p.SessionID = cmp.Or(p.SessionID, q.SessionID)

	if q.Subject != "" && q.holder == holderClient {
		p.holder = holderClient // only if q has a subject: without one, q does not identify the holder
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
	if stated&StatedRoles != 0 {
		// There may be thousands of roles, so search q's, which are sorted.
		p.roles = slices.DeleteFunc(slices.Clone(p.roles), func(name string) bool { return !q.hasRole(name) })
	}
	if stated&StatedACR != 0 && q.ACR != p.ACR {
		p.ACR = ""
	}
	if stated&StatedAuthTime != 0 && q.AuthTime.Before(p.AuthTime) {
		p.AuthTime = q.AuthTime // zero if q's auth_time is unusable
	}
	if !q.IssuedAt.IsZero() && q.IssuedAt.Before(p.IssuedAt) {
		p.IssuedAt = q.IssuedAt
	}
	// A token without exp never expires, so any exp is earlier.
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

// inBoth returns a new slice of the values that are in both a and b.
func inBoth(a, b []string) []string {
	return slices.DeleteFunc(slices.Clone(a), func(value string) bool { return !slices.Contains(b, value) })
}
