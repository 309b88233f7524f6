package bearer

import (
	"net/http"
	"strconv"
	"time"

	"github.com/bearerkit/bearerkit/scope"
)

// answer is a refusal as it goes to the client, but for its request_id.
type answer struct {
	status     int
	challenges []string // the field lines of WWW-Authenticate
	json       form
	problem    form // the same as application/problem+json (RFC 9457)
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
