package bearer

import (
	"context"
	"time"
)

// judgement is what a route found out about a request. The context of the
// request carries it, so that the next route which the request passes, such as
// a route of its own inside a guarded group, goes on from there: the token is
// verified once, and a proof is used once.
type judgement struct {
	route     *Route            // that judged; nil: nobody has
	outer     *principalContext // of the route around it; nil: none
	verified  *Principal        // as the verifier returned it; nil: anonymous
	token     string
	at        time.Duration // when the token was judged, since the guard began
	proof     *heldProof    // nil: none was needed
	scheme    scheme
	tokenOnly bool // see Authenticate
}

// judgementLife is how long a judgement of a token counts. A request that lives
// longer, such as an open stream whose context serves further requests within
// the program, has its token verified anew.
const judgementLife = 10 * time.Second

func judgedBefore(ctx context.Context) *principalContext {
	c, _ := ctx.Value(judgementKey{}).(*principalContext)
	return c
}

// judgementOf returns what g itself found out about the token that the request
// carries now, or nil. A token, or a scheme, that middleware has put in place of
// the client's is another one. What another guard found out does not count: its
// verifiers and its policy are its own.
func (c *principalContext) judgementOf(g *Guard, now *credentials) *judgement {
	for ; c != nil; c = c.judged.outer {
		j := &c.judged
		if j.route.guard == g && j.verified != nil && j.token == now.token && j.scheme == now.scheme &&
			time.Since(g.began)-j.at <= judgementLife {
			return j
		}
	}
	return nil
}

// admittedBy reports whether a route of g has let the request in already, with
// this token.
func (c *principalContext) admittedBy(g *Guard, token string) bool {
	for ; c != nil; c = c.judged.outer {
		if j := &c.judged; j.route.guard == g && !j.tokenOnly && j.token == token {
			return true
		}
	}
	return false
}
