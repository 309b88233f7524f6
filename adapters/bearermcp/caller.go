package bearermcp

import (
	"context"
	"fmt"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/internal/handover"
)

// WithCaller returns a copy of ctx, the context of a tool, prompt or resource
// handler, that has the principal and the token of the request r, so that a
// client.Exchange exchanges that token. The context alone has no token: in a
// session it belongs to the request that opened the session, whose token may be
// another client's, have other scopes, or have expired.
//
// It returns ctx itself if the request did not pass [Endpoint.Protect].
func WithCaller(ctx context.Context, r mcp.Request) context.Context {
	p, ok := FromRequest(r)
	if !ok {
		return ctx
	}
	held, ok := r.GetExtra().TokenInfo.Extra[tokenKey].(heldToken)
	if !ok {
		return ctx
	}
	return callerContext{bearer.NewContext(ctx, p), held}
}

// callerContext is a context with a token that no way of printing shows.
type callerContext struct {
	context.Context
	held heldToken
}

func (c callerContext) Value(key any) any {
	if key == (handover.Key{}) {
		return c.held.token
	}
	return c.Context.Value(key)
}

// String names the context, as those of package context do.
func (c callerContext) String() string { return fmt.Sprint(c.Context) + ".WithCaller" }

// Format writes String for every verb.
func (c callerContext) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(c.String())) }

// tokenKey is the key of the token in auth.TokenInfo.Extra.
const tokenKey = "bearerkit.token"

// heldToken is a token that no way of printing shows.
type heldToken struct{ token string }

// Format writes a fixed text for every verb.
func (heldToken) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("(the caller's token)")) }

// tokenless is the context that the SDK gets: a token that a session keeps would be
// used for the requests of other clients.
type tokenless struct{ context.Context }

func (c tokenless) Value(key any) any {
	if key == (handover.Key{}) {
		return nil
	}
	return c.Context.Value(key)
}
