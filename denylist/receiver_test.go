package denylist_test

import (
	"bytes"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/bearer/bearertest"
	"github.com/bearerkit/bearerkit/denylist"
	"github.com/bearerkit/bearerkit/jwks"
)

const (
	backChannelLogout = "http://schemas.openid.net/event/backchannel-logout"
	sessionRevoked    = "https://schemas.openid.net/secevent/caep/event-type/session-revoked"
	client            = "shop" // the aud of events
	audience          = "https://api.example.com"
)

type members = map[string]any

// site is a receiver with its issuer, list and log.
type site struct {
	*denylist.Receiver
	issuer   *bearertest.Issuer
	verifier *jwks.Verifier
	list     denylist.List
	log      *bytes.Buffer
}

// theIssuer signs the events of the tests. Its keys take a second to generate, so
// the tests share it.
var theIssuer *bearertest.Issuer

// TestMain starts theIssuer outside of the tests' bubbles, whose goroutines must
// end with them.
func TestMain(m *testing.M) {
	var err error
	if theIssuer, err = bearertest.NewIssuer(bearertest.IssuerConfig{InMemory: true}); err != nil {
		panic(err)
	}
	code := m.Run()
	theIssuer.Close()
	os.Exit(code)
}

// newSite returns a receiver whose configuration change may change. The verifier
// has the issuer's keys.
func newSite(t testing.TB, change func(*denylist.ReceiverConfig)) *site {
	t.Helper()
	issuer := theIssuer
	verifier, err := jwks.New(jwks.Config{Issuers: []jwks.Issuer{{
		URL: issuer.URL(), Audience: []string{audience}, Keys: jwks.KeysFromJWKS(issuer.KeySet()),
	}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(verifier.Close)
	s := &site{issuer: issuer, verifier: verifier, log: new(bytes.Buffer)}
	c := denylist.ReceiverConfig{
		Verifier: verifier, List: newMemory(t, denylist.MemoryConfig{}), Audience: []string{"other", client},
		MaxTokenLife: time.Hour, Logger: slog.New(slog.NewTextHandler(s.log, nil)),
	}
	if change != nil {
		change(&c)
	}
	s.list = c.List
	if s.Receiver, err = denylist.NewReceiver(c); err != nil {
		t.Fatal(err)
	}
	return s
}

// event returns a token of a type. Claims replaces its claims; nil removes one.
func (s *site) event(typ string, claims members) string {
	t := bearertest.Token{
		Audience: []string{client}, TTL: 2 * time.Minute,
		Header: members{"typ": typ}, Claims: members{"client_id": nil, "sub": nil},
	}
	maps.Copy(t.Claims, claims)
	return s.issuer.Mint(t)
}

// logoutToken returns a logout token without sub and sid.
func (s *site) logoutToken(claims members) string {
	all := members{"events": members{backChannelLogout: members{}}}
	maps.Copy(all, claims)
	return s.event("logout+jwt", all)
}

// securityEvent returns a security event token about a subject.
func (s *site) securityEvent(subject any, claims members) string {
	all := members{"events": members{sessionRevoked: members{}}, "sub_id": subject, "exp": nil}
	maps.Copy(all, claims)
	return s.event("secevent+jwt", all)
}

func (s *site) do(r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

func request(contentType, body string) *http.Request {
	r := httptest.NewRequest("POST", "/sign-out", strings.NewReader(body))
	r.Header.Set("Content-Type", contentType)
	return r
}

// post delivers a logout token, as an OpenID provider does.
func (s *site) post(token string) *httptest.ResponseRecorder {
	return s.do(request("application/x-www-form-urlencoded", url.Values{"logout_token": {token}}.Encode()))
}

// push delivers a security event token, as a transmitter does.
func (s *site) push(token string) *httptest.ResponseRecorder {
	return s.do(request("application/secevent+jwt", token))
}

// denied reports whether the list denies a token of the issuer.
func (s *site) denied(t testing.TB, p bearer.Principal) bool {
	t.Helper()
	if p.Issuer == "" {
		p.Issuer = s.issuer.URL()
	}
	denied, err := s.list.Denied(t.Context(), &p)
	if err != nil {
		t.Fatal(err)
	}
	return denied
}

// check compares an answer with a status, a body and the fields that every answer
// has.
func check(t testing.TB, name string, w *httptest.ResponseRecorder, status int, body string) {
	t.Helper()
	if w.Code != status || w.Body.String() != body || w.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("%s: %d %q, Cache-Control %q; want %d %q", name, w.Code, w.Body, w.Header().Get("Cache-Control"), status, body)
	}
	contentType, language := "", ""
	if body != "" {
		contentType, language = "application/json", "en"
	}
	if h := w.Header(); h.Get("Content-Type") != contentType || h.Get("Content-Language") != language || h.Get("Www-Authenticate") != "" {
		t.Errorf("%s: the fields are %v", name, h)
	}
	if retry := w.Header().Get("Retry-After"); (retry != "") != (status == http.StatusServiceUnavailable) {
		t.Errorf("%s: Retry-After is %q", name, retry)
	}
}

// logged returns the log since the last call, and fails if it has a token.
func (s *site) logged(t testing.TB, token string) string {
	t.Helper()
	text := s.log.String()
	s.log.Reset()
	for part := range strings.SplitSeq(token, ".") {
		if len(part) > 20 && strings.Contains(text, part) {
			t.Errorf("the log has a part of the token: %s", text)
		}
	}
	return text
}

func TestReceiverMistakes(t *testing.T) {
	_, err := denylist.NewReceiver(denylist.ReceiverConfig{
		Audience: []string{"", "a b", "{client}"}, MaxTokenLife: -1, IssuersWithoutSID: []string{""}, TransmitterToken: "a b",
	})
	for _, want := range []string{
		"ReceiverConfig.Verifier is nil; want ", "ReceiverConfig.List is nil; want ", `ReceiverConfig.Audience[0] "": is empty`,
		`ReceiverConfig.Audience[1] "a b": contains white space`, `ReceiverConfig.Audience[2] "{client}": contains the placeholder`,
		"ReceiverConfig.MaxTokenLife is -1ns; want ", "ReceiverConfig.IssuersWithoutSID has an empty value; want ",
		"ReceiverConfig.TransmitterToken has characters",
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v; want %q", err, want)
		}
	}
	if _, err := denylist.NewReceiver(denylist.ReceiverConfig{Verifier: (*jwks.Verifier)(nil)}); err == nil ||
		!strings.Contains(err.Error(), "Verifier is nil") || !strings.Contains(err.Error(), "Audience is empty") {
		t.Errorf("a nil pointer: %v", err)
	}
}
