package denylist

import (
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/bearerkit/bearerkit/bearer"
)

// refusal is the answer to a request that is not accepted, and the reason for the
// log.
type refusal struct {
	status int
	code   code // only for status 400
	reason *bearer.Error
}

// code is an error code of RFC 8935, Section 2.4. The response to a logout token
// may have any code (Back-Channel Logout, Section 2.8), so it has these too.
type code string

const (
	invalidRequestCode   code = "invalid_request"
	invalidKey           code = "invalid_key"
	invalidIssuer        code = "invalid_issuer"
	invalidAudience      code = "invalid_audience"
	authenticationFailed code = "authentication_failed"
)

// text returns the public text of a code. The cause goes to the log.
func (c code) text() string {
	switch c {
	case invalidKey:
		return "The signature or the key of the token is not acceptable."
	case invalidIssuer:
		return "The issuer of the token is not accepted here."
	case invalidAudience:
		return "The token is not meant for this receiver."
	case authenticationFailed:
		return "The credentials of the transmitter are missing or wrong."
	}
	return "The request or its token is malformed or not acceptable."
}

func httpError(status int, check, expected, got string) *refusal {
	return &refusal{status: status, reason: bearer.Invalid(check, expected, got)}
}

func invalidRequest(check, expected, got string) *refusal {
	return &refusal{http.StatusBadRequest, invalidRequestCode, bearer.Invalid(check, expected, got)}
}

// unavailable returns the refusal of an event about which nobody can tell: 503,
// so that the issuer sends it again.
func unavailable(check string, err error) *refusal {
	reason := bearer.Unavailable(err, 0)
	reason.Check = check
	return &refusal{status: http.StatusServiceUnavailable, reason: reason}
}

// refusalOf translates an error of the verifier. What is not a refusal of the
// token counts as an outage.
func refusalOf(err error) *refusal {
	reason, ok := errors.AsType[*bearer.Error](err)
	unknown := errors.Is(err, bearer.ErrUnrecognized)
	switch {
	case !ok && !unknown:
		return unavailable("verifier", err)
	case !ok:
		reason = bearer.Unrecognized("token", "a token that the verifier recognizes", "another")
	case !unknown && reason.Code != bearer.CodeInvalidToken:
		return &refusal{status: http.StatusServiceUnavailable, reason: reason}
	}
	refused := &refusal{http.StatusBadRequest, invalidRequestCode, reason}
	switch reason.Check {
	case "iss":
		refused.code = invalidIssuer
	case "kid", "signature":
		refused.code = invalidKey
	}
	return refused
}

// retryAfter is the Retry-After if nothing says how long an outage lasts.
const retryAfter = 5 * time.Second

// write answers the request. Only the answers of status 400 have a body: the
// specifications define no other.
func (f *refusal) write(w http.ResponseWriter, p protocol) {
	header := w.Header()
	header.Set("Cache-Control", "no-store") // Back-Channel Logout, Section 2.8
	switch f.status {
	case http.StatusMethodNotAllowed:
		header.Set("Allow", http.MethodPost)
	case http.StatusUnsupportedMediaType:
		header.Set("Accept-Post", "application/x-www-form-urlencoded, application/secevent+jwt")
	case http.StatusServiceUnavailable:
		wait := f.reason.RetryAfter
		if wait <= 0 {
			wait = retryAfter
		}
		header.Set("Retry-After", strconv.FormatInt(int64((wait+time.Second-1)/time.Second), 10))
	}
	if f.code == "" {
		w.WriteHeader(f.status)
		return
	}
	name, text := "error", "error_description" // Back-Channel Logout, Section 2.8
	if p == push {
		name, text = "err", "description" // RFC 8935, Section 2.3
	}
	header.Set("Content-Type", "application/json")
	header.Set("Content-Language", "en") // RFC 8935, Section 2.3
	w.WriteHeader(f.status)
	_, _ = w.Write([]byte(`{"` + name + `":"` + string(f.code) + `","` + text + `":"` + f.code.text() + `"}` + "\n"))
}

// writeSuccess answers 200 to a logout token and 202 to a push. Both have no body
// (Back-Channel Logout, Section 2.8; RFC 8935, Section 2.2).
func writeSuccess(w http.ResponseWriter, p protocol) {
	w.Header().Set("Cache-Control", "no-store")
	status := http.StatusOK
	if p == push {
		status = http.StatusAccepted
	}
	w.WriteHeader(status)
}
