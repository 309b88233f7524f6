package client

import (
	"net/http"
)

// reason is why a request is repeated. Each reason counts once.
type reason uint8

const (
	passed     reason = 0         // the answer is the caller's
	firstToken reason = 1 << iota // the request had no token
	freshToken                    // the API refuses the token
	moreScope                     // the token lacks a scope
	stepUp                        // the authentication is too weak or too old
	newNonce                      // the DPoP proof needs a nonce
	pause                         // the API is busy or out of order
	hopeless                      // the request cannot succeed
)

// String names the reason in logs.
func (r reason) String() string {
	switch r {
	case firstToken:
		return "first token"
	case freshToken:
		return "fresh token"
	case moreScope:
		return "more scope"
	case stepUp:
		return "step-up"
	case newNonce:
		return "new nonce"
	case pause:
		return "pause"
	default:
		return "none"
	}
}

// refusal is an answer that is not the caller's.
type refusal struct {
	reason    reason
	challenge Challenge // zero: none
	detail    string
}

// The schemes of tokens.
const (
	schemeBearer = "Bearer"
	schemeDPoP   = "DPoP"
)

// judge decides what an answer asks of the client. scheme is that of the client's
// tokens, and sent reports whether the request had one.
func judge(status int, header http.Header, scheme string, sent bool) refusal {
	switch status {
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		return refusal{reason: pause}
	case http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden:
	default:
		return refusal{}
	}
	// The well-formed lines count.
	list, _ := ParseChallenges(header["Www-Authenticate"])
	c, ok := choose(list, scheme)
	if !ok {
		return refuseScheme(status, list, scheme)
	}
	code, _ := c.Param("error")
	r := refusal{challenge: c}
	switch code {
	case "invalid_token":
		r.reason = freshToken
	case "insufficient_scope":
		r.reason = moreScope
	case "insufficient_user_authentication": // RFC 9470, Section 3
		r.reason = stepUp
	case "use_dpop_nonce": // RFC 9449, Section 9
		r.reason = newNonce
	case "invalid_dpop_proof":
		r.reason, r.detail = hopeless, "the API refuses the DPoP proof; compare this machine's clock with the API's, and Config.Resource with the API's own origin"
	case "invalid_request":
		r.reason, r.detail = hopeless, "the API calls the request malformed"
	default:
		// RFC 6750, Section 3.1 asks for a code, but not all servers send one that it
		// defines. The status then says that a token may help.
		if status != http.StatusUnauthorized {
			return refusal{}
		}
		r.reason = freshToken
	}
	if r.reason == freshToken && !sent {
		r.reason = firstToken
	}
	return r
}

// choose returns the challenge of the scheme. A challenge with an error comes
// before those without.
func choose(list []Challenge, scheme string) (c Challenge, ok bool) {
	for _, each := range list {
		if !each.Is(scheme) {
			continue
		}
		if _, failed := each.Param("error"); failed {
			return each, true
		}
		if !ok {
			c, ok = each, true
		}
	}
	return c, ok
}

// refuseScheme judges an answer without a challenge of the client's scheme.
func refuseScheme(status int, list []Challenge, scheme string) refusal {
	other, detail := schemeDPoP, "the API requires tokens that are bound to a key; set Config.Key, and that of the source"
	if scheme == schemeDPoP {
		other, detail = schemeBearer, "the API does not accept DPoP; leave out Config.Key, and that of the source"
	}
	if c, ok := choose(list, other); ok && status == http.StatusUnauthorized {
		return refusal{reason: hopeless, challenge: c, detail: detail}
	}
	return refusal{} // another scheme, or none: the answer is the caller's
}
