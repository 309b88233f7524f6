package introspect_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/oauth2"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/bearer/bearertest"
	"github.com/bearerkit/bearerkit/introspect"
	"github.com/bearerkit/bearerkit/jwks"
	"github.com/bearerkit/bearerkit/scope"
)

func newIssuer(t testing.TB, clients ...bearertest.Client) *bearertest.Issuer {
	t.Helper()
	issuer, err := bearertest.NewIssuer(bearertest.IssuerConfig{Clients: clients})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(issuer.Close)
	return issuer
}

func newVerifier(t testing.TB, issuer *bearertest.Issuer, change func(*introspect.Config)) *introspect.Verifier {
	t.Helper()
	c := introspect.Config{
		Issuer: issuer.URL(), Audience: []string{audience}, Auth: introspect.ClientSecretBasic("api", "secret"),
	}
	if change != nil {
		change(&c)
	}
	v, err := introspect.New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(v.Close)
	return v
}

// guarded returns a handler that answers 200 behind a guard.
func guarded(t testing.TB, verifiers ...bearer.Verifier) http.Handler {
	t.Helper()
	guard, err := bearer.New(bearer.Config{Verifiers: verifiers})
	if err != nil {
		t.Fatal(err)
	}
	route := guard.MustRoute(bearer.RouteConfig{Rule: scope.None})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, ok := route.Admit(w, r); ok {
			w.WriteHeader(http.StatusOK)
		}
	})
}

func get(h http.Handler, token string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Header.Set("Authorization", "Bearer "+token)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func pemOf(t testing.TB, key any) []byte {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

// I2: each method of authentication, against a server that checks it.
func TestAuthentication(t *testing.T) {
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	ecKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	_, edKey, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	public := func(key crypto.Signer) crypto.PublicKey { return key.Public() }
	odd := "a:b%c+d e&é=/?"
	inMemory(t, []bearertest.Client{
		{ID: "api", Secret: "secret"}, {ID: odd, Secret: odd},
		{ID: "rsa", PublicKey: public(rsaKey)}, {ID: "ec", PublicKey: public(ecKey)}, {ID: "ed", PublicKey: public(edKey)},
	}, func(t *testing.T, issuer *bearertest.Issuer) {
		own := oauth2.StaticTokenSource(&oauth2.Token{
			AccessToken: issuer.MintOpaque(bearertest.Token{ClientID: "api", Scope: "introspection"}),
		})
		tests := []struct {
			name string
			auth introspect.Auth
			ok   bool
		}{
			{"basic", introspect.ClientSecretBasic("api", "secret"), true},
			{"basic, odd characters", introspect.ClientSecretBasic(odd, odd), true},
			{"basic, wrong secret", introspect.ClientSecretBasic("api", "wrong"), false},
			{"post", introspect.ClientSecretPost("api", "secret"), true},
			{"post, odd characters", introspect.ClientSecretPost(odd, odd), true},
			{"post, wrong secret", introspect.ClientSecretPost("api", "wrong"), false},
			{"private_key_jwt, RSA", introspect.PrivateKeyJWT("rsa", pemOf(t, rsaKey)), true},
			{"private_key_jwt, EC", introspect.PrivateKeyJWT("ec", pemOf(t, ecKey)), true},
			{"private_key_jwt, Ed25519", introspect.PrivateKeyJWT("ed", pemOf(t, edKey)), true},
			{"private_key_jwt, the key of another client", introspect.PrivateKeyJWT("rsa", pemOf(t, ecKey)), false},
			{"bearer token", introspect.BearerToken(own), true},
			{"a bearer token that the server rejects", introspect.BearerToken(oauth2.StaticTokenSource(&oauth2.Token{AccessToken: "x"})), false},
			{"a failing token source", introspect.BearerToken(failingSource{}), false},
			{"a token source that returns no token", introspect.BearerToken(emptySource{}), false},
			{"mutual TLS without a certificate", introspect.MutualTLS("api"), false},
		}
		for _, tt := range tests {
			var log lockedLog
			v := newVerifier(t, issuer, func(c *introspect.Config) {
				c.Auth, c.Client = tt.auth, issuer.Client()
				c.Logger = slog.New(slog.NewTextHandler(&log, nil))
			})
			for range 2 { // each request needs an assertion of its own
				w := get(guarded(t, v), issuer.MintOpaque(bearertest.Token{}))
				if want := map[bool]int{true: 200, false: 503}[tt.ok]; w.Code != want {
					t.Errorf("%s: status %d, want %d: %s", tt.name, w.Code, want, log.String())
				}
			}
			if !tt.ok && !strings.Contains(log.String(), "check Config.Auth") {
				t.Errorf("%s: the log does not say what to fix: %s", tt.name, log.String())
			}
			for _, secret := range []string{"wrong", "hunter2"} {
				if strings.Contains(log.String(), secret) {
					t.Errorf("%s: the log contains a secret: %s", tt.name, log.String())
				}
			}
		}
	})
}

type failingSource struct{}

func (failingSource) Token() (*oauth2.Token, error) {
	return nil, errors.New("invalid_client: client_secret=hunter2")
}

type emptySource struct{}

func (emptySource) Token() (*oauth2.Token, error) { return nil, nil }

// A token source that hangs delays neither a request beyond Config.Timeout nor
// Close.
func TestTokenSourceHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source := make(hangingSource)
		v := asking(t, func(string) (int, http.Header) { return 200, nil }, func(c *introspect.Config) {
			c.Auth = introspect.BearerToken(source)
		})
		start := time.Now()
		var wg sync.WaitGroup
		for i := range 10 {
			wg.Go(func() {
				if _, err := v.Verify(t.Context(), fmt.Sprint("token-", i)); codeOf(err) != "unavailable" {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if took := time.Since(start); took > 5*time.Second {
			t.Errorf("it took %v", took)
		}
		close(source)
		<-time.After(time.Second)
		if _, err := v.Verify(t.Context(), "token"); err != nil {
			t.Errorf("when it is back: %v", err)
		}
		v.Close()

		v = asking(t, func(string) (int, http.Header) { return 200, nil }, func(c *introspect.Config) {
			source = make(hangingSource)
			c.Auth = introspect.BearerToken(source)
		})
		wg.Go(func() { _, _ = v.Verify(t.Context(), "token") })
		synctest.Wait()
		start = time.Now()
		v.Close()
		if took := time.Since(start); took > 0 {
			t.Errorf("Close took %v", took)
		}
		close(source)
		wg.Wait()
	})
}

type hangingSource chan struct{}

func (h hangingSource) Token() (*oauth2.Token, error) {
	<-h
	return &oauth2.Token{AccessToken: "own"}, nil
}

// RFC 6749, Section 5.2: a server may reject a client by 400 too.
func TestRefusedClientIsToldApart(t *testing.T) {
	inMemory(t, []bearertest.Client{{ID: "api", Secret: "secret"}}, func(t *testing.T, issuer *bearertest.Issuer) {
		for _, code := range []string{"invalid_client", "unauthorized_client"} {
			issuer.SetFault(bearertest.IntrospectionEndpoint, bearertest.Fault{Status: 400, Body: []byte(`{"error":"` + code + `"}`)})
			var log lockedLog
			v := newVerifier(t, issuer, func(c *introspect.Config) {
				c.Client, c.Logger = issuer.Client(), slog.New(slog.NewTextHandler(&log, nil))
			})
			if w := get(guarded(t, v), "opaque"); w.Code != http.StatusServiceUnavailable || !strings.Contains(log.String(), "check Config.Auth") {
				t.Errorf("%s: status %d: %s", code, w.Code, log.String())
			}
		}
	})
}

// I8, RFC 8705: Config.Client provides the client certificate, and the server's
// certificate is verified.
func TestMutualTLS(t *testing.T) {
	var got http.Header
	var form string
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got, form = r.Header, r.FormValue("client_id")
		if len(r.TLS.PeerCertificates) == 0 {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		fmt.Fprintf(w, `{"active":true,"aud":%q}`, audience)
	}))
	server.TLS = &tls.Config{ClientAuth: tls.RequestClientCert}
	server.StartTLS()
	defer server.Close()
	client := server.Client()
	transport := client.Transport.(*http.Transport)
	transport.TLSClientConfig.Certificates = server.TLS.Certificates
	config := introspect.Config{
		Issuer: server.URL, Endpoint: server.URL + "/introspect", Audience: []string{audience},
		Auth: introspect.MutualTLS("api"), Client: client,
	}
	v, err := introspect.New(config)
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	if w := get(guarded(t, v), "opaque"); w.Code != http.StatusOK || form != "api" || got.Get("Authorization") != "" {
		t.Errorf("status %d, client_id %q, %v", w.Code, form, got)
	}
	config.Client = nil
	unverified, err := introspect.New(config)
	if err != nil {
		t.Fatal(err)
	}
	defer unverified.Close()
	if w := get(guarded(t, unverified), "opaque"); w.Code != http.StatusServiceUnavailable {
		t.Errorf("an unverified server: status %d", w.Code)
	}
}

// I1: the request is a POST with a form. The token is in the form and nowhere
// else.
func TestRequest(t *testing.T) {
	var seen *http.Request
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseForm(); err != nil {
			t.Error(err)
		}
		seen = r
		fmt.Fprint(w, `{"active":false}`)
	}))
	defer server.Close()
	v, err := introspect.New(introspect.Config{
		Issuer: server.URL, Endpoint: server.URL + "/introspect?tenant=1", Audience: []string{audience},
		Auth: introspect.ClientSecretBasic("api", "secret"),
	})
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	if w := get(guarded(t, v), "opaque+/=="); w.Code != http.StatusUnauthorized {
		t.Errorf("status %d", w.Code)
	}
	if seen.Method != "POST" || seen.URL.RawQuery != "tenant=1" ||
		seen.Header.Get("Content-Type") != "application/x-www-form-urlencoded" || seen.Header.Get("Accept") != "application/json" ||
		seen.PostForm.Get("token") != "opaque+/==" || seen.PostForm.Get("token_type_hint") != "access_token" || len(seen.PostForm) != 2 {
		t.Errorf("%s %s %v %v", seen.Method, seen.URL, seen.Header, seen.PostForm)
	}
}

// I12, RFC 9701: only answers signed with the issuer's keys and with the right
// audience count. A signed answer is never accepted as an access token.
func TestSignedAnswers(t *testing.T) {
	inMemory(t, []bearertest.Client{{ID: "api", Secret: "secret"}}, func(t *testing.T, issuer *bearertest.Issuer) {
		signed := func(c *introspect.Config) {
			c.Client, c.Signed = issuer.Client(), &introspect.Signed{Audience: "api"}
		}
		v := newVerifier(t, issuer, signed)
		if w := get(guarded(t, v), issuer.MintOpaque(bearertest.Token{})); w.Code != http.StatusOK {
			t.Fatalf("status %d", w.Code)
		}
		const active = `"token_introspection":{"active":true,"aud":"` + audience + `"}`
		header := func(typ string) string { return fmt.Sprintf(`{"alg":"RS256","kid":"key-1","typ":%q}`, typ) }
		good := header("token-introspection+jwt")
		now := time.Now()
		claims := func(format string) string {
			payload := strings.ReplaceAll(format, "NOW", fmt.Sprint(now.Unix()))
			return strings.ReplaceAll(payload, "ISS", strconv.Quote(issuer.URL()))
		}
		ago := func(d time.Duration) string { return fmt.Sprint(now.Add(-d).Unix()) }
		tests := []struct {
			name, header, payload string
			status                int
		}{
			{"good", good, claims(`{"iss":ISS,"aud":"api","iat":NOW,` + active + `}`), 200},
			{"another typ", header("JWT"), claims(`{"iss":ISS,"aud":"api","iat":NOW,` + active + `}`), 503},
			{"no iss", good, claims(`{"aud":"api","iat":NOW,` + active + `}`), 503},
			{"another iss", good, claims(`{"iss":"https://evil.example.com","aud":"api","iat":NOW,` + active + `}`), 503},
			{"no aud", good, claims(`{"iss":ISS,"iat":NOW,` + active + `}`), 503},
			{"another aud", good, claims(`{"iss":ISS,"aud":"other","iat":NOW,` + active + `}`), 503},
			{"no iat", good, claims(`{"iss":ISS,"aud":"api",` + active + `}`), 503},
			// Reports G3: a signed answer may be a minute old, plus the leeway.
			{"a minute old", good, claims(`{"iss":ISS,"aud":"api","iat":` + ago(time.Minute) + `,` + active + `}`), 200},
			{"two minutes old", good, claims(`{"iss":ISS,"aud":"api","iat":` + ago(2*time.Minute) + `,` + active + `}`), 503},
			{"a year old", good, claims(`{"iss":ISS,"aud":"api","iat":` + ago(365*24*time.Hour) + `,` + active + `}`), 503},
			{"issued in the future", good, claims(`{"iss":ISS,"aud":"api","iat":99999999999,` + active + `}`), 503},
			{"expired", good, claims(`{"iss":ISS,"aud":"api","iat":NOW,"exp":2,` + active + `}`), 503},
			{"active beside token_introspection", good, claims(`{"iss":ISS,"aud":"api","iat":NOW,"active":true}`), 503},
			{"no object", good, claims(`{"iss":ISS,"aud":"api","iat":NOW,"token_introspection":true}`), 503},
			{"alg none", `{"alg":"none","typ":"token-introspection+jwt"}`, claims(`{"iss":ISS,"aud":"api","iat":NOW,` + active + `}`), 503},
		}
		for i, tt := range tests {
			v := newVerifier(t, issuer, signed)
			answer := issuer.Sign("RS256", []byte(tt.header), []byte(tt.payload))
			issuer.SetFault(bearertest.IntrospectionEndpoint, bearertest.Fault{
				Body: []byte(answer), Header: http.Header{"Content-Type": {"application/token-introspection+jwt"}},
			})
			if w := get(guarded(t, v), fmt.Sprint("opaque", i)); w.Code != tt.status {
				t.Errorf("%s: status %d, want %d", tt.name, w.Code, tt.status)
			}
			tokens, err := jwks.New(jwks.Config{Client: issuer.Client(), Issuers: []jwks.Issuer{{URL: issuer.URL(), Audience: []string{"api"}}}})
			if err != nil {
				t.Fatal(err)
			}
			if w := get(guarded(t, tokens), answer); w.Code != http.StatusUnauthorized {
				t.Errorf("%s: as an access token: status %d", tt.name, w.Code)
			}
			tokens.Close()
		}

		// Another issuer's signature, and a plain answer.
		other, err := bearertest.NewIssuer(bearertest.IssuerConfig{InMemory: true})
		if err != nil {
			t.Fatal(err)
		}
		defer other.Close()
		for name, fault := range map[string]bearertest.Fault{
			"another issuer's signature": {
				Body:   []byte(other.Sign("RS256", []byte(good), []byte(tests[0].payload))),
				Header: http.Header{"Content-Type": {"application/token-introspection+jwt"}},
			},
			"plain": {Body: []byte(`{"active":true,"aud":"` + audience + `"}`), Header: http.Header{"Content-Type": {"application/json"}}},
			// Reports G3: an unsigned error is not an answer about the token
			// either.
			"a plain error": {Status: 400, Body: []byte(`{"error":"unsupported_token_type"}`)},
		} {
			v := newVerifier(t, issuer, signed)
			issuer.SetFault(bearertest.IntrospectionEndpoint, fault)
			if w := get(guarded(t, v), "opaque"); w.Code != http.StatusServiceUnavailable {
				t.Errorf("%s: status %d", name, w.Code)
			}
		}
	})
}

func TestConfigMistakes(t *testing.T) {
	_, err := introspect.New(introspect.Config{
		Issuer: "http://login.example.com", Endpoint: "ftp://x", Auth: introspect.ClientSecretBasic("", "s3cret"),
		Leeway: 1 << 60, Timeout: -1, MaxConcurrent: -1, CacheEntries: -1, CacheBytes: -1,
		Signed: &introspect.Signed{Algorithms: []string{"none"}},
	})
	for _, want := range []string{
		"Config.Issuer", "Config.Endpoint", "an empty client ID", "Config.Audience is empty", "Config.Leeway", "Config.Timeout",
		"Config.MaxConcurrent", "Config.CacheEntries", "Config.CacheBytes", "Config.Signed.Audience",
	} {
		if !strings.Contains(fmt.Sprint(err), want) {
			t.Errorf("%v\ndoes not say %q", err, want)
		}
	}
	if strings.Contains(err.Error(), "s3cret") {
		t.Errorf("the error holds the secret: %v", err)
	}
	for name, auth := range map[string]introspect.Auth{
		"none": {}, "no secret": introspect.ClientSecretPost("a", ""), "no key": introspect.PrivateKeyJWT("a", []byte("x")),
		"a nil source": introspect.BearerToken(nil), "no id": introspect.MutualTLS(""),
	} {
		if _, err := introspect.New(introspect.Config{Issuer: "https://login.example.com", Audience: []string{"a"}, Auth: auth}); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
