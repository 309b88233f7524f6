package client_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/client"
	"github.com/bearerkit/bearerkit/scope"
)

const accessTokenType = "urn:ietf:params:oauth:token-type:access_token"

// exchanged answers with token-1, token-2 and so on.
func exchanged(tokenType string, seconds int) func(int, url.Values) (int, string) {
	return func(n int, form url.Values) (int, string) {
		return 200, fmt.Sprintf(`{"access_token":"token-%d","issued_token_type":%q,"token_type":%q,"expires_in":%d,"scope":%q}`, n, accessTokenType, tokenType, seconds, form.Get("scope"))
	}
}

// newExchange returns an Exchange at a token endpoint in memory.
func newExchange(t testing.TB, s *server, c client.ExchangeConfig) *client.Exchange {
	t.Helper()
	key, params := c.Endpoint.Key, c.Endpoint.Params
	c.Endpoint = s.endpoint()
	c.Endpoint.Key, c.Endpoint.Params, c.Endpoint.Issuer = key, params, "https://login.example.com"
	source, err := client.NewExchange(c)
	if err != nil {
		t.Fatal(err)
	}
	return source
}

var alice = bearer.Principal{Issuer: "https://login.example.com", Subject: "alice"}.WithAudience(ordersAPI)

// RFC 8693, Section 2.1: what is sent.
func TestExchangeForm(t *testing.T) {
	const common = "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange&requested_token_type=urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Aaccess_token"
	const subject = "&subject_token=inbound&subject_token_type=urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Aaccess_token"
	for _, tt := range []struct {
		name   string
		config client.ExchangeConfig
		want   client.Want
		form   string
	}{
		{"the least", client.ExchangeConfig{OmitResource: true}, client.Want{Resource: stockAPI}, common + subject},
		{"no resource", client.ExchangeConfig{}, client.Want{}, common + subject},
		{"parameters of a server", client.ExchangeConfig{Endpoint: client.Endpoint{Params: url.Values{"audience": {"p"}, "subject_token": {"x"}, "scope": {"admin"}}}, Scope: scope.Of("y")}, client.Want{}, "audience=p&" + common + "&scope=y" + subject},
		{"the resource", client.ExchangeConfig{}, client.Want{Resource: stockAPI}, common + "&resource=https%3A%2F%2Fstock.example.com" + subject},
		{"another resource", client.ExchangeConfig{Resource: "urn:stock"}, client.Want{Resource: stockAPI}, common + "&resource=urn%3Astock" + subject},
		{"audiences", client.ExchangeConfig{OmitResource: true, Audience: []string{"a", "b"}}, client.Want{}, "audience=a&audience=b&" + common + subject},
		{"the union of the scopes", client.ExchangeConfig{OmitResource: true, Scope: scope.Of("x")}, client.Want{Scope: scope.Of("y")}, common + "&scope=x+y" + subject},
		{"an actor", client.ExchangeConfig{OmitResource: true, Actor: client.FromTokenSource(oauth2.StaticTokenSource(&oauth2.Token{AccessToken: "service"}))}, client.Want{},
			"actor_token=service&actor_token_type=urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Aaccess_token&" + common + subject},
	} {
		s := &server{answer: exchanged("Bearer", 60)}
		token, err := newExchange(t, s, tt.config).Token(admit(t, alice, "inbound"), tt.want)
		if err != nil || token.AccessToken != "token-1" {
			t.Fatalf("%s: %v, %v", tt.name, token, err)
		}
		if got := s.forms[0].Encode(); got != tt.form {
			t.Errorf("%s: %s\nwant %s", tt.name, got, tt.form)
		}
		if id, secret, _ := (&http.Request{Header: s.header[0]}).BasicAuth(); id != "app" || secret != "s3cret" {
			t.Errorf("%s: client %q", tt.name, id)
		}
	}
}

// A token goes only to a server that its issuer's tokens may be sent to.
func TestExchangeIssuer(t *testing.T) {
	for _, tt := range []struct {
		issuer, allowed string
		ok              bool
	}{
		{"https://login.example.com", "", true},
		{"https://partner.example.com", "https://partner.example.com", true},
		{"https://login.example.com", "https://partner.example.com", false},
		{"https://partner.example.com", "", false},
		{"https://login.example.com/", "", false},
		{"", "", false},
	} {
		s := &server{answer: exchanged("Bearer", 60)}
		c := client.ExchangeConfig{}
		if tt.allowed != "" {
			c.Issuers = []string{tt.allowed}
		}
		p := alice
		p.Issuer = tt.issuer
		_, err := newExchange(t, s, c).Token(admit(t, p, "inbound"), client.Want{})
		if (err == nil) != tt.ok || (len(s.forms) == 1) != tt.ok || err != nil && !strings.Contains(err.Error(), "(ExchangeConfig.Issuers)") {
			t.Errorf("%+v: %v, %d requests", tt, err, len(s.forms))
		}
	}
}

// RFC 8693, Sections 2.2.1 and 2.2.2: the answers, and what they mean for the person.
func TestExchangeAnswers(t *testing.T) {
	refusal := func(code string) string { return fmt.Sprintf(`{"error":%q,"error_description":"why"}`, code) }
	for _, tt := range []struct {
		status int
		body   string
		remedy client.Remedy
		code   string // of the ExchangeError; "-": none
		text   string
	}{
		{200, `{"access_token":"t","token_type":"Bearer"}`, client.FixRequest, "-", "no issued_token_type"},
		{200, `{"access_token":"t","token_type":"Bearer","issued_token_type":"urn:ietf:params:oauth:token-type:refresh_token"}`, client.FixRequest, "-", "refresh_token"},
		{200, `{"access_token":"t","token_type":"Bearer","issued_token_type":"urn:ietf:params:oauth:token-type:id_token"}`, client.FixRequest, "-", "id_token"},
		{200, `{"access_token":"t","token_type":"Bearer","issued_token_type":["urn:ietf:params:oauth:token-type:access_token"]}`, client.FixRequest, "-", "no issued_token_type"},
		{200, `{"access_token":"t","token_type":"N_A","issued_token_type":"` + accessTokenType + `"}`, client.FixRequest, "-", `"N_A"`},
		{200, `{"access_token":"t","token_type":"DPoP","issued_token_type":"` + accessTokenType + `"}`, client.FixRequest, "-", `"DPoP"`},
		{200, `{"access_token":"t\r\nX: y","token_type":"Bearer","issued_token_type":"` + accessTokenType + `"}`, client.FixRequest, "-", "characters"},
		{200, `<html>s3cret</html>`, client.FixRequest, "-", "not a token response"},
		{200, `{"access_token":"` + strings.Repeat("t", 10<<20), client.FixRequest, "-", "too large"},
		{302, ``, client.FixRequest, "", "302"},
		{400, refusal("invalid_request"), client.SignIn, "invalid_request", "refuses the token"},
		{401, refusal("invalid_token"), client.SignIn, "invalid_token", "refuses the token"},
		{400, refusal("invalid_grant"), client.SignIn, "invalid_grant", ""},
		{400, refusal("invalid_target"), client.FixRequest, "invalid_target", "ExchangeConfig.Resource and Audience"},
		{400, refusal("invalid_scope"), client.AskForScope, "invalid_scope", ""},
		{403, refusal("access_denied"), client.AskForScope, "access_denied", ""},
		{401, refusal("invalid_client"), client.FixRequest, "invalid_client", ""},
		{400, refusal("unauthorized_client"), client.FixRequest, "unauthorized_client", "may not exchange"},
		{400, refusal("unsupported_grant_type"), client.FixRequest, "unsupported_grant_type", "may not exchange"},
		{400, `{"error":"in\u0007valid","error_description":"why"}`, client.FixRequest, "in?valid", ""},
		{404, `not found`, client.FixRequest, "", "404"},
		{429, ``, client.Unavailable, "", "429"},
		{500, refusal("invalid_grant"), client.Unavailable, "", "500"},
		{503, ``, client.Unavailable, "", "503"},
	} {
		s := &server{answer: func(int, url.Values) (int, string) { return tt.status, tt.body }}
		api := &fakeAPI{}
		transport := newTransport(t, api, client.Config{Tokens: newExchange(t, s, client.ExchangeConfig{}), Resource: stockAPI})
		_, err := transport.RoundTrip(get(t, stockAPI).WithContext(admit(t, alice, "inbound")))
		e := asError(t, err)
		if e.Remedy != tt.remedy || !strings.Contains(e.Error(), tt.text) || len(api.seen) > 0 || strings.Contains(e.Error(), "s3cret") || strings.Contains(e.Error(), "inbound") {
			t.Errorf("%d %.80s: %v, want %s, %q", tt.status, tt.body, e, tt.remedy, tt.text)
			continue
		}
		refused, ok := errors.AsType[*client.ExchangeError](e)
		if ok && (!strings.Contains(refused.Error(), fmt.Sprintf("answered %d", tt.status)) || strings.Contains(refused.Error(), `, "`) != (tt.code != "") || refused.Unwrap() == nil) {
			t.Errorf("%d %.80s: %v, %v", tt.status, tt.body, refused, refused.Unwrap())
		}
		if ok != (tt.code != "-") || ok && (refused.Code != tt.code || refused.Status != tt.status || tt.code != "" && refused.Description != "why") {
			t.Errorf("%d %.80s: %+v", tt.status, tt.body, refused)
		}
	}
}

// RFC 8693, Section 1.1: the actor's token is kept, and replaced if the server may
// have refused it.
func TestExchangeActor(t *testing.T) {
	actor := &counter{}
	refused := true
	s := &server{answer: func(n int, form url.Values) (int, string) {
		if refused && form.Get("actor_token") == "token-1" {
			return 400, `{"error":"invalid_request"}`
		}
		return exchanged("Bearer", 3600)(n, form)
	}}
	source := newExchange(t, s, client.ExchangeConfig{Actor: actor})
	for i := range 3 {
		if _, err := source.Token(admit(t, alice, fmt.Sprint("inbound-", i)), client.Want{}); err != nil {
			t.Fatal(err)
		}
	}
	if got := actor.asked(); got != `refused= scope=""; refused=token-1 scope=""` || len(s.forms) != 4 {
		t.Errorf("%s; %d exchanges", got, len(s.forms))
	}

	// Each code that may be about the actor's token, and no other. If there is no other
	// token, the first refusal counts.
	for code, requests := range map[string]int{"invalid_request": 2, "invalid_grant": 2, "invalid_token": 2, "invalid_target": 1, "invalid_scope": 1} {
		for _, next := range []error{nil, errors.New("none")} {
			s := &server{answer: func(int, url.Values) (int, string) { return 400, fmt.Sprintf(`{"error":%q}`, code) }}
			actor := &counter{err: func(n int, _ client.Want) error {
				if n > 1 {
					return next
				}
				return nil
			}}
			token, err := newExchange(t, s, client.ExchangeConfig{Actor: actor}).Token(admit(t, alice, "inbound"), client.Want{})
			refused, ok := errors.AsType[*client.ExchangeError](err)
			want := requests
			if next != nil {
				want = 1
			}
			if !ok || refused.Code != code || len(s.forms) != want || len(actor.wants) != requests {
				t.Errorf("%s, %v: %v, %v, %d exchanges, %d tokens of the actor", code, next, token, err, len(s.forms), len(actor.wants))
			}
		}
	}

	// The person cannot help if the API has no token.
	for _, tt := range []struct {
		err    error
		remedy client.Remedy
	}{{client.ErrNoFreshToken, client.FixRequest}, {&client.Error{Remedy: client.SignIn}, client.FixRequest}, {errors.New("token-x"), client.FixRequest}, {&unreachable{}, client.Unavailable}} {
		source := newExchange(t, s, client.ExchangeConfig{Actor: sourceFunc(func(context.Context, client.Want) (*oauth2.Token, error) { return nil, tt.err })})
		transport := newTransport(t, &fakeAPI{}, client.Config{Tokens: source, Resource: stockAPI})
		_, e := do(t, transport, get(t, stockAPI).WithContext(admit(t, alice, "inbound")))
		if e == nil || e.Remedy != tt.remedy || !strings.Contains(e.Error(), "ExchangeConfig.Actor") {
			t.Errorf("%v: %v", tt.err, e)
		}
	}
}

// An outage of the actor's endpoint, with the time that it asks for.
func TestExchangeActorOutage(t *testing.T) {
	endpoint := client.Endpoint{URL: tokenURL, ClientID: "app", HTTP: &http.Client{Transport: inMemory(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "7")
		w.WriteHeader(http.StatusServiceUnavailable)
	}))}}
	actor, err := client.NewClientCredentials(client.ClientCredentialsConfig{Endpoint: endpoint})
	if err != nil {
		t.Fatal(err)
	}
	s := &server{answer: exchanged("Bearer", 3600)}
	transport := newTransport(t, &fakeAPI{}, client.Config{Tokens: newExchange(t, s, client.ExchangeConfig{Actor: actor}), Resource: stockAPI})
	_, e := do(t, transport, get(t, stockAPI).WithContext(admit(t, alice, "inbound")))
	if e == nil || e.Remedy != client.Unavailable || e.RetryAfter != 7*time.Second || len(s.forms) != 0 {
		t.Errorf("%v, %d exchanges", e, len(s.forms))
	}
}

// Only the person can step up: the server is not asked.
func TestExchangeStepUp(t *testing.T) {
	s := &server{answer: exchanged("Bearer", 3600)}
	token, err := newExchange(t, s, client.ExchangeConfig{}).Token(admit(t, alice, "inbound"), client.Want{StepUp: &client.StepUp{ACRValues: []string{"mfa"}}})
	if !errors.Is(err, client.ErrNoStepUp) || len(s.forms) != 0 {
		t.Errorf("%v, %v, %d exchanges", token, err, len(s.forms))
	}
}

// A connection that the server has closed: the request is sent once more.
func TestExchangeAfterAReset(t *testing.T) {
	for resets, ok := range map[int]bool{1: true, 2: false} {
		s, requests := &server{answer: exchanged("Bearer", 3600)}, 0
		broken := &http.Client{Transport: roundTripFunc(func(r *http.Request) (*http.Response, error) {
			if requests++; requests <= resets {
				return nil, io.EOF
			}
			return s.RoundTrip(r)
		})}
		source, err := client.NewExchange(client.ExchangeConfig{Endpoint: client.Endpoint{URL: tokenURL, ClientID: "app", HTTP: broken}, Issuers: []string{alice.Issuer}})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := source.Token(admit(t, alice, "inbound"), client.Want{}); (err == nil) != ok || requests != 2 {
			t.Errorf("%d resets: %v, %d requests", resets, err, requests)
		}
	}
}

// unreachable is a net.Error.
type unreachable struct{}

func (*unreachable) Error() string   { return "unreachable" }
func (*unreachable) Timeout() bool   { return true }
func (*unreachable) Temporary() bool { return true }

// RFC 9449, Section 5: a key binds the new token.
func TestExchangeDPoP(t *testing.T) {
	key := newKey(t)
	for tokenType, ok := range map[string]bool{"DPoP": true, "Bearer": false} {
		s := &server{answer: exchanged(tokenType, 3600)}
		api := &fakeAPI{answer: func(int, *http.Request, http.ResponseWriter) {}}
		source := newExchange(t, s, client.ExchangeConfig{Endpoint: client.Endpoint{Key: key}})
		transport := newTransport(t, api, client.Config{Tokens: source, Resource: stockAPI, Key: key})
		status, e := do(t, transport, get(t, stockAPI).WithContext(admit(t, alice, "inbound")))
		if (status == 200) != ok || (len(api.seen) == 1) != ok || s.header[0].Get("DPoP") == "" {
			t.Errorf("%s: %d, %v", tokenType, status, e)
		}
		if ok && (api.seen[0].authorization != "DPoP token-1" || payload(t, api.seen[0].proof)["htu"] != stockAPI) {
			t.Errorf("%+v", api.seen[0])
		}
	}
}

// A server on loopback that redirects to another, which must not see the tokens.
func TestExchangeRedirect(t *testing.T) {
	seen := 0
	thief := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { seen++ }))
	defer thief.Close()
	for _, status := range []int{301, 302, 303, 307, 308} {
		server := httptest.NewServer(http.RedirectHandler(thief.URL, status))
		source, err := client.NewExchange(client.ExchangeConfig{Endpoint: client.Endpoint{URL: server.URL, ClientID: "app"}, Issuers: []string{alice.Issuer}})
		if err != nil {
			t.Fatal(err)
		}
		if token, err := source.Token(admit(t, alice, "inbound"), client.Want{}); err == nil || seen != 0 {
			t.Errorf("%d: %v, %v; the other server saw %d requests", status, token, err, seen)
		}
		server.Close()
	}
}

// A panic of the caller's RoundTripper does not end the program.
func TestExchangePanics(t *testing.T) {
	broken := &http.Client{Transport: roundTripFunc(func(*http.Request) (*http.Response, error) { panic("token-1") })}
	source, err := client.NewExchange(client.ExchangeConfig{Endpoint: client.Endpoint{URL: tokenURL, ClientID: "app", HTTP: broken}, Issuers: []string{alice.Issuer}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := source.Token(admit(t, alice, "inbound"), client.Want{}); err == nil || strings.Contains(err.Error(), "token-1") {
		t.Error(err)
	}
}

// An Exchange whose requests pass its own Transport does not wait for itself.
func TestExchangeByItsOwnTransport(t *testing.T) {
	inner := &http.Client{}
	source, err := client.NewExchange(client.ExchangeConfig{Endpoint: client.Endpoint{URL: stockAPI + "/token", ClientID: "app", HTTP: &http.Client{Transport: roundTripFunc(func(r *http.Request) (*http.Response, error) {
		return inner.Transport.RoundTrip(r)
	})}}, Issuers: []string{alice.Issuer}})
	if err != nil {
		t.Fatal(err)
	}
	inner.Transport = newTransport(t, &fakeAPI{}, client.Config{Tokens: source, Resource: stockAPI})
	_, e := do(t, inner.Transport, get(t, stockAPI).WithContext(admit(t, alice, "inbound")))
	if e == nil || !strings.Contains(fmt.Sprint(e, e.Err), "give it another HTTP client") {
		t.Errorf("%v, %v", e, e.Err)
	}
}
