package bearermcp

import (
	"bytes"
	"errors"
	"io"
	"net/http"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/bearerkit/bearerkit/bearer"
)

// fault is what keeps an admitted request from its handler.
type fault struct {
	status int
	text   string
}

var (
	errTooLarge   = &fault{http.StatusRequestEntityTooLarge, "The body is too large."}
	errUnreadable = &fault{http.StatusBadRequest, "The body must be one JSON-RPC message: a JSON object in valid UTF-8, without duplicate names."}
)

// routeFor returns the route that a request takes: that of the tool which it
// calls, or that of the endpoint. A fault is for a request that is let in.
//
// The route must be known before the request is judged, and not only then: a
// DPoP proof is good for one judgement.
func (e *Endpoint) routeFor(r *http.Request) (*bearer.Route, *fault) {
	if len(e.tools) == 0 || r.Method != http.MethodPost || r.Body == nil || len(r.Header["Authorization"]) == 0 {
		return e.route, nil
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, e.maxBody+1))
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge || int64(len(body)) > e.maxBody {
		return e.route, errTooLarge
	}
	if err != nil {
		return e.route, errUnreadable
	}
	_ = r.Body.Close() // it was read to its end
	r.Body = bodyOf(body)
	name, err := toolCalled(body)
	if err != nil {
		return e.route, errUnreadable
	}
	if route, ok := e.tools[name]; ok {
		return route, nil
	}
	return e.route, nil
}

// toolCalled returns the name of the tool that a JSON-RPC message calls, or the
// empty string if it calls none. Whoever else reads the message must read the
// same in it, so it is read strictly: case-sensitive, without duplicate names,
// with nothing behind it.
func toolCalled(message []byte) (string, error) {
	var request struct {
		Method string         `json:"method"`
		Params jsontext.Value `json:"params"`
	}
	if err := json.Unmarshal(message, &request); err != nil || request.Method != "tools/call" {
		return "", err
	}
	var params struct {
		Name string `json:"name"`
	}
	err := json.Unmarshal(request.Params, &params)
	return params.Name, err
}

func bodyOf(data []byte) io.ReadCloser { return io.NopCloser(bytes.NewReader(data)) }
