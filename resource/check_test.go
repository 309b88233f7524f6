package resource_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bearerkit/bearerkit/resource"
	"github.com/bearerkit/bearerkit/scope"
)

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// answering returns a client for which h answers every request, whatever the
// host.
func answering(h http.Handler) *http.Client {
	return &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		resp := w.Result()
		resp.Request = r
		return resp, nil
	})}
}

func answeringBody(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		w.Header().Set("Access-Control-Allow-Origin", "*")
		io.WriteString(w, body)
	}
}

func answeringStatus(status int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(status) }
}

func redirecting(to string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, to, http.StatusMovedPermanently) }
}

var orders = resource.Config{
	Resource:             "https://api.example.com/orders",
	AuthorizationServers: []string{"https://login.example.com"},
	Scopes:               scope.Of("orders:read"),
}

func TestCheck(t *testing.T) {
	m := newMetadata(t, orders)
	const url = "https://api.example.com/.well-known/oauth-protected-resource/orders"
	other := func(change func(*resource.Config)) http.Handler {
		c := orders
		change(&c)
		m := newMetadata(t, c)
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			m.ServeHTTP(w, httptest.NewRequest("GET", m.Path(), nil))
		})
	}
	resourceIs := func(identifier string) http.Handler {
		return answeringBody(`{"resource":"` + identifier + `","authorization_servers":["https://login.example.com"],"scopes_supported":["orders:read"],"bearer_methods_supported":["header"]}`)
	}
	header := func(name string, values ...string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			recorded := get(m, m.Path())
			w.Header().Set("Content-Type", "application/json")
			w.Header().Set("Access-Control-Allow-Origin", "*")
			w.Header()[name] = values
			w.Write(recorded.Body.Bytes())
		})
	}
	tests := []struct {
		name   string
		answer http.Handler
		want   []string // one for each finding; none: all is well
	}{
		{"as it should be", m, nil},
		{"written anew by a proxy", answeringBody(` { "scopes_supported" : ["orders:read"],
			"bearer_methods_supported":["header"], "authorization_servers":["https:\/\/login.example.com"], "resource":"https://api.example.com/orders"}`), nil},
		{"CORS that names the origin", header("Access-Control-Allow-Origin", "https://client.example"), nil},

		{"not mounted", http.NotFoundHandler(), []string{"the status is 404 Not Found, want 200: register the handler at this path"}},
		{"guarded", answeringStatus(401), []string{"the status is 401 Unauthorized, want 200: the document is public"}},
		{"CORS middleware", answeringStatus(403), []string{"from any Origin"}},
		{"by another method", answeringStatus(405), []string{"allow GET"}},
		{"a proxy without a program", answeringStatus(502), []string{"502 Bad Gateway, want 200: see the logs"}},
		{"no content", answeringStatus(204), []string{"the status is 204"}},

		{"a redirect to http", redirecting("http://api.example.com/.well-known/oauth-protected-resource/orders"), []string{"if clients use http, set"}},
		{"a redirect to another host", redirecting("https://www.example.com/x?secret"), []string{`a redirect to "https://www.example.com/x"; want 200: if clients use the host "www.example.com"`}},
		{"a redirect to the slash", redirecting(url + "/"), []string{"with and without the trailing slash"}},
		{"a redirect to a login", redirecting("/login"), []string{`"https://api.example.com/login"; want 200: exclude the path from`}},
		{"a redirect without a Location", answeringStatus(302), []string{"Location"}},

		{"another Content-Type", header("Content-Type", "text/plain"), []string{`the Content-Type is "text/plain", want application/json`}},
		{"no Content-Type", header("Content-Type", ""), []string{`the Content-Type is ""`}},
		{"no CORS", header("Access-Control-Allow-Origin"), []string{`Access-Control-Allow-Origin is "", want * once`}},
		{"CORS twice", header("Access-Control-Allow-Origin", "*", "*"), []string{`is "*, *"`}},
		{"CORS for another", header("Access-Control-Allow-Origin", "https://app.example.com"), []string{`is "https://app.example.com"`}},

		{"a page", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "<!doctype html>") }),
			[]string{"text/html", `Access-Control-Allow-Origin is ""`, "not a metadata document: invalid JSON at byte 0; register the handler before"}},
		{"an empty body", answeringBody(""), []string{"not a metadata document"}},
		{"an array", answeringBody("[]"), []string{"not a JSON object"}},
		{"a member twice", answeringBody(`{"resource":"https://api.example.com/orders","resource":"https://evil.example"}`), []string{"duplicate"}},
		{"too large", answeringBody(strings.Repeat(" ", 1<<20) + "{}"), []string{"more than 1048576 bytes"}},
		{"endless depth", answeringBody(`{"a":` + strings.Repeat("[", 1000)), []string{"nested deeper"}},

		{"no resource", answeringBody(`{"authorization_servers":["https://login.example.com"],"scopes_supported":["orders:read"],"bearer_methods_supported":["header"]}`),
			[]string{`no member "resource", want "https://api.example.com/orders"`}},
		{"a resource that is no string", answeringBody(`{"resource":[1],"authorization_servers":["https://login.example.com"],"scopes_supported":["orders:read"],"bearer_methods_supported":["header"]}`),
			[]string{`the member "resource" is a JSON array instead of a string`}},
		{"http in the resource", resourceIs("http://api.example.com/orders"), []string{`"http://api.example.com/orders", want "https://api.example.com/orders", so clients reject the document: it differs in the scheme;`}},
		{"a slash at the end of the resource", resourceIs("https://api.example.com/orders/"), []string{": it differs in the trailing slash;"}},
		{"another host in the resource", resourceIs("https://orders.internal/orders"), []string{": it differs in the host;"}},
		{"the program's own address", resourceIs("http://127.0.0.1:8080/"), []string{": it differs in the scheme, the host, the port, the path;"}},
		{"another path in the resource", resourceIs("https://api.example.com/users"), []string{": it differs in the path;"}},
		{"another case in the resource", resourceIs("https://API.example.com/orders"), []string{": it differs in the host;"}},
		{"a default port in the resource", resourceIs("https://api.example.com:443/orders"), []string{": it differs in the port;"}},
		{"a query in the resource", resourceIs("https://api.example.com/orders?"), []string{": it differs in the spelling;"}},
		{"no URL in the resource", resourceIs("%zz"), []string{": it is not a URL"}},
		{"a huge resource", resourceIs("https://" + strings.Repeat("a", 1000)), []string{"aaa…"}},

		{"another's scopes", other(func(c *resource.Config) { c.Scopes = scope.Of("orders:write") }), []string{`differs in ["scopes_supported"]`}},
		{"an older configuration", other(func(c *resource.Config) { c.AuthorizationServers, c.Name, c.MTLSBound = nil, "Orders", true }),
			[]string{`lacks ["authorization_servers"]`, `has in addition ["resource_name" "tls_client_certificate_bound_access_tokens"]`}},
		{"another resource", other(func(c *resource.Config) { c.Resource, c.Scopes = "https://api.example.com", scope.Of("x") }),
			[]string{": it differs in the path;", `differs in ["scopes_supported"]`}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := findings(m.Check(t.Context(), answering(tt.answer)))
			if len(got) != len(tt.want) {
				t.Fatalf("got %q, want %q", got, tt.want)
			}
			for i, want := range tt.want {
				if !strings.HasPrefix(got[i], "resource: check "+url+": ") || !strings.Contains(got[i], want) {
					t.Errorf("got %q, want %q", got[i], want)
				}
				if strings.Contains(got[i], "secret") || len(got[i]) > 1000 {
					t.Errorf("got %q", got[i])
				}
			}
		})
	}
}

// findings returns the texts of the joined errors.
func findings(err error) []string {
	if err == nil {
		return nil
	}
	var texts []string
	for _, e := range err.(interface{ Unwrap() []error }).Unwrap() {
		texts = append(texts, e.Error())
	}
	return texts
}

func TestCheckAtRoot(t *testing.T) {
	c := orders
	c.ServeAtRoot = true
	m := newMetadata(t, c)
	if err := m.Check(t.Context(), answering(m)); err != nil {
		t.Error(err)
	}
	mux := http.NewServeMux()
	mux.Handle(m.Path(), m)
	got := findings(m.Check(t.Context(), answering(mux)))
	if len(got) != 1 || !strings.HasPrefix(got[0], "resource: check https://api.example.com/.well-known/oauth-protected-resource: the status is 404") {
		t.Errorf("got %q", got)
	}
}

// Real connections: both schemes, and unreachable hosts.
func TestCheckOverTheNetwork(t *testing.T) {
	newServer := func(start func(http.Handler) *httptest.Server) (*httptest.Server, *resource.Metadata) {
		var m *resource.Metadata
		server := start(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { m.ServeHTTP(w, r) }))
		server.Config.ErrorLog = log.New(io.Discard, "", 0)
		t.Cleanup(server.Close)
		m = newMetadata(t, resource.Config{Resource: server.URL + "/mcp"})
		return server, m
	}
	plain, overHTTP := newServer(httptest.NewServer)
	if err := overHTTP.Check(t.Context(), nil); err != nil {
		t.Error(err)
	}
	secure, overTLS := newServer(httptest.NewTLSServer)
	if err := overTLS.Check(t.Context(), secure.Client()); err != nil {
		t.Error(err)
	}

	elsewhere := newMetadata(t, resource.Config{Resource: strings.Replace(plain.URL, "http:", "https:", 1)})
	closed := httptest.NewServer(nil)
	gone := newMetadata(t, resource.Config{Resource: closed.URL + "/mcp", ServeAtRoot: true})
	closed.Close()
	for name, m := range map[string]*resource.Metadata{"an unknown certificate": overTLS, "https to an http server": elsewhere, "nothing listening": gone} {
		got := findings(m.Check(t.Context(), nil))
		if len(got) != 1 || !strings.Contains(got[0], ": no answer: ") || !strings.Contains(got[0], "make sure that the host of Config.Resource is reachable") {
			t.Errorf("%s: got %q", name, got)
		}
	}
	asHTTP := newMetadata(t, resource.Config{Resource: strings.Replace(secure.URL, "https:", "http:", 1)})
	if got := findings(asHTTP.Check(t.Context(), nil)); len(got) != 1 || !strings.Contains(got[0], "the status is 400") {
		t.Errorf("http to a server of https: got %q", got)
	}
}

// Check follows no redirects, sends no cookies and keeps no connection open.
func TestCheckRequest(t *testing.T) {
	m := newMetadata(t, orders)
	var requests []string
	client := answering(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests = append(requests, fmt.Sprint(r.Method, " ", r.URL, " ", r.Header.Get("Accept"), " ", r.Header.Get("Cookie"), r.Header.Get("Authorization"), " ", r.Close))
		http.Redirect(w, r, "https://evil.example", http.StatusFound)
	}))
	client.Jar, _ = cookiejar.New(nil)
	at, err := url.Parse(m.URL())
	if err != nil {
		t.Fatal(err)
	}
	client.Jar.SetCookies(at, []*http.Cookie{{Name: "session", Value: "1"}})
	followed := false
	client.CheckRedirect = func(*http.Request, []*http.Request) error { followed = true; return nil }
	if m.Check(t.Context(), client) == nil || followed {
		t.Error("a redirect was followed")
	}
	if want := "GET " + m.URL() + " application/json  true"; len(requests) != 1 || requests[0] != want {
		t.Errorf("got %q, want %q", requests, want)
	}
}

func TestCheckIsBounded(t *testing.T) {
	c := orders
	c.ServeAtRoot = true
	m := newMetadata(t, c)
	silent := &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
		<-r.Context().Done()
		return nil, r.Context().Err()
	})}
	dripping := &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(drip{r.Context()}), Request: r}, nil
	})}
	for name, client := range map[string]*http.Client{"silent": silent, "dripping": dripping} {
		t.Run(name, func(t *testing.T) {
			for _, bound := range []time.Duration{time.Second, 10 * time.Second} {
				synctest.Test(t, func(t *testing.T) {
					ctx := t.Context()
					if bound < 10*time.Second {
						var cancel context.CancelFunc
						ctx, cancel = context.WithTimeout(ctx, bound)
						defer cancel()
					}
					start := time.Now()
					err := m.Check(ctx, client)
					if took := time.Since(start); !errors.Is(err, context.DeadlineExceeded) || took < bound || took > bound+time.Second {
						t.Errorf("%v: %v after %v", bound, err, took)
					}
				})
			}
		})
	}
}

// drip is a body that returns one byte a second.
type drip struct{ ctx context.Context }

func (d drip) Read(p []byte) (int, error) {
	select {
	case <-time.After(time.Second):
		p[0] = ' '
		return 1, nil
	case <-d.ctx.Done():
		return 0, d.ctx.Err()
	}
}
