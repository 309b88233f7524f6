package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/oauth2/clientcredentials"

	"github.com/bearerkit/bearerkit/bearer/bearertest"
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

// startAPI runs the reference program, which asks issuer on each request, so
// that what happens there is seen at once.
func startAPI(t *testing.T) (issuer *bearertest.Issuer, url string) {
	t.Helper()
	issuer, err := bearertest.NewIssuer(bearertest.IssuerConfig{
		Audience: []string{audience},
		Clients:  []bearertest.Client{{ID: "api", Secret: "secret"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(issuer.Close)
	cmd := exec.Command(reference, "-listen", "127.0.0.1:0", "-audience", audience,
		"-issuer", issuer.URL(), "-client-id", "api", "-introspection-max-age", "0s")
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
	line, err := bufio.NewReader(stdout).ReadString('\n')
	url, ok := strings.CutPrefix(strings.TrimSpace(line), "listening on ")
	if err != nil || !ok {
		t.Fatalf("%q, %v", line, err)
	}
	return issuer, url
}

// newCaller is a client of the token endpoint, which takes any.
func newCaller(issuer *bearertest.Issuer, scope string) *caller {
	return &caller{client: http.DefaultClient, tokens: &clientcredentials.Config{
		ClientID: "app", TokenURL: issuer.URL() + "/token", Scopes: []string{scope},
		EndpointParams: map[string][]string{"token_format": {"opaque"}},
	}}
}

func checkTokenRequests(t *testing.T, issuer *bearertest.Issuer, want int) {
	t.Helper()
	if got := issuer.Requests(bearertest.TokenEndpoint); got != want {
		t.Errorf("%d requests for tokens; want %d", got, want)
	}
}

func TestOneTokenServesManyCalls(t *testing.T) {
	issuer, api := startAPI(t)
	c := newCaller(issuer, "orders:read")
	var calls sync.WaitGroup
	for range 20 {
		calls.Go(func() {
			if body, err := c.get(t.Context(), api+"/orders"); err != nil || !bytes.Contains(body, []byte("orders")) {
				t.Errorf("%s, %v", body, err)
			}
		})
	}
	calls.Wait()
	checkTokenRequests(t, issuer, 1)
}

func TestRefusedTokenIsReplacedOnce(t *testing.T) {
	issuer, api := startAPI(t)
	c := newCaller(issuer, "orders:read")
	token, err := c.token(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	issuer.Revoke(token.AccessToken)
	var calls sync.WaitGroup
	for range 20 {
		calls.Go(func() {
			if _, err := c.get(t.Context(), api+"/orders"); err != nil {
				t.Error(err)
			}
		})
	}
	calls.Wait()
	checkTokenRequests(t, issuer, 2)

	// The issuer calls no token active any more: a new one is no help.
	issuer.OverlayIntrospection(func(string, map[string]any) map[string]any { return map[string]any{"active": false} })
	if _, err := c.get(t.Context(), api+"/orders"); err == nil || !strings.Contains(err.Error(), "401") {
		t.Errorf("%v; want that the API answers 401", err)
	}
	checkTokenRequests(t, issuer, 3)
}

func TestMissingScopeIsReported(t *testing.T) {
	issuer, api := startAPI(t)
	c := newCaller(issuer, "orders:read")
	_, err := c.get(t.Context(), api+"/admin/settings")
	if missing, ok := errors.AsType[*scopeError](err); !ok || missing.scope != "admin settings:write" {
		t.Errorf("%v; want the scope admin settings:write", err)
	}
	checkTokenRequests(t, issuer, 1)
}

func TestOtherRefusalsAreNotRepeated(t *testing.T) {
	issuer, api := startAPI(t)
	c := newCaller(issuer, "profile")
	if _, err := c.get(t.Context(), api+"/users/bob/profile"); err == nil || !strings.Contains(err.Error(), "403") {
		t.Errorf("%v; want that the API answers 403", err)
	}
	checkTokenRequests(t, issuer, 1)
}

func TestOutageIsWaitedFor(t *testing.T) {
	issuer, api := startAPI(t)
	c := newCaller(issuer, "orders:read")
	issuer.SetFault(bearertest.IntrospectionEndpoint, bearertest.Fault{Status: http.StatusInternalServerError, Times: 1})
	began := time.Now()
	if _, err := c.get(t.Context(), api+"/orders"); err != nil {
		t.Fatal(err)
	}
	if waited := time.Since(began); waited < time.Second {
		t.Errorf("the call was repeated after %v; the API asks for 1 s at least", waited)
	}
	checkTokenRequests(t, issuer, 1)

	issuer.SetFault(bearertest.IntrospectionEndpoint, bearertest.Fault{Status: http.StatusInternalServerError})
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if _, err := c.get(ctx, api+"/orders"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v; want that the caller's patience counts", err)
	}
	checkTokenRequests(t, issuer, 1)
}

func TestLongOutageIsNotWaitedFor(t *testing.T) {
	issuer, _ := startAPI(t)
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "3600")
		w.WriteHeader(http.StatusServiceUnavailable)
	}))
	defer api.Close()
	if _, err := newCaller(issuer, "orders:read").get(t.Context(), api.URL); err == nil || !strings.Contains(err.Error(), "too long") {
		t.Errorf("%v; want that an hour is too long", err)
	}
}

func TestRetryAfter(t *testing.T) {
	in := func(d time.Duration) string { return time.Now().Add(d).UTC().Format(http.TimeFormat) }
	for _, tt := range []struct {
		value    string
		min, max time.Duration
	}{
		{"7", 7 * time.Second, 7 * time.Second},
		{"0", time.Second, time.Second},
		{"", 5 * time.Second, 5 * time.Second},
		{"soon", 5 * time.Second, 5 * time.Second},
		{in(10 * time.Second), 8 * time.Second, 10 * time.Second},
		{in(-time.Hour), time.Second, time.Second},
	} {
		if got := retryAfter(http.Header{"Retry-After": {tt.value}}); got < tt.min || got > tt.max {
			t.Errorf("%q: %v; want %v to %v", tt.value, got, tt.min, tt.max)
		}
	}
}

// The program as a user runs it.
func TestProgram(t *testing.T) {
	issuer, api := startAPI(t)
	var stdout bytes.Buffer
	err := run(t.Context(), []string{"-token-url", issuer.URL() + "/token", "-resource", audience,
		"-scope", "orders:read", "-token-format", "opaque", api + "/orders"}, &stdout)
	if err != nil || !strings.Contains(stdout.String(), `"orders"`) {
		t.Errorf("%q, %v", stdout.String(), err)
	}
	if err := run(t.Context(), nil, &stdout); err == nil {
		t.Error("no error without a URL")
	}
	issuer.Stop()
	if err := run(t.Context(), []string{"-token-url", issuer.URL() + "/token", api + "/orders"}, &stdout); err == nil || !strings.Contains(err.Error(), "no token") {
		t.Errorf("%v; want that there is no token", err)
	}
}
