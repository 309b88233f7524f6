package jwks_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/bearer/bearertest"
	"github.com/bearerkit/bearerkit/jwks"
)

// elsewhere serves metadata with these members, and the issuer's keys, over
// TLS. It returns the URL of the metadata and a client that trusts the server.
func elsewhere(t *testing.T, issuer *bearertest.Issuer, members string) (string, *http.Client) {
	t.Helper()
	mux := http.NewServeMux()
	server := httptest.NewTLSServer(mux)
	t.Cleanup(server.Close)
	mux.HandleFunc("GET /adfs/.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, strings.ReplaceAll(members, "SERVER", server.URL))
	})
	mux.HandleFunc("GET /adfs/discovery/keys", func(w http.ResponseWriter, _ *http.Request) { w.Write(issuer.KeySet()) })
	return server.URL + "/adfs/.well-known/openid-configuration", server.Client()
}

// Reports L6: AD FS has metadata at one URL, an issuer in them that is a
// second, and an http URL as the iss of access tokens.
func TestADFS(t *testing.T) {
	const iss = "http://adfs.example.com/adfs/services/trust"
	issuer := newIssuer(t, bearertest.IssuerConfig{})
	metadata, client := elsewhere(t, issuer, `{"issuer":"SERVER/adfs","access_token_issuer":"`+iss+`","jwks_uri":"SERVER/adfs/discovery/keys"}`)
	v := newVerifier(t, jwks.Config{
		Issuers: []jwks.Issuer{{
			URL: iss, AllowNonHTTPSIdentifier: true,
			Audience: []string{"microsoft:identityserver:orders"},
			Keys:     jwks.KeysFromMetadata(metadata), Profile: jwks.ADFS(),
		}},
		Client: client,
	})
	token := func(iss string) string {
		return issuer.Mint(bearertest.Token{
			Algorithm: "RS256", Audience: []string{"microsoft:identityserver:orders"}, Header: map[string]any{"typ": "JWT"},
			Claims: map[string]any{
				"iss": iss, "sub": nil, "client_id": nil, "jti": nil, "scope": nil,
				"appid": "web", "apptype": "Confidential", "ver": "1.0", "scp": "openid orders:read",
				"auth_time": "2026-02-13T08:27:46.918Z", // reports L3: no NumericDate
			},
		})
	}
	p, err := v.Verify(t.Context(), token(iss))
	if err != nil {
		t.Fatal(err)
	}
	if p.Issuer != iss || p.ClientID != "web" || p.Scopes.String() != "openid orders:read" {
		t.Errorf("the principal is %+v", p)
	}
	// An ID token has the other issuer.
	for _, other := range []string{strings.TrimSuffix(metadata, "/.well-known/openid-configuration"), iss + "/", "https" + iss[4:]} {
		if _, err := v.Verify(t.Context(), token(other)); err == nil {
			t.Errorf("iss %q is accepted", other)
		}
	}
}

// Reports L6: metadata must name the issuer, or its keys are not used.
// Otherwise a wrong URL would make one server's tokens valid as another's.
func TestMetadataElsewhere(t *testing.T) {
	const iss = "https://login.example.com"
	for _, tt := range []struct {
		name, members string
		used          bool
		log           string
	}{
		{"its issuer", `{"issuer":"https://login.example.com","jwks_uri":"SERVER/adfs/discovery/keys"}`, true, ""},
		{"its access_token_issuer", `{"issuer":"SERVER","access_token_issuer":"https://login.example.com","jwks_uri":"SERVER/adfs/discovery/keys"}`, true, ""},
		{"its issuer beside another access_token_issuer", `{"issuer":"https://login.example.com","access_token_issuer":"https://a.example.com","jwks_uri":"SERVER/adfs/discovery/keys"}`, true, ""},
		{"another issuer", `{"issuer":"https://login.example.com/","jwks_uri":"SERVER/adfs/discovery/keys"}`, false,
			`its issuer is \"https://login.example.com/\", want \"https://login.example.com\"`},
		{"two other issuers", `{"issuer":"https://a.example.com","access_token_issuer":"https://b.example.com","jwks_uri":"SERVER/adfs/discovery/keys"}`, false,
			`its issuer is \"https://a.example.com\" and its access_token_issuer is \"https://b.example.com\"`},
		{"no issuer", `{"jwks_uri":"SERVER/adfs/discovery/keys"}`, false, "it has no issuer"},
		{"no keys", `{"issuer":"https://login.example.com"}`, false, "it has no jwks_uri"},
		{"keys by http", `{"issuer":"https://login.example.com","jwks_uri":"http://127.0.0.1/keys"}`, false, `its scheme is \"http\"`},
		{"an access_token_issuer that is not a string", `{"issuer":"https://login.example.com","access_token_issuer":["https://login.example.com"],"jwks_uri":"SERVER/adfs/discovery/keys"}`, true, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var log lockedBuffer
			issuer := newIssuer(t, bearertest.IssuerConfig{})
			metadata, client := elsewhere(t, issuer, tt.members)
			v := newVerifier(t, jwks.Config{
				Issuers: []jwks.Issuer{{URL: iss, Audience: []string{audience}, Keys: jwks.KeysFromMetadata(metadata)}},
				Client:  client, Logger: slog.New(slog.NewTextHandler(&log, nil)),
			})
			_, err := v.Verify(t.Context(), issuer.Mint(bearertest.Token{Claims: map[string]any{"iss": iss}}))
			if want := bearer.CodeUnavailable; (err == nil) != tt.used || err != nil && codeOf(err) != want {
				t.Errorf("a token: %v", err)
			}
			v.Close() // which waits for the one who writes the log
			if !strings.Contains(log.String(), tt.log) {
				t.Errorf("%q is not in the log: %s", tt.log, log.String())
			}
		})
	}
}

// Reports L6: discovery by the identifier accepts only the metadata's issuer,
// whatever other names they contain (RFC 8414, Section 3.3).
func TestDiscoveryIgnoresTheAccessTokenIssuer(t *testing.T) {
	issuer := newIssuer(t, bearertest.IssuerConfig{})
	document := `{"issuer":"https://a.example.com","access_token_issuer":"` + issuer.URL() + `","jwks_uri":"` + issuer.URL() + `/jwks"}`
	for _, e := range []bearertest.Endpoint{bearertest.OAuthMetadata, bearertest.OIDCMetadata} {
		issuer.SetFault(e, bearertest.Fault{Body: []byte(document)})
	}
	v := trusting(t, issuer, nil)
	if _, err := v.Verify(t.Context(), issuer.Mint(bearertest.Token{})); codeOf(err) != bearer.CodeUnavailable {
		t.Errorf("a token: %v", err)
	}
}

// Reports L6: an identifier that is a name, as Google's was, works with keys
// from a URL and from each other source except discovery.
func TestIdentifierThatIsAName(t *testing.T) {
	const iss = "accounts.google.com"
	issuer := newIssuer(t, bearertest.IssuerConfig{})
	metadata, client := elsewhere(t, issuer, `{"issuer":"accounts.google.com","jwks_uri":"SERVER/adfs/discovery/keys"}`)
	file := filepath.Join(t.TempDir(), "keys.json")
	if err := os.WriteFile(file, issuer.KeySet(), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, keys := range map[string]jwks.KeySource{
		"KeysFromFile":     jwks.KeysFromFile(file),
		"KeysFromURL":      jwks.KeysFromURL(strings.Replace(metadata, ".well-known/openid-configuration", "discovery/keys", 1)),
		"KeysFromMetadata": jwks.KeysFromMetadata(metadata),
		"KeysFromJWKS":     jwks.KeysFromJWKS(issuer.KeySet()),
	} {
		v := newVerifier(t, jwks.Config{
			Issuers: []jwks.Issuer{{URL: iss, AllowNonHTTPSIdentifier: true, Audience: []string{audience}, Keys: keys}}, Client: client,
		})
		if _, err := v.Verify(t.Context(), issuer.Mint(bearertest.Token{Claims: map[string]any{"iss": iss}})); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if err := v.Ready(iss); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := v.Verify(t.Context(), issuer.Mint(bearertest.Token{Claims: map[string]any{"iss": "https://" + iss}})); err == nil {
			t.Errorf("%s: another spelling is accepted", name)
		}
	}
}

// lockedBuffer is a log that a test can read while it is being written.
type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}
