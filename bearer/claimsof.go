package bearer

import (
	"context"
	"errors"
)

// ClaimsOf decodes the claims of the request's token into a T, such as a struct
// with the claims that a handler needs. It takes the request's context and decodes
// by the rules of [Principal.Claims]. It returns an error, and the zero T, if no
// guard admitted the request, if the request is anonymous, or if a claim does not
// fit into T.
func ClaimsOf[T any](ctx context.Context) (T, error) {
	var claims, none T
	p, ok := FromContext(ctx)
	if !ok {
		return none, errNoPrincipal
	}
	if err := p.Claims(&claims); err != nil {
		return none, err
	}
	return claims, nil
}

var errNoPrincipal = errors.New("bearer: the context has no principal: the request is anonymous, or no guard admitted it")
