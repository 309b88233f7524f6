package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

const wantsPage = "\nAccept: text/html,application/xhtml+xml"

// With -dev, a browser gets the console at /. Programs that do not ask for HTML, and
// a program without -dev, get the API's own answer.
func TestConsolePage(t *testing.T) {
	t.Parallel()
	for _, framework := range frameworks {
		dev := start(t, "-framework", framework, "-dev")
		deployed := start(t, "-framework", framework, "-issuer", newIssuer(t).URL())
		page := send(t, dev, "GET /"+wantsPage)
		if page.status != 200 || !strings.HasPrefix(page.header.Get("Content-Type"), "text/html") || !strings.Contains(page.body, "<h1>bearerkit console</h1>") {
			t.Fatalf("%s: %+v", framework, page)
		}
		policy := page.header.Get("Content-Security-Policy")
		twin := strings.Replace(dev, "127.0.0.1", "localhost", 1)
		for _, want := range []string{"default-src 'none';", "script-src 'self';", "connect-src 'self' " + twin + ";", "frame-ancestors 'none';"} {
			if !strings.Contains(policy, want) {
				t.Errorf("%s: no %s in %s", framework, want, policy)
			}
		}
		if strings.Contains(policy, "unsafe") {
			t.Errorf("%s: %s", framework, policy)
		}
		plain := send(t, deployed, "GET /")
		for request, base := range map[string]string{"GET /": dev, "GET /" + wantsPage: deployed, "POST /" + wantsPage: dev, "GET /console/": dev} {
			got := send(t, base, request)
			if got.status != plain.status || got.body != plain.body || got.status != 404 {
				t.Errorf("%s: %s: %+v", framework, request, got)
			}
		}
		if got := send(t, dev, "GET /console/state\nHost: evil.example"); got.status != 400 && got.status != 421 {
			t.Errorf("%s: a foreign host: %+v", framework, got)
		}
	}
}

// Each file that the page names is there, and none has code that its policy forbids.
func TestConsoleFiles(t *testing.T) {
	t.Parallel()
	dev := start(t, "-dev")
	names := regexp.MustCompile(`(?:src|href)="(/[^"]+)"|from "\./([^"]+)"`)
	inline := regexp.MustCompile(`(?i)<script>|<style|\sstyle=|\son[a-z]+="|javascript:|innerHTML|\beval\b`)
	seen, todo := map[string]bool{}, []string{"/"}
	for len(todo) > 0 {
		path := todo[0]
		todo = todo[1:]
		if seen[path] {
			continue
		}
		seen[path] = true
		got := send(t, dev, "GET "+path+wantsPage)
		if got.status != 200 || got.header.Get("X-Content-Type-Options") != "nosniff" || got.header.Get("Content-Security-Policy") == "" {
			t.Errorf("%s: %d %v", path, got.status, got.header)
		}
		if found := inline.FindString(got.body); found != "" {
			t.Errorf("%s has %q", path, found)
		}
		for _, name := range names.FindAllStringSubmatch(got.body, -1) {
			if name[1] != "" {
				todo = append(todo, name[1])
			} else {
				todo = append(todo, "/console/"+name[2])
			}
		}
	}
	if len(seen) < 10 {
		t.Errorf("only %v", seen)
	}
}

// consoleState is what these tests read of the console's state.
type consoleState struct {
	Twin   string
	Issuer struct{ Running bool }
	People []struct {
		ID, User, Client string
		Scopes           []string
	}
	Routes []struct {
		Method, Path string
		Answers      map[string]int
	}
}

func readState(t *testing.T, base string) (state consoleState) {
	t.Helper()
	got := send(t, base, "GET /console/state")
	if err := json.Unmarshal([]byte(got.body), &state); err != nil || got.status != 200 {
		t.Fatalf("%+v, %v", got, err)
	}
	return state
}

// ask posts a form as the page does.
func ask(t *testing.T, base, path string, form url.Values, fields ...string) (int, map[string]any) {
	t.Helper()
	r, err := http.NewRequest("POST", base+path, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for _, field := range append([]string{"Console-Request: 1"}, fields...) {
		name, value, _ := strings.Cut(field, ": ")
		r.Header.Set(name, value)
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	var answer map[string]any
	if len(body) > 0 && json.Unmarshal(body, &answer) != nil {
		t.Fatalf("%s: %s", path, body)
	}
	return resp.StatusCode, answer
}

// consoleToken gets a token as the page does.
func consoleToken(t *testing.T, base string, form url.Values) string {
	t.Helper()
	form.Set("grant_type", "client_credentials")
	status, answer := ask(t, base, "/console/token", form)
	token, _ := answer["access_token"].(string)
	if status != 200 || token == "" {
		t.Fatalf("%d %v", status, answer)
	}
	return token
}

// The matrix says what the API does, for each route, person and framework.
func TestConsoleMatrix(t *testing.T) {
	t.Parallel()
	for _, framework := range frameworks {
		base := start(t, "-framework", framework, "-dev")
		state := readState(t, base)
		seen := map[int]int{}
		for _, p := range state.People {
			field := ""
			if p.Client != "" {
				form := url.Values{"client_id": {p.Client}, "scope": {strings.Join(p.Scopes, " ")}}
				if p.User != "" {
					form.Set("sub", p.User)
				}
				field = "\nAuthorization: Bearer " + consoleToken(t, base, form)
			}
			for _, rt := range state.Routes {
				request := rt.Method + " " + strings.ReplaceAll(rt.Path, "{id}", "alice")
				got, want := send(t, base, request+field).status, rt.Answers[p.ID]
				if got != want {
					t.Errorf("%s: %s as %s: %d, and the matrix says %d", framework, request, p.ID, got, want)
				}
				seen[want]++
			}
		}
		if seen[200] < 10 || seen[401] < 10 || seen[403] < 10 {
			t.Errorf("%s: %v", framework, seen)
		}
	}
}

// The four scenarios of the guide to 401 and 403.
func TestConsoleScenarios(t *testing.T) {
	t.Parallel()
	state := readState(t, start(t, "-dev"))
	for _, tt := range []struct {
		path, person string
		want         int
	}{
		{"/admin/posts", "nobody", 401}, {"/admin/posts", "bob", 200}, {"/admin/settings", "bob", 403},
		{"/orders", "nobody", 401}, {"/orders", "alice", 200}, {"/admin/dashboard", "alice", 403},
	} {
		for _, rt := range state.Routes {
			if rt.Method == "GET" && rt.Path == tt.path && rt.Answers[tt.person] != tt.want {
				t.Errorf("%s as %s: %d, want %d", tt.path, tt.person, rt.Answers[tt.person], tt.want)
			}
		}
	}
}

// Another site's page cannot use the console, and the console sends no CORS fields
// of its own.
func TestConsoleAnswersItsOwnPageOnly(t *testing.T) {
	t.Parallel()
	base := start(t, "-dev")
	state := readState(t, base)
	form := url.Values{"grant_type": {"client_credentials"}}
	for _, path := range []string{"/console/token", "/console/revoke", "/console/issuer", "/console/keys"} {
		for name, fields := range map[string][]string{
			"no field of the page":  {"Console-Request: "},
			"another site":          {"Sec-Fetch-Site: cross-site"},
			"another origin":        {"Origin: https://evil.example"},
			"the page's other name": {"Origin: " + state.Twin},
		} {
			if status, answer := ask(t, base, path, form, fields...); status != 403 {
				t.Errorf("%s: %s: %d %v", path, name, status, answer)
			}
		}
		if got := send(t, base, preflightOf(path, state.Twin, "POST", "console-request")); hasCORS(got.header) {
			t.Errorf("%s: %+v", path, got)
		}
	}
	if got := send(t, base, "GET /console/state"); strings.Contains(got.body, "ecret") {
		t.Error(got.body)
	}
}

// The page can call the API under the program's other name, which is another origin.
func TestConsoleAcrossOrigins(t *testing.T) {
	t.Parallel()
	for _, framework := range frameworks {
		base := start(t, "-framework", framework, "-dev")
		twin := readState(t, base).Twin
		if got := send(t, base, preflightOf("/orders", twin, "GET", "authorization,dpop")); got.status != 204 || !letsPass(got.header, twin, "GET", "authorization,dpop") {
			t.Errorf("%s: %+v", framework, got)
		}
		if got := send(t, base, "GET /orders\nOrigin: "+twin); got.status != 401 || got.header.Get("Access-Control-Allow-Origin") != twin {
			t.Errorf("%s: %+v", framework, got)
		}
		for _, other := range []string{"http://localhost:1", "https://app.example.com", strings.Replace(twin, "http:", "https:", 1), twin + ".evil", "null", base} {
			if got := send(t, base, "GET /orders\nOrigin: "+other); hasCORS(got.header) {
				t.Errorf("%s: %s: %+v", framework, other, got)
			}
		}
	}
}

// The page stops the issuer: opaque tokens are 503 and JWTs are not, and everything
// works again after the issuer starts.
func TestConsoleStopsTheIssuer(t *testing.T) {
	t.Parallel()
	base := start(t, "-dev")
	form := func(format string) url.Values {
		return url.Values{"sub": {"alice"}, "scope": {"orders:read"}, "token_format": {format}}
	}
	bearer := func(token string) int {
		return send(t, base, "GET /orders\nAuthorization: Bearer "+token).status
	}
	jwt, opaque, revoked := consoleToken(t, base, form("jwt")), consoleToken(t, base, form("opaque")), consoleToken(t, base, form("opaque"))
	if status, answer := ask(t, base, "/console/revoke", url.Values{"token": {revoked}}); status != 200 {
		t.Fatalf("%d %v", status, answer)
	}
	if got := bearer(revoked); got != 401 {
		t.Errorf("the revoked token: %d", got)
	}
	if status, answer := ask(t, base, "/console/issuer", url.Values{"state": {"stopped"}}); status != 200 || answer["running"] != false {
		t.Fatalf("%d %v", status, answer)
	}
	if got := bearer(opaque); got != 503 {
		t.Errorf("an opaque token while the issuer is stopped: %d", got)
	}
	if got := bearer(jwt); got != 200 {
		t.Errorf("a JWT while the issuer is stopped: %d", got)
	}
	if status, _ := ask(t, base, "/console/token", form("jwt")); status != 503 || readState(t, base).Issuer.Running {
		t.Errorf("the token endpoint while the issuer is stopped: %d", status)
	}
	if status, answer := ask(t, base, "/console/issuer", url.Values{"state": {"running"}}); status != 200 || answer["running"] != true {
		t.Fatalf("%d %v", status, answer)
	}
	eventually(t, patience, "the opaque token is accepted again", func() bool { return bearer(opaque) == 200 })
	if status, answer := ask(t, base, "/console/issuer", url.Values{"state": {"paused"}}); status != 400 {
		t.Errorf("%d %v", status, answer)
	}
}
