package bearer

import "github.com/bearerkit/bearerkit/scope"

// Code identifies the kind of a refusal. The first six are the error codes of
// challenges and bodies; clients never see the others.
type Code string

const (
	CodeInvalidRequest       Code = "invalid_request"                  // 400, RFC 6750, Section 3.1
	CodeInvalidToken         Code = "invalid_token"                    // 401, RFC 6750, Section 3.1
	CodeInsufficientScope    Code = "insufficient_scope"               // 403, RFC 6750, Section 3.1
	CodeInsufficientUserAuth Code = "insufficient_user_authentication" // 401, RFC 9470, Section 3

	CodeInvalidDPoPProof Code = "invalid_dpop_proof" // 401, RFC 9449, Section 7.1
	CodeUseDPoPNonce     Code = "use_dpop_nonce"     // 401, RFC 9449, Section 9

	CodeMissingCredentials Code = "missing_credentials" // 401 without an error, RFC 6750, Section 3.1
	CodeForbidden          Code = "forbidden"           // 403 without a challenge
	CodeNotFound           Code = "not_found"           // 404 in place of a 403, RFC 9110, Section 15.5.4
	CodeTooManyFailures    Code = "too_many_failures"   // 429, RFC 6585, Section 4; see [FailureLimit]
	CodeTokenTooLong       Code = "token_too_long"      // 431, RFC 6585, Section 5; see [Config.MaxTokenBytes]
	CodeUnavailable        Code = "unavailable"         // 503, RFC 9110, Section 15.6.4
	CodeMisconfigured      Code = "misconfigured"       // 500: the program needs a fix; see [Route.AdmitPath]
	CodeCanceled           Code = "canceled"            // 503, though the client has disconnected
	codeUnrecognized       Code = "unrecognized"        // no answer: the guard asks the next verifier
)

// The public texts, one for each kind of answer. An expired token has its own
// text, since clients act on it; all other invalid tokens share one.
const (
	textMissing        = "The request carries no access token."
	textInvalidRequest = "The request must carry one well-formed access token, in one way."
	textInvalidToken   = "The access token is invalid."
	textExpired        = "The access token has expired."
	textScope          = "The access token lacks a scope that the request needs."
	textStepUp         = "The request needs a stronger or more recent authentication of the user."
	textProof          = "The DPoP proof is missing or invalid."
	textNonce          = "The DPoP proof needs the nonce of this response."
	textForbidden      = "The request is not allowed."
	textNotFound       = "The resource does not exist."
	textTooMany        = "Too many requests with bad access tokens came from this address."
	textTooLong        = "The access token is longer than the server accepts."
	textUnavailable    = "The access token cannot be checked at the moment."
	textMisconfigured  = "The server cannot handle requests of this kind."
)

// answers are the compiled answers of a route to requests under one scheme.
type answers struct {
	missing, invalidRequest, invalidToken, expired, proof, nonce, scope, forbidden, notFound, tooMany, tooLong, unavailable, misconfigured answer
}

func (g *Guard) compile(used scheme, needs scope.Set) answers {
	coded := func(status int, code Code, text string, needs scope.Set) answer {
		bodyScope := scope.Set{}
		if code == CodeInsufficientScope {
			bodyScope = needs
		}
		return newAnswer(status, g.challenges(status, used, code, text, needs, nil), code, text, bodyScope)
	}
	return answers{
		// RFC 6750, Section 3.1: no error code without credentials. The scope is
		// not error information; it tells a client which scope to request.
		missing:        coded(401, "", textMissing, needs),
		invalidRequest: coded(400, CodeInvalidRequest, textInvalidRequest, scope.Set{}),
		invalidToken:   coded(401, CodeInvalidToken, textInvalidToken, needs),
		expired:        coded(401, CodeInvalidToken, textExpired, needs),
		proof:          coded(401, CodeInvalidDPoPProof, textProof, needs),
		nonce:          coded(401, CodeUseDPoPNonce, textNonce, needs),
		scope:          coded(403, CodeInsufficientScope, textScope, needs),
		forbidden:      newAnswer(403, nil, "", textForbidden, scope.Set{}),
		notFound:       newAnswer(404, nil, "", textNotFound, scope.Set{}),
		tooMany:        newAnswer(429, nil, "", textTooMany, scope.Set{}),
		// RFC 6585, Section 5: "the response representation SHOULD specify which
		// header field was too large". A challenge would make the client get
		// another token, which would be as long.
		tooLong:       newAnswer(431, nil, "", textTooLong, scope.Set{}),
		unavailable:   newAnswer(503, nil, "", textUnavailable, scope.Set{}),
		misconfigured: newAnswer(500, nil, "", textMisconfigured, scope.Set{}),
	}
}

// answerTo is the only code that maps a refusal to a status and challenges.
func (rt *Route) answerTo(e *Error, used scheme) *answer {
	answers := &rt.answers[used]
	switch e.Code {
	case CodeMissingCredentials:
		return &answers.missing
	case CodeInvalidRequest:
		return &answers.invalidRequest
	case CodeInvalidToken:
		if e.Expired {
			return &answers.expired
		}
		return &answers.invalidToken
	case CodeInvalidDPoPProof:
		return &answers.proof
	case CodeUseDPoPNonce:
		return &answers.nonce
	case CodeInsufficientScope:
		return &answers.scope
	case CodeInsufficientUserAuth:
		challenges := rt.guard.challenges(401, used, e.Code, textStepUp, rt.needs, e.stepUp)
		a := newAnswer(401, challenges, e.Code, textStepUp, scope.Set{})
		return &a
	case CodeForbidden:
		if e.Public != "" {
			a := newAnswer(403, nil, "", e.Public, scope.Set{})
			return &a
		}
		return &answers.forbidden
	case CodeNotFound:
		return &answers.notFound
	case CodeTooManyFailures:
		return &answers.tooMany
	case CodeTokenTooLong:
		return &answers.tooLong
	case CodeMisconfigured:
		return &answers.misconfigured
	default: // CodeUnavailable, CodeCanceled
		return &answers.unavailable
	}
}
