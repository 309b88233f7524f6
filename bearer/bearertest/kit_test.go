package bearertest_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/bearer/bearertest"
	"github.com/bearerkit/bearerkit/jwks"
	"github.com/bearerkit/bearerkit/scope"
)

const kitAudience = "https://api.example.com"

func kitIssuer(t *testing.T, c bearertest.IssuerConfig) *bearertest.Issuer {
	t.Helper()
	issuer, err := bearertest.NewIssuer(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(issuer.Close)
	return issuer
}

// kitFetch gets a URL and returns at most the first MiB of its body.
func kitFetch(ctx context.Context, issuer *bearertest.Issuer, u string) (status int, header http.Header, body string, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, u, nil)
	if err != nil {
		return 0, nil, "", err
	}
	client := *issuer.Client()
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	resp, err := client.Do(r)
	if err != nil {
		return 0, nil, "", err
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	return resp.StatusCode, resp.Header, string(data), err
}

// Peers section 6, "fault injection": each fault has its effect, and the zero
// Fault restores the endpoint.
func TestFaults(t *testing.T) {
	issuer := kitIssuer(t, bearertest.IssuerConfig{})
	keys := issuer.URL() + "/jwks"
	get := func(patience time.Duration) (int, http.Header, string, error) {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		return kitFetch(ctx, issuer, keys)
	}
	const patient, impatient = 10 * time.Second, 200 * time.Millisecond

	issuer.SetFault(bearertest.JWKS, bearertest.Fault{Status: 500})
	if status, _, body, err := get(patient); err != nil || status != 500 || body != "" {
		t.Errorf("a status: %d %q %v", status, body, err)
	}
	issuer.SetFault(bearertest.JWKS, bearertest.Fault{Body: []byte("<html>"), Header: http.Header{"Cache-Control": {"max-age=1"}}})
	if status, header, body, err := get(patient); err != nil || status != 200 || body != "<html>" || header.Get("Cache-Control") != "max-age=1" {
		t.Errorf("a body: %d %v %q %v", status, header, body, err)
	}
	issuer.SetFault(bearertest.JWKS, bearertest.Fault{Status: 302, Header: http.Header{"Location": {"https://evil.example.com"}}})
	if status, header, _, err := get(patient); err != nil || status != 302 || header.Get("Location") != "https://evil.example.com" {
		t.Errorf("a redirect: %d %v %v", status, header, err)
	}
	issuer.SetFault(bearertest.JWKS, bearertest.Fault{Delay: 100 * time.Millisecond})
	start := time.Now()
	if status, _, body, err := get(patient); err != nil || status != 200 || body != string(issuer.KeySet()) || time.Since(start) < 100*time.Millisecond {
		t.Errorf("a delay: %d after %v, %v", status, time.Since(start), err)
	}
	issuer.SetFault(bearertest.JWKS, bearertest.Fault{Hang: true})
	if _, _, _, err := get(impatient); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a hang: %v", err)
	}
	issuer.SetFault(bearertest.JWKS, bearertest.Fault{Drip: 50 * time.Millisecond})
	if _, _, body, err := get(impatient); !errors.Is(err, context.DeadlineExceeded) || len(body) > 20 || !strings.HasPrefix(string(issuer.KeySet()), body) {
		t.Errorf("a drip: %q %v", body, err)
	}
	issuer.SetFault(bearertest.JWKS, bearertest.Fault{Endless: true})
	if _, _, body, err := get(patient); err != nil || len(body) != 1<<20 {
		t.Errorf("an endless body: %d bytes, %v", len(body), err)
	}
	issuer.SetFault(bearertest.JWKS, bearertest.Fault{})
	if status, _, body, err := get(patient); err != nil || status != 200 || body != string(issuer.KeySet()) {
		t.Errorf("mended: %d %v", status, err)
	}
	if n := issuer.Requests(bearertest.JWKS); n != 8 {
		t.Errorf("%d requests are counted, want 8", n)
	}
}

// The published keys follow the issuer's, and the issuer restarts at the same
// address.
func TestKeysAndOutage(t *testing.T) {
	for _, inMemory := range []bool{false, true} {
		issuer := kitIssuer(t, bearertest.IssuerConfig{InMemory: inMemory, Path: "/tenant"})
		published := func() string {
			_, _, body, err := kitFetch(t.Context(), issuer, issuer.URL()+"/jwks")
			if err != nil {
				t.Fatal(err)
			}
			return body
		}
		kid, err := issuer.AddKey("ES256")
		if err != nil || !strings.Contains(published(), `"`+kid+`"`) {
			t.Errorf("added: %v", err)
		}
		next, err := issuer.Rotate("ES256")
		if keys := published(); err != nil || !strings.Contains(keys, `"`+next+`"`) || strings.Contains(keys, `"`+kid+`"`) {
			t.Errorf("rotated: %v, %s", err, keys)
		}
		issuer.Withdraw(next)
		if strings.Contains(published(), `"`+next+`"`) {
			t.Error("withdrawn, and published")
		}
		before := issuer.URL()
		issuer.Stop()
		if _, _, _, err := kitFetch(t.Context(), issuer, before+"/jwks"); err == nil {
			t.Error("stopped, and it answers")
		}
		if err := issuer.Start(); err != nil || issuer.URL() != before || published() == "" {
			t.Errorf("started again: %v, %s", err, issuer.URL())
		}
		issuer.Close()
		if issuer.Start() == nil {
			t.Error("closed, and it starts")
		}
		issuer.Client().CloseIdleConnections()
	}
}

// An issuer gives a token to any client, so it listens only on loopback.
func TestIssuerListensOnLoopbackOnly(t *testing.T) {
	for _, addr := range []string{":0", "0.0.0.0:0", "[::]:0"} {
		if issuer, err := bearertest.NewIssuer(bearertest.IssuerConfig{Addr: addr}); err == nil {
			issuer.Close()
			t.Errorf("%s: it serves", addr)
		}
	}
}

// The tokens of the token endpoint are accepted and have the requested claims.
func TestTokenEndpoint(t *testing.T) {
	issuer := kitIssuer(t, bearertest.IssuerConfig{})
	v, err := jwks.New(jwks.Config{Issuers: []jwks.Issuer{{URL: issuer.URL(), Audience: []string{kitAudience}}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(v.Close)
	ask := func(form string) (status int, answer map[string]any) {
		t.Helper()
		values, err := url.ParseQuery(form)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := issuer.Client().PostForm(issuer.URL()+"/token", values)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, answer
	}
	status, answer := ask("grant_type=client_credentials&client_id=web&sub=bob&scope=b+a&acr=urn:example:mfa&auth_age=10")
	if status != 200 || answer["token_type"] != "Bearer" || answer["scope"] != "a b" {
		t.Fatalf("%d %v", status, answer)
	}
	token, _ := answer["access_token"].(string)
	p, err := v.Verify(t.Context(), token)
	if err != nil {
		t.Fatal(err)
	}
	age := time.Since(p.AuthTime)
	if p.Subject != "bob" || p.ClientID != "web" || p.Scopes != scope.Of("a", "b") || p.ACR != "urn:example:mfa" || age < 9*time.Second || age > time.Minute {
		t.Errorf("%+v", p)
	}
	for life, good := range map[string]bool{"10s": true, "-1m": false} {
		_, answer = ask("grant_type=client_credentials&valid_for=" + life)
		token, _ = answer["access_token"].(string)
		if _, err := v.Verify(t.Context(), token); (err == nil) != good || answer["expires_in"] != map[bool]float64{true: 10}[good] {
			t.Errorf("a token that is valid for %s: %v, %v", life, answer["expires_in"], err)
		}
	}
	_, answer = ask("grant_type=client_credentials&client_id=web&resource=https://other.example.com")
	token, _ = answer["access_token"].(string)
	if _, err := v.Verify(t.Context(), token); err == nil {
		t.Error("a token for another resource is accepted")
	}
	for form, want := range map[string]string{
		"grant_type=password": "unsupported_grant_type", "grant_type=client_credentials&scope=%22": "invalid_scope",
		"grant_type=client_credentials&auth_age=x":     "invalid_request",
		"grant_type=client_credentials&valid_for=soon": "invalid_request", "grant_type=client_credentials&valid_for=0s": "invalid_request",
	} {
		if status, answer := ask(form); status != 400 || answer["error"] != want {
			t.Errorf("%s: %d %v", form, status, answer)
		}
	}
}

// Peers section 6, "public test kit": a guard whose tokens are names.
func TestPrincipals(t *testing.T) {
	v := bearertest.Principals{"alice": {Subject: "alice", Scopes: scope.Of("orders:read")}}
	if p, err := v.Verify(t.Context(), "alice"); err != nil || p.Subject != "alice" {
		t.Errorf("%+v, %v", p, err)
	}
	if _, err := v.Verify(t.Context(), "mallory"); !errors.Is(err, bearer.ErrUnrecognized) {
		t.Errorf("an unknown token: %v", err)
	}
	first, _ := v.Verify(t.Context(), "alice")
	first.Subject = "mallory"
	if p, _ := v.Verify(t.Context(), "alice"); p.Subject != "alice" {
		t.Error("one request's principal changes the next one's")
	}
}
