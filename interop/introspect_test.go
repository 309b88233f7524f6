package interop_test

import (
	"bytes"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/introspect"
)

// newOpaqueAPI returns an API that introspects tokens.
func newOpaqueAPI(t *testing.T, c introspect.Config) *api {
	t.Helper()
	a := &api{events: make(map[string]bearer.Event)}
	c.Logger = a.logger()
	var err error
	if a.opaque, err = introspect.New(c); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.opaque.Close)
	a.serve(t, a.opaque)
	return a
}

// checkRequests checks how many requests the API has sent to the endpoint.
func (a *api) checkRequests(t *testing.T, want uint64) {
	t.Helper()
	if got := a.opaque.Stats().Requests; got != want {
		t.Errorf("%d requests to the endpoint; want %d", got, want)
	}
}

// revoke revokes a token (RFC 7009).
func (c oauthClient) revoke(t *testing.T, endpoint, token string) {
	t.Helper()
	form := url.Values{"token": {token}, "token_type_hint": {"access_token"}}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, endpoint, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.SetBasicAuth(url.QueryEscape(c.id), url.QueryEscape(c.secret))
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, _ := io.ReadAll(resp.Body); resp.StatusCode != http.StatusOK {
		t.Fatalf("the revocation endpoint answers %s %s", resp.Status, body)
	}
}

// refusesOurs requires 503 for a valid token, because the endpoint refuses the
// API's own credentials. The log must say so without revealing them.
func (a *api) refusesOurs(t *testing.T, token, secret string) {
	t.Helper()
	a.unavailable(t, token)
	log := a.logged()
	if !strings.Contains(log, "the endpoint rejects our credentials") {
		t.Errorf("the log does not say what to fix: %s", log)
	}
	if secret != "" && strings.Contains(log, secret) {
		t.Errorf("the log contains the secret: %s", log)
	}
}

// recorder records the body of the last response.
type recorder struct {
	mu   sync.Mutex
	body []byte
}

func (r *recorder) last() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return string(r.body)
}

func (r *recorder) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	if err != nil {
		return nil, err
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	r.mu.Lock()
	defer r.mu.Unlock()
	if req.Method == http.MethodPost {
		r.body = body
	}
	return resp, nil
}
