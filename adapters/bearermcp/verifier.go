package bearermcp

import (
	"context"
	"errors"
	"net/http"

	"github.com/modelcontextprotocol/go-sdk/auth"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/scope"
)

// TokenVerifier returns verifiers, asked in this order, as what the SDK's own
// middleware, auth.RequireBearerToken, takes. It is for programs that have that
// in place; its answers are poorer than those of an [Endpoint], which needs no
// TokenVerifier:
//
//   - A token that is refused is auth.ErrInvalidToken: 401. So is one that is
//     bound to a key or a certificate, as nothing checks the binding there.
//   - A malformed token, one of more than 16 KiB or a second Authorization line
//     is auth.ErrOAuth: 400.
//   - An outage is neither, so 500, where an Endpoint says 503 and Retry-After.
//   - The SDK refuses tokens without an expiry, and gives no leeway, unless
//     auth.RequireBearerTokenOptions says otherwise; it knows no hierarchy of
//     scopes, and its 403 no error code.
//
// The SDK answers the text of an error, so all have fixed texts; errors.As finds
// the [bearer.Error] behind them, for a log. Like auth.RequireBearerToken, it is
// for registration: it panics without a verifier, or with one that is nil.
func TokenVerifier(verifiers ...bearer.Verifier) auth.TokenVerifier {
	guard, err := bearer.New(bearer.Config{Verifiers: verifiers})
	if err != nil {
		panic(err)
	}
	route := guard.MustRoute(bearer.RouteConfig{Rule: scope.None})
	return func(ctx context.Context, token string, r *http.Request) (*auth.TokenInfo, error) {
		lines := []string{"Bearer " + token}
		if r != nil && len(r.Header["Authorization"]) > 1 { // of which the SDK reads the first
			lines = r.Header["Authorization"]
		}
		d := route.Decide((&http.Request{Header: http.Header{"Authorization": lines}}).WithContext(ctx))
		p, ok := d.Principal()
		if !ok {
			return nil, refusal(d.Err())
		}
		info := tokenInfo(p, lines[0])
		info.Expiration = p.Expires
		return info, nil
	}
}

// refused is an error that says one thing to whoever reads it, and another to
// errors.Is and errors.As.
type refused struct {
	text   string
	causes []error
}

func (e *refused) Error() string   { return e.text }
func (e *refused) Unwrap() []error { return e.causes }

func refusal(err error) error {
	var code bearer.Code
	if e, ok := errors.AsType[*bearer.Error](err); ok {
		code = e.Code
	}
	switch code {
	case bearer.CodeInvalidToken:
		return &refused{"The access token is invalid.", []error{auth.ErrInvalidToken, err}}
	case bearer.CodeTokenTooLong: // no new token helps
		return &refused{"The access token is longer than the server accepts.", []error{auth.ErrOAuth, err}}
	case bearer.CodeInvalidRequest:
		return &refused{"The request must carry one well-formed access token, in one way.", []error{auth.ErrOAuth, err}}
	}
	return &refused{"The access token cannot be checked at the moment.", []error{err}}
}
