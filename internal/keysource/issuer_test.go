package keysource_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bearerkit/bearerkit/internal/fetch"
	"github.com/bearerkit/bearerkit/internal/jose"
	"github.com/bearerkit/bearerkit/internal/keysource"
)

const (
	issuerURL   = "https://login.example.com"
	metadataURL = issuerURL + "/.well-known/oauth-authorization-server"
	jwksURL     = issuerURL + "/keys"
)

// issuer is an authorization server in memory, without sockets, for synctest
// bubbles.
type issuer struct {
	mu sync.Mutex
	// answers holds the responses by URL. Any other URL is 404.
	answers map[string]answer
	counts  map[string]int
	// delay passes before each response.
	delay time.Duration
}

// answer is one response. The zero answer hangs until the request's context
// ends.
type answer struct {
	status int
	body   string
	header http.Header
	err    error
}

var hang = answer{}

func newIssuer(kids ...string) *issuer {
	is := &issuer{answers: map[string]answer{}, counts: map[string]int{}, delay: 50 * time.Millisecond}
	is.set(metadataURL, answer{status: 200, body: fmt.Sprintf(`{"issuer":%q,"jwks_uri":%q}`, issuerURL, jwksURL)})
	is.publish(kids...)
	return is
}

func (is *issuer) set(url string, a answer) {
	is.mu.Lock()
	defer is.mu.Unlock()
	is.answers[url] = a
}

// publish serves a key set of Ed25519 keys with these IDs.
func (is *issuer) publish(kids ...string) { is.set(jwksURL, answer{status: 200, body: jwks(kids...)}) }

// all serves a at both URLs.
func (is *issuer) all(a answer) {
	is.set(metadataURL, a)
	is.set(jwksURL, a)
}

func (is *issuer) count(url string) int {
	is.mu.Lock()
	defer is.mu.Unlock()
	return is.counts[url]
}

func (is *issuer) RoundTrip(r *http.Request) (*http.Response, error) {
	is.mu.Lock()
	url := r.URL.String()
	is.counts[url]++
	delay := is.delay
	is.mu.Unlock()

	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
	is.mu.Lock()
	a, ok := is.answers[url]
	is.mu.Unlock()
	switch {
	case !ok:
		a = answer{status: 404}
	case a.err != nil:
		return nil, a.err
	case a.status == 0:
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	header := a.header
	if header == nil {
		header = http.Header{}
	}
	return &http.Response{
		StatusCode: a.status, Header: header, Request: r,
		ContentLength: int64(len(a.body)), Body: io.NopCloser(strings.NewReader(a.body)),
	}, nil
}

// source returns a source of the issuer's keys, which is closed when the test
// ends.
func (is *issuer) source(t *testing.T, change ...func(*keysource.Config)) *keysource.Source {
	t.Helper()
	config := keysource.Config{
		Issuer:        issuerURL,
		Client:        fetch.New(&http.Client{Transport: is}, false),
		RefreshBudget: 10 * time.Second,
		MaxStale:      24 * time.Hour,
		Logger:        slog.New(slog.DiscardHandler),
	}
	for _, change := range change {
		change(&config)
	}
	s := keysource.New(config)
	t.Cleanup(s.Close)
	return s
}

// warm returns a source that has fetched the keys.
func (is *issuer) warm(t *testing.T, change ...func(*keysource.Config)) *keysource.Source {
	t.Helper()
	s := is.source(t, change...)
	elapse(3 * time.Second)
	synctest.Wait()
	if err := s.Ready(); err != nil {
		t.Fatalf("after 3 s: Ready() = %v, want nil", err)
	}
	return s
}

// publicKey returns a key that depends only on the name.
func publicKey(name string) ed25519.PublicKey {
	seed := sha256.Sum256([]byte(name))
	return ed25519.NewKeyFromSeed(seed[:]).Public().(ed25519.PublicKey)
}

func jwk(kid string) string { return jwkAs(kid, kid) }

func jwkAs(name, kid string) string {
	b, err := jose.MarshalKey(publicKey(name), kid, jose.EdDSA)
	if err != nil {
		panic(err)
	}
	return string(b)
}

func jwks(kids ...string) string {
	keys := make([]string, len(kids))
	for i, kid := range kids {
		keys[i] = jwk(kid)
	}
	return `{"keys":[` + strings.Join(keys, ",") + `]}`
}

// nameless is the query of a token without a key ID.
var nameless = keysource.Query{Algorithm: jose.EdDSA}

// named is the query of a token with a key ID and no iat.
func named(kid string) keysource.Query {
	return keysource.Query{KeyID: kid, HasKeyID: true, Algorithm: jose.EdDSA}
}

func lookup(s *keysource.Source, kid string) error {
	_, err := s.Lookup(context.Background(), named(kid))
	return err
}

// timed is lookup with its duration.
func timed(s *keysource.Source, kid string) (time.Duration, error) {
	start := time.Now()
	err := lookup(s, kid)
	return time.Since(start), err
}

func isUnavailable(err error) bool {
	var unavailable *keysource.UnavailableError
	return errors.As(err, &unavailable)
}

func wantFound(t *testing.T, s *keysource.Source, kid string) {
	t.Helper()
	took, err := timed(s, kid)
	if err != nil || took != 0 {
		t.Errorf("Lookup(%q): %v after %v, want a key at once", kid, err, took)
	}
}

func wantUnknown(t *testing.T, s *keysource.Source, kid string) {
	t.Helper()
	if err := lookup(s, kid); err != keysource.ErrUnknownKey {
		t.Errorf("Lookup(%q): %v, want ErrUnknownKey", kid, err)
	}
}

func wantUnavailable(t *testing.T, s *keysource.Source, kid string) {
	t.Helper()
	if err := lookup(s, kid); !isUnavailable(err) {
		t.Errorf("Lookup(%q): %v, want an UnavailableError", kid, err)
	}
}

func wantCount(t *testing.T, is *issuer, url string, want int) {
	t.Helper()
	if got := is.count(url); got != want {
		t.Errorf("requests of %s: %d, want %d", url, got, want)
	}
}

// herd runs n concurrent lookups and returns their errors.
func herd(ctx context.Context, s *keysource.Source, n int, kid func(i int) string) []error {
	errs := make([]error, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			_, errs[i] = s.Lookup(ctx, named(kid(i)))
		})
	}
	wg.Wait()
	return errs
}

func always(kid string) func(int) string { return func(int) string { return kid } }

// logged is a log that a test can read.
type logged struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *logged) count(s string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.buf.String(), s)
}

func (l *logged) logger() *slog.Logger { return slog.New(slog.NewTextHandler(l, nil)) }

// elapse lets time pass in a bubble.
func elapse(d time.Duration) { <-time.After(d) }
