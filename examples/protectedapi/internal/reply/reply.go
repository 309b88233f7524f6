// Package reply writes the API's JSON responses. The guard writes its refusals
// itself.
package reply

import (
	"encoding/json"
	"net/http"
	"strconv"
)

// JSON writes v with a status. A response to HEAD has the same header fields as
// one to GET; the server discards its body.
func JSON(w http.ResponseWriter, status int, v any) {
	body, err := json.Marshal(v)
	if err != nil { // never: the API's own types can be marshaled
		status, body = http.StatusInternalServerError, []byte(`{"status":500}`)
	}
	body = append(body, '\n')
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(body) // an error means that the client has gone
}

// failure is the body of a response to a request that failed.
type failure struct {
	Status      int    `json:"status"`
	Description string `json:"error_description"`
}

// Fail writes an error response with a description for the client's developer.
func Fail(w http.ResponseWriter, status int, description string) {
	JSON(w, status, failure{status, description})
}

// NotFound answers a request for an unknown path.
func NotFound(w http.ResponseWriter, _ *http.Request) {
	Fail(w, http.StatusNotFound, "There is no such path.")
}

// NotAllowed returns a handler for the methods that a path does not support. The
// response lists the supported ones (RFC 9110, Section 15.5.6).
func NotAllowed(allow string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Allow", allow)
		Fail(w, http.StatusMethodNotAllowed, "The path has no such method.")
	}
}
