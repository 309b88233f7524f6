package bearer

import (
	"context"
	"fmt"

	"github.com/bearerkit/bearerkit/internal/handover"
)

type (
	principalKey struct{}
	judgementKey struct{}
)

// principalContext is a context that carries a principal and the judgement of the
// route that admitted the request.
type principalContext struct {
	context.Context
	shared *Principal // possibly shared with a verifier's cache, so it never leaves the package; nil: no principal
	judged judgement  // zero for a context of NewContext
}

func (c *principalContext) Value(key any) any {
	switch {
	case key == principalKey{} && c.shared != nil:
		return c
	case key == principalKey{} && c.judged.route != nil && !c.judged.tokenOnly:
		return nil // the request is anonymous here, so hide an outer principal
	case key == judgementKey{} && c.judged.route != nil:
		return c
	case key == handover.Key{} && !c.judged.tokenOnly:
		return c.judged.token // empty if the request is anonymous here, and for NewContext
	}
	return c.Context.Value(key)
}

// principal returns a copy of the principal, with its TokenType.
func (c *principalContext) principal() Principal {
	own := *c.shared
	if c.judged.route != nil {
		own.TokenType = "Bearer"
		if c.judged.scheme == schemeDPoP {
			own.TokenType = "DPoP"
		}
	}
	return own
}

// String names the context. It leaves out the principal and the token, because
// printing a context must not put them into a log.
func (c *principalContext) String() string { return fmt.Sprint(c.Context) + ".WithPrincipal" }

// GoString returns String, since %#v would print the token.
func (c *principalContext) GoString() string { return c.String() }

// NewContext returns a copy of ctx that carries p. Tests use it to call a handler
// without a guard; a [Route] creates such a context for each request that it
// admits. A Route never trusts a principal from NewContext: it still judges the
// request's credentials.
func NewContext(ctx context.Context, p Principal) context.Context {
	return &principalContext{Context: ctx, shared: &p}
}

// FromContext returns the principal of a request from the request's context. It
// returns false for an anonymous request to a route with optional
// authentication, and if no guard admitted the request.
func FromContext(ctx context.Context) (Principal, bool) {
	c, ok := ctx.Value(principalKey{}).(*principalContext)
	if !ok {
		return Principal{}, false
	}
	return c.principal(), true
}
