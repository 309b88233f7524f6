package bearertest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/scope"
)

// Mount is one route that an adapter's test mounts on its framework.
type Mount struct {
	// Method and Path are those of the route. The path may have parameters,
	// in the syntax of http.ServeMux: /things/{id}.
	Method, Path string

	// Guard, Rule and Requirements are what the adapter's Require, or
	// Optional if that is set, is called with.
	Guard        *bearer.Guard
	Rule         scope.Rule
	Requirements []bearer.Requirement
	Optional     bool

	// Handler is what is protected. It must be given the request that the
	// framework has after the adapter's middleware.
	Handler http.HandlerFunc

	// ReadID must be called before Handler with what the framework's own API
	// gives the handler for the path parameter id, where there is one beside
	// r.PathValue: a policy must have read the same value.
	ReadID func(value string)
}

// Route compiles what the mount needs.
func (m Mount) Route() *bearer.Route {
	return m.Guard.MustRoute(bearer.RouteConfig{Rule: m.Rule, Requirements: m.Requirements, Optional: m.Optional})
}

// CheckAdapter checks an adapter of a framework: mount must return a handler
// that serves the given routes through the adapter's middleware. It is served
// on loopback, and its answers are compared with those of the guard itself
// behind net/http, byte for byte. The error joins all that went wrong, each
// with the rule that was broken.
func CheckAdapter(mount func([]Mount) http.Handler) error {
	var errs []error
	for _, c := range adapterCases() {
		if err := c.check(mount); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w (%s)", c.name, err, c.rule))
		}
	}
	return errors.Join(errs...)
}

// within returns h within the outer handler of the case, which sends what it sees
// after the call.
func (c adapterCase) within(h http.Handler, seen chan<- string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if c.preset != nil {
			w.Header()["Www-Authenticate"] = slices.Clone(c.preset)
		}
		ctx, outcome := bearer.Watch(r.Context())
		defer func() {
			p, known := outcome.Principal()
			refusal, refused := outcome.Refusal()
			seen <- fmt.Sprintf("admitted %v, a principal %v %q, refused %v with %d %s",
				outcome.Admitted(), known, p.Subject, refused, refusal.Status, refusal.Code)
		}()
		h.ServeHTTP(w, r.WithContext(ctx))
	})
}

// send serves h on loopback, sends the request and returns the whole answer, and
// what a handler outside sees.
func (c adapterCase) send(h http.Handler) (answer, seen string, err error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", "", err
	}
	watched := make(chan string, 1)
	server := &http.Server{Handler: c.within(h, watched), ReadHeaderTimeout: 10 * time.Second}
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = server.Serve(listener) // it ends when the server is closed
	}()
	defer func() {
		_ = server.Close()
		<-served
	}()
	target, err := url.Parse("http://" + listener.Addr().String() + c.target)
	if err != nil {
		return "", "", err
	}
	header := c.header.Clone()
	if header == nil {
		header = http.Header{}
	}
	transport := &http.Transport{DisableKeepAlives: true}
	response, err := transport.RoundTrip(&http.Request{Method: c.method, URL: target, Header: header})
	if err != nil {
		return "", "", err
	}
	body, err := io.ReadAll(response.Body)
	if err = errors.Join(err, response.Body.Close()); err != nil {
		return "", "", err
	}
	var lines []string
	for name, values := range response.Header {
		if name != "Date" {
			lines = append(lines, name+": "+strings.Join(values, " | "))
		}
	}
	slices.Sort(lines)
	return fmt.Sprintf("%s\n%s\n\n%s", response.Status, strings.Join(lines, "\n"), bytes.TrimSpace(body)), <-watched, nil
}
