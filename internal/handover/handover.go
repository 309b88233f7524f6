// Package handover lets package client read the access token with which a request
// was admitted. The token is not part of the public API, since every other use of
// it would be a mistake.
package handover

import "context"

// Key is the key of the token in the context of a request that package bearer
// admitted.
type Key struct{}

// Token returns the access token of the admitted request. It returns false if no
// guard admitted the request, and for an anonymous request.
func Token(ctx context.Context) (string, bool) {
	token, _ := ctx.Value(Key{}).(string)
	return token, token != ""
}
