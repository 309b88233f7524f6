package bearermcp

import (
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/bearerkit/bearerkit/bearer"
)

// fault is the answer to a request whose body cannot be used.
type fault struct {
	status int
	text   string
}

var (
	errTooLarge   = &fault{http.StatusRequestEntityTooLarge, "The body is too large."}
	errUnreadable = &fault{http.StatusBadRequest, "The body must be one JSON-RPC message: a JSON object in valid UTF-8, without duplicate names, of at most " +
		strconv.Itoa(maxNames) + " names and " + strconv.Itoa(maxDepth) + " levels."}

	// errBusy has no text: the guard answers, through the requirement busy.
	errBusy = &fault{status: http.StatusServiceUnavailable}
)

// busy refuses a request while there is no memory for its body.
var busy = bearer.RequirementFunc(func(*http.Request, *bearer.Principal) error {
	e := bearer.Unavailable(errors.New("bearermcp: the bodies of other requests use all of Config.BodyMemory"), time.Second)
	e.Check = "body"
	return e
})

// mayCall reports whether a request may call a tool, so that its body matters.
func (e *Endpoint) mayCall(r *http.Request) bool {
	return len(e.tools) > 0 && r.Method == http.MethodPost && r.Body != nil
}

// admitCall judges a request by the route of the tool that its body calls, or by
// the route of the endpoint. It reads nothing if the token is not valid. An
// admitted request has its body in memory; call release when the request has
// been served.
func (e *Endpoint) admitCall(w http.ResponseWriter, r *http.Request) (_ *http.Request, release func(), ok bool) {
	release = func() {}
	r, p, ok := e.route.Authenticate(w, r)
	if !ok {
		return nil, release, false
	}
	route := e.route
	read, fault := e.bodies.read(r, owner(p, r.Header.Get("Authorization")))
	switch fault {
	case nil:
		r.Body, r.ContentLength = read, int64(len(read.data))
		release = read.release
		name, err := toolCalled(read.data)
		if err != nil {
			fault = errUnreadable
		} else if tool, ok := e.tools[name]; ok {
			route = tool
		}
	case errBusy:
		route = e.busy
	}
	if r, ok = route.Admit(w, r); !ok {
		return nil, release, false
	}
	if fault != nil {
		http.Error(w, fault.text, fault.status)
		return nil, release, false
	}
	return r, release, true
}
