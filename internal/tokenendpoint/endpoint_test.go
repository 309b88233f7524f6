package tokenendpoint_test

import (
	"context"
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bearerkit/bearerkit/internal/fetch"
	"github.com/bearerkit/bearerkit/internal/jose"
	"github.com/bearerkit/bearerkit/internal/tokenendpoint"
)

const at = "https://login.example.com/token"

// roundTrip answers requests without a network.
type roundTrip func(r *http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func answer(status int, body string, header ...string) *http.Response {
	h := http.Header{}
	for i := 0; i < len(header); i += 2 {
		h.Add(header[i], header[i+1])
	}
	return &http.Response{StatusCode: status, Header: h, ContentLength: -1, Body: io.NopCloser(strings.NewReader(body))}
}

func endpoint(f roundTrip, c tokenendpoint.Config) *tokenendpoint.Endpoint {
	c.Client, c.URL = fetch.New(&http.Client{Transport: f}, false), at
	if c.Auth.Method == "" {
		c.Auth = tokenendpoint.Auth{Method: tokenendpoint.None, ClientID: "app"}
	}
	return tokenendpoint.New(c)
}

var form = url.Values{"grant_type": {"client_credentials"}}

// RFC 6749, Sections 5.1 and 5.2.
func TestToken(t *testing.T) {
	for _, tt := range []struct {
		name   string
		status int
		body   string
		token  string
		life   time.Duration // 0: unknown
		fault  string
	}{
		{"a token", 200, `{"access_token":"a","token_type":"bearer","expires_in":60,"scope":"x y"}`, "a", time.Minute, ""},
		{"expires_in is a string", 200, `{"access_token":"a","token_type":"Bearer","expires_in":"60"}`, "a", time.Minute, ""},
		{"expires_in has decimals", 200, `{"access_token":"a","token_type":"Bearer","expires_in":60.5}`, "a", time.Minute, ""},
		{"no expires_in", 200, `{"access_token":"a","token_type":"Bearer"}`, "a", 0, ""},
		{"a huge expires_in", 200, `{"access_token":"a","token_type":"Bearer","expires_in":1e400}`, "a", 0, ""},
		{"a negative expires_in", 200, `{"access_token":"a","token_type":"Bearer","expires_in":-5}`, "a", 0, ""},
		{"refresh_token is null", 200, `{"access_token":"a","token_type":"Bearer","refresh_token":null}`, "a", 0, ""},
		{"another type", 200, `{"access_token":"a","token_type":"mac"}`, "", 0, `the type "mac", want Bearer`},
		{"a bound token that nobody asked for", 200, `{"access_token":"a","token_type":"DPoP"}`, "", 0, "want Bearer"},
		{"no type", 200, `{"access_token":"a"}`, "", 0, "want Bearer"},
		{"no token", 200, `{"token_type":"Bearer"}`, "", 0, "no access_token"},
		{"a token with a line break", 200, `{"access_token":"a\r\nX: y","token_type":"Bearer"}`, "", 0, "characters"},
		{"two tokens", 200, `{"access_token":"a","access_token":"b","token_type":"Bearer"}`, "", 0, "duplicate"},
		{"the token is a number", 200, `{"access_token":1,"token_type":"Bearer"}`, "", 0, "access_token: a JSON number"},
		{"HTML", 200, `<html>`, "", 0, "not a token response"},
		{"too large", 200, `{"access_token":"` + strings.Repeat("a", 300<<10) + `","token_type":"Bearer"}`, "", 0, "too large"},
		{"invalid_grant", 400, `{"error":"invalid_grant","error_description":"expired\u0007 é"}`, "", 0, `400, "invalid_grant" ("expired? ?")`},
		{"an outage with an error", 503, `{"error":"temporarily_unavailable"}`, "", 0, "503 Service Unavailable"},
		{"no OAuth error", 403, `forbidden`, "", 0, "403 Forbidden"},
		{"a redirect", 307, ``, "", 0, "307"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e := endpoint(func(*http.Request) (*http.Response, error) { return answer(tt.status, tt.body), nil }, tokenendpoint.Config{})
			before := time.Now()
			token, err := e.Token(t.Context(), form)
			if tt.fault != "" {
				if token != nil || err == nil || !strings.Contains(err.Error(), tt.fault) {
					t.Errorf("got %v, %v, want an error with %q", token, err, tt.fault)
				}
				return
			}
			if err != nil || token.AccessToken != tt.token || token.TokenType != "Bearer" {
				t.Fatalf("got %+v, %v", token, err)
			}
			if life := token.Expiry.Sub(before).Round(time.Second); token.Expiry.IsZero() != (tt.life == 0) || tt.life != 0 && life != tt.life {
				t.Errorf("expires after %v, want %v", life, tt.life)
			}
		})
	}
}

// RFC 6749, Section 2.3.1: the ID and the secret are form-urlencoded in Basic.
func TestClientAuthentication(t *testing.T) {
	const secret = "s&cret +é"
	for _, tt := range []struct {
		method, want string
	}{
		{tokenendpoint.None, "client_id=app%3A1&grant_type=client_credentials"},
		{tokenendpoint.Post, "client_id=app%3A1&client_secret=s%26cret+%2B%C3%A9&grant_type=client_credentials"},
		{tokenendpoint.Basic, "grant_type=client_credentials"},
	} {
		var body, authorization string
		e := endpoint(func(r *http.Request) (*http.Response, error) {
			data, err := io.ReadAll(r.Body)
			body, authorization = string(data), r.Header.Get("Authorization")
			return answer(200, `{"access_token":"a","token_type":"Bearer"}`), err
		}, tokenendpoint.Config{Auth: tokenendpoint.Auth{Method: tt.method, ClientID: "app:1", Secret: secret}})
		if _, err := e.Token(t.Context(), form); err != nil {
			t.Fatal(err)
		}
		header := ""
		if tt.method == tokenendpoint.Basic {
			header = "Basic " + base64.StdEncoding.EncodeToString([]byte("app%3A1:s%26cret+%2B%C3%A9"))
		}
		if body != tt.want || authorization != header {
			t.Errorf("%s: form %q, Authorization %q", tt.method, body, authorization)
		}
	}
}

// RFC 8414, Section 2: without a list, client_secret_basic is the default.
func TestChoose(t *testing.T) {
	key := new(jose.PrivateKey)
	for _, tt := range []struct {
		secret    string
		key       *jose.PrivateKey
		supported []string
		want      string // empty: none fits
	}{
		{"s", nil, nil, tokenendpoint.Basic},
		{"s", nil, []string{"client_secret_post", "client_secret_basic"}, tokenendpoint.Basic},
		{"s", nil, []string{"client_secret_post"}, tokenendpoint.Post},
		{"s", nil, []string{"none"}, ""},
		{"", nil, nil, tokenendpoint.None},
		{"", nil, []string{"none"}, tokenendpoint.None},
		{"", nil, []string{"client_secret_basic"}, tokenendpoint.None},
		{"", key, []string{"private_key_jwt", "none"}, tokenendpoint.PrivateKeyJWT},
		{"", key, []string{"none"}, ""},
		{"s", nil, []string{}, ""},
	} {
		a, err := tokenendpoint.Choose("app", tt.secret, tt.key, tt.supported)
		if a.Method != tt.want || (err == nil) != (tt.want != "") {
			t.Errorf("%+v: %q, %v", tt, a.Method, err)
		}
	}
}

// RFC 9449, Sections 5 and 8: a proof with each request, with the server's nonce.
func TestProofs(t *testing.T) {
	refusal := func(nonce string) *http.Response {
		return answer(400, `{"error":"use_dpop_nonce"}`, "DPoP-Nonce", nonce)
	}
	bound := func(nonce string) *http.Response {
		return answer(200, `{"access_token":"a","token_type":"DPoP"}`, "DPoP-Nonce", nonce)
	}
	for _, tt := range []struct {
		name    string
		answers []*http.Response
		proofs  string // the nonces of the proofs
		fault   string
	}{
		{"no nonce", []*http.Response{bound("")}, " ", ""},
		{"a nonce", []*http.Response{refusal("n1"), bound("n2")}, " n1", ""},
		{"endless nonces", []*http.Response{refusal("n1"), refusal("n2"), refusal("n3")}, " n1", "use_dpop_nonce"},
		{"a huge nonce", []*http.Response{refusal(strings.Repeat("n", 2000))}, " ", "use_dpop_nonce"},
		{"use_dpop_nonce without a nonce", []*http.Response{refusal("")}, " ", "use_dpop_nonce"},
		{"another error with a nonce", []*http.Response{answer(400, `{"error":"invalid_grant"}`, "DPoP-Nonce", "n1")}, " ", "invalid_grant"},
		{"an outage with a nonce", []*http.Response{answer(503, `{"error":"use_dpop_nonce"}`, "DPoP-Nonce", "n1")}, " ", "503"},
		{"the longest nonce", []*http.Response{refusal(strings.Repeat("n", 1024)), bound("")}, " " + strings.Repeat("n", 1024), ""},
		{"a nonce that is one too long", []*http.Response{refusal(strings.Repeat("n", 1025))}, " ", "use_dpop_nonce"},
		{"a nonce beyond ASCII (8.1)", []*http.Response{refusal("caf\xe9")}, " ", "use_dpop_nonce"},
		{"a nonce with a quote (8.1)", []*http.Response{refusal(`a"b`)}, " ", "use_dpop_nonce"},
		{"two nonces (8.1)", []*http.Response{answer(400, `{"error":"use_dpop_nonce"}`, "DPoP-Nonce", "n1", "DPoP-Nonce", "n2")}, " ", "use_dpop_nonce"},
		{"a token that is not bound", []*http.Response{answer(200, `{"access_token":"a","token_type":"Bearer"}`)}, " ", "does not bind tokens"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var nonces []string
			e := endpoint(func(r *http.Request) (*http.Response, error) {
				n := len(nonces)
				nonces = append(nonces, strings.TrimPrefix(r.Header.Get("DPoP"), "proof for "+at+" "))
				return tt.answers[n], nil
			}, tokenendpoint.Config{Proof: func(url, nonce string) (string, error) { return "proof for " + url + " " + nonce, nil }})
			token, err := e.Token(t.Context(), form)
			if (err == nil) != (tt.fault == "") || err != nil && !strings.Contains(err.Error(), tt.fault) {
				t.Errorf("%v, %v, want an error with %q", token, err, tt.fault)
			}
			if got := strings.Join(nonces, " "); strings.TrimSpace(got) != strings.TrimSpace(tt.proofs) || len(nonces) > 2 {
				t.Errorf("nonces %q, want %q", got, tt.proofs)
			}
		})
	}
}

// A server that never answers does not hold a caller without a deadline.
func TestTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := endpoint(func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		}, tokenendpoint.Config{})
		began := time.Now()
		if _, err := e.Token(t.Context(), form); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v", err)
		}
		if took := time.Since(began); took != 15*time.Second {
			t.Errorf("took %v", took)
		}
	})
}

// RFC 8693, Section 2.2.1: the type of the issued token is checked.
func TestExchange(t *testing.T) {
	const jag = "urn:ietf:params:oauth:token-type:id-jag"
	for body, ok := range map[string]bool{
		`{"access_token":"a.b.c","issued_token_type":"` + jag + `","token_type":"N_A"}`:                                   true,
		`{"access_token":"a.b.c","issued_token_type":"urn:ietf:params:oauth:token-type:access_token","token_type":"N_A"}`: false,
		`{"access_token":"a.b.c","token_type":"N_A"}`:                                                                     false,
	} {
		e := endpoint(func(*http.Request) (*http.Response, error) { return answer(200, body), nil }, tokenendpoint.Config{})
		if got, err := e.Exchange(t.Context(), form, jag); (err == nil) != ok || ok && got != "a.b.c" {
			t.Errorf("%s: %q, %v", body, got, err)
		}
	}
}
