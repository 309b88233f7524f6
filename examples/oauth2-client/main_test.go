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
	"testing/synctest"
	"time"

	"golang.org/x/oauth2"
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

// startAPI runs the reference program. It asks the issuer on each request, so that
// it sees a revocation at once.
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

// newCaller returns a caller with opaque tokens. The token endpoint accepts any
// client.
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
	t.Parallel()
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
	t.Parallel()
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

	// The issuer calls no token active now, so a new one does not help.
	issuer.OverlayIntrospection(func(string, map[string]any) map[string]any { return map[string]any{"active": false} })
	if _, err := c.get(t.Context(), api+"/orders"); err == nil || !strings.Contains(err.Error(), "401") {
		t.Errorf("%v; want that the API answers 401", err)
	}
	checkTokenRequests(t, issuer, 3)
}

func TestMissingScopeIsReported(t *testing.T) {
	t.Parallel()
	issuer, api := startAPI(t)
	c := newCaller(issuer, "orders:read")
	_, err := c.get(t.Context(), api+"/admin/settings")
	if missing, ok := errors.AsType[*scopeError](err); !ok || missing.scope != "admin settings:write" {
		t.Errorf("%v; want the scope admin settings:write", err)
	}
	checkTokenRequests(t, issuer, 1)
}

func TestOtherRefusalsAreNotRepeated(t *testing.T) {
	t.Parallel()
	issuer, api := startAPI(t)
	c := newCaller(issuer, "profile")
	if _, err := c.get(t.Context(), api+"/users/bob/profile"); err == nil || !strings.Contains(err.Error(), "403") {
		t.Errorf("%v; want that the API answers 403", err)
	}
	checkTokenRequests(t, issuer, 1)
}

// unavailableAPI answers 503 times times, and then 200. It gives tokens too.
type unavailableAPI struct {
	times      int
	retryAfter string
	tokens     int // requests
}

func (a *unavailableAPI) RoundTrip(r *http.Request) (*http.Response, error) {
	answer := httptest.NewRecorder()
	switch {
	case r.URL.Path == "/token":
		a.tokens++
		answer.Header().Set("Content-Type", "application/json")
		answer.WriteString(`{"access_token":"opaque","token_type":"Bearer","expires_in":3600}`)
	case a.times > 0:
		a.times--
		answer.Header().Set("Retry-After", a.retryAfter)
		answer.WriteHeader(http.StatusServiceUnavailable)
	}
	return answer.Result(), nil
}

// getUnavailable calls an API on a synthetic clock. It returns how long that
// took.
func getUnavailable(ctx context.Context, api *unavailableAPI) (time.Duration, error) {
	client := &http.Client{Transport: api}
	c := &caller{client: client, tokens: &clientcredentials.Config{ClientID: "app", TokenURL: "https://api.example.com/token"}}
	began := time.Now()
	_, err := c.get(context.WithValue(ctx, oauth2.HTTPClient, client), "https://api.example.com/orders")
	return time.Since(began), err
}

func TestUnavailableAPIIsRetriedWithTheSameToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := &unavailableAPI{times: 3, retryAfter: "7"}
		if took, err := getUnavailable(t.Context(), api); err != nil || took != 21*time.Second || api.tokens != 1 {
			t.Errorf("%v, after %v and %d requests for tokens; want success after 21 s and one request", err, took, api.tokens)
		}
	})
}

func TestRetriesEndWithTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		took, err := getUnavailable(ctx, &unavailableAPI{times: 1, retryAfter: "7"})
		if !errors.Is(err, context.DeadlineExceeded) || took != 3*time.Second {
			t.Errorf("%v after %v; want the context's error after 3 s", err, took)
		}
	})
}

func TestRetriesEndAfterAMinute(t *testing.T) {
	for retryAfter, want := range map[string]time.Duration{"3600": 0, "25": 50 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			took, err := getUnavailable(t.Context(), &unavailableAPI{times: 9, retryAfter: retryAfter})
			if err == nil || !strings.Contains(err.Error(), "too long") || took != want {
				t.Errorf("Retry-After %s: %v after %v; want that the outage is too long after %v", retryAfter, err, took, want)
			}
		})
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

func TestProgram(t *testing.T) {
	t.Parallel()
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
