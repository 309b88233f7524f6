package introspect_test

import (
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/bearer/bearertest"
	"github.com/bearerkit/bearerkit/introspect"
	"github.com/bearerkit/bearerkit/jwks"
)

// JWTs and opaque tokens side by side: which verifier judges which token.
func TestMixing(t *testing.T) {
	issuer := newIssuer(t, bearertest.Client{ID: "api", Secret: "secret"})
	other := newIssuer(t)
	tokens, err := jwks.New(jwks.Config{Issuers: []jwks.Issuer{{URL: issuer.URL(), Audience: []string{audience}}}})
	if err != nil {
		t.Fatal(err)
	}
	defer tokens.Close()
	mixed := func(all bool) (http.Handler, *introspect.Verifier) {
		opaque := newVerifier(t, issuer, func(c *introspect.Config) { c.MaxAge = -1 })
		if all {
			return guarded(t, bearer.Both(tokens, opaque.TakingJWTs()), opaque), opaque
		}
		return guarded(t, tokens, opaque), opaque
	}
	revokedJWT, revokedOpaque := issuer.Mint(bearertest.Token{}), issuer.MintOpaque(bearertest.Token{})
	issuer.Revoke(revokedJWT)
	issuer.Revoke(revokedOpaque)
	good := issuer.Mint(bearertest.Token{})
	tests := []struct {
		name, token string
		status, all int // status if only opaque tokens are introspected, and if all are
		asked       int // requests if only opaque tokens are introspected
		askedAll    int // requests if all are
	}{
		// A JWT of a trusted issuer is not introspected, unless all tokens are.
		{"a JWT", good, 200, 200, 0, 1},
		{"a revoked JWT", revokedJWT, 200, 401, 0, 1},
		{"a forged JWT", good[:len(good)-4] + "AAAA", 401, 401, 0, 0},
		{"an ID token", issuer.Mint(bearertest.Token{Header: map[string]any{"typ": "JWT"}}), 401, 401, 0, 0},
		// A JWT of another issuer is sent to no server.
		{"a JWT of another issuer", other.Mint(bearertest.Token{}), 401, 401, 0, 0},
		{"garbage like a JWT", "eyJhbGciOiJub25lIn0.e30.", 401, 401, 0, 0},
		{"an opaque token", issuer.MintOpaque(bearertest.Token{}), 200, 200, 1, 1},
		{"a revoked opaque token", revokedOpaque, 401, 401, 1, 1},
		{"an opaque token of somebody", "unknown", 401, 401, 1, 1},
	}
	for _, all := range []bool{false, true} {
		h, _ := mixed(all)
		for _, tt := range tests {
			status, asked := tt.status, tt.asked
			if all {
				status, asked = tt.all, tt.askedAll
			}
			before := issuer.Requests(bearertest.IntrospectionEndpoint)
			if w := get(h, tt.token); w.Code != status {
				t.Errorf("%s, all %v: status %d, want %d", tt.name, all, w.Code, status)
			}
			if n := issuer.Requests(bearertest.IntrospectionEndpoint) - before; n != asked {
				t.Errorf("%s, all %v: %d requests, want %d", tt.name, all, n, asked)
			}
		}
	}

	// The endpoint fails: JWTs are verified by keys, and all other tokens get
	// 503.
	issuer.SetFault(bearertest.IntrospectionEndpoint, bearertest.Fault{Status: 500})
	apart, _ := mixed(false)
	together, _ := mixed(true)
	for name, tt := range map[string]struct {
		h      http.Handler
		token  string
		status int
	}{
		"a JWT, apart":        {apart, good, 200},
		"opaque, apart":       {apart, issuer.MintOpaque(bearertest.Token{}), 503},
		"a JWT, together":     {together, good, 503},
		"a bad JWT, together": {together, good[:len(good)-4] + "AAAA", 401},
	} {
		if w := get(tt.h, tt.token); w.Code != tt.status {
			t.Errorf("%s, without the endpoint: status %d, want %d", name, w.Code, tt.status)
		}
	}
}

// The endpoint is discovered from the issuer's metadata. Metadata of another
// issuer are rejected.
func TestDiscovery(t *testing.T) {
	issuer := newIssuer(t, bearertest.Client{ID: "api", Secret: "secret"})
	v := newVerifier(t, issuer, nil)
	for range 3 {
		if _, err := v.Verify(t.Context(), issuer.MintOpaque(bearertest.Token{})); err != nil {
			t.Fatal(err)
		}
	}
	if n := issuer.Requests(bearertest.OAuthMetadata); n != 1 {
		t.Errorf("%d requests for metadata, want 1", n)
	}
	foreign := []byte(`{"issuer":"https://evil.example.com","introspection_endpoint":"https://evil.example.com/"}`)
	for _, e := range []bearertest.Endpoint{bearertest.OAuthMetadata, bearertest.OIDCMetadata} {
		issuer.SetFault(e, bearertest.Fault{Body: foreign})
	}
	v = newVerifier(t, issuer, nil)
	if _, err := v.Verify(t.Context(), issuer.MintOpaque(bearertest.Token{})); codeOf(err) != "unavailable" {
		t.Errorf("metadata of another issuer: %v", err)
	}
}

// Concurrent callers share one discovery, and a discovered endpoint is used
// while the metadata is unavailable.
func TestDiscoveryIsSparing(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, issuer *bearertest.Issuer, v *introspect.Verifier) {
		issuer.SetFault(bearertest.OAuthMetadata, bearertest.Fault{Delay: time.Second})
		var wg sync.WaitGroup
		for range 64 {
			wg.Go(func() {
				if _, err := v.Verify(t.Context(), issuer.MintOpaque(bearertest.Token{})); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if n := issuer.Requests(bearertest.OAuthMetadata); n != 1 {
			t.Errorf("64 callers made %d requests for metadata, want 1", n)
		}
		for _, away := range []bearertest.Fault{{Status: 500}, {Hang: true}} {
			for _, e := range []bearertest.Endpoint{bearertest.OAuthMetadata, bearertest.OIDCMetadata} {
				issuer.SetFault(e, away)
			}
			elapse(30 * time.Second)
			before := issuer.Requests(bearertest.OAuthMetadata)
			issuer.SetFault(bearertest.IntrospectionEndpoint, bearertest.Fault{Status: 404, Times: 1})
			_, _ = v.Verify(t.Context(), "a failure for one token")
			elapse(time.Second)
			if issuer.Requests(bearertest.OAuthMetadata) != before {
				t.Error("one client's token had the metadata asked for")
			}
			issuer.SetFault(bearertest.IntrospectionEndpoint, bearertest.Fault{Status: 404})
			_, _ = v.Verify(t.Context(), "a failure for all")
			elapse(time.Second)
			issuer.SetFault(bearertest.IntrospectionEndpoint, bearertest.Fault{})
			elapse(time.Second)
			start := time.Now()
			if _, err := v.Verify(t.Context(), issuer.MintOpaque(bearertest.Token{})); err != nil || time.Since(start) > 0 {
				t.Errorf("while the metadata is away: %v after %v", err, time.Since(start))
			}
			if issuer.Requests(bearertest.OAuthMetadata) == before {
				t.Error("it was not asked whether it has moved")
			}
		}
	})
}

// RFC 8414, Section 2: metadata may list how clients authenticate at the endpoint. If
// the list lacks the verifier's way, a record says so. RFC 8705, Section 2 has two
// names for mutual TLS, and no name exists for a bearer token.
func TestAuthMethodIsNotListed(t *testing.T) {
	own := introspect.BearerToken(oauth2.StaticTokenSource(&oauth2.Token{AccessToken: "own"}))
	basic := introspect.ClientSecretBasic("api", "secret")
	tests := []struct {
		name   string
		auth   introspect.Auth
		listed string // JSON; empty: none
		warns  bool
	}{
		{"no list", basic, "", false},
		{"listed", basic, `["private_key_jwt","client_secret_basic"]`, false},
		{"not listed", basic, `["private_key_jwt","self_signed_tls_client_auth"]`, true},
		{"an empty list", basic, `[]`, true},
		{"mutual TLS", introspect.MutualTLS("api"), `["tls_client_auth"]`, false},
		{"mutual TLS, self-signed", introspect.MutualTLS("api"), `["self_signed_tls_client_auth"]`, false},
		{"mutual TLS, not listed", introspect.MutualTLS("api"), `["client_secret_basic"]`, true},
		{"a bearer token", own, `["client_secret_basic"]`, false},
	}
	for _, tt := range tests {
		var log lockedLog
		v := asking(t, nil, func(c *introspect.Config) {
			c.Endpoint, c.Auth, c.Logger = "", tt.auth, slog.New(slog.NewTextHandler(&log, nil))
			c.Client = &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
				if r.Method == http.MethodPost {
					return answers(200, nil, `{"active":false}`)(r)
				}
				metadata := `{"issuer":"https://issuer.example.com","introspection_endpoint":"https://issuer.example.com/introspect"`
				if tt.listed != "" {
					metadata += `,"introspection_endpoint_auth_methods_supported":` + tt.listed
				}
				return answers(200, nil, metadata+`}`)(r)
			})}
		})
		if _, err := v.Verify(t.Context(), "token"); codeOf(err) != "unrecognized" {
			t.Errorf("%s: %v", tt.name, err)
		}
		if strings.Contains(log.String(), "does not list our client authentication") != tt.warns {
			t.Errorf("%s: logged %q", tt.name, log.String())
		}
	}
}
