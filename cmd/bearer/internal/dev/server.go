package dev

import (
	"net/http"
	"net/url"
	"slices"

	"github.com/bearerkit/bearerkit/bearer/bearertest"
)

// Server is a development authorization server, an http.Handler. Create one with
// [New]. It starts no goroutine that outlives a request. It is safe for concurrent
// use.
type Server struct {
	config  Config
	issuers []*issuer
	handler http.Handler
	origin  *http.CrossOriginProtection
}

// New returns a server. It reports all mistakes in the configuration at once.
func New(c Config) (*Server, error) {
	c = c.withDefaults()
	if err := c.check(); err != nil {
		return nil, err
	}
	s := &Server{config: c, origin: http.NewCrossOriginProtection()}
	mux := http.NewServeMux()
	for _, config := range c.Issuers {
		i, err := newIssuer(s, config)
		if err != nil {
			return nil, err
		}
		s.issuers = append(s.issuers, i)
		handlers, err := i.handlers()
		if err != nil {
			return nil, err
		}
		for path, handler := range handlers {
			mux.Handle(path, handler)
		}
	}
	mux.Handle(TriggerPath, s.trigger())
	mux.HandleFunc("GET /{$}", s.overview)
	s.handler = bearertest.LocalOnly(mux)
	if c.Log != nil {
		s.handler = logged(s.handler, mux, c.Log)
	}
	return s, nil
}

// ServeHTTP serves all issuers.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

// user returns a user by name, or nil.
func (s *Server) user(name string) *User {
	at := slices.IndexFunc(s.config.Users, func(u User) bool { return u.Name == name })
	if at < 0 {
		return nil
	}
	return &s.config.Users[at]
}

// withQuery returns a URI with more parameters.
func withQuery(uri string, more url.Values) string {
	u, err := url.Parse(uri)
	if err != nil {
		return uri
	}
	if u.RawQuery != "" {
		u.RawQuery += "&"
	}
	u.RawQuery += more.Encode()
	return u.String()
}
