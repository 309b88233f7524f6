package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bearerkit/bearerkit/bearer/bearertest"
)

func meWith(token string) string { return "GET /me\nAuthorization: Bearer " + token }

func checkStatus(t *testing.T, url, what, token string, want int) answer {
	t.Helper()
	got := send(t, url, meWith(token))
	unavailable := got.status == 503
	if got.status != want || (got.header.Get("Retry-After") != "") != unavailable ||
		unavailable && got.header.Get("Www-Authenticate") != "" {
		t.Errorf("%s: %+v; want %d", what, got, want)
	}
	return got
}

func checkAsked(t *testing.T, issuer *bearertest.Issuer, want int) {
	t.Helper()
	if got := issuer.Requests(bearertest.IntrospectionEndpoint); got != want {
		t.Errorf("the issuer was asked %d times; want %d", got, want)
	}
}

func TestOpaqueTokens(t *testing.T) {
	t.Parallel()
	issuer, second, stranger := newIssuer(t), newIssuer(t), newIssuer(t)
	for _, framework := range frameworks {
		t.Run(framework, func(t *testing.T) {
			before := issuer.Requests(bearertest.IntrospectionEndpoint)
			url := start(t, asks(issuer, "-issuer", second.URL(), "-framework", framework)...)
			// The API sends no JWT to an issuer.
			good := issuer.Mint(bearertest.Token{})
			checkStatus(t, url, "a JWT", good, 200)
			checkStatus(t, url, "a JWT of the second issuer", second.Mint(bearertest.Token{}), 200)
			checkStatus(t, url, "a JWT of an issuer that is not trusted", stranger.Mint(bearertest.Token{}), 401)
			checkStatus(t, url, "a JWT whose signature is forged", forge(good), 401)
			checkStatus(t, url, "a JWT that cannot be read", "e30.e30.e30", 401)
			checkAsked(t, issuer, before)

			opaque := issuer.MintOpaque(bearertest.Token{Claims: map[string]any{"iss": nil}})
			if got := checkStatus(t, url, "an opaque token", opaque, 200); !strings.Contains(got.body, `"issuer":"`+issuer.URL()+`"`) {
				t.Errorf("an answer without iss: %s; want that it is the first issuer's", got.body)
			}
			checkStatus(t, url, "the same", opaque, 200)
			checkAsked(t, issuer, before+1)
			checkStatus(t, url, "an opaque token of the second issuer", second.MintOpaque(bearertest.Token{}), 401)
			checkAsked(t, issuer, before+2)
			checkAsked(t, second, 0)
			checkAsked(t, stranger, 0)
		})
	}
}

func TestIntrospectAll(t *testing.T) {
	t.Parallel()
	issuer, second, stranger := newIssuer(t), newIssuer(t), newIssuer(t)
	onEachOf(t, asks(issuer, "-issuer", second.URL(), "-introspect-all", "-introspection-max-age", "0s"), func(t *testing.T, url string) {
		before := issuer.Requests(bearertest.IntrospectionEndpoint)
		good := issuer.Mint(bearertest.Token{})
		checkStatus(t, url, "a JWT", good, 200)
		checkAsked(t, issuer, before+1)
		checkStatus(t, url, "a JWT of the second issuer, which the first knows nothing of", second.Mint(bearertest.Token{}), 200)
		checkStatus(t, url, "a JWT of an issuer that is not trusted", stranger.Mint(bearertest.Token{}), 401)
		checkStatus(t, url, "a JWT whose signature is forged", forge(good), 401)
		checkStatus(t, url, "a JWT that has expired", issuer.Mint(bearertest.Token{TTL: -time.Minute}), 401)
		checkAsked(t, issuer, before+1)
		checkAsked(t, second, 0)
		checkAsked(t, stranger, 0)

		checkStatus(t, url, "an opaque token", issuer.MintOpaque(bearertest.Token{}), 200)
		issuer.Revoke(good)
		checkStatus(t, url, "a JWT that was revoked", good, 401)

		issuer.SetFault(bearertest.IntrospectionEndpoint, bearertest.Fault{Status: 500, Times: 1})
		checkStatus(t, url, "a JWT while the endpoint fails", issuer.Mint(bearertest.Token{}), 503)
	})
}

// onEachOf runs a test against the program with args, on each framework.
func onEachOf(t *testing.T, args []string, f func(t *testing.T, url string)) {
	for _, framework := range frameworks {
		t.Run(framework, func(t *testing.T) { f(t, start(t, append(args, "-framework", framework)...)) })
	}
}

func TestEndpointOutOfReach(t *testing.T) {
	t.Parallel()
	for _, framework := range frameworks {
		t.Run(framework, func(t *testing.T) {
			t.Parallel()
			issuer := newIssuer(t)
			url := start(t, asks(issuer, "-framework", framework)...)
			eventually(t, patience, "ready", func() bool { return send(t, url, "GET /readyz").status == 200 })
			known, unknown := issuer.MintOpaque(bearertest.Token{}), issuer.MintOpaque(bearertest.Token{})
			checkStatus(t, url, "before", known, 200)
			issuer.SetFault(bearertest.IntrospectionEndpoint, bearertest.Fault{Status: 500})
			defer issuer.SetFault(bearertest.IntrospectionEndpoint, bearertest.Fault{})
			checkStatus(t, url, "a token that was asked about", known, 200)
			checkStatus(t, url, "one that was not", unknown, 503)
			checkStatus(t, url, "a JWT", issuer.Mint(bearertest.Token{}), 200)
			for request, want := range map[string]int{
				// Readiness is about keys. The API still accepts JWTs, and an outage
				// of the endpoint affects all instances alike.
				"GET /readyz": 200, "GET /me": 401, "GET /public": 200, "GET /greeting": 200,
				"GET /greeting\nAuthorization: Bearer " + unknown: 503,
			} {
				if got := send(t, url, request); got.status != want {
					t.Errorf("%.40q: %d; want %d", request, got.status, want)
				}
			}
			issuer.SetFault(bearertest.IntrospectionEndpoint, bearertest.Fault{})
			eventually(t, patience, "the endpoint is asked again", func() bool { return send(t, url, meWith(unknown)).status == 200 })
		})
	}
}

func TestIntrospectionMaxAge(t *testing.T) {
	t.Parallel()
	issuer := newIssuer(t)
	for _, tt := range []struct {
		maxAge string
		asked  int // how often, for three requests
		after  int // the status right after the revocation
	}{
		{"1m", 1, 200}, {"0s", 3, 401},
	} {
		before := issuer.Requests(bearertest.IntrospectionEndpoint)
		url := start(t, asks(issuer, "-introspection-max-age", tt.maxAge)...)
		token := issuer.MintOpaque(bearertest.Token{})
		for range 3 {
			checkStatus(t, url, tt.maxAge, token, 200)
		}
		checkAsked(t, issuer, before+tt.asked)
		issuer.Revoke(token)
		checkStatus(t, url, tt.maxAge+", revoked", token, tt.after)
	}

	const maxAge = 500 * time.Millisecond
	url := start(t, asks(issuer, "-introspection-max-age", maxAge.String())...)
	token, early := issuer.MintOpaque(bearertest.Token{}), "opaque"
	checkStatus(t, url, "before", token, 200)
	checkStatus(t, url, "unknown", early, 401)
	issuer.Revoke(token)
	<-time.After(maxAge)
	checkStatus(t, url, "revoked", token, 401)
	before := issuer.Requests(bearertest.IntrospectionEndpoint)
	checkStatus(t, url, "what is not active is believed no longer", early, 401)
	checkAsked(t, issuer, before+1)
}

// logBuffer is a log. Its methods may be called concurrently.
type logBuffer struct {
	mu   sync.Mutex
	text strings.Builder
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

func TestClientAuthentication(t *testing.T) {
	t.Parallel()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "key.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	issuer, err := bearertest.NewIssuer(bearertest.IssuerConfig{Clients: []bearertest.Client{
		{ID: "api", Secret: clientSecret}, {ID: "signs", PublicKey: key.Public()},
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(issuer.Close)
	endpoint := issuer.URL() + "/introspect"
	for _, tt := range []struct {
		args []string
		want int
	}{
		{[]string{"-client-id", "api", "-client-secret", clientSecret}, 200},
		{[]string{"-client-id", "api", "-client-secret", clientSecret, "-client-auth", "basic"}, 200},
		{[]string{"-client-id", "api", "-client-secret", clientSecret, "-client-auth", "post"}, 200},
		{[]string{"-client-id", "signs", "-client-auth", "private_key_jwt", "-client-key", file}, 200},
		// The issuer refuses the API, not the token.
		{[]string{"-client-id", "api", "-client-secret", "other-secret"}, 503},
		{[]string{"-client-id", "api", "-client-secret", "other-secret", "-client-auth", "post"}, 503},
		{[]string{"-client-id", "api", "-client-auth", "private_key_jwt", "-client-key", file}, 503},
	} {
		for _, given := range []bool{false, true} {
			args := append([]string{"-issuer", issuer.URL(), "-jwks-uri", issuer.URL() + "/jwks", "-audience", audience}, tt.args...)
			if given {
				args = append(args, "-introspection-endpoint", endpoint)
			}
			t.Run(fmt.Sprintf("%q %v", tt.args, given), func(t *testing.T) {
				before := issuer.Requests(bearertest.OAuthMetadata)
				var log logBuffer
				url := startLogging(t, slog.New(slog.NewTextHandler(&log, nil)), args...)
				token := issuer.MintOpaque(bearertest.Token{})
				checkStatus(t, url, "an opaque token", token, tt.want)
				if got := issuer.Requests(bearertest.OAuthMetadata) - before; got > 0 == given {
					t.Errorf("%d requests for metadata", got)
				}
				logged := log.String()
				for _, secret := range []string{token, clientSecret, "other-secret", "eyJ"} {
					if strings.Contains(logged, secret) {
						t.Errorf("%s in the log:\n%s", secret, logged)
					}
				}
				if tt.want == 503 && !strings.Contains(logged, "rejects our credentials") {
					t.Errorf("the log does not say what to fix:\n%s", logged)
				}
			})
		}
	}
}
