package client_test

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/bearerkit/bearerkit/client"
	"github.com/bearerkit/bearerkit/scope"
)

const (
	theAPI   = "https://api.example.com/v1"
	theLogin = "https://login.example.com"
	theApp   = "https://app.example.com/callback"

	wellKnownAPI   = "/.well-known/oauth-protected-resource/v1"
	wellKnownLogin = "/.well-known/oauth-authorization-server"
)

// world is a network in memory with an API, an authorization server, a browser and
// other hosts. Its fields can be changed before the first request.
type world struct {
	t     *testing.T
	hosts map[string]http.Handler // by host
	login http.Handler            // at theApp

	challenge string                                  // of the API, for requests without a good token
	protected map[string]any                          // the API's metadata
	metadata  map[string]any                          // the server's
	answer    func(url.Values)                        // changes an authorization response
	token     func(form url.Values, m map[string]any) // changes a token response

	mu       sync.Mutex
	requests []string     // METHOD URL, without queries
	pages    []url.Values // of the authorization requests
	forms    []url.Values // of the token requests
	basic    []string     // the Authorization fields of the token requests
	codes    map[string]url.Values
	good     map[string]scope.Set // the good access tokens
	refresh  string               // the good refresh token
	issued   int
}

func newWorld(t *testing.T) *world {
	w := &world{
		t:         t,
		challenge: `Bearer resource_metadata="https://api.example.com` + wellKnownAPI + `", scope="orders:read"`,
		protected: map[string]any{"resource": theAPI, "authorization_servers": []string{theLogin}},
		metadata: map[string]any{
			"issuer": theLogin, "authorization_endpoint": theLogin + "/authorize", "token_endpoint": theLogin + "/token",
			"registration_endpoint": theLogin + "/register", "code_challenge_methods_supported": []string{"S256"},
			"token_endpoint_auth_methods_supported":          []string{"none", "client_secret_basic"},
			"authorization_response_iss_parameter_supported": true,
		},
		answer: func(url.Values) {}, token: func(url.Values, map[string]any) {},
		codes: map[string]url.Values{}, good: map[string]scope.Set{},
	}
	api, login, app := http.NewServeMux(), http.NewServeMux(), http.NewServeMux()
	api.HandleFunc("GET "+wellKnownAPI, func(rw http.ResponseWriter, _ *http.Request) { writeJSON(rw, 200, w.protected) })
	api.HandleFunc("/v1/", w.serveAPI)
	login.HandleFunc("GET "+wellKnownLogin, func(rw http.ResponseWriter, _ *http.Request) { writeJSON(rw, 200, w.metadata) })
	login.HandleFunc("GET /authorize", w.authorize)
	login.HandleFunc("POST /token", w.serveToken)
	login.HandleFunc("POST /register", w.register)
	app.HandleFunc("/callback", func(rw http.ResponseWriter, r *http.Request) { w.login.ServeHTTP(rw, r) })
	w.hosts = map[string]http.Handler{"api.example.com": api, "login.example.com": login, "app.example.com": app}
	return w
}

func writeJSON(w http.ResponseWriter, status int, document any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(document)
}

// RoundTrip implements http.RoundTripper. Only loopback hosts are on the real
// network.
func (w *world) RoundTrip(r *http.Request) (*http.Response, error) {
	w.mu.Lock()
	w.requests = append(w.requests, r.Method+" "+r.URL.Scheme+"://"+r.URL.Host+r.URL.Path)
	handler := w.hosts[r.URL.Host]
	w.mu.Unlock()
	if strings.HasPrefix(r.URL.Host, "127.0.0.1:") {
		return http.DefaultTransport.RoundTrip(r)
	}
	if handler == nil || r.URL.Scheme != "https" {
		return nil, fmt.Errorf("no host %q", r.URL.Host)
	}
	if r.Body == nil {
		r = r.Clone(r.Context())
		r.Body = http.NoBody
	}
	recorder := httptest.NewRecorder()
	handler.ServeHTTP(recorder, r)
	_ = r.Body.Close()
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	answer := recorder.Result()
	answer.Request = r
	return answer, nil
}

func (w *world) http() *http.Client { return &http.Client{Transport: w} }

func (w *world) serveAPI(rw http.ResponseWriter, r *http.Request) {
	token := strings.TrimPrefix(strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "), "DPoP ")
	w.mu.Lock()
	granted, good := w.good[token]
	w.mu.Unlock()
	needs := scope.Of("orders:read")
	if r.Method == http.MethodPost {
		needs = scope.Of("orders:write")
	}
	switch {
	case !good && token != "":
		rw.Header().Set("WWW-Authenticate", w.challenge+`, error="invalid_token"`)
		rw.WriteHeader(401)
	case !good:
		rw.Header().Set("WWW-Authenticate", w.challenge)
		rw.WriteHeader(401)
	case !granted.Contains(needs):
		rw.Header().Set("WWW-Authenticate", `Bearer error="insufficient_scope", scope="`+needs.String()+`"`)
		rw.WriteHeader(403)
	case r.URL.Path == "/v1/strong" && !strings.HasPrefix(token, "strong"):
		rw.Header().Set("WWW-Authenticate", `Bearer error="insufficient_user_authentication", acr_values="gold silver", max_age="60"`)
		rw.WriteHeader(401)
	default:
		_, _ = io.WriteString(rw, granted.String())
	}
}

// authorize logs everybody in.
func (w *world) authorize(rw http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	code := rand.Text()
	w.mu.Lock()
	w.pages = append(w.pages, q)
	w.codes[code] = q
	w.mu.Unlock()
	answer := url.Values{"code": {code}, "state": {q.Get("state")}, "iss": {theLogin}}
	w.answer(answer)
	http.Redirect(rw, r, q.Get("redirect_uri")+"?"+answer.Encode(), http.StatusFound)
}

func (w *world) serveToken(rw http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		w.t.Error(err)
	}
	form := r.PostForm
	w.mu.Lock()
	defer w.mu.Unlock()
	w.forms, w.basic = append(w.forms, form), append(w.basic, r.Header.Get("Authorization"))
	var granted scope.Set
	prefix := "token"
	switch form.Get("grant_type") {
	case "authorization_code":
		asked := w.codes[form.Get("code")]
		delete(w.codes, form.Get("code"))
		sum := sha256.Sum256([]byte(form.Get("code_verifier")))
		if asked == nil || asked.Get("code_challenge") != base64.RawURLEncoding.EncodeToString(sum[:]) ||
			asked.Get("redirect_uri") != form.Get("redirect_uri") || asked.Get("resource") != form.Get("resource") {
			writeJSON(rw, 400, map[string]any{"error": "invalid_grant"})
			return
		}
		granted, _ = scope.Parse(asked.Get("scope"))
		if asked.Get("acr_values") != "" {
			prefix = "strong"
		}
	case "refresh_token":
		if form.Get("refresh_token") != w.refresh || w.refresh == "" {
			writeJSON(rw, 400, map[string]any{"error": "invalid_grant"})
			return
		}
		granted = scope.Of("orders:read")
	}
	w.issued++
	access := fmt.Sprintf("%s-%d", prefix, w.issued)
	w.refresh = fmt.Sprintf("refresh-%d", w.issued)
	w.good[access] = granted
	answer := map[string]any{"access_token": access, "token_type": "Bearer", "expires_in": 600, "refresh_token": w.refresh}
	w.token(form, answer)
	writeJSON(rw, 200, answer)
}

func (w *world) register(rw http.ResponseWriter, r *http.Request) {
	var m map[string]any
	if err := json.NewDecoder(r.Body).Decode(&m); err != nil {
		w.t.Error(err)
	}
	answer := maps.Clone(m)
	answer["client_id"] = "registered"
	if m["token_endpoint_auth_method"] != "none" {
		answer["client_secret"] = "s"
	}
	writeJSON(rw, 201, answer)
}

// revoke makes the API refuse all tokens.
func (w *world) revoke() {
	w.mu.Lock()
	defer w.mu.Unlock()
	clear(w.good)
}

// browse is the person, who opens the page and does what it says.
func (w *world) browse(ctx context.Context, page string) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, page, nil)
	if err != nil {
		return err
	}
	answer, err := w.http().Do(r)
	if err != nil {
		return err
	}
	return answer.Body.Close()
}

// config is a Login that registers itself, in a web application.
func (w *world) config() client.LoginConfig {
	return client.LoginConfig{Open: w.browse, RedirectURL: theApp, ClientName: "test", Discovery: client.DiscoveryConfig{HTTP: w.http()}}
}

// start makes the Login and an http.Client that uses it.
func (w *world) start(c client.LoginConfig) *http.Client {
	w.t.Helper()
	login, err := client.NewLogin(c)
	if err != nil {
		w.t.Fatal(err)
	}
	w.login = login
	transport, err := client.New(client.Config{Tokens: login, Resource: theAPI, Base: w, Key: c.Key})
	if err != nil {
		w.t.Fatal(err)
	}
	return &http.Client{Transport: transport}
}

// call sends a request to the API and returns the body.
func (w *world) call(api *http.Client, method, path string) (string, error) {
	r, err := http.NewRequestWithContext(w.t.Context(), method, theAPI+path, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	answer, err := api.Do(r)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode != 200 {
		err = fmt.Errorf("status %s", answer.Status)
	}
	return string(body), err
}

// asked returns the requests to a host.
func (w *world) asked(origin string) []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(w.requests), func(r string) bool { return !strings.Contains(r, " "+origin+"/") })
}
