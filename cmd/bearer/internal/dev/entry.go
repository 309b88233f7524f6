package dev

import (
	"context"
	"net/http"
)

// Entry is what the log says about a request: no token, no code and no other value
// that the client sent.
type Entry struct {
	Method string `json:"method"`
	Path   string `json:"path"` // empty: no endpoint
	Status int    `json:"status"`
	Client string `json:"client,omitempty"` // the ID of a known client
	User   string `json:"user,omitempty"`
	Error  string `json:"error,omitempty"` // the error code of the answer
}

type entryKey struct{}

// note records the client of a request for the log.
func note(r *http.Request, c *Client) {
	if e, ok := r.Context().Value(entryKey{}).(*Entry); ok && c != nil {
		e.Client = c.ID
	}
}

func noteUser(r *http.Request, u *User) {
	if e, ok := r.Context().Value(entryKey{}).(*Entry); ok && u != nil {
		e.User = u.Name
	}
}

func noteError(r *http.Request, code string) {
	if e, ok := r.Context().Value(entryKey{}).(*Entry); ok {
		e.Error = code
	}
}

// logged calls log after each request to next. The mux knows the endpoints.
func logged(next http.Handler, mux *http.ServeMux, log func(Entry)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		e := &Entry{Method: r.Method}
		if _, pattern := mux.Handler(r); pattern != "" {
			e.Path = r.URL.Path
		}
		recorder := &statusRecorder{ResponseWriter: w}
		defer func() { // also if a fault resets the connection
			e.Status = recorder.status
			log(*e)
		}()
		next.ServeHTTP(recorder, r.WithContext(context.WithValue(r.Context(), entryKey{}, e)))
	})
}

// statusRecorder records the status of an answer: 0 if there is none.
type statusRecorder struct {
	http.ResponseWriter
	status int
}

func (s *statusRecorder) WriteHeader(status int) {
	if s.status == 0 {
		s.status = status
	}
	s.ResponseWriter.WriteHeader(status)
}

func (s *statusRecorder) Write(body []byte) (int, error) {
	if s.status == 0 {
		s.status = http.StatusOK
	}
	return s.ResponseWriter.Write(body)
}

// Unwrap lets a fault hijack the connection.
func (s *statusRecorder) Unwrap() http.ResponseWriter { return s.ResponseWriter }
