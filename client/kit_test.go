package client_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"golang.org/x/oauth2"

	"github.com/bearerkit/bearerkit/client"
)

// sourceFunc is a client.Source.
type sourceFunc func(ctx context.Context, want client.Want) (*oauth2.Token, error)

func (f sourceFunc) Token(ctx context.Context, want client.Want) (*oauth2.Token, error) {
	return f(ctx, want)
}

// counter is a source that returns token-1, token-2 and so on, and remembers what it
// was asked for.
type counter struct {
	mu    sync.Mutex
	wants []client.Want
	err   func(n int, want client.Want) error // nil: none
}

func (s *counter) Token(_ context.Context, want client.Want) (*oauth2.Token, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wants = append(s.wants, want)
	n := len(s.wants)
	if s.err != nil {
		if err := s.err(n, want); err != nil {
			return nil, err
		}
	}
	return &oauth2.Token{AccessToken: fmt.Sprintf("token-%d", n), TokenType: "bearer"}, nil
}

// asked returns what the source was asked for: the refused token, the scopes and
// whether to step up.
func (s *counter) asked() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []string
	for _, w := range s.wants {
		text := fmt.Sprintf("refused=%s scope=%q", w.Refused, w.Scope)
		if w.StepUp != nil {
			text += fmt.Sprintf(" step-up=%v/%v", w.StepUp.ACRValues, w.StepUp.MaxAge)
		}
		all = append(all, text)
	}
	return strings.Join(all, "; ")
}

// record is what an API saw of a request.
type record struct{ method, path, authorization, proof, body string }

// fakeAPI answers by a function, and records the requests.
type fakeAPI struct {
	answer func(n int, r *http.Request, w http.ResponseWriter) // n: from 1

	mu   sync.Mutex
	seen []record
}

func (a *fakeAPI) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	a.mu.Lock()
	a.seen = append(a.seen, record{r.Method, r.URL.Path, r.Header.Get("Authorization"), r.Header.Get("DPoP"), string(body)})
	n := len(a.seen)
	a.mu.Unlock()
	a.answer(n, r, w)
}

// RoundTrip answers without a network, as synctest bubbles need it.
func (a *fakeAPI) RoundTrip(r *http.Request) (*http.Response, error) {
	return inMemory(a).RoundTrip(r)
}

// tokens returns the Authorization fields of the requests.
func (a *fakeAPI) tokens() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	var all []string
	for _, r := range a.seen {
		all = append(all, strings.TrimPrefix(r.authorization, "Bearer "))
	}
	return strings.Join(all, " ")
}

type roundTripFunc func(*http.Request) (*http.Response, error)

func (f roundTripFunc) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// inMemory is a transport that calls a handler. Like a real one, it closes the body
// of the request, and fails when the request's context ends.
func inMemory(h http.Handler) http.RoundTripper {
	return roundTripFunc(func(r *http.Request) (*http.Response, error) {
		body := []byte(nil)
		if r.Body != nil {
			defer r.Body.Close()
			var err error
			if body, err = io.ReadAll(r.Body); err != nil {
				return nil, err
			}
		}
		if err := r.Context().Err(); err != nil {
			return nil, err
		}
		inner := httptest.NewRequestWithContext(r.Context(), r.Method, r.URL.String(), strings.NewReader(string(body)))
		inner.Header = r.Header.Clone()
		recorder := httptest.NewRecorder()
		h.ServeHTTP(recorder, inner)
		resp := recorder.Result()
		resp.Request = r
		return resp, nil
	})
}

// refuse answers with a challenge.
func refuse(w http.ResponseWriter, status int, challenges ...string) {
	for _, c := range challenges {
		w.Header().Add("WWW-Authenticate", c)
	}
	w.WriteHeader(status)
}

// newTransport returns a Transport for an API in memory at https://api.example.com.
func newTransport(t *testing.T, api http.RoundTripper, c client.Config) *client.Transport {
	t.Helper()
	c.Base = api
	if c.Resource == "" {
		c.Resource = "https://api.example.com"
	}
	transport, err := client.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return transport
}

// do sends a request and returns the status, or the client.Error.
func do(t *testing.T, transport http.RoundTripper, r *http.Request) (int, *client.Error) {
	t.Helper()
	resp, err := (&http.Client{Transport: transport}).Do(r)
	if err != nil {
		refused, ok := errors.AsType[*client.Error](err)
		if !ok {
			t.Fatalf("%T %v, want a *client.Error", err, err)
		}
		if strings.Contains(err.Error(), "token-") || strings.Contains(fmt.Sprintf("%#v", refused), "token-") {
			t.Errorf("the error has a token in it: %v", err)
		}
		return 0, refused
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	_ = resp.Body.Close()
	return resp.StatusCode, nil
}

func request(t *testing.T, method, url string, body io.Reader) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, body)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func get(t *testing.T, url string) *http.Request {
	t.Helper()
	return request(t, http.MethodGet, url, nil)
}

// closable is a body that can be read once and knows whether it was closed.
type closable struct {
	io.Reader
	closed *bool
}

func (c closable) Close() error { *c.closed = true; return nil }
