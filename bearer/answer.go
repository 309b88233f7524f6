package bearer

import (
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/bearerkit/bearerkit/scope"
)

// The public texts, one for each kind of answer. Only an expired token is told
// apart from other invalid ones, since clients act on it.
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

// answer is a refusal as it goes to the client, but for its request_id.
type answer struct {
	status     int
	challenges []string // the field lines of WWW-Authenticate
	json       form
	problem    form // the same as application/problem+json (RFC 9457)
}

// form is a body in one of the two forms.
type form struct {
	mediaType string
	prefix    string // the body up to the request_id's value
	length    string // of the whole, with an id of the usual length
}

// suffix ends a body.
const suffix = "\"}\n"

// answers are those that are the same for each request to a route that was made
// under one scheme.
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
		// RFC 6750, Section 3.1: no error code without credentials. The scope
		// is no error information, and tells a client what to ask for.
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
		// header field was too large". It has no challenge: that would ask for
		// another token, which would be as long.
		tooLong:       newAnswer(431, nil, "", textTooLong, scope.Set{}),
		unavailable:   newAnswer(503, nil, "", textUnavailable, scope.Set{}),
		misconfigured: newAnswer(500, nil, "", textMisconfigured, scope.Set{}),
	}
}

// answerTo is the one place that turns a refusal into a status and challenges.
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
	default: // CodeUnavailable, CodeCanceled: we cannot tell
		return &answers.unavailable
	}
}

func newAnswer(status int, challenges []string, code Code, text string, needs scope.Set) answer {
	body := func(mediaType, start, textName string) form {
		b := append([]byte(start), `"status":`...)
		b = strconv.AppendInt(b, int64(status), 10)
		if code != "" {
			b = appendMember(b, "error", string(code))
		}
		b = appendMember(b, textName, text)
		if !needs.IsEmpty() {
			b = appendMember(b, "scope", needs.String())
		}
		b = append(b, `,"request_id":"`...)
		return form{mediaType, string(b), strconv.Itoa(len(b) + requestIDLen + len(suffix))}
	}
	return answer{
		status:     status,
		challenges: challenges,
		json:       body("application/json", `{`, "error_description"),
		problem: body("application/problem+json",
			`{"type":"about:blank","title":"`+http.StatusText(status)+`",`, "detail"),
	}
}

func appendMember(b []byte, name, value string) []byte {
	b = append(b, ',', '"')
	b = append(b, name...)
	b = append(b, '"', ':')
	// Only invalid UTF-8 is an error, which is replaced then.
	b, _ = jsontext.AppendQuote(b, strings.ToValidUTF8(value, "\uFFFD"))
	return b
}

// form returns the form of the answer for a request.
func (a *answer) form(problem bool) *form {
	if problem {
		return &a.problem
	}
	return &a.json
}

// write sends the answer, whose body was made of f and an id of that length.
func (a *answer) write(w http.ResponseWriter, r *http.Request, f *form, body []byte, idLen int, retryAfter time.Duration) {
	h := w.Header()
	// What outer middleware may have prepared for a body that is not sent.
	delete(h, "Etag")
	delete(h, "Last-Modified")
	// The values are in one array of this answer's own, in which no field can
	// grow into the next.
	values := make([]string, 0, 4+len(a.challenges))
	set := func(name string, value ...string) {
		from := len(values)
		values = append(values, value...)
		h[name] = values[from:len(values):len(values)]
	}
	set("Content-Type", f.mediaType)
	if h["Content-Encoding"] == nil {
		// Otherwise an outer writer compresses on the fly, and it alone knows
		// the length; see https://go.dev/issue/66343.
		length := f.length
		if idLen != requestIDLen {
			length = strconv.Itoa(len(body))
		}
		set("Content-Length", length)
	} else {
		delete(h, "Content-Length")
	}
	set("Cache-Control", "no-store")
	others := takeChallenges(h)
	switch {
	case len(a.challenges) == 0: // nor any other, since no credentials would change the answer
	case len(others) == 0:
		set("Www-Authenticate", a.challenges...)
	default:
		set("Www-Authenticate", append(others, a.challenges...)...)
	}
	if a.status == http.StatusServiceUnavailable || a.status == http.StatusTooManyRequests {
		set("Retry-After", strconv.FormatInt(int64((retryAfter-1)/time.Second)+1, 10))
	}
	w.WriteHeader(a.status)
	if r.Method == http.MethodHead { // RFC 9110, Section 9.3.2
		return
	}
	_, _ = w.Write(body) // nobody to tell when the client has gone
}

// maxAcceptLen bounds what is read of an Accept header, all lines together.
const maxAcceptLen = 1 << 10

// wantsProblem reports whether the client asks for application/problem+json
// (RFC 9457, Section 3) by name, and at least as much as for application/json.
func wantsProblem(accept []string) bool {
	problem, plain := 0.0, 0.0
	left := maxAcceptLen
	for _, line := range accept {
		if left -= len(line) + 1; left < 0 {
			break
		}
		for part := range strings.SplitSeq(line, ",") {
			mediaType, params, err := mime.ParseMediaType(part)
			if err != nil {
				continue
			}
			weight := 1.0
			if q, ok := params["q"]; ok {
				if weight, err = strconv.ParseFloat(q, 64); err != nil {
					continue
				}
			}
			switch mediaType {
			case "application/problem+json":
				problem = max(problem, weight)
			case "application/json":
				plain = max(plain, weight)
			}
		}
	}
	return problem > 0 && problem >= plain
}
