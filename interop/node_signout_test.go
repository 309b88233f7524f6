package interop_test

import (
	"bufio"
	"crypto/rand"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/denylist"
	"github.com/bearerkit/bearerkit/jwks"
)

// signOutSite is an API with a receiver, and an OP that posts logout tokens to it.
type signOutSite struct {
	*api
	op *nodeOP

	mu       sync.Mutex
	receiver http.Handler // nil: fails
	bodies   []string     // that the OP has posted
	statuses []int        // that it got
}

// ServeHTTP records what the OP posts, and what the receiver answers.
func (s *signOutSite) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	r.Body = io.NopCloser(strings.NewReader(string(body)))
	s.mu.Lock()
	defer s.mu.Unlock()
	recorded := httptest.NewRecorder()
	s.receiver.ServeHTTP(recorded, r)
	s.bodies, s.statuses = append(s.bodies, string(body)), append(s.statuses, recorded.Code)
	for name, values := range recorded.Header() {
		w.Header()[name] = values
	}
	w.WriteHeader(recorded.Code)
	_, _ = w.Write(recorded.Body.Bytes())
}

func newSignOutSite(t *testing.T) *signOutSite {
	t.Helper()
	needNode(t, nodeFolder)
	s := new(signOutSite)
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	process, err := launchNode(nodeFolder, "signout.mjs", "RECEIVER="+server.URL+"/sign-out")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(process.stop)
	process.showIfFailed(t)
	lines := bufio.NewScanner(process.stdout)
	if !lines.Scan() {
		t.Fatalf("the OP does not start:\n%s", process.stderr.String())
	}
	s.op = &nodeOP{issuer: lines.Text(), addr: strings.TrimPrefix(lines.Text(), "http://"), process: process}
	s.api = newAPI(t, jwks.Config{Issuers: []jwks.Issuer{{URL: s.op.issuer, Audience: []string{nodeAPIs + "orders"}}}})
	denied, err := denylist.NewMemory(denylist.MemoryConfig{Leeway: -1})
	if err != nil {
		t.Fatal(err)
	}
	s.receiver, err = denylist.NewReceiver(denylist.ReceiverConfig{
		Verifier: s.verifier, List: denied, Audience: []string{"shop", "desk"}, MaxTokenLife: 5 * time.Minute, Logger: s.logger(),
	})
	if err != nil {
		t.Fatal(err)
	}
	s.serveGuarded(t, s.guard(t, bearer.Config{Verifiers: []bearer.Verifier{s.verifier}, DenyList: denied}))
	return s
}

// wantDelivery requires that the OP has posted one logout token, and got 200. It
// returns the token.
func (s *signOutSite) wantDelivery(t *testing.T) string {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if !slices.Equal(s.statuses, []int{http.StatusOK}) {
		t.Fatalf("the receiver answered %v:\n%s", s.statuses, s.logged())
	}
	form, err := url.ParseQuery(s.bodies[0])
	if err != nil {
		t.Fatal(err)
	}
	return form.Get("logout_token")
}

// browser is a user's browser at the OP.
type browser struct {
	site *signOutSite
	jar  http.CookieJar
}

func (s *signOutSite) newBrowser(t *testing.T) *browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &browser{s, jar}
}

// signIn signs alice in at a client, and returns its access token.
func (b *browser) signIn(t *testing.T, client string) string {
	t.Helper()
	c := oauthClient{id: client, redirectURI: "http://127.0.0.1/callback", jar: b.jar}
	params := url.Values{"scope": {"openid orders:read"}, "nonce": {rand.Text()}, "prompt": {"consent"}, "resource": {nodeAPIs + "orders"}}
	return c.codeFlow(t, b.site.op.endpoint("/auth"), b.site.op.endpoint("/token"), params, nodeLogin).Access
}

// signOut ends the session at the OP, on the page that asks whether to sign out.
func (b *browser) signOut(t *testing.T) {
	t.Helper()
	client := &http.Client{Jar: b.jar}
	read := func(r *http.Response, err error) string {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		defer r.Body.Close()
		page, err := io.ReadAll(r.Body)
		if err != nil || r.StatusCode != http.StatusOK {
			t.Fatalf("%s: %s %s, %v", r.Request.URL, r.Status, page, err)
		}
		return string(page)
	}
	page := read(client.Get(b.site.op.endpoint("/session/end")))
	action, form := formAction.FindStringSubmatch(page), url.Values{"logout": {"yes"}}
	for _, field := range formField.FindAllStringSubmatch(page, -1) {
		form.Set(field[1], field[2])
	}
	if action == nil {
		t.Fatalf("no form: %s", page)
	}
	read(client.PostForm(action[1], form))
}

// BCL1 to BCL9: a real OP's logout tokens reach the API. Signing out in one browser
// ends the sessions of its clients, and signing in again begins new ones.
func TestNodeSignOut(t *testing.T) {
	t.Parallel()
	s := newSignOutSite(t)
	phone, laptop := s.newBrowser(t), s.newBrowser(t)
	shop, elsewhere := phone.signIn(t, "shop"), laptop.signIn(t, "shop")
	for name, token := range map[string]string{"phone": shop, "laptop": elsewhere} {
		if got := s.accepts(t, "/orders", token); got.Subject != "alice" || claimsOf(token)["sid"] == nil {
			t.Errorf("%s: %+v, claims %v", name, got, claimsOf(token))
		}
	}
	phone.signOut(t)
	logout := s.wantDelivery(t)
	t.Logf("logout token: %v %v", headerOf(logout), claimsOf(logout))
	s.refuses(t, shop, "deny list")
	s.accepts(t, "/orders", elsewhere)
	if log := s.logged(); strings.Contains(log, logout) || !strings.Contains(log, "sign-out event accepted") {
		t.Errorf("the log is %s", log)
	}

	// The OP's other tokens are not events, and a logout token is no access token.
	s.refuses(t, logout, "typ")
	for name, token := range map[string]string{"access token": elsewhere, "altered": logout[:len(logout)-4] + "AAAA"} {
		w := httptest.NewRecorder()
		r := httptest.NewRequest("POST", "/sign-out", strings.NewReader("logout_token="+token))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		s.ServeHTTP(w, r)
		if w.Code != http.StatusBadRequest {
			t.Errorf("%s: %d", name, w.Code)
		}
	}

	again := phone.signIn(t, "shop")
	s.accepts(t, "/orders", again)
}

// A client whose logout tokens have no sid signs the user out everywhere.
func TestNodeSignOutOfAUser(t *testing.T) {
	t.Parallel()
	s := newSignOutSite(t)
	phone, laptop := s.newBrowser(t), s.newBrowser(t)
	tokens := []string{phone.signIn(t, "desk"), laptop.signIn(t, "shop")}
	for _, token := range tokens {
		s.accepts(t, "/orders", token)
	}
	phone.signOut(t)
	s.wantDelivery(t)
	for _, token := range tokens {
		s.refuses(t, token, "deny list")
	}
}
