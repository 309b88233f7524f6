package client_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bearerkit/bearerkit/client"
	"github.com/bearerkit/bearerkit/dpop"
	"github.com/bearerkit/bearerkit/scope"
)

// From a 401 to an answer: RFC 9728, RFC 8414, RFC 7591, RFC 7636, RFC 8707.
func TestLogin(t *testing.T) {
	w := newWorld(t)
	api := w.start(w.config())
	for range 2 { // the second request needs no login
		if got, err := w.call(api, "GET", "/orders"); err != nil || got != "orders:read" {
			t.Fatalf("%q, %v", got, err)
		}
	}
	if len(w.pages) != 1 || len(w.forms) != 1 {
		t.Fatalf("%d logins and %d token requests, want 1 and 1", len(w.pages), len(w.forms))
	}
	page, form := w.pages[0], w.forms[0]
	for name, want := range map[string]string{
		"response_type": "code", "client_id": "registered", "redirect_uri": theApp, "scope": "orders:read",
		"resource": theAPI, "code_challenge_method": "S256",
	} {
		if page.Get(name) != want {
			t.Errorf("the authorization request has %s %q, want %q", name, page.Get(name), want)
		}
	}
	if len(page.Get("state")) < 20 || form.Get("resource") != theAPI || form.Get("client_id") != "registered" {
		t.Errorf("state %q, token request %v", page.Get("state"), form)
	}
}

// RFC 8252, Section 7.3: a program on a person's machine listens on loopback, while a
// person logs in and no longer.
func TestLoginListensOnLoopback(t *testing.T) {
	w := newWorld(t)
	c := w.config()
	c.RedirectURL = ""
	var address string
	c.Open = func(ctx context.Context, page string) error {
		u, err := url.Parse(page)
		if err != nil {
			return err
		}
		address = u.Query().Get("redirect_uri")
		elsewhere := strings.TrimSuffix(address, "callback") + "other?error=x&iss=" + theLogin + "&state=" + u.Query().Get("state")
		for guess, status := range map[string]int{address: 400, address + "?code=a&state=guessed": 400, elsewhere: 404} {
			answer, err := http.Get(guess)
			if err != nil {
				return err
			}
			answer.Body.Close()
			if answer.StatusCode != status {
				t.Errorf("%s: %s, want %d", guess, answer.Status, status)
			}
		}
		return w.browse(ctx, page)
	}
	if got, err := w.call(w.start(c), "GET", "/orders"); err != nil || got != "orders:read" {
		t.Fatalf("%q, %v", got, err)
	}
	if !strings.HasPrefix(address, "http://127.0.0.1:") || !strings.HasSuffix(address, "/callback") {
		t.Errorf("the redirect URI is %q", address)
	}
	if answer, err := http.Get(address); err == nil {
		answer.Body.Close()
		t.Error("the listener is still there")
	}
}

// RFC 6749, Section 6, and RFC 9700, Section 4.14.2: a refresh token replaces itself.
// When it is refused, the person logs in again.
func TestLoginRefreshes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		api := w.start(w.config())
		for range 3 {
			if got, err := w.call(api, "GET", "/orders"); err != nil || got != "orders:read" {
				t.Fatalf("%q, %v", got, err)
			}
			w.revoke()
			<-time.After(10 * time.Second) // a Transport does not replace tokens more often
		}
		if len(w.pages) != 1 || len(w.forms) != 3 {
			t.Fatalf("%d logins and %d token requests, want 1 and 3", len(w.pages), len(w.forms))
		}
		for i, form := range w.forms[1:] {
			if want := []string{"refresh-1", "refresh-2"}[i]; form.Get("refresh_token") != want || form.Get("resource") != theAPI {
				t.Errorf("refresh %d sends %v, want %s", i, form, want)
			}
		}
		w.refresh = "" // the server has ended the session
		if got, err := w.call(api, "GET", "/orders"); err != nil || got != "orders:read" || len(w.pages) != 2 {
			t.Errorf("%q, %v, after %d logins", got, err, len(w.pages))
		}
	})
}

// An expired token is refreshed before the API refuses it.
func TestLoginRefreshesBeforeExpiry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		api := w.start(w.config())
		for range 2 {
			if got, err := w.call(api, "GET", "/orders"); err != nil || got != "orders:read" {
				t.Fatalf("%q, %v", got, err)
			}
			<-time.After(10 * time.Minute)
		}
		if calls := w.asked("https://api.example.com"); len(w.pages) != 1 || len(calls) != 4 { // 401, metadata, 200, 200
			t.Errorf("%d logins, requests to the API: %q", len(w.pages), calls)
		}
	})
}

// MCP 2025-11-25, "Step-Up Authorization Flow": a login for the union of the scopes.
func TestLoginForMoreScope(t *testing.T) {
	w := newWorld(t)
	api := w.start(w.config())
	for _, method := range []string{"GET", "POST", "GET"} {
		if got, err := w.call(api, method, "/orders"); err != nil || !strings.HasPrefix(got, "orders:read") {
			t.Fatalf("%s: %q, %v", method, got, err)
		}
	}
	if len(w.pages) != 2 || w.pages[1].Get("scope") != "orders:read orders:write" {
		t.Errorf("logins %v", w.pages)
	}
}

// RFC 9470, Section 4: acr_values and max_age.
func TestLoginStepsUp(t *testing.T) {
	w := newWorld(t)
	api := w.start(w.config())
	if _, err := w.call(api, "GET", "/orders"); err != nil {
		t.Fatal(err)
	}
	if _, err := w.call(api, "GET", "/strong"); err != nil {
		t.Fatal(err)
	}
	if len(w.pages) != 2 || w.pages[1].Get("acr_values") != "gold silver" || w.pages[1].Get("max_age") != "60" || w.pages[1].Get("scope") != "orders:read" {
		t.Errorf("logins %v", w.pages)
	}
}

// MCP 2025-11-25, "Scope Selection Strategy".
func TestScopeSelection(t *testing.T) {
	for _, tt := range []struct {
		name      string
		challenge string // the parameter scope
		protected []string
		server    []string
		config    scope.Set
		want      string
	}{
		{"the challenge's", `, scope="orders:read"`, []string{"orders:read", "admin"}, nil, scope.Set{}, "orders:read"},
		{"the metadata's", "", []string{"orders:read", "b"}, nil, scope.Set{}, "b orders:read"},
		{"malformed names in the metadata", "", []string{"orders:read", `a"b`, "", "c d"}, nil, scope.Set{}, "orders:read"},
		{"none", "", nil, []string{"offline_access"}, scope.Set{}, ""},
		{"offline_access", `, scope="orders:read"`, nil, []string{"offline_access"}, scope.Set{}, "offline_access orders:read"},
		{"the program's", `, scope="orders:read"`, nil, []string{"openid"}, scope.Of("openid"), "openid orders:read"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			w.challenge = `Bearer resource_metadata="https://api.example.com` + wellKnownAPI + `"` + tt.challenge
			if tt.protected != nil {
				w.protected["scopes_supported"] = tt.protected
			}
			if tt.server != nil {
				w.metadata["scopes_supported"] = tt.server
			}
			c := w.config()
			c.Scope = tt.config
			w.call(w.start(c), "GET", "/orders") // fails without orders:read, after the login
			if len(w.pages) == 0 || w.pages[0].Get("scope") != tt.want || w.pages[0].Has("scope") != (tt.want != "") ||
				strings.Contains(tt.want, "offline_access") != (w.pages[0].Get("prompt") == "consent") {
				t.Errorf("logins %v, want the scope %q", w.pages, tt.want)
			}
		})
	}
}

// The API's metadata cannot get around Config.AllowScope: the API could otherwise get a
// scope of another API that way.
func TestAllowScopeOfMetadata(t *testing.T) {
	for _, tt := range []struct {
		allow func(string) bool
		want  string
	}{
		{nil, "mail:read orders:read"},
		{func(name string) bool { return strings.HasPrefix(name, "orders:") }, "orders:read"},
		{func(string) bool { return false }, ""},
	} {
		w := newWorld(t)
		w.challenge = `Bearer resource_metadata="https://api.example.com` + wellKnownAPI + `"`
		w.protected["scopes_supported"] = []string{"orders:read", "mail:read"}
		login, want := w.source(w.config())
		want.Scope = scope.Set{}
		want.AllowScope = tt.allow
		if _, err := login.Token(t.Context(), want); err != nil || len(w.pages) != 1 || w.pages[0].Get("scope") != tt.want {
			t.Errorf("logins %v, %v, want the scope %q", w.pages, err, tt.want)
		}
	}
}

// A Transport passes its AllowScope to the source.
func TestSourceGetsAllowScope(t *testing.T) {
	source := new(counter)
	transport := newTransport(t, &fakeAPI{answer: func(int, *http.Request, http.ResponseWriter) {}}, client.Config{
		Tokens: source, AllowScope: func(name string) bool { return name == "orders:read" },
	})
	if status, err := do(t, transport, get(t, orders)); status != 200 {
		t.Fatal(err)
	}
	if allow := source.wants[0].AllowScope; allow == nil || !allow("orders:read") || allow("mail:read") {
		t.Error("the source got another AllowScope")
	}
}

// MCP 2025-11-25, "Client Registration Approaches": the order.
func TestRegistrationOrder(t *testing.T) {
	const document = "https://app.example.com/client.json"
	for _, tt := range []struct {
		name    string
		config  func(*client.LoginConfig)
		byURL   bool   // the server supports documents
		dynamic bool   // the server has a registration_endpoint
		want    string // the client ID. Empty: an error with the fault
		fault   string
	}{
		{"registered in advance", func(c *client.LoginConfig) { c.ClientID, c.ClientMetadataURL = "mine", document }, true, true, "mine", ""},
		{"a document", func(c *client.LoginConfig) { c.ClientMetadataURL = document }, true, true, document, ""},
		{"a document that the server does not support", func(c *client.LoginConfig) { c.ClientMetadataURL = document }, false, true, "registered", ""},
		{"dynamic", func(*client.LoginConfig) {}, true, true, "registered", ""},
		{"nothing is possible", func(*client.LoginConfig) {}, false, false, "", "set LoginConfig.ClientID"},
		{"no name to register", func(c *client.LoginConfig) { c.ClientMetadataURL, c.ClientName = document, "" }, false, true, "", "LoginConfig.ClientID or ClientName"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			w.metadata["client_id_metadata_document_supported"] = tt.byURL
			if !tt.dynamic {
				delete(w.metadata, "registration_endpoint")
			}
			c := w.config()
			tt.config(&c)
			_, err := w.call(w.start(c), "GET", "/orders")
			if tt.want == "" {
				if refused, ok := errors.AsType[*client.Error](err); !ok || refused.Remedy != client.FixRequest || !strings.Contains(err.Error(), tt.fault) {
					t.Errorf("error %v", err)
				}
				return
			}
			if err != nil || w.pages[0].Get("client_id") != tt.want {
				t.Errorf("%v, %v", w.pages, err)
			}
		})
	}
}

// A client registers once, and again when its secret has expired (RFC 7591, Section
// 3.2.1).
func TestRegistrationExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.metadata["token_endpoint_auth_methods_supported"] = []string{"client_secret_basic"}
		registered := 0
		login := w.hosts["login.example.com"]
		mux := http.NewServeMux()
		mux.Handle("/", login)
		mux.HandleFunc("POST /register", func(rw http.ResponseWriter, _ *http.Request) {
			registered++
			writeJSON(rw, 201, map[string]any{"client_id": "registered", "client_secret": "s", "client_secret_expires_at": time.Now().Add(time.Hour).Unix()})
		})
		w.hosts["login.example.com"] = mux
		api := w.start(w.config())
		for i, want := range []int{1, 1, 2} {
			if _, err := w.call(api, "GET", "/orders"); err != nil || registered != want {
				t.Errorf("login %d: %v after %d registrations, want %d", i, err, registered, want)
			}
			w.revoke()
			w.refresh = ""
			<-time.After(31 * time.Minute)
		}
		if w.basic[0] != "Basic cmVnaXN0ZXJlZDpz" {
			t.Errorf("the client authenticates by %q", w.basic[0])
		}
	})
}

// RFC 9449, Sections 5 and 10: the login and the tokens are bound to the key.
func TestLoginWithKey(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	thumbprint, err := dpop.Thumbprint(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t)
	w.challenge = strings.Replace(w.challenge, "Bearer", "DPoP", 1)
	w.protected["dpop_bound_access_tokens_required"] = true
	w.token = func(_ url.Values, m map[string]any) { m["token_type"] = "DPoP" }
	c := w.config()
	c.Key = key
	if got, err := w.call(w.start(c), "GET", "/orders"); err != nil || got != "orders:read" {
		t.Fatalf("%q, %v", got, err)
	}
	if got := w.pages[0].Get("dpop_jkt"); got != thumbprint {
		t.Errorf("dpop_jkt %q, want %q", got, thumbprint)
	}
}

// Concurrent requests cause one login. While a person logs in, nobody else is asked.
func TestOneLoginAtATime(t *testing.T) {
	w := newWorld(t)
	c := w.config()
	var mu sync.Mutex
	open, most := 0, 0
	c.Open = func(ctx context.Context, page string) error {
		mu.Lock()
		open++
		most = max(most, open)
		mu.Unlock()
		defer func() { mu.Lock(); open--; mu.Unlock() }()
		return w.browse(ctx, page)
	}
	api := w.start(c)
	var work sync.WaitGroup
	for i := range 50 {
		work.Go(func() {
			method := "GET"
			if i%2 == 1 {
				method = "POST"
			}
			if _, err := w.call(api, method, "/orders"); err != nil {
				t.Error(err)
			}
		})
	}
	work.Wait()
	if most != 1 || len(w.pages) > 3 {
		t.Errorf("%d logins, of which %d at once", len(w.pages), most)
	}
}

// A person who does not come does not hold the program forever.
func TestLoginTimesOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		c := w.config()
		c.Open = func(context.Context, string) error { return nil }
		api := w.start(c)
		began := time.Now()
		_, err := w.call(api, "GET", "/orders")
		if refused, ok := errors.AsType[*client.Error](err); !ok || refused.Remedy != client.SignIn || !strings.Contains(err.Error(), "nobody logged in") {
			t.Errorf("error %v", err)
		}
		if took := time.Since(began); took != 5*time.Minute {
			t.Errorf("after %v, want 5m", took)
		}
	})
}

// A caller that gives up ends the login, and the next one can log in.
func TestLoginEndsWithItsCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		c := w.config()
		var there atomic.Bool
		c.Open = func(ctx context.Context, page string) error {
			if !there.Load() {
				return nil
			}
			return w.browse(ctx, page)
		}
		api := w.start(c)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		r, err := http.NewRequestWithContext(ctx, "GET", theAPI+"/orders", nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := api.Do(r); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v", err)
		}
		there.Store(true)
		if got, err := w.call(api, "GET", "/orders"); err != nil || got != "orders:read" {
			t.Errorf("%q, %v", got, err)
		}
	})
}

// All mistakes at once, and no network.
func TestNewLoginReportsMistakes(t *testing.T) {
	open := func(context.Context, string) error { return nil }
	for _, tt := range []struct {
		name   string
		config client.LoginConfig
		faults []string
	}{
		{"zero", client.LoginConfig{}, []string{"Open is nil", "ClientID, ClientMetadataURL and ClientName are empty"}},
		{"a secret for whom?", client.LoginConfig{Open: open, ClientID: "a", ClientSecret: "s"}, []string{"Discovery.Issuers is empty"}},
		{"a secret without an ID", client.LoginConfig{Open: open, ClientName: "a", ClientSecret: "s", InsecureAnyIssuer: true}, []string{"ClientSecret is set without ClientID"}},
		{"a secret and a key", client.LoginConfig{Open: open, ClientID: "a", ClientSecret: "s", PrivateKey: []byte("k"), InsecureAnyIssuer: true}, []string{"want one of them", "PrivateKey: "}},
		{"a key without an ID", client.LoginConfig{Open: open, ClientName: "a", PrivateKey: []byte("k")}, []string{"PrivateKey is set without"}},
		{"an http redirect", client.LoginConfig{Open: open, ClientID: "a", RedirectURL: "http://app.example.com/callback"}, []string{"RedirectURL"}},
		{"a redirect with a query", client.LoginConfig{Open: open, ClientID: "a", RedirectURL: "https://app.example.com/callback?a=b"}, []string{"query"}},
		{"a document by http", client.LoginConfig{Open: open, ClientMetadataURL: "http://127.0.0.1/client.json"}, []string{"ClientMetadataURL"}},
		{"a document without a path", client.LoginConfig{Open: open, ClientMetadataURL: "https://app.example.com/"}, []string{"want an https URL with a path"}},
		{"an http issuer", client.LoginConfig{Open: open, ClientID: "a", Discovery: client.DiscoveryConfig{Issuers: []string{"http://login.example.com"}}}, []string{"Discovery.Issuers[0]"}},
		{"a placeholder", client.LoginConfig{Open: open, ClientID: "<client-id>"}, []string{"ClientID"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := client.NewLogin(tt.config)
			for _, fault := range tt.faults {
				if err == nil || !strings.Contains(err.Error(), fault) {
					t.Errorf("error %v, want one with %q", err, fault)
				}
			}
		})
	}
}
