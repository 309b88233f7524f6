package bearer

import (
	"context"
	"time"
)

// judgement is the result of a route that judged a request. The request's context
// carries it to inner routes, such as a route in a guarded group, which continue
// from there: the token is verified once, and a proof is used once.
type judgement struct {
	route     *Route            // nil: no route has judged the request
	outer     *principalContext // of the next outer route; nil: none
	verified  *Principal        // as the verifier returned it; nil: anonymous
	token     string            // empty: anonymous
	at        time.Duration     // when the token was judged, since Guard.began
	proof     *heldProof        // nil: no proof was needed
	source    *TokenSource
	scheme    scheme
	tokenOnly bool // see Authenticate
}

// judgementLife is how long inner routes rely on a judgement of a token. After
// that they verify the token again, for example if the context of an open stream
// serves further requests within the program.
const judgementLife = 10 * time.Second

func judgedBefore(ctx context.Context) *principalContext {
	c, _ := ctx.Value(judgementKey{}).(*principalContext)
	return c
}

// judgementOf returns how g judged the request's current token, or nil. There must
// be a token: a judgement of an anonymous request has no principal. judgementOf
// ignores judgements of a token or scheme that middleware has since replaced, and
// judgements by other guards, whose verifiers and policies differ.
func (c *principalContext) judgementOf(g *Guard, now *credentials) *judgement {
	for ; c != nil; c = c.judged.outer {
		j := &c.judged
		if j.route.guard == g && j.token == now.token && j.scheme == now.scheme &&
			time.Since(g.began)-j.at <= judgementLife {
			return j
		}
	}
	return nil
}

// admittedBy reports whether a route of g has already admitted the request with
// this token.
func (c *principalContext) admittedBy(g *Guard, token string) bool {
	for ; c != nil; c = c.judged.outer {
		if j := &c.judged; j.route.guard == g && !j.tokenOnly && j.token == token {
			return true
		}
	}
	return false
}
