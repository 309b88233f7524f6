package client_test

import (
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bearerkit/bearerkit/client"
)

// serve replaces one path of a host.
func (w *world) serve(host, pattern string, f http.HandlerFunc) {
	mux := http.NewServeMux()
	if before := w.hosts[host]; before != nil {
		mux.Handle("/", before)
	}
	mux.HandleFunc(pattern, f)
	w.hosts[host] = mux
}

func hang(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }

// respond answers every request with a status and a document.
func respond(status int, document string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, document)
	}
}

// A hostile API, network or authorization server gets no token and no code, and the
// client gets an error that says what is wrong. No request reaches the attacker.
func TestHostileLogins(t *testing.T) {
	const (
		evil      = "https://evil.example.com"
		metadata  = "GET " + wellKnownLogin
		protected = "GET " + wellKnownAPI
	)
	named := func(u string) func(w *world) {
		return func(w *world) { w.challenge = `Bearer resource_metadata="` + u + `"` }
	}
	member := func(name string, value any) func(w *world) { return func(w *world) { w.metadata[name] = value } }
	of := func(name string, value any) func(w *world) { return func(w *world) { w.protected[name] = value } }
	answer := func(f func(url.Values)) func(w *world) { return func(w *world) { w.answer = f } }
	register := func(f http.HandlerFunc) func(w *world) {
		return func(w *world) { w.serve("login.example.com", "POST /register", f) }
	}
	token := func(name string, value any) func(w *world) {
		return func(w *world) { w.token = func(_ url.Values, m map[string]any) { m[name] = value } }
	}
	for _, tt := range []struct {
		name   string
		attack func(w *world)
		fault  string // part of the error
		remedy client.Remedy
		login  bool // the person has been sent to the authorization server
	}{
		// RFC 9728, Sections 3.3, 7.6 and 7.7.
		{"the metadata of another API", of("resource", evil), `its resource is "https://evil.example.com", want "https://api.example.com/v1"`, client.FixRequest, false},
		{"the metadata of another host", of("resource", evil+"/v1"), "its resource is", client.FixRequest, false},
		{"the metadata by http", of("resource", "http://api.example.com/v1"), "its resource is", client.FixRequest, false},
		{"the metadata of another port", of("resource", "https://api.example.com:8443/v1"), "its resource is", client.FixRequest, false},
		{"the API with a fragment", of("resource", theAPI+"#a"), "its resource is", client.FixRequest, false},
		{"the API with a name", of("resource", "https://alice@api.example.com/v1"), "its resource is", client.FixRequest, false},
		{"a URL without slashes", of("resource", "https:api.example.com/v1"), "its resource is", client.FixRequest, false},
		{"no URL", of("resource", "https://api.example.com/v1%zz"), "its resource is", client.FixRequest, false},
		{"the metadata of a neighbor", of("resource", "https://api.example.com/v2"), "its resource is", client.FixRequest, false},
		{"the metadata of all of the origin", of("resource", "https://api.example.com"), "its resource is", client.FixRequest, false},
		{"the API with a query", of("resource", theAPI+"?a=b"), "its resource is", client.FixRequest, false},
		{"the API with userinfo", of("resource", "https://api.example.com@evil.example.com/v1"), "its resource is", client.FixRequest, false},
		{"no resource", of("resource", ""), "no resource", client.FixRequest, false},
		{"resource is an array", of("resource", []string{theAPI}), "resource: a JSON array", client.FixRequest, false},
		{"no authorization server", of("authorization_servers", []string{}), "names no authorization server", client.FixRequest, false},
		{"an authorization server by http", of("authorization_servers", []string{"http://login.example.com"}), `has the scheme "http", want https`, client.FixRequest, false},
		{"a name below localhost (RFC 6761, 6.3) as authorization server", of("authorization_servers", []string{"https://a.localhost"}), "on loopback", client.FixRequest, false},
		{"localhost with a dot as authorization server", of("authorization_servers", []string{"https://LOCALHOST.:8443"}), "on loopback", client.FixRequest, false},
		{"an IPv4 address of loopback as authorization server", of("authorization_servers", []string{"https://127.1.2.3"}), "on loopback", client.FixRequest, false},
		{"a mapped address of loopback as authorization server", of("authorization_servers", []string{"https://[::ffff:127.0.0.1]"}), "on loopback", client.FixRequest, false},
		{"the unspecified address as authorization server", of("authorization_servers", []string{"https://0.0.0.0:8443"}), "on loopback", client.FixRequest, false},
		{"a short address of loopback as authorization server", of("authorization_servers", []string{"https://127.1"}), "on loopback", client.FixRequest, false},
		{"an address in hexadecimal as authorization server", of("authorization_servers", []string{"https://0x7f000001"}), "on loopback", client.FixRequest, false},
		{"an address as one number as authorization server", of("authorization_servers", []string{"https://2130706433"}), "on loopback", client.FixRequest, false},
		{"a token_endpoint on loopback", member("token_endpoint", "https://localhost:8443/a"), "its token_endpoint is \"https://localhost:8443/a\", which is on loopback", client.FixRequest, false},
		{"a authorization_endpoint on loopback", member("authorization_endpoint", "https://localhost:8443/a"), "its authorization_endpoint is \"https://localhost:8443/a\", which is on loopback", client.FixRequest, false},
		{"a registration_endpoint on loopback", member("registration_endpoint", "https://localhost:8443/a"), "its registration_endpoint is \"https://localhost:8443/a\", which is on loopback", client.FixRequest, false},
		{"an authorization server on loopback", of("authorization_servers", []string{"https://localhost:8443"}), "on loopback", client.FixRequest, false},
		{"an authorization server with a query", of("authorization_servers", []string{theLogin + "?a"}), "the URL has a query, want none", client.FixRequest, false},
		{"an authorization server that is a file", of("authorization_servers", []string{"file:///etc/passwd"}), `has the scheme "file", want https`, client.FixRequest, false},
		{"metadata by http", named("http://api.example.com" + wellKnownAPI), `resource_metadata: the URL "http://api.example.com/.well-known/oauth-protected-resource/v1" has the scheme "http"`, client.FixRequest, false},
		{"metadata at another host", named(evil + wellKnownAPI), "want the API's origin", client.FixRequest, false},
		{"metadata at another port", named("https://api.example.com:8443" + wellKnownAPI), "want the API's origin", client.FixRequest, false},
		{"metadata in the machine's cloud", named("http://169.254.169.254/latest/meta-data"), `resource_metadata: the URL "http://169.254.169.254/latest/meta-data" has the scheme "http"`, client.FixRequest, false},
		{"metadata that redirects away", func(w *world) {
			w.serve("api.example.com", protected, http.RedirectHandler(evil, http.StatusFound).ServeHTTP)
		}, "redirect not followed", client.FixRequest, false},
		{"metadata of 10 MB", func(w *world) { w.serve("api.example.com", protected, respond(200, strings.Repeat(" ", 10<<20)+"{}")) }, "too large", client.FixRequest, false},
		{"metadata that never ends", func(w *world) { w.serve("api.example.com", protected, hang) }, "deadline", client.Unavailable, false},
		{"too many requests for the API's metadata", func(w *world) { w.serve("api.example.com", protected, respond(429, "")) }, "429", client.Unavailable, false},
		{"the API's metadata fails", func(w *world) { w.serve("api.example.com", protected, respond(500, "")) }, "500", client.Unavailable, false},
		{"the API's metadata is down", func(w *world) { w.serve("api.example.com", protected, respond(503, "")) }, "503", client.Unavailable, false},
		{"the metadata is missing", func(w *world) { w.serve("api.example.com", protected, respond(404, "")) }, "404", client.FixRequest, false},

		// RFC 8414, Section 3.3: mix-up.
		{"the metadata of another issuer", member("issuer", evil), `its issuer is "https://evil.example.com"`, client.FixRequest, false},
		{"the issuer with a slash", member("issuer", theLogin+"/"), "its issuer is", client.FixRequest, false},
		{"the server's metadata of 10 MB", func(w *world) {
			w.serve("login.example.com", metadata, respond(200, strings.Repeat(" ", 10<<20)+"{}"))
		}, "too large", client.FixRequest, false},
		{"the server's metadata redirects away", func(w *world) {
			w.serve("login.example.com", metadata, http.RedirectHandler(evil, http.StatusFound).ServeHTTP)
		}, "redirect not followed", client.FixRequest, false},
		{"a server that never answers", func(w *world) { w.serve("login.example.com", metadata, hang) }, "deadline", client.Unavailable, false},
		{"the token endpoint by http", member("token_endpoint", "http://login.example.com/token"), "token_endpoint", client.FixRequest, false},
		{"the login page is a script", member("authorization_endpoint", "javascript:alert(1)"), "authorization_endpoint", client.FixRequest, false},
		{"the login page is a file", member("authorization_endpoint", "file:///usr/bin/sh"), "authorization_endpoint", client.FixRequest, false},
		{"no login page", member("authorization_endpoint", nil), "no authorization_endpoint", client.FixRequest, false},

		// RFC 9700, Section 4.4: the code would go from another server to this one.
		{"the login page of another server", func(w *world) {
			w.metadata["authorization_endpoint"] = evil + "/authorize"
			delete(w.metadata, "authorization_response_iss_parameter_supported")
		}, "could be another server's page", client.FixRequest, false},
		{"the login page of another server, whose answers name it", func(w *world) {
			w.metadata["authorization_endpoint"] = "https://honest.example.com/authorize"
			w.hosts["honest.example.com"] = http.HandlerFunc(w.authorize)
			w.answer = func(v url.Values) { v.Set("iss", "https://honest.example.com") }
		}, `from the issuer "https://honest.example.com"`, client.SignIn, true},
		{"the login page of another server, whose answers do not", func(w *world) {
			w.metadata["authorization_endpoint"] = "https://honest.example.com/authorize"
			w.hosts["honest.example.com"] = http.HandlerFunc(w.authorize)
			w.answer = func(v url.Values) { v.Del("iss") }
		}, "has no iss", client.SignIn, true},

		// MCP 2025-11-25, "Authorization Code Protection".
		{"no PKCE", member("code_challenge_methods_supported", nil), "want S256", client.FixRequest, false},
		{"plain PKCE", member("code_challenge_methods_supported", []string{"plain"}), "want S256", client.FixRequest, false},

		// RFC 7591, Section 3.2.
		{"a refused registration", register(respond(400, `{"error":"invalid_redirect_uri"}`)), "400", client.FixRequest, false},
		{"a registration without an ID", register(respond(201, `{}`)), "no client_id", client.FixRequest, false},
		{"a registration with an unknown authentication", register(respond(201, `{"client_id":"a","token_endpoint_auth_method":"tls_client_auth"}`)), "tls_client_auth", client.FixRequest, false},
		{"a registration without its secret", register(respond(201, `{"client_id":"a","token_endpoint_auth_method":"client_secret_post"}`)), "no client_secret", client.FixRequest, false},
		{"a registration that breaks off", register(respond(201, `{"client_id":"a"`)), "not a registration", client.FixRequest, false},
		{"a registration with two IDs", register(respond(201, `{"client_id":"a","client_id":"b"}`)), "not a registration", client.FixRequest, false},
		{"a registration with a number as ID", register(respond(201, `{"client_id":"a","client_secret":7}`)), "not a registration", client.FixRequest, false},
		{"a registration of 10 MB", register(respond(201, strings.Repeat(" ", 10<<20))), "too large", client.FixRequest, false},
		{"a registration that redirects", register(http.RedirectHandler(evil, http.StatusTemporaryRedirect).ServeHTTP), "redirect not followed", client.FixRequest, false},
		{"a registration that never ends", register(hang), "deadline", client.Unavailable, false},

		// RFC 6749, Section 4.1.2; RFC 9207, Section 2.4.
		{"an answer with another state", answer(func(v url.Values) { v.Set("state", "x") }), "nobody logged in", client.SignIn, true},
		{"an answer without a state", answer(func(v url.Values) { v.Del("state") }), "nobody logged in", client.SignIn, true},
		{"an answer with two states", answer(func(v url.Values) { v.Add("state", "x") }), "state twice", client.SignIn, true},
		{"an answer of another issuer", answer(func(v url.Values) { v.Set("iss", evil) }), `from the issuer "https://evil.example.com"`, client.SignIn, true},
		{"an answer of no issuer", answer(func(v url.Values) { v.Del("iss") }), "has no iss", client.SignIn, true},
		{"an answer with two issuers", answer(func(v url.Values) { v.Add("iss", evil) }), "iss twice", client.SignIn, true},
		{"an error of another issuer", answer(func(v url.Values) { v.Set("iss", evil); v.Set("error", "access_denied") }), "from the issuer", client.SignIn, true},
		{"an answer with two codes", answer(func(v url.Values) { v.Add("code", "x") }), "code twice", client.SignIn, true},
		{"an answer without a code", answer(func(v url.Values) { v.Del("code") }), "no code", client.SignIn, true},
		{"a refusal", answer(func(v url.Values) { v.Set("error", "access_denied"); v.Set("error_description", "no\r\nno") }), `"access_denied" ("no??no")`, client.AskForScope, true},
		{"a code that the server does not know", answer(func(v url.Values) { v.Set("code", "x") }), "invalid_grant", client.SignIn, true},

		// RFC 6749, Sections 5.1 and 7.1.
		{"a token of another type", token("token_type", "mac"), `"mac"`, client.FixRequest, true},
		{"a token of no type", token("token_type", nil), "token_type", client.FixRequest, true},
		{"a bound token that nobody asked for", token("token_type", "DPoP"), "want Bearer", client.FixRequest, true},
		{"a token with a line break", token("access_token", "a\r\nX-Admin: 1"), "characters", client.FixRequest, true},
		{"a token endpoint that never answers", func(w *world) { w.serve("login.example.com", "POST /token", hang) }, "deadline", client.Unavailable, true},
		{"a token endpoint that redirects", func(w *world) {
			w.serve("login.example.com", "POST /token", http.RedirectHandler(evil, http.StatusTemporaryRedirect).ServeHTTP)
		}, "redirect not followed", client.FixRequest, true},
		{"an API that wants bound tokens", of("dpop_bound_access_tokens_required", true), "LoginConfig.Key", client.FixRequest, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				for _, host := range []string{"evil.example.com", "api.example.com:8443", "localhost:8443", "169.254.169.254"} {
					w.hosts[host] = http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
						t.Errorf("%s %s reaches the attacker", r.Method, r.URL)
					})
				}
				tt.attack(w)
				api := w.start(w.config())
				began := time.Now()
				_, err := w.call(api, "GET", "/orders")
				refused, ok := errors.AsType[*client.Error](err)
				if !ok || refused.Remedy != tt.remedy || !strings.Contains(err.Error(), tt.fault) {
					t.Errorf("error %v, want %s with %q", err, tt.remedy, tt.fault)
				}
				if (len(w.pages) > 0) != tt.login || len(w.pages) > 1 {
					t.Errorf("%d logins, want one: %t", len(w.pages), tt.login)
				}
				if took := time.Since(began); took > 5*time.Minute {
					t.Errorf("it took %v", took)
				}
				calls := slices.DeleteFunc(w.asked("https://api.example.com"), func(r string) bool { return r != "GET "+theAPI+"/orders" })
				if len(calls) != 1 {
					t.Errorf("%d requests to the API, want only the first, which has no token", len(calls))
				}
				for _, secret := range append(codesOf(w), "token-1", "refresh-1") {
					if err != nil && strings.Contains(err.Error(), secret) {
						t.Errorf("the error shows %q: %v", secret, err)
					}
				}
			})
		})
	}
}

func codesOf(w *world) []string {
	var list []string
	for code := range w.codes {
		list = append(list, code)
	}
	return list
}

// A Login that trusts one authorization server does not send its secret to another.
func TestIssuers(t *testing.T) {
	const other = "https://other.example.com"
	for _, tt := range []struct {
		name    string
		trusted []string
		named   []string // nil: the metadata names none
		absent  bool     // there is no metadata
		ok      bool
	}{
		{"the one that the API names", []string{theLogin}, []string{theLogin}, false, true},
		{"one of those that the API names", []string{theLogin}, []string{other, theLogin}, false, true},
		{"another one", []string{theLogin}, []string{other}, false, false},
		{"almost the same", []string{theLogin}, []string{theLogin + "/"}, false, false},
		{"none is named", []string{theLogin}, nil, false, true},
		{"no metadata", []string{theLogin}, nil, true, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			w.challenge = `Bearer scope="orders:read"`
			delete(w.protected, "authorization_servers")
			if tt.named != nil {
				w.protected["authorization_servers"] = tt.named
			}
			if tt.absent {
				w.serve("api.example.com", "GET "+wellKnownAPI, http.NotFound)
			}
			w.hosts["other.example.com"] = http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				t.Errorf("%s %s reaches the other server", r.Method, r.URL)
			})
			c := w.config()
			c.ClientID, c.ClientSecret, c.Discovery.Issuers = "app", "secret", tt.trusted
			_, err := w.call(w.start(c), "GET", "/orders")
			if (err == nil) != tt.ok {
				t.Errorf("error %v, want success %t", err, tt.ok)
			}
			if tt.ok && w.basic[0] != "Basic YXBwOnNlY3JldA==" {
				t.Errorf("the client authenticates by %q", w.basic[0])
			}
		})
	}
}

// The root's document may describe all of the origin, if the API has none of its own
// (MCP 2025-11-25, "Protected Resource Metadata Discovery Requirements").
func TestMetadataAtTheRoot(t *testing.T) {
	for _, tt := range []struct {
		name, challenge string
	}{
		{"found", `Bearer scope="orders:read"`},
		{"named", `Bearer scope="orders:read", resource_metadata="https://api.example.com/.well-known/oauth-protected-resource"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			w.challenge = tt.challenge
			w.protected["resource"] = "https://api.example.com"
			w.serve("api.example.com", "GET "+wellKnownAPI, http.NotFound)
			w.serve("api.example.com", "GET /.well-known/oauth-protected-resource", func(rw http.ResponseWriter, _ *http.Request) { writeJSON(rw, 200, w.protected) })
			if got, err := w.call(w.start(w.config()), "GET", "/orders"); err != nil || got != "orders:read" {
				t.Fatalf("%q, %v", got, err)
			}
			if got := w.pages[0].Get("resource"); got != "https://api.example.com" {
				t.Errorf("the login is for the resource %q", got)
			}
		})
	}
}

// The root's document is not that of another API there.
func TestMetadataAtTheRootOfANeighbor(t *testing.T) {
	for _, named := range []string{"https://api.example.com/v2", "https://api.example.com/v", "https://api.example.com/v1/more", "https://evil.example.com"} {
		w := newWorld(t)
		w.challenge = `Bearer scope="orders:read"`
		w.protected["resource"] = named
		w.serve("api.example.com", "GET "+wellKnownAPI, http.NotFound)
		w.serve("api.example.com", "GET /.well-known/oauth-protected-resource", func(rw http.ResponseWriter, _ *http.Request) { writeJSON(rw, 200, w.protected) })
		if _, err := w.call(w.start(w.config()), "GET", "/orders"); err == nil || len(w.pages) > 0 {
			t.Errorf("%s: %v, %d logins", named, err, len(w.pages))
		}
	}
}

// MCP 2025-03-26: an API without metadata, only if the program says so.
func TestAPIWithoutMetadata(t *testing.T) {
	for _, allowed := range []bool{false, true} {
		w := newWorld(t)
		w.challenge = `Bearer scope="orders:read"`
		api := http.NewServeMux()
		api.HandleFunc("/v1/", w.serveAPI)
		api.HandleFunc("GET /authorize", w.authorize)
		api.HandleFunc("POST /token", w.serveToken)
		api.HandleFunc("POST /register", w.register)
		w.hosts["api.example.com"] = api
		w.answer = func(v url.Values) { v.Del("iss") }
		c := w.config()
		c.Discovery.InsecureAllowNoMetadata = allowed
		got, err := w.call(w.start(c), "GET", "/orders")
		if (err == nil) != allowed || allowed && got != "orders:read" {
			t.Errorf("allowed %t: %q, %v", allowed, got, err)
		}
	}
}

// A Login is for one API. Another one does not get its token.
func TestLoginIsForOneAPI(t *testing.T) {
	w := newWorld(t)
	c := w.config()
	if _, err := w.call(w.start(c), "GET", "/orders"); err != nil {
		t.Fatal(err)
	}
	login, ok := w.login.(*client.Login)
	if !ok {
		t.Fatal("no Login")
	}
	token, err := login.Token(t.Context(), client.Want{Resource: "https://other.example.com"})
	if token != nil || err == nil || !strings.Contains(err.Error(), "another API") {
		t.Errorf("%v, %v", token, err)
	}
}
