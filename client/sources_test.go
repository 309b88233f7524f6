package client_test

import (
	"context"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/oauth2"

	"github.com/bearerkit/bearerkit/client"
	"github.com/bearerkit/bearerkit/scope"
)

const tokenURL = "https://login.example.com/token"

// server is a token endpoint in memory.
type server struct {
	answer func(n int, form url.Values) (status int, body string)

	mu     sync.Mutex
	forms  []url.Values
	header []http.Header
}

func (s *server) RoundTrip(r *http.Request) (*http.Response, error) {
	data, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	form, err := url.ParseQuery(string(data))
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	s.forms, s.header = append(s.forms, form), append(s.header, r.Header)
	n := len(s.forms)
	s.mu.Unlock()
	status, body := s.answer(n, form)
	header := http.Header{"Content-Type": {"application/json"}}
	if strings.Contains(body, "use_dpop_nonce") {
		header.Set("DPoP-Nonce", "as-nonce")
	}
	return &http.Response{StatusCode: status, Header: header, Body: io.NopCloser(strings.NewReader(body)), ContentLength: -1, Request: r}, nil
}

// grant answers with token-1, token-2 and so on.
func grant(n int, form url.Values) (int, string) {
	return 200, fmt.Sprintf(`{"access_token":"token-%d","token_type":"Bearer","expires_in":3600,"scope":%q}`, n, form.Get("scope"))
}

func (s *server) endpoint() client.Endpoint {
	return client.Endpoint{URL: tokenURL, ClientID: "app", ClientSecret: "s3cret", HTTP: &http.Client{Transport: s}}
}

// RFC 6749, Section 4.4, RFC 8707: what a client requests.
func TestClientCredentialsForm(t *testing.T) {
	step := client.Want{Resource: audience, Scope: scope.Of("b")}
	tests := []struct {
		name   string
		change func(*client.ClientCredentialsConfig)
		want   client.Want
		form   string
	}{
		{"the least", nil, client.Want{}, "grant_type=client_credentials"},
		{"the resource", nil, client.Want{Resource: audience}, "grant_type=client_credentials&resource=https%3A%2F%2Fapi.example.com"},
		{"the union of the scopes", func(c *client.ClientCredentialsConfig) { c.Scope = scope.Of("a") }, step, "grant_type=client_credentials&resource=https%3A%2F%2Fapi.example.com&scope=a+b"},
		{"another identifier", func(c *client.ClientCredentialsConfig) { c.Resource = "urn:orders" }, step, "grant_type=client_credentials&resource=urn%3Aorders&scope=b"},
		{"no resource", func(c *client.ClientCredentialsConfig) { c.OmitResource = true }, step, "grant_type=client_credentials&scope=b"},
		{"parameters of a server", func(c *client.ClientCredentialsConfig) {
			c.Endpoint.Params = url.Values{"audience": {"orders"}, "grant_type": {"password"}, "scope": {"x"}}
		}, step, "audience=orders&grant_type=client_credentials&resource=https%3A%2F%2Fapi.example.com&scope=b"},
		{"the secret in the form", func(c *client.ClientCredentialsConfig) { c.Endpoint.SecretInForm = true }, client.Want{}, "client_id=app&client_secret=s3cret&grant_type=client_credentials"},
		{"a public client", func(c *client.ClientCredentialsConfig) { c.Endpoint.ClientSecret = "" }, client.Want{}, "client_id=app&grant_type=client_credentials"},
	}
	for _, tt := range tests {
		s := &server{answer: grant}
		c := client.ClientCredentialsConfig{Endpoint: s.endpoint()}
		if tt.change != nil {
			tt.change(&c)
		}
		source, err := client.NewClientCredentials(c)
		if err != nil {
			t.Fatal(err)
		}
		token, err := source.Token(t.Context(), tt.want)
		if err != nil || token.AccessToken != "token-1" || s.forms[0].Encode() != tt.form {
			t.Errorf("%s: %v, form %s, want %s", tt.name, err, s.forms[0].Encode(), tt.form)
		}
		user, secret, basic := (&http.Request{Header: s.header[0]}).BasicAuth()
		if basic != strings.HasPrefix(tt.form, "grant_type") && basic != strings.HasPrefix(tt.form, "audience") || basic && (user != "app" || secret != "s3cret") {
			t.Errorf("%s: Basic %t, %s", tt.name, basic, user)
		}
	}
}

// RFC 7523, Section 2.2, and RFC 9449, Sections 5 and 8: an assertion and a proof,
// new for each request, and the server's nonce.
func TestPrivateKeyAndProofs(t *testing.T) {
	key := newKey(t)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	s := &server{answer: func(n int, _ url.Values) (int, string) {
		if n == 1 {
			return 400, `{"error":"use_dpop_nonce"}`
		}
		return 200, `{"access_token":"token-1","token_type":"DPoP"}`
	}}
	endpoint := s.endpoint()
	endpoint.ClientSecret, endpoint.PrivateKey = "", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	endpoint.Issuer, endpoint.Key = "https://login.example.com", key
	source, err := client.NewClientCredentials(client.ClientCredentialsConfig{Endpoint: endpoint})
	if err != nil {
		t.Fatal(err)
	}
	if token, err := source.Token(t.Context(), client.Want{}); err != nil || token.TokenType != "DPoP" {
		t.Fatal(token, err)
	}
	var assertions []string
	for i, nonce := range []string{"", "as-nonce"} {
		assertion := payload(t, s.forms[i].Get("client_assertion"))
		if assertion["iss"] != "app" || assertion["sub"] != "app" || assertion["aud"] != "https://login.example.com" {
			t.Errorf("assertion %v", assertion)
		}
		assertions = append(assertions, fmt.Sprint(assertion["jti"]))
		proof := payload(t, s.header[i].Get("DPoP"))
		if got, _ := proof["nonce"].(string); got != nonce || proof["htu"] != tokenURL || proof["htm"] != "POST" || proof["ath"] != nil {
			t.Errorf("proof %v, want the nonce %q", proof, nonce)
		}
	}
	if assertions[0] == assertions[1] {
		t.Error("an assertion was used twice")
	}
}

// payload returns the claims of a JWS.
func payload(t *testing.T, jws string) (claims map[string]any) {
	t.Helper()
	parts := strings.Split(jws, ".")
	if len(parts) != 3 {
		t.Fatalf("%q is no JWS", jws)
	}
	data, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &claims); err != nil {
		t.Fatal(err)
	}
	return claims
}

// RFC 6749, Section 5.2: what the answer of a token endpoint means for the person.
func TestTokenEndpointRefusals(t *testing.T) {
	for _, tt := range []struct {
		status int
		body   string
		remedy client.Remedy
		text   string
	}{
		{400, `{"error":"invalid_scope","error_description":"s3cret"}`, client.AskForScope, `the token endpoint answered 400, "invalid_scope"`},
		{401, `{"error":"invalid_client"}`, client.FixRequest, `401, "invalid_client"`},
		{400, `{"error":"unauthorized_client"}`, client.FixRequest, `"unauthorized_client"`},
		{400, `{"error":"invalid_target"}`, client.FixRequest, `"invalid_target"`},
		{400, `{"error":"invalid_grant"}`, client.SignIn, `"invalid_grant"`},
		{400, `{"error":"login_required"}`, client.SignIn, `"login_required"`},
		{400, `{"error":"interaction_required"}`, client.SignIn, `"interaction_required"`},
		{400, `{"error":"consent_required"}`, client.SignIn, `"consent_required"`},
		{403, `{"error":"access_denied"}`, client.AskForScope, `"access_denied"`},
		{400, `{"error":"insufficient_user_authentication"}`, client.StepUpLogin, `"insufficient_user_authentication"`},
		{400, `{"error":"unmet_authentication_requirements"}`, client.StepUpLogin, `"unmet_authentication_requirements"`},
		{400, `{"error":"server_error"}`, client.Unavailable, `"server_error"`},
		{400, `{"error":"slow_down"}`, client.Unavailable, `"slow_down"`},
		{400, `{"error":"temporarily_unavailable"}`, client.Unavailable, `"temporarily_unavailable"`},
		{500, ``, client.Unavailable, "answered 500"},
		{404, ``, client.FixRequest, "answered 404"},
		{429, ``, client.Unavailable, "answered 429"},
		{429, `{"error":"too_many_requests"}`, client.Unavailable, `429, "too_many_requests"`},
		{429, `{"error":"invalid_grant"}`, client.Unavailable, "answered 429"},
		{503, `{"error":"temporarily_unavailable"}`, client.Unavailable, "answered 503"},
		{502, `<html>s3cret</html>`, client.Unavailable, "answered 502"},
		{200, `<html>s3cret</html>`, client.FixRequest, "not a token response"},
		{200, `{"access_token":"token-1","token_type":"DPoP"}`, client.FixRequest, `the type "DPoP", want Bearer`},
		{200, `{"access_token":"token-1","token_type":"mac"}`, client.FixRequest, `the type "mac", want Bearer`},
		{200, `{"access_token":"token-1"}`, client.FixRequest, "want Bearer"},
		{307, ``, client.FixRequest, "307"},
	} {
		s := &server{answer: func(int, url.Values) (int, string) { return tt.status, tt.body }}
		source, err := client.NewClientCredentials(client.ClientCredentialsConfig{Endpoint: s.endpoint()})
		if err != nil {
			t.Fatal(err)
		}
		api := &fakeAPI{answer: func(int, *http.Request, http.ResponseWriter) {}}
		_, got := do(t, newTransport(t, api, client.Config{Tokens: source}), get(t, orders))
		if got == nil || got.Remedy != tt.remedy || !strings.Contains(got.Error(), tt.text) || len(api.seen) > 0 {
			t.Errorf("%d %s: %v, want %s, %q", tt.status, tt.body, got, tt.remedy, tt.text)
		}
		if strings.Contains(fmt.Sprint(got, got.Err), "s3cret") && !strings.Contains(tt.body, "error_description") {
			t.Errorf("%d %s: a secret in %v", tt.status, tt.body, got)
		}
	}
}

// An outage of the authorization server is told with the time that it asks for.
func TestTokenEndpointOutage(t *testing.T) {
	base := roundTripFunc(func(r *http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: 503, Header: http.Header{"Retry-After": {"30"}}, Body: http.NoBody, Request: r}, nil
	})
	broken := errors.New("connection refused by a server with a s3cret")
	for _, tt := range []struct {
		base  http.RoundTripper
		after time.Duration
		cause error
	}{
		{base, 30 * time.Second, nil},
		{roundTripFunc(func(*http.Request) (*http.Response, error) { return nil, broken }), 0, broken},
	} {
		endpoint := (&server{}).endpoint()
		endpoint.HTTP = &http.Client{Transport: tt.base}
		source, err := client.NewClientCredentials(client.ClientCredentialsConfig{Endpoint: endpoint})
		if err != nil {
			t.Fatal(err)
		}
		_, got := do(t, newTransport(t, &fakeAPI{}, client.Config{Tokens: source}), get(t, orders))
		if got == nil || got.Remedy != client.Unavailable || got.RetryAfter != tt.after || tt.cause != nil && !errors.Is(got, tt.cause) {
			t.Errorf("%v, RetryAfter %v", got, got.RetryAfter)
		}
	}
}

// Sources without a person say so.
func TestSourcesThatCannot(t *testing.T) {
	s := &server{answer: grant}
	credentials, err := client.NewClientCredentials(client.ClientCredentialsConfig{Endpoint: s.endpoint()})
	if err != nil {
		t.Fatal(err)
	}
	fixed := client.FromTokenSource(oauth2.StaticTokenSource(&oauth2.Token{AccessToken: "token-x"}))
	for _, source := range []client.Source{credentials, fixed} {
		if token, err := source.Token(t.Context(), client.Want{StepUp: &client.StepUp{}}); token != nil || !errors.Is(err, client.ErrNoStepUp) {
			t.Errorf("%T: %v, %v", source, token, err)
		}
	}
	lacks := client.Want{Scope: scope.Of("a"), Challenge: client.Challenge{Scheme: "Bearer", Params: map[string]string{"error": "insufficient_scope"}}}
	if token, err := fixed.Token(t.Context(), lacks); token != nil || !errors.Is(err, client.ErrNoMoreScope) {
		t.Errorf("%v, %v", token, err)
	}
	if token, err := fixed.Token(t.Context(), client.Want{Scope: scope.Of("a")}); err != nil || token.AccessToken != "token-x" {
		t.Errorf("%v, %v", token, err)
	}
	if len(s.forms) > 0 {
		t.Errorf("%d token requests", len(s.forms))
	}
}

// RFC 6749, Section 6, RFC 9700, Section 4.14: refresh tokens that rotate.
func TestRefreshToken(t *testing.T) {
	s := &server{answer: func(n int, form url.Values) (int, string) {
		if got, want := form.Get("refresh_token"), fmt.Sprintf("refresh-%d", n-1); got != want {
			return 400, `{"error":"invalid_grant"}`
		}
		if n == 3 { // this server keeps the refresh token once
			return 200, `{"access_token":"token-3","token_type":"Bearer","refresh_token":"refresh-2"}`
		}
		return 200, fmt.Sprintf(`{"access_token":"token-%d","token_type":"Bearer","scope":"a b","refresh_token":"refresh-%d"}`, n, n)
	}}
	var saved []string
	endpoint := s.endpoint()
	endpoint.ClientSecret = ""
	source, err := client.NewRefreshToken(client.RefreshTokenConfig{
		Endpoint: endpoint, Token: "refresh-0", Save: func(token string) { saved = append(saved, token) },
	})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		token, err := source.Token(t.Context(), client.Want{Resource: audience, Scope: scope.Of("a")})
		if want := fmt.Sprintf("token-%d", i+1); err != nil || token.AccessToken != want {
			t.Fatalf("%v, %v, want %s", token, err, want)
		}
	}
	if got := strings.Join(saved, " "); got != "refresh-1 refresh-2" {
		t.Errorf("saved %s", got)
	}
	// Section 6: no scope while that of the grant suffices. The first answer tells it.
	if got := s.forms[0].Encode() + " " + s.forms[1].Encode(); got != "client_id=app&grant_type=refresh_token&refresh_token=refresh-0&resource=https%3A%2F%2Fapi.example.com&scope=a"+
		" client_id=app&grant_type=refresh_token&refresh_token=refresh-1&resource=https%3A%2F%2Fapi.example.com" {
		t.Errorf("forms %s", got)
	}
	// More than the person granted is not requested.
	if _, err := source.Token(t.Context(), client.Want{Scope: scope.Of("a", "admin")}); !errors.Is(err, client.ErrNoMoreScope) || len(s.forms) != 3 {
		t.Errorf("%v, %d requests", err, len(s.forms))
	}
	if _, err := source.Token(t.Context(), client.Want{StepUp: &client.StepUp{}}); !errors.Is(err, client.ErrNoStepUp) || len(s.forms) != 3 {
		t.Errorf("%v, %d requests", err, len(s.forms))
	}
	// A refused refresh token is not sent again.
	for range 3 {
		if _, err := source.Token(t.Context(), client.Want{}); err == nil {
			t.Error("refresh-2 was used for a fourth request")
		}
	}
	if len(s.forms) != 4 {
		t.Errorf("%d requests, want 4", len(s.forms))
	}
}

// RFC 6749, Section 6: a scope that the person has not granted, if that is known only
// to the server; and what is sent as the resource.
func TestRefreshTokenForm(t *testing.T) {
	for _, tt := range []struct {
		change func(*client.RefreshTokenConfig)
		want   string
	}{
		{func(*client.RefreshTokenConfig) {}, "grant_type=refresh_token&refresh_token=refresh-0&resource=https%3A%2F%2Fapi.example.com&scope=admin"},
		{func(c *client.RefreshTokenConfig) { c.Resource = "urn:orders" }, "grant_type=refresh_token&refresh_token=refresh-0&resource=urn%3Aorders&scope=admin"},
		{func(c *client.RefreshTokenConfig) { c.OmitResource = true }, "grant_type=refresh_token&refresh_token=refresh-0&scope=admin"},
	} {
		s := &server{answer: func(int, url.Values) (int, string) { return 400, `{"error":"invalid_scope"}` }}
		c := client.RefreshTokenConfig{Endpoint: s.endpoint(), Token: "refresh-0"}
		tt.change(&c)
		source, err := client.NewRefreshToken(c)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := source.Token(t.Context(), client.Want{Resource: audience, Scope: scope.Of("admin")}); !errors.Is(err, client.ErrNoMoreScope) || s.forms[0].Encode() != tt.want {
			t.Errorf("%v, form %s, want %s", err, s.forms[0].Encode(), tt.want)
		}
		// Without more scope, the same answer is not about scopes of this request.
		_, err = source.Token(t.Context(), client.Want{})
		if err == nil || errors.Is(err, client.ErrNoMoreScope) || s.forms[1].Has("resource") != (c.Resource != "") {
			t.Errorf("%v, %s", err, s.forms[1].Encode())
		}
	}
}

// A refresh token is used by one request at a time, and a caller that leaves does not
// lose the new one.
func TestRefreshTokenIsNotLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		current, running := "refresh-0", 0
		var mu sync.Mutex
		s := &server{answer: func(n int, form url.Values) (int, string) {
			mu.Lock()
			defer mu.Unlock()
			if running++; running > 1 || form.Get("refresh_token") != current {
				t.Errorf("%d requests at a time, with %s; want %s", running, form.Get("refresh_token"), current)
			}
			mu.Unlock()
			time.Sleep(time.Second) // the bubble's clock
			mu.Lock()
			running--
			current = fmt.Sprintf("refresh-%d", n)
			return 200, fmt.Sprintf(`{"access_token":"token-%d","token_type":"Bearer","refresh_token":%q}`, n, current)
		}}
		source, err := client.NewRefreshToken(client.RefreshTokenConfig{Endpoint: s.endpoint(), Token: current})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second/2)
		defer cancel()
		for range 2 { // the second waits for its turn
			if token, err := source.Token(ctx, client.Want{}); token != nil || !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%v, %v", token, err)
			}
		}
		var calls sync.WaitGroup
		for range 5 {
			calls.Go(func() {
				if _, err := source.Token(t.Context(), client.Want{}); err != nil {
					t.Error(err)
				}
			})
		}
		calls.Wait()
		if len(s.forms) != 6 {
			t.Errorf("%d requests, want 6", len(s.forms))
		}
	})
}

// The sources of package oauth2 know no context. One that hangs holds one goroutine, and
// not one for each caller that gave up.
func TestTokenSourceThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		calls, end := 0, make(chan struct{})
		source := client.FromTokenSource(tokenSourceFunc(func() (*oauth2.Token, error) {
			if calls++; calls == 1 {
				<-end
			}
			return &oauth2.Token{AccessToken: "token-1"}, nil
		}))
		transport := newTransport(t, &fakeAPI{answer: func(int, *http.Request, http.ResponseWriter) {}}, client.Config{Tokens: source})
		for range 5 {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			resp, err := transport.RoundTrip(get(t, orders).WithContext(ctx))
			cancel()
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%v, %v", resp, err)
			}
		}
		synctest.Wait()
		if calls != 1 {
			t.Errorf("%d calls at a time", calls)
		}
		close(end)
		if status, err := do(t, transport, get(t, orders)); status != 200 {
			t.Error(err)
		}
	})
}

type tokenSourceFunc func() (*oauth2.Token, error)

func (f tokenSourceFunc) Token() (*oauth2.Token, error) { return f() }

// A panic of the program's own code, in a goroutine of this package, does not end the
// program.
func TestRefreshTokenPanics(t *testing.T) {
	s := &server{answer: func(n int, form url.Values) (int, string) {
		return 200, fmt.Sprintf(`{"access_token":"token-%d","token_type":"Bearer","refresh_token":"refresh-%d"}`, n, n)
	}}
	saved := ""
	source, err := client.NewRefreshToken(client.RefreshTokenConfig{Endpoint: s.endpoint(), Token: "refresh-0", Save: func(token string) {
		if token == "refresh-1" {
			panic("cannot save refresh-1")
		}
		saved = token
	}})
	if err != nil {
		t.Fatal(err)
	}
	if token, err := source.Token(t.Context(), client.Want{}); token != nil || err == nil || err.Error() != "client: the token source panicked with a string" {
		t.Errorf("%v, %v", token, err)
	}
	if token, err := source.Token(t.Context(), client.Want{}); err != nil || token.AccessToken != "token-2" || saved != "refresh-2" || s.forms[1].Get("refresh_token") != "refresh-1" {
		t.Errorf("%v, %v, saved %q", token, err, saved)
	}
}

// An outage says nothing about the refresh token, which is used again.
func TestRefreshTokenOutage(t *testing.T) {
	for _, first := range []struct {
		status int
		body   string
	}{{503, ""}, {500, `{"error":"invalid_grant"}`}, {429, ""}, {429, `{"error":"invalid_grant"}`}, {200, "<html>"}, {400, `{"error":"invalid_request"}`}} {
		s := &server{answer: func(n int, form url.Values) (int, string) {
			if n == 1 {
				return first.status, first.body
			}
			return grant(n, form)
		}}
		source, err := client.NewRefreshToken(client.RefreshTokenConfig{Endpoint: s.endpoint(), Token: "refresh-0"})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := source.Token(t.Context(), client.Want{}); err == nil {
			t.Errorf("%v: no error", first)
		}
		if token, err := source.Token(t.Context(), client.Want{}); err != nil || s.forms[1].Get("refresh_token") != "refresh-0" {
			t.Errorf("%v: %v, %v", first, token, err)
		}
	}
}

// All mistakes at once, and none quotes a secret.
func TestMistakesOfSources(t *testing.T) {
	s := &server{answer: grant}
	plain := s.endpoint()
	plain.URL, plain.InsecureAllowHTTP = "http://keycloak:8080/token", true
	allowed, err := client.NewClientCredentials(client.ClientCredentialsConfig{Endpoint: plain, Resource: "urn:orders"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := allowed.Token(t.Context(), client.Want{}); err != nil {
		t.Error(err)
	}
	endpoint := client.Endpoint{URL: "http://login.example.com/token", ClientSecret: "s3cret", PrivateKey: []byte("s3cret")}
	for _, build := range []func() error{
		func() error {
			_, err := client.NewClientCredentials(client.ClientCredentialsConfig{Endpoint: endpoint, Resource: "x", OmitResource: true})
			return err
		},
		func() error {
			_, err := client.NewRefreshToken(client.RefreshTokenConfig{Endpoint: endpoint, Resource: "x", OmitResource: true})
			return err
		},
	} {
		err := build()
		for _, want := range []string{"Endpoint.URL: ", "InsecureAllowHTTP", "Endpoint.ClientID: ", "Endpoint.PrivateKey: is set, and ClientSecret too", "OmitResource are both set"} {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%v\nwant %q", err, want)
			}
		}
		if strings.Contains(err.Error(), "s3cret") {
			t.Errorf("a secret in %v", err)
		}
	}
	for want, e := range map[string]client.Endpoint{
		"private key":              {URL: tokenURL, ClientID: "app", PrivateKey: []byte("s3cret")},
		"without a ClientSecret":   {URL: tokenURL, ClientID: "app", SecretInForm: true},
		"RefreshTokenConfig.Token": {URL: tokenURL, ClientID: "app"},
	} {
		if _, err := client.NewRefreshToken(client.RefreshTokenConfig{Endpoint: e}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}
