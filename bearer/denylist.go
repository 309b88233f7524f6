package bearer

import (
	"context"
	"net/http"
)

// DenyList rejects tokens that their verifier accepts: stolen tokens, and tokens
// of users who signed out or of clients that misbehave. Package denylist has an
// implementation in memory; package bearerredis has one that instances share. An
// implementation must be safe for concurrent use.
type DenyList interface {
	// Denied reports whether the token of p is denied. The guard calls it for
	// each request, after a verifier has accepted the token. Denied must not
	// change p. An error means "cannot tell": the guard answers 503, or 401
	// invalid_token if the error is an [Error] of [CodeInvalidToken].
	Denied(ctx context.Context, p *Principal) (bool, error)
}

// checkDenied asks the deny list. A denied token is a revoked token: 401
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
		return Invalid("deny list", "a token that is not denied", "a denied token")
	}
	return nil
}
