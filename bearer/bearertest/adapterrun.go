package bearertest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/scope"
)

// adapterVerifier knows the tokens of the suite.
var adapterVerifier = bearer.VerifierFunc(func(ctx context.Context, token string) (*bearer.Principal, error) {
	if token == "outage" {
		return nil, bearer.Unavailable(errors.New("the issuer is down"), 7*time.Second)
	}
	return Principals{
		"alice": {Subject: "alice", ClientID: "app", Scopes: scope.Of("things:read")},
		"auth0": {Subject: "auth0|bob", ClientID: "app", Scopes: scope.Of("things:read")},
		"weak":  {Subject: "alice", ClientID: "app", Scopes: scope.Of("things:readall")},
	}.Verify(ctx, token)
})

// observed is what the policy and the handler of a mount see of a request.
type observed struct {
	runs            atomic.Int32           // of the handler
	policy, handler atomic.Pointer[string] // the value of the path parameter id
}

// mount returns the route of the case.
func (c adapterCase) mount(seen *observed) (Mount, error) {
	guard, err := bearer.New(bearer.Config{
		Verifiers: []bearer.Verifier{adapterVerifier},
		Sources:   c.sources,
		Realm:     "suite",
		RequestID: func(*http.Request) string { return "request-1" },
	})
	if err != nil {
		return Mount{}, err
	}
	m := Mount{
		Method: c.method, Path: "/things/{id}", Guard: guard, Rule: scope.All("things:read"),
		Requirements: []bearer.Requirement{bearer.RequirementFunc(func(r *http.Request, _ *bearer.Principal) error {
			id := r.PathValue("id")
			seen.policy.Store(&id)
			return nil
		})},
		ReadID: func(id string) { seen.handler.Store(&id) },
		Handler: func(w http.ResponseWriter, r *http.Request) {
			seen.runs.Add(1)
			p, known := bearer.FromContext(r.Context())
			w.Header().Set("Content-Type", "text/plain")
			_, _ = fmt.Fprintf(w, "%q %v %q %q", p.Subject, known, r.PathValue("id"), r.Header["Sec-Websocket-Protocol"])
		},
	}
	if c.route != nil {
		c.route(&m)
	}
	return m, nil
}

// check sends the request of the case to the guard behind net/http and to the
// adapter, and compares the two.
func (c adapterCase) check(mount func([]Mount) http.Handler) error {
	if c.method == "" {
		c.method = http.MethodGet
	}
	if c.target == "" {
		c.target = "/things/alice"
	}
	var seen observed
	m, err := c.mount(&seen)
	if err != nil {
		return err
	}
	reference := http.NewServeMux()
	route := m.Route()
	reference.HandleFunc(m.Method+" "+m.Path, func(w http.ResponseWriter, r *http.Request) {
		if r, ok := route.Admit(w, r); ok {
			m.Handler(w, r)
		}
	})
	want, wantOutcome, err := c.send(reference)
	if err != nil {
		return err
	}
	if (seen.runs.Swap(0) == 1) != c.admitted {
		return fmt.Errorf("the suite is wrong: the guard behind net/http answers %.60q", want)
	}
	seen.policy.Store(nil)
	got, gotOutcome, err := c.send(mount([]Mount{m}))
	if err != nil {
		return err
	}
	if n := seen.runs.Load(); (n == 1) != c.admitted || n > 1 {
		return fmt.Errorf("the handler ran %d times; want it to run: %v", n, c.admitted)
	}
	if p, h := seen.policy.Load(), seen.handler.Load(); p != nil && h != nil && *p != *h {
		return fmt.Errorf("the policy reads %q, and the handler %q", *p, *h)
	}
	if gotOutcome != wantOutcome {
		return fmt.Errorf("an outer handler that watches the request sees %s; want %s", gotOutcome, wantOutcome)
	}
	if got != want {
		return fmt.Errorf("the answer is\n%s\nwant\n%s", got, want)
	}
	return nil
}

// within wraps h in the outer handler of the case. After the call, that handler
// sends the outcome that it sees.
func (c adapterCase) within(h http.Handler, outcomes chan<- string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if c.preset != nil {
			w.Header()["Www-Authenticate"] = slices.Clone(c.preset)
		}
		ctx, outcome := bearer.WithOutcome(r.Context())
		defer func() {
			p, known := outcome.Principal()
			refusal, refused := outcome.Refusal()
			outcomes <- fmt.Sprintf("admitted %v, a principal %v %q, refused %v with %d %s, subprotocols %q",
				outcome.Admitted(), known, p.Subject, refused, refusal.Status, refusal.Code, r.Header["Sec-Websocket-Protocol"])
		}()
		h.ServeHTTP(w, r.WithContext(ctx))
	})
}

// send serves h on loopback and sends the request. It returns the whole answer and
// the outcome that an outer handler sees.
func (c adapterCase) send(h http.Handler) (answer, outcome string, err error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", "", err
	}
	watched := make(chan string, 1)
	server := &http.Server{Handler: c.within(h, watched), ReadHeaderTimeout: 10 * time.Second}
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = server.Serve(listener) // returns when the server is closed
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
