package dev_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/cmd/bearer/internal/dev"
	"github.com/bearerkit/bearerkit/jwks"
)

// running is a server.
type running struct {
	url       string
	server    *dev.Server
	transport http.RoundTripper // to it

	mu  sync.Mutex
	log []dev.Entry
}

// handler returns the handler of a configuration.
func (s *running) handler(t *testing.T, c dev.Config) http.Handler {
	t.Helper()
	c.URL = s.url
	c.Log = func(e dev.Entry) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.log = append(s.log, e)
	}
	server, err := dev.New(c)
	if err != nil {
		t.Fatal(err)
	}
	s.server = server
	return server
}

// direct calls a handler without a socket, for tests in a bubble of synctest.
type direct struct{ http.Handler }

func (d direct) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	r.RequestURI = r.URL.RequestURI()
	if r.Body == nil {
		r.Body = http.NoBody
	}
	d.ServeHTTP(w, r)
	return w.Result(), nil
}

// startInBubble returns a server without a socket.
func startInBubble(t *testing.T, c dev.Config) *running {
	t.Helper()
	s := &running{url: "http://127.0.0.1:9000"}
	s.transport = direct{s.handler(t, c)}
	return s
}

// start starts a server on a socket of loopback.
func start(t *testing.T, c dev.Config) *running {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &running{url: "http://" + listener.Addr().String(), transport: http.DefaultTransport}
	handler := s.handler(t, c)
	server := &http.Server{Handler: handler, ReadHeaderTimeout: time.Minute}
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = server.Serve(listener)
	}()
	t.Cleanup(func() {
		_ = server.Close()
		<-served
	})
	return s
}

func (s *running) client() *http.Client { return &http.Client{Transport: s.transport} }

// entries returns what was logged.
func (s *running) entries() []dev.Entry {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]dev.Entry(nil), s.log...)
}

// answer is an answer in JSON.
type answer struct {
	status int
	header http.Header
	body   map[string]any
	text   string
}

func (a answer) get(name string) string {
	text, _ := a.body[name].(string)
	return text
}

// do sends a request.
func do(t *testing.T, client *http.Client, r *http.Request) answer {
	t.Helper()
	resp, err := client.Do(r.WithContext(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	a := answer{status: resp.StatusCode, header: resp.Header, text: string(body)}
	_ = json.Unmarshal(body, &a.body)
	return a
}

func newRequest(t *testing.T, method, url, body string, header ...string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for n := 0; n < len(header); n += 2 {
		r.Header.Add(header[n], header[n+1])
	}
	return r
}

const formType = "application/x-www-form-urlencoded"

// values makes a form of names and values.
func values(pairs ...string) url.Values {
	form := url.Values{}
	for n := 0; n < len(pairs); n += 2 {
		form.Add(pairs[n], pairs[n+1])
	}
	return form
}

// post posts a form to a path, with more header fields.
func (s *running) post(t *testing.T, path string, form url.Values, header ...string) answer {
	t.Helper()
	return do(t, s.client(), newRequest(t, http.MethodPost, s.url+path, form.Encode(), append([]string{"Content-Type", formType}, header...)...))
}

func (s *running) get(t *testing.T, path string, header ...string) answer {
	t.Helper()
	return do(t, s.client(), newRequest(t, http.MethodGet, s.url+path, "", header...))
}

// refusedWith checks an error answer of RFC 6749, Section 5.2.
func refusedWith(t *testing.T, a answer, status int, code string) {
	t.Helper()
	if a.status != status || a.get("error") != code || a.get("error_description") == "" {
		t.Errorf("%d %s; want %d %s", a.status, a.text, status, code)
	}
}

func basic(id, secret string) []string {
	return []string{"Authorization", "Basic " + base64.StdEncoding.EncodeToString([]byte(url.QueryEscape(id)+":"+url.QueryEscape(secret)))}
}

const (
	callback = "http://127.0.0.1:7/callback"
	verifier = "a-verifier-of-more-than-43-characters-0123456789"
)

// browser is a user's browser. It stops at redirects to a client.
type browser struct {
	server *running
	client *http.Client
}

func (s *running) browser(t *testing.T) *browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &browser{s, &http.Client{Transport: s.transport, Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

func (b *browser) open(t *testing.T, path string) answer {
	t.Helper()
	return do(t, b.client, newRequest(t, http.MethodGet, b.server.url+path, ""))
}

var (
	actionOf = regexp.MustCompile(`<form method="post" action="([^"]*)"`)
	secretOf = regexp.MustCompile(`<input type="hidden" name="form" value="([^"]*)"`)
)

// submit posts the form of a page with more fields.
func (b *browser) submit(t *testing.T, page answer, more url.Values) answer {
	t.Helper()
	action, secret := actionOf.FindStringSubmatch(page.text), secretOf.FindStringSubmatch(page.text)
	if action == nil || secret == nil {
		t.Fatalf("no form in %d %s", page.status, page.text)
	}
	more.Set("form", secret[1])
	return do(t, b.client, newRequest(t, http.MethodPost, b.server.url+action[1], more.Encode(),
		"Content-Type", formType, "Origin", b.server.url, "Sec-Fetch-Site", "same-origin"))
}

// back returns the parameters with which a browser is sent to a client.
func (a answer) back(t *testing.T, uri string) url.Values {
	t.Helper()
	target := a.header.Get("Location")
	if a.status != http.StatusSeeOther || !strings.HasPrefix(target, uri) {
		t.Fatalf("%d to %q; want 303 to %s: %s", a.status, target, uri, a.text)
	}
	u, err := url.Parse(target)
	if err != nil {
		t.Fatal(err)
	}
	return u.Query()
}

// request returns an authorization request of the client app with more parameters;
// an empty value removes one.
func authorization(more ...string) string {
	form := values("client_id", "app", "redirect_uri", callback, "response_type", "code", "state", "s1", "scope", "openid orders:read",
		"code_challenge_method", "S256", "code_challenge", challenge(verifier))
	for n := 0; n < len(more); n += 2 {
		form.Set(more[n], more[n+1])
		if more[n+1] == "" {
			form.Del(more[n])
		}
	}
	return "/authorize?" + form.Encode()
}

// signIn goes through the login page, and returns the code.
func (b *browser) signIn(t *testing.T, path, user string) string {
	t.Helper()
	back := b.submit(t, b.open(t, path), values("user", user)).back(t, callback)
	if back.Get("code") == "" {
		t.Fatalf("no code in %v", back)
	}
	return back.Get("code")
}

// redeem redeems a code of the client app.
func (s *running) redeem(t *testing.T, code string, more ...string) answer {
	t.Helper()
	form := values("grant_type", "authorization_code", "client_id", "app", "code", code, "redirect_uri", callback, "code_verifier", verifier)
	for n := 0; n < len(more); n += 2 {
		form.Set(more[n], more[n+1])
	}
	return s.post(t, "/token", form)
}

// claims returns the claims of a JWT.
func claimsOf(t *testing.T, token string) (claims map[string]any) {
	t.Helper()
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		t.Fatalf("%d segments, want a JWT", len(parts))
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err == nil {
		err = json.Unmarshal(payload, &claims)
	}
	if err != nil {
		t.Fatal(err)
	}
	return claims
}

// verify verifies a token as an API does, with keys from the server.
func verify(t *testing.T, issuer jwks.Issuer, token string) (*bearer.Principal, error) {
	t.Helper()
	v, err := jwks.New(jwks.Config{Issuers: []jwks.Issuer{issuer}})
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	return v.Verify(ctx, token)
}

func api(issuer string) jwks.Issuer {
	return jwks.Issuer{URL: issuer, Audience: []string{"https://api.example.com"}}
}

// serve returns the status of a handler's answer.
func serve(h http.Handler, r *http.Request) int {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Code
}

func marshal(t *testing.T, v any) []byte {
	t.Helper()
	document, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return document
}
