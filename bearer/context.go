package bearer

import (
	"context"
	"fmt"
)

type (
	principalKey struct{}
	judgementKey struct{}
)

// principalContext is a context that carries a principal, and what a route
// found out about the request on the way.
type principalContext struct {
	context.Context
	shared *Principal // maybe with a verifier's cache, so nobody gets the pointer; nil: no principal
	judged judgement  // zero: no route has judged, so this is of NewContext
}

func (c *principalContext) Value(key any) any {
	switch {
	case key == principalKey{} && c.shared != nil:
		return c
	case key == principalKey{} && c.judged.route != nil && !c.judged.tokenOnly:
		return nil // let in as anonymous, so nobody further outside is meant
	case key == judgementKey{} && c.judged.route != nil:
		return c
	}
	return c.Context.Value(key)
}

// principal returns a principal of the caller's own.
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

// String names the context and neither the principal nor the token, which
// nobody who prints a context expects in a log.
func (c *principalContext) String() string { return fmt.Sprint(c.Context) + ".WithPrincipal" }

// GoString is String, since %#v would print the token.
func (c *principalContext) GoString() string { return c.String() }

// NewContext returns a copy of ctx that carries p. A [Route] does it for each
// request that it lets in; in tests, handlers can be called with a principal
// that no token stands behind. No route takes such a principal for its own
// judgement: it judges the request's credentials as ever.
func NewContext(ctx context.Context, p Principal) context.Context {
	return &principalContext{Context: ctx, shared: &p}
}

// FromContext returns the principal of the request whose context ctx is. It is
// false behind optional authentication when there were no credentials, and
// behind no guard at all.
func FromContext(ctx context.Context) (Principal, bool) {
	c, ok := ctx.Value(principalKey{}).(*principalContext)
	if !ok {
		return Principal{}, false
	}
	return c.principal(), true
}
