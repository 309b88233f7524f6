package bearermcp

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/bearerkit/bearerkit/bearer"
)

// fault is what keeps an admitted request from its handler.
type fault struct {
	status int
	text   string
}

var (
	errTooLarge   = &fault{http.StatusRequestEntityTooLarge, "The body is too large."}
	errUnreadable = &fault{http.StatusBadRequest, "The body must be one JSON-RPC message: a JSON object in valid UTF-8, without duplicate names, of at most " +
		strconv.Itoa(maxNames) + " names and " + strconv.Itoa(maxDepth) + " levels."}

	// errBusy is answered by the guard, as a requirement's "cannot tell".
	errBusy = &fault{status: http.StatusServiceUnavailable}
)

// busy refuses a request whose body there is no memory for at the moment.
var busy = bearer.RequirementFunc(func(*http.Request, *bearer.Principal) error {
	e := bearer.Unavailable(errors.New("bearermcp: the bodies of other requests take up the memory there is for them (Config.BodyMemory)"), time.Second)
	e.Check = "body"
	return e
})

// mayCall reports whether a request may be a call of a tool, which its body
// tells.
func (e *Endpoint) mayCall(r *http.Request) bool {
	return len(e.tools) > 0 && r.Method == http.MethodPost && r.Body != nil
}

// admitCall judges a request whose route its body tells: that of the tool which
// it calls, or that of the endpoint. Nothing is read for a request whose token is
// not good. If the request may pass, admitCall returns it with its body in
// memory, to be released when the request was served.
func (e *Endpoint) admitCall(w http.ResponseWriter, r *http.Request) (_ *http.Request, release func(), ok bool) {
	nothing := func() {}
	r, p, ok := e.route.Authenticate(w, r)
	if !ok {
		return nil, nothing, false
	}
	route := e.route
	read, fault := e.bodies.read(r, owner(p, r.Header.Get("Authorization")))
	switch fault {
	case nil:
		r.Body, r.ContentLength = read, int64(len(read.data))
		nothing = read.release
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
		return nil, nothing, false
	}
	if fault != nil {
		http.Error(w, fault.text, fault.status)
		return nil, nothing, false
	}
	return r, nothing, true
}

func bodyOf(data []byte) io.ReadCloser { return io.NopCloser(bytes.NewReader(data)) }
