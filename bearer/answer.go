package bearer

import (
	"net/http"
	"strconv"
	"time"

	"github.com/bearerkit/bearerkit/scope"
)

// answer is a refusal as the client receives it, except for its request_id.
type answer struct {
	status     int
	challenges []string // the field lines of WWW-Authenticate
	json       form     // application/json
	problem    form     // application/problem+json (RFC 9457)

	// For [Config.ErrorBody].
	code  Code
	text  string
	scope scope.Set
}

// saysRetryAfter reports whether the answer has a Retry-After field.
func (a *answer) saysRetryAfter() bool {
	return a.status == http.StatusServiceUnavailable || a.status == http.StatusTooManyRequests
}

// wholeSeconds returns a positive duration in seconds, rounded up.
func wholeSeconds(d time.Duration) int64 { return int64((d-1)/time.Second) + 1 }

// write sends the answer with a body in the form f.
func (a *answer) write(w http.ResponseWriter, r *http.Request, f *form, body []byte, retryAfter time.Duration) {
	h := w.Header()
	// Outer middleware may have set these fields for a body that is not sent.
	delete(h, "Etag")
	delete(h, "Last-Modified")
	// All values share one array. Each field's capacity ends at its own values,
	// so appending to one field cannot overwrite the next.
	values := make([]string, 0, 4+len(a.challenges))
	set := func(name string, value ...string) {
		from := len(values)
		values = append(values, value...)
		h[name] = values[from:len(values):len(values)]
	}
	set("Content-Type", f.mediaType)
	if h["Content-Encoding"] == nil {
		// If Content-Encoding is set, an outer writer compresses on the fly and
		// only that writer knows the length; see https://go.dev/issue/66343.
		length := f.length.text
		if len(body) != f.length.bytes {
			length = strconv.Itoa(len(body))
		}
		set("Content-Length", length)
	} else {
		delete(h, "Content-Length")
	}
	set("Cache-Control", "no-store")
	others := takeChallenges(h)
	switch {
	case len(a.challenges) == 0: // no other credentials would change the answer
	case len(others) == 0:
		set("Www-Authenticate", a.challenges...)
	default:
		set("Www-Authenticate", append(others, a.challenges...)...)
	}
	if a.saysRetryAfter() {
		set("Retry-After", strconv.FormatInt(wholeSeconds(retryAfter), 10))
	}
	w.WriteHeader(a.status)
	if r.Method == http.MethodHead { // RFC 9110, Section 9.3.2
		return
	}
	_, _ = w.Write(body) // an error means that the client has disconnected
}

// needsAround returns the scopes that rt and the routes around it need, so that
// a challenge names every scope that a client must request (RFC 6750, Section
// 3). It ignores routes that judged another token.
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
		return rt.answerTo(d.err, used) // these answers name no scopes
	}
	if needs := rt.needsAround(d.outer, d.credentials.token).Union(d.err.needs); needs != rt.needs {
		// Nearly all requests reach a route through the same outer routes, so
		// the last compiled answers are kept.
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
