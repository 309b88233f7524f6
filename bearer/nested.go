package bearer

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/bearerkit/bearerkit/scope"
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

// heldProof is a proof that was found valid for a request, and maybe used.
type heldProof struct {
	checker            ProofChecker
	token, jkt         string
	line               string // the DPoP field
	method, requestURI string

	mu    sync.Mutex
	proof Proof
	used  bool
}

// proofFor returns the proof of the request if the checker of g found it valid
// for this very request, token and key, or nil. It is bound to the method and
// the URL (RFC 9449, Section 4.2), so it is not that of a request whose method
// or request line middleware has changed. Routing changes the parsed URL, as
// http.StripPrefix does, and leaves the request line.
func (c *principalContext) proofFor(r *http.Request, g *Guard, token, jkt string) *heldProof {
	for ; c != nil; c = c.judged.outer {
		h := c.judged.proof
		if h == nil || h.token != token || h.jkt != jkt || h.method != r.Method || h.requestURI != requestURI(r) {
			continue
		}
		if lines := r.Header["Dpop"]; len(lines) == 1 && lines[0] == h.line && sameChecker(h.checker, g.proofs) {
			return h
		}
	}
	return nil
}

// hold keeps a valid proof for the routes inside.
func (g *Guard) hold(r *http.Request, token, jkt string, proof Proof) *heldProof {
	h := &heldProof{checker: g.proofs, token: token, jkt: jkt, method: r.Method, requestURI: requestURI(r), proof: proof}
	if lines := r.Header["Dpop"]; len(lines) == 1 {
		h.line = lines[0]
	}
	return h
}

// use uses the proof up, once for all routes that the request passes. A request
// may be judged by several of them at the same time.
func (h *heldProof) use(ctx context.Context) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.used {
		return nil
	}
	if err := h.proof.Use(ctx); err != nil {
		return err
	}
	h.used = true
	return nil
}

// requestURI returns the request line's target, or that of a request which was
// made within the program.
func requestURI(r *http.Request) string {
	if r.RequestURI != "" || r.URL == nil {
		return r.RequestURI
	}
	return r.URL.RequestURI()
}

// needsAround returns the scopes that rt needs together with the routes around
// it, so that a challenge names all that a client must ask for (RFC 6750,
// Section 3). Routes that judged another token do not count.
func (rt *Route) needsAround(c *principalContext, token string) scope.Set {
	needs := rt.needs
	for ; c != nil; c = c.judged.outer {
		if j := &c.judged; !j.tokenOnly && (j.token == token || j.token == "" || token == "") {
			needs = needs.Union(j.route.needs)
		}
	}
	return needs
}

// answer returns the answer to a refused request.
func (d *Decision) answer() *answer {
	rt, used := d.route, d.credentials.scheme
	switch d.err.Code {
	case CodeForbidden, CodeNotFound, CodeTooManyFailures, CodeTokenTooLong, CodeMisconfigured, CodeUnavailable, CodeCanceled:
		return rt.answerTo(d.err, used) // which names no scopes
	}
	if needs := rt.needsAround(d.outer, d.credentials.token); needs != rt.needs {
		// Nearly all requests to a route come through the same routes around it.
		whole := rt.nested[used].Load()
		if whole == nil || whole.needs != needs {
			whole = &Route{guard: rt.guard, needs: needs}
			whole.answers[used] = rt.guard.compile(used, needs)
			rt.nested[used].Store(whole)
		}
		rt = whole
	}
	return rt.answerTo(d.err, used)
}
