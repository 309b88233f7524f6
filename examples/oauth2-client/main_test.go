package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"github.com/bearerkit/bearerkit/bearer/bearertest"
	"github.com/bearerkit/bearerkit/client"
	"github.com/bearerkit/bearerkit/scope"
)

const audience = "https://api.example.com"

// reference is the built reference program.
var reference string

func TestMain(m *testing.M) {
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "oauth2-client")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(dir)
		reference = filepath.Join(dir, "protectedapi")
		if out, err := exec.Command("go", "build", "-o", reference, "../protectedapi").CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "%s%v\n", out, err)
			return 1
		}
		return m.Run()
	}())
}

// startAPI runs the reference program. It asks the issuer on each request, so that
// it sees a revocation at once.
func startAPI(t *testing.T, more ...string) (issuer *bearertest.Issuer, url string) {
	t.Helper()
	issuer, err := bearertest.NewIssuer(bearertest.IssuerConfig{
		Audience: []string{audience},
		Clients:  []bearertest.Client{{ID: "api", Secret: "secret"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(issuer.Close)
	lines := startReference(t, append([]string{"-listen", "127.0.0.1:0", "-audience", audience,
		"-issuer", issuer.URL(), "-client-id", "api", "-introspection-max-age", "0s"}, more...)...)
	line, err := lines.ReadString('\n')
	url, ok := strings.CutPrefix(strings.TrimSpace(line), "listening on ")
	if err != nil || !ok {
		t.Fatalf("%q, %v", line, err)
	}
	return issuer, url
}

// startReference runs the reference program, and returns what it prints.
func startReference(t *testing.T, args ...string) *bufio.Reader {
	t.Helper()
	cmd := exec.Command(reference, args...)
	cmd.Env = append(os.Environ(), "CLIENT_SECRET=secret")
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	return bufio.NewReader(stdout)
}

// The command in the comment of the program, with the addresses that the reference
// program prints.
func TestDevelopmentIssuer(t *testing.T) {
	t.Parallel()
	var output strings.Builder
	lines := startReference(t, "-dev", "-listen", "127.0.0.1:0")
	addresses := regexp.MustCompile(`(?s)listening on (http://\S+)\n.*(http://\S+/token)`)
	for !addresses.MatchString(output.String()) {
		line, err := lines.ReadString('\n')
		if err != nil {
			t.Fatalf("%v after %s", err, output.String())
		}
		output.WriteString(line)
	}
	found := addresses.FindStringSubmatch(output.String())
	for _, more := range [][]string{nil, {"-dpop"}} {
		var stdout, stderr bytes.Buffer
		args := append([]string{"-token-url", found[2], "-resource", found[1], "-scope", "orders:read"}, more...)
		if err := run(t.Context(), append(args, found[1]+"/orders"), &stdout, &stderr); err != nil || !strings.Contains(stdout.String(), `"orders"`) {
			t.Errorf("%q: %q, %v", more, stdout.String(), err)
		}
		// It has to ask for more scope, and gets it.
		if err := run(t.Context(), append(args, "-method", "POST", found[1]+"/orders"), &stdout, &stderr); err != nil || !strings.Contains(stderr.String(), `reason="more scope" status=403`) {
			t.Errorf("%q: %s, %v", more, stderr.String(), err)
		}
	}
}

// caller calls the API, and remembers its answers.
type caller struct {
	http  *http.Client
	token func() string // the last token that was sent

	mu      sync.Mutex
	answers []string // status and error code of each answer
}

// newCaller returns a caller with opaque tokens. The token endpoint accepts any
// client. change may change the configuration.
func newCaller(t *testing.T, issuer *bearertest.Issuer, api string, change func(*config, *client.Config)) *caller {
	t.Helper()
	c := config{api: api, ClientCredentialsConfig: client.ClientCredentialsConfig{
		Scope: scope.Of("orders:read"), Resource: audience,
		Endpoint: client.Endpoint{URL: issuer.URL() + "/token", ClientID: "app", Params: url.Values{"token_format": {"opaque"}}},
	}}
	all := client.Config{Resource: api}
	if change != nil {
		change(&c, &all)
	}
	if all.Tokens == nil {
		source, err := client.NewClientCredentials(c.ClientCredentialsConfig)
		if err != nil {
			t.Fatal(err)
		}
		all.Tokens = source
	}
	found := new(caller)
	var last string
	found.token = func() string { found.mu.Lock(); defer found.mu.Unlock(); return last }
	all.Base = roundTripFunc(func(r *http.Request) (*http.Response, error) {
		resp, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			return nil, err
		}
		answer := fmt.Sprint(resp.StatusCode)
		if list, err := client.ParseChallenges(resp.Header.Values("WWW-Authenticate")); err == nil {
			for _, c := range list {
				if code, ok := c.Param("error"); ok {
					answer += " " + code
				}
			}
		}
		found.mu.Lock()
		defer found.mu.Unlock()
		_, last, _ = strings.Cut(r.Header.Get("Authorization"), " ")
		found.answers = append(found.answers, answer)
		return resp, nil
	})
	transport, err := client.New(all)
	if err != nil {
		t.Fatal(err)
	}
	found.http = &http.Client{Transport: transport, Timeout: time.Minute}
	return found
}

type roundTripFunc func(*http.Request) (*http.Response, error)

func (f roundTripFunc) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// call sends a request, and returns the status or the client's error.
func (c *caller) call(ctx context.Context, method, url string) (int, error) {
	r, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader("{}"))
	if err != nil {
		return 0, err
	}
	resp, err := c.http.Do(r)
	if err != nil {
		return 0, err
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode, resp.Body.Close()
}

// check compares the answers of the API, and the number of token requests.
func (c *caller) check(t *testing.T, issuer *bearertest.Issuer, tokens int, answers ...string) {
	t.Helper()
	if got := issuer.Requests(bearertest.TokenEndpoint); got != tokens {
		t.Errorf("%d requests for tokens; want %d", got, tokens)
	}
	if got, want := strings.Join(c.answers, ", "), strings.Join(answers, ", "); got != want {
		t.Errorf("the API answered %s; want %s", got, want)
	}
}

func TestOneTokenServesManyCalls(t *testing.T) {
	t.Parallel()
	issuer, api := startAPI(t)
	c := newCaller(t, issuer, api, nil)
	var calls sync.WaitGroup
	for range 20 {
		calls.Go(func() {
			if status, err := c.call(t.Context(), "GET", api+"/orders"); status != 200 {
				t.Errorf("%d, %v", status, err)
			}
		})
	}
	calls.Wait()
	if got := issuer.Requests(bearertest.TokenEndpoint); got != 1 {
		t.Errorf("%d requests for tokens; want 1", got)
	}
}

func TestRefusedTokenIsReplacedOnce(t *testing.T) {
	t.Parallel()
	issuer, api := startAPI(t)
	c := newCaller(t, issuer, api, nil)
	if status, err := c.call(t.Context(), "GET", api+"/orders"); status != 200 {
		t.Fatal(err)
	}
	issuer.Revoke(c.token())
	var calls sync.WaitGroup
	for range 50 {
		calls.Go(func() {
			if status, err := c.call(t.Context(), "GET", api+"/orders"); status != 200 {
				t.Errorf("%d, %v", status, err)
			}
		})
	}
	calls.Wait()
	if got := issuer.Requests(bearertest.TokenEndpoint); got != 2 {
		t.Errorf("%d requests for tokens; want 2", got)
	}

	// The issuer calls no token active now, so a new one does not help.
	issuer.OverlayIntrospection(func(string, map[string]any) map[string]any { return map[string]any{"active": false} })
	_, err := c.call(t.Context(), "GET", api+"/orders")
	if refused, ok := errors.AsType[*client.Error](err); !ok || refused.Remedy != client.SignIn || refused.RequestID == "" {
		t.Errorf("%v; want a *client.Error that says to log in", err)
	}
}

func TestMoreScopeIsRequested(t *testing.T) {
	t.Parallel()
	issuer, api := startAPI(t)
	c := newCaller(t, issuer, api, nil)
	for _, route := range []string{"GET /orders", "GET /admin/settings", "POST /orders", "GET /orders", "GET /admin/settings"} {
		method, path, _ := strings.Cut(route, " ")
		if status, err := c.call(t.Context(), method, api+path); status >= 300 || err != nil {
			t.Errorf("%s: %d, %v", route, status, err)
		}
	}
	c.check(t, issuer, 3, "200", "403 insufficient_scope", "200", "403 insufficient_scope", "200", "200", "200")
}

func TestForbiddenScopeIsNotRequested(t *testing.T) {
	t.Parallel()
	issuer, api := startAPI(t)
	c := newCaller(t, issuer, api, func(_ *config, c *client.Config) {
		c.AllowScope = func(name string) bool { return strings.HasPrefix(name, "orders:") }
	})
	_, err := c.call(t.Context(), "GET", api+"/admin/settings")
	if refused, ok := errors.AsType[*client.Error](err); !ok || refused.Remedy != client.AskForScope || refused.Scope != scope.Of("admin", "settings:write") {
		t.Errorf("%v", err)
	}
	c.check(t, issuer, 1, "403 insufficient_scope")
}

// withLogin logs the person in again if the API asks for it, as a browser would.
type withLogin struct {
	client.Source
	login client.Source
}

func (s withLogin) Token(ctx context.Context, want client.Want) (*oauth2.Token, error) {
	if want.StepUp != nil {
		want.StepUp = nil
		return s.login.Token(ctx, want)
	}
	return s.Source.Token(ctx, want)
}

func TestStepUp(t *testing.T) {
	t.Parallel()
	issuer, api := startAPI(t)
	c := newCaller(t, issuer, api, func(c *config, all *client.Config) {
		source := func(params url.Values) client.Source {
			c := c.ClientCredentialsConfig
			c.Endpoint.Params, c.Scope = params, scope.Of("transfers:write")
			s, err := client.NewClientCredentials(c)
			if err != nil {
				t.Fatal(err)
			}
			return s
		}
		all.Tokens = withLogin{source(nil), source(url.Values{"acr": {"urn:example:mfa"}, "auth_age": {"1"}})}
	})
	for range 2 {
		if status, err := c.call(t.Context(), "POST", api+"/transfers"); status != 200 {
			t.Errorf("%d, %v", status, err)
		}
	}
	c.check(t, issuer, 2, "401 insufficient_user_authentication", "200", "200")

	// A client that has no person says what the person must do.
	alone := newCaller(t, issuer, api, func(c *config, _ *client.Config) { c.Scope = scope.Of("transfers:write") })
	_, err := alone.call(t.Context(), "POST", api+"/transfers")
	refused, ok := errors.AsType[*client.Error](err)
	if !ok || refused.Remedy != client.StepUpLogin || fmt.Sprint(*refused.StepUp) != "{[urn:example:mfa] 5m0s}" {
		t.Errorf("%v", err)
	}
}

func TestBoundTokensWithNonces(t *testing.T) {
	t.Parallel()
	issuer, api := startAPI(t, "-dpop", "required", "-dpop-nonce", "required")
	var stdout, stderr bytes.Buffer
	err := run(t.Context(), []string{"-token-url", issuer.URL() + "/token", "-resource", audience, "-scope", "orders:read", "-dpop", api + "/orders"}, &stdout, &stderr)
	if err != nil || !strings.Contains(stdout.String(), `"orders"`) || !strings.Contains(stderr.String(), `reason="new nonce" status=401 code=use_dpop_nonce`) {
		t.Errorf("%q, %v, log %s", stdout.String(), err, stderr.String())
	}
	// Without a key, the API's challenge says what is missing.
	err = run(t.Context(), []string{"-token-url", issuer.URL() + "/token", "-resource", audience, "-scope", "orders:read", api + "/orders"}, &stdout, &stderr)
	if err == nil || !strings.Contains(err.Error(), "set Config.Key") {
		t.Errorf("%v", err)
	}
}

// During an outage at the issuer the API answers 503. The client keeps its token,
// waits as long as the API asks for, and repeats the request once.
func TestOutageIsWaitedFor(t *testing.T) {
	t.Parallel()
	issuer, api := startAPI(t)
	c := newCaller(t, issuer, api, nil)
	if status, err := c.call(t.Context(), "GET", api+"/orders"); status != 200 {
		t.Fatal(err)
	}
	issuer.SetFault(bearertest.IntrospectionEndpoint, bearertest.Fault{Status: 500, Times: 2})
	began := time.Now()
	if status, err := c.call(t.Context(), "GET", api+"/orders"); status != 200 {
		t.Errorf("%d, %v", status, err)
	}
	if took := time.Since(began); took < time.Second {
		t.Errorf("the client waited %v", took)
	}
	c.check(t, issuer, 1, "200", "503", "200")

	issuer.Stop()
	_, err := c.call(t.Context(), "POST", api+"/orders")
	refused, ok := errors.AsType[*client.Error](err)
	if !ok || refused.Status != 503 || refused.Remedy != client.Unavailable || refused.RetryAfter == 0 {
		t.Errorf("%v; want a *client.Error for the outage", err)
	}
}

func TestOtherRefusalsAreTheCallers(t *testing.T) {
	t.Parallel()
	issuer, api := startAPI(t)
	c := newCaller(t, issuer, api, func(c *config, _ *client.Config) { c.Scope = scope.Of("profile") })
	if status, err := c.call(t.Context(), "GET", api+"/users/bob/profile"); status != 403 || err != nil {
		t.Errorf("%d, %v; want the 403 of the API", status, err)
	}
	c.check(t, issuer, 1, "403")
}

func TestProgram(t *testing.T) {
	t.Parallel()
	issuer, api := startAPI(t)
	var stdout, stderr bytes.Buffer
	args := []string{"-token-url", issuer.URL() + "/token", "-resource", audience, "-scope", "orders:read", "-token-format", "opaque"}
	if err := run(t.Context(), append(args, api+"/orders"), &stdout, &stderr); err != nil || !strings.Contains(stdout.String(), `"orders"`) {
		t.Errorf("%q, %v", stdout.String(), err)
	}
	if err := run(t.Context(), append(args, api+"/nowhere"), &stdout, &stderr); err == nil || !strings.Contains(err.Error(), "404") {
		t.Errorf("%v; want that the API answers 404", err)
	}
	if err := run(t.Context(), nil, &stdout, &stderr); err == nil {
		t.Error("no error without a URL")
	}
	if err := run(t.Context(), append(args, "/orders"), &stdout, &stderr); err == nil || !strings.Contains(err.Error(), `the URL to call, "/orders", has no host`) {
		t.Errorf("%v; want that the URL has no host", err)
	}
	if _, err := (config{}).transport(slog.New(slog.DiscardHandler)); err == nil {
		t.Error("no error without a token endpoint")
	}
	issuer.Stop()
	err := run(t.Context(), append(args, api+"/orders"), &stdout, &stderr)
	if err == nil || !strings.Contains(err.Error(), "no token for the API") || !strings.Contains(err.Error(), "Try again later") {
		t.Errorf("%v; want that there is no token", err)
	}
}
