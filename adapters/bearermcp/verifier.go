package bearermcp

import (
	"context"
	"errors"
	"net/http"

	"github.com/modelcontextprotocol/go-sdk/auth"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/scope"
)

// TokenVerifier adapts verifiers to the SDK's own middleware,
// auth.RequireBearerToken. Verifiers are asked in order. Use it in programs that
// already have that middleware. An [Endpoint] needs no TokenVerifier and gives
// better answers. With TokenVerifier:
//
//   - A refused token is auth.ErrInvalidToken: 401. So is a token that is bound
//     to a key or a certificate, because the SDK does not check the binding.
//   - A malformed token, a token of more than 16 KiB, and a second Authorization
//     header are auth.ErrOAuth: 400.
//   - An outage is neither of these, so the SDK answers 500. An Endpoint answers
//     503 with Retry-After.
//   - The SDK refuses tokens without an expiry and has no leeway, unless
//     auth.RequireBearerTokenOptions changes that. It has no scope hierarchy, and
//     its 403 has no error code.
//
// The SDK sends the text of an error to the client, so each error has a fixed
// text. For a log, errors.As finds the [bearer.Error] behind it. TokenVerifier
// panics without a verifier or with a nil verifier. Call it at registration,
// like auth.RequireBearerToken.
func TokenVerifier(verifiers ...bearer.Verifier) auth.TokenVerifier {
	guard, err := bearer.New(bearer.Config{Verifiers: verifiers})
	if err != nil {
		panic(err)
	}
	route := guard.MustRoute(bearer.RouteConfig{Rule: scope.None})
	return func(ctx context.Context, token string, r *http.Request) (*auth.TokenInfo, error) {
		lines := []string{"Bearer " + token}
		if r != nil && len(r.Header["Authorization"]) > 1 { // the SDK reads only the first
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

// refused is an error with a public text. Its causes are visible to errors.Is
// and errors.As only.
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
	case bearer.CodeTokenTooLong: // not ErrInvalidToken: a new token would not help
		return &refused{"The access token is longer than the server accepts.", []error{auth.ErrOAuth, err}}
	case bearer.CodeInvalidRequest:
		return &refused{"The request must carry one well-formed access token, in one way.", []error{auth.ErrOAuth, err}}
	}
	return &refused{"The access token cannot be checked at the moment.", []error{err}}
}
