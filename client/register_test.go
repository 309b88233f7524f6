package client_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bearerkit/bearerkit/client"
)

// RFC 7591, Section 2: what a web application with a key says of itself.
func TestRegistrationOfAWebApplication(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for supported, method := range map[string]string{"none": "none", "client_secret_post": "client_secret_post", "client_secret_basic": "client_secret_basic", "other": "client_secret_basic"} {
		w := newWorld(t)
		w.metadata["token_endpoint_auth_methods_supported"] = []string{supported}
		w.token = func(_ url.Values, m map[string]any) { m["token_type"] = "DPoP" }
		var m map[string]any
		w.serve("login.example.com", "POST /register", func(rw http.ResponseWriter, r *http.Request) {
			if err := json.NewDecoder(r.Body).Decode(&m); err != nil {
				t.Error(err)
			}
			writeJSON(rw, 201, map[string]any{"client_id": "registered", "client_secret": "s"})
		})
		c := w.config()
		c.Key = key
		login, want := w.source(c)
		if _, err := login.Token(t.Context(), want); err != nil {
			t.Fatal(err)
		}
		if m["application_type"] != "web" || m["dpop_bound_access_tokens"] != true || m["token_endpoint_auth_method"] != method {
			t.Errorf("%s: %v", supported, m)
		}
		if sent := w.forms[0]; (sent.Get("client_secret") == "s") != (method == "client_secret_post") || (w.basic[0] != "") != (method == "client_secret_basic") {
			t.Errorf("%s: form %v, Authorization %q", supported, sent, w.basic[0])
		}
	}
}

// RFC 7591, Section 3.2.1: odd but usable answers. The server may choose another way
// of authentication than the one asked for.
func TestRegistrationAnswers(t *testing.T) {
	for answer, expires := range map[string]bool{
		`{"client_id":"a","client_secret":null,"token_endpoint_auth_method":null}`:                                 false,
		`{"client_id":"a","client_secret":"s","client_secret_expires_at":0}`:                                       false,
		`{"client_id":"a","client_secret":"s","client_secret_expires_at":-1}`:                                      false,
		`{"client_id":"a","client_secret":"s","client_secret_expires_at":"soon"}`:                                  false,
		`{"client_id":"a","client_secret":"s","client_secret_expires_at":null}`:                                    false,
		`{"client_id":"a","client_secret":"s","client_secret_expires_at":1}`:                                       true,
		`{"client_id":"a","client_secret":"s","token_endpoint_auth_method":"client_secret_post","x":[{"y":null}]}`: false,
	} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			registrations := 0
			w.serve("login.example.com", "POST /register", func(rw http.ResponseWriter, r *http.Request) {
				registrations++
				respond(201, answer)(rw, r)
			})
			login, want := w.source(w.config())
			for range 2 {
				token, err := login.Token(t.Context(), want)
				if err != nil {
					t.Fatalf("%s: %v", answer, err)
				}
				want.Refused, w.refresh = token.AccessToken, ""
				<-time.After(time.Hour)
			}
			if w.pages[0].Get("client_id") != "a" || (registrations == 2) != expires {
				t.Errorf("%s: %d registrations", answer, registrations)
			}
			if posts := strings.Contains(answer, "_post"); (w.forms[0].Get("client_secret") == "s") != posts {
				t.Errorf("%s: form %v", answer, w.forms[0])
			}
		})
	}
}

// Client identifiers are unique to the server that issued them (RFC 6749, Section
// 2.2): with another server, the client registers again, and its refresh token stays.
func TestRegistrationIsForAServer(t *testing.T) {
	const other = "https://other.example.com"
	w := newWorld(t)
	login, want := w.source(w.config())
	token, err := login.Token(t.Context(), want)
	if err != nil {
		t.Fatal(err)
	}
	w.serve("other.example.com", "/", func(rw http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case wellKnownLogin:
			writeJSON(rw, 200, map[string]any{
				"issuer": other, "authorization_endpoint": other + "/authorize", "token_endpoint": other + "/token", "registration_endpoint": other + "/register",
				"code_challenge_methods_supported": []string{"S256"}, "token_endpoint_auth_methods_supported": []string{"none"},
			})
		case "/authorize":
			w.authorize(rw, r)
		case "/token":
			if r.ParseForm(); r.PostForm.Has("refresh_token") {
				t.Errorf("the refresh token of %s is sent to %s", theLogin, other)
			}
			w.serveToken(rw, r)
		case "/register":
			writeJSON(rw, 201, map[string]any{"client_id": "registered-there"})
		}
	})
	w.protected["authorization_servers"] = []string{other}
	w.answer = func(v url.Values) { v.Set("iss", other) }
	want.Refused, w.refresh = token.AccessToken, ""
	if _, err := login.Token(t.Context(), want); err != nil || w.pages[1].Get("client_id") != "registered-there" {
		t.Errorf("%v, %v", w.pages, err)
	}
}

// Valid configurations, each of which another check could refuse.
func TestNewLoginAccepts(t *testing.T) {
	w := newWorld(t)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	private := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	trusted := client.DiscoveryConfig{Issuers: []string{theLogin}}
	for name, c := range map[string]client.LoginConfig{
		"a public client":      {ClientID: "a"},
		"a document":           {ClientMetadataURL: "https://app.example.com/client.json"},
		"a name":               {ClientName: "a"},
		"all":                  {ClientID: "a", ClientMetadataURL: "https://app.example.com/client.json", ClientName: "a"},
		"a secret":             {ClientID: "a", ClientSecret: "s", Discovery: trusted},
		"a secret for all":     {ClientID: "a", ClientSecret: "s", InsecureAnyIssuer: true},
		"a key":                {ClientID: "a", PrivateKey: private},
		"a key of a document":  {ClientMetadataURL: "https://app.example.com/client.json", PrivateKey: private},
		"a redirect root":      {ClientID: "a", RedirectURL: "http://127.0.0.1"},
		"an IPv6 redirect":     {ClientID: "a", RedirectURL: "http://[::1]/callback"},
		"a web redirect":       {ClientID: "a", RedirectURL: theApp},
		"a name for localhost": {ClientID: "a", RedirectURL: "http://localhost/callback"},
	} {
		c.Open = w.browse
		if _, err := client.NewLogin(c); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, c := range map[string]client.LoginConfig{
		"a redirect with an empty query": {ClientID: "a", RedirectURL: theApp + "?"},
		"a document that is no URL":      {ClientMetadataURL: "client.json"},
		"a key for a name":               {ClientName: "a", PrivateKey: []byte("k")},
	} {
		c.Open = w.browse
		if _, err := client.NewLogin(c); err == nil {
			t.Errorf("accepted %s", name)
		}
	}
}

// Settings that trust a server more than its metadata.
func TestInsecureAssumePKCE(t *testing.T) {
	w := newWorld(t)
	delete(w.metadata, "code_challenge_methods_supported")
	c := w.config()
	c.InsecureAssumePKCE = true
	login, want := w.source(c)
	if _, err := login.Token(t.Context(), want); err != nil || w.pages[0].Get("code_challenge_method") != "S256" {
		t.Errorf("%v, %v", w.pages, err)
	}
}

// A trusted server may have its login page elsewhere, as Amazon Cognito does.
func TestLoginPageElsewhere(t *testing.T) {
	w := newWorld(t)
	delete(w.metadata, "authorization_response_iss_parameter_supported")
	w.metadata["authorization_endpoint"] = "https://page.example.com/authorize"
	w.hosts["page.example.com"] = http.HandlerFunc(w.authorize)
	c := w.config()
	c.Discovery.Issuers = []string{theLogin}
	login, want := w.source(c)
	if _, err := login.Token(t.Context(), want); err != nil {
		t.Error(err)
	}
}
