package bearer

import (
	"context"
	"net/http"
)

// DenyList names tokens that are refused although their verifier accepts them:
// those that were stolen, of a user who signed out or was dismissed, of a
// client that misbehaves. The package denylist has one in memory, and
// bearerredis one that instances share. Its method must be safe for concurrent
// use.
type DenyList interface {
	// Denied reports whether the token of p is denied. It is asked at each
	// request, about tokens whose signature holds and that have not expired.
	// p must not be changed. An error means that nobody can tell: the request
	// is answered 503, unless the error is an [Error] that says otherwise.
	Denied(ctx context.Context, p *Principal) (bool, error)
}

// checkDenied asks the deny list. A denied token is a revoked one: 401
// invalid_token (RFC 6750, Section 3.1).
func (g *Guard) checkDenied(r *http.Request, p *Principal) *Error {
	if g.denyList == nil {
		return nil
	}
	denied, err := g.denyList.Denied(r.Context(), p)
	switch {
	case err != nil && r.Context().Err() != nil:
		return &Error{Code: CodeCanceled, Check: "deny list", Err: err}
	case err != nil:
		own := *classifyAmong(err, CodeUnavailable, CodeUnavailable, CodeInvalidToken)
		own.Check = "deny list"
		return &own
	case denied:
		return Invalid("deny list", "a token that is not denied", "one that is")
	}
	return nil
}
