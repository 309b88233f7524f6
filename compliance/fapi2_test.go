package compliance_test

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/bearer/bearertest"
	"github.com/bearerkit/bearerkit/compliance"
	"github.com/bearerkit/bearerkit/dpop"
	"github.com/bearerkit/bearerkit/introspect"
	"github.com/bearerkit/bearerkit/scope"
)

// FAPI 2.0 Security Profile, Section 5.3.4: resource servers "shall accept
// access tokens in the HTTP header as in Section 2.1 of OAuth 2.0 Bearer Token
// Usage or Section 7.1 of DPoP".
func TestF1(t *testing.T) {
	a := newAPI(t, compliance.FAPI2, scope.None, nil)
	a.want(200, a.dpop(a.mint(bearertest.Token{}, true)), "in the header")
	refuses(t, compliance.FAPI2, func(s *compliance.Settings) {
		s.Guard.Sources = []bearer.TokenSource{bearer.FromFormBody(), bearer.FromCookie("__Host-token")}
	},
		"F1: bearer.Config.Sources[0] is FromFormBody(); want only FromAuthorization", `F1: bearer.Config.Sources[1] is FromCookie("__Host-token")`)
}

// The same: "shall not accept access tokens in the query parameters".
func TestF2(t *testing.T) {
	a := newAPI(t, compliance.FAPI2, scope.None, nil)
	token := a.mint(bearertest.Token{}, true)
	got := a.ask("/orders?access_token="+token, http.Header{"Dpop": {a.proof(token)}})
	a.want(401, got, "in the query")
	if want := `Bearer realm="api"` + "\n" + `DPoP realm="api", algs="PS256 ES256 EdDSA Ed25519"`; got.challenge != want {
		t.Errorf("in the query: %q, want %q, as without a token", got.challenge, want)
	}
	refuses(t, compliance.FAPI2, func(s *compliance.Settings) {
		s.Guard.Sources = []bearer.TokenSource{bearer.FromAuthorization(), bearer.InsecureFromQuery()}
	},
		"F2: bearer.Config.Sources[1] is InsecureFromQuery(); remove it")
}

// The same: "shall verify the validity, integrity, expiration and revocation
// status of access tokens". For the last see F10.
func TestF3(t *testing.T) {
	a := newAPI(t, compliance.FAPI2, scope.None, nil)
	a.want(401, a.dpop(a.mint(bearertest.Token{TTL: -time.Minute}, true)), "expired")
	a.want(401, a.dpop(a.mint(bearertest.Token{Audience: []string{"https://other.example.com"}}, true)), "for another")
	token := []byte(a.mint(bearertest.Token{}, true))
	if at := len(token) - 10; token[at] == 'A' {
		token[at] = 'B'
	} else {
		token[at] = 'A'
	}
	a.want(401, a.dpop(string(token)), "changed")
}

// The same: "shall verify that the authorization represented by the access
// token is sufficient for the requested resource access and otherwise return
// errors as in Section 3.1 of RFC 6750".
func TestF4(t *testing.T) {
	a := newAPI(t, compliance.FAPI2, scope.All("orders:read"), nil)
	a.want(200, a.dpop(a.mint(bearertest.Token{Scope: "orders:read"}, true)), "sufficient")
	got := a.dpop(a.mint(bearertest.Token{Scope: "profile"}, true))
	want := `DPoP realm="api", error="insufficient_scope", error_description="The access token lacks a scope that the request needs.", ` +
		`scope="orders:read", algs="PS256 ES256 EdDSA Ed25519"`
	if got.status != 403 || got.challenge != want {
		t.Errorf("%d %q, want 403 %q", got.status, got.challenge, want)
	}
}

// The same: "shall support and verify sender-constrained access tokens".
func TestF5(t *testing.T) {
	a := newAPI(t, compliance.FAPI2, scope.None, nil)
	bound := a.mint(bearertest.Token{}, true)
	a.want(200, a.dpop(bound), "its owner")
	a.want(401, a.bearer(bound), "as Bearer")
	a.want(401, a.bearer(a.mint(bearertest.Token{}, false)), "an unbound token")
	a.want(401, a.ask("/orders", http.Header{"Authorization": {"DPoP " + bound}}), "without a proof")

	mtls := newAPI(t, compliance.FAPI2, scope.None, func(s *compliance.Settings) {
		s.Proofs = nil
		s.Guard.Certificates = &bearer.Certificates{}
	})
	certificate := []byte("a certificate")
	sum := sha256.Sum256(certificate)
	toCertificate := mtls.mint(bearertest.Token{Claims: map[string]any{
		"cnf": map[string]string{"x5t#S256": base64.RawURLEncoding.EncodeToString(sum[:])},
	}}, false)
	for shown, want := range map[string]int{string(certificate): 200, "another": 401} {
		r := httptest.NewRequest("GET", "/orders", nil)
		r.Header.Set("Authorization", "Bearer "+toCertificate)
		r.TLS = &tls.ConnectionState{PeerCertificates: []*x509.Certificate{{Raw: []byte(shown)}}}
		if d := mtls.route.Decide(r); d.Status() != want {
			t.Errorf("with %s: %d %v, want %d", shown, d.Status(), d.Err(), want)
		}
	}
	mtls.want(401, mtls.bearer(toCertificate), "without the certificate")
	mtls.want(401, mtls.bearer(mtls.mint(bearertest.Token{}, false)), "mutual TLS with an unbound token")
	refuses(t, compliance.FAPI2, func(s *compliance.Settings) { s.Proofs = nil }, "F5: neither")
}

// The same, on algorithms: "shall use PS256, ES256, or EdDSA (using the Ed25519
// variant) algorithms", of tokens, proofs, and signed answers.
func TestF6(t *testing.T) {
	a := newAPI(t, compliance.FAPI2, scope.None, nil)
	for algorithm, want := range map[string]int{"PS256": 200, "ES256": 200, "EdDSA": 200, "RS256": 401, "ES384": 401} {
		a.want(want, a.dpop(a.mint(bearertest.Token{Algorithm: algorithm}, true)), algorithm)
	}
	for field, change := range map[string]func(*compliance.Settings){
		"F6: jwks.Config.Issuers[0].Algorithms has RS256":     func(s *compliance.Settings) { s.Tokens.Issuers[0].Algorithms = []string{"ES256", "RS256"} },
		"F6: dpop.Config.Algorithms has ES384":                func(s *compliance.Settings) { s.Proofs.Algorithms = []string{"ES384"} },
		"F6: introspect.Config.Signed.Algorithms has RS256":   func(s *compliance.Settings) { s.Opaque.Signed = &introspect.Signed{Algorithms: []string{"RS256"}} },
		"F6: bearer.Config.Proofs has RS256; want only PS256": func(s *compliance.Settings) { s.Guard.Proofs = builtProofs(t) },
	} {
		refuses(t, compliance.FAPI2, change, field)
	}
	s := settings("https://login.example.com")
	s.Tokens.Issuers[0].Algorithms = []string{"ES256"}
	s.Opaque = &introspect.Config{Signed: &introspect.Signed{}}
	if err := compliance.FAPI2.Apply(s); err != nil {
		t.Fatal(err)
	}
	all := []string{"PS256", "ES256", "EdDSA", "Ed25519"}
	if !slices.Equal(s.Tokens.Issuers[0].Algorithms, []string{"ES256"}) || !slices.Equal(s.Proofs.Algorithms, all) || !slices.Equal(s.Opaque.Signed.Algorithms, all) {
		t.Errorf("%v, %v, %v", s.Tokens.Issuers[0].Algorithms, s.Proofs.Algorithms, s.Opaque.Signed.Algorithms)
	}
}

// builtProofs returns a checker with the default algorithms.
func builtProofs(t *testing.T) *dpop.Checker {
	t.Helper()
	checker, err := dpop.New(dpop.Config{Origin: origin})
	if err != nil {
		t.Fatal(err)
	}
	return checker
}

// The same, on keys: "shall use TLS for jwks_uri", and x5u and jku "should not
// be used".
func TestF7(t *testing.T) {
	refuses(t, compliance.FAPI2, func(s *compliance.Settings) {
		s.Tokens.Issuers[0].InsecureAllowHTTP = true
		s.Opaque.InsecureAllowHTTP = true
		s.Proofs.InsecureAllowHTTP = true
		s.Metadata.InsecureAllowHTTP = true
		s.Guard.InsecureAllowHTTP = true
	}, "F7: jwks.Config.Issuers[0].InsecureAllowHTTP is set", "F7: introspect.Config.InsecureAllowHTTP is set",
		"F7: dpop.Config.InsecureAllowHTTP is set", "F7: resource.Config.InsecureAllowHTTP is set", "F7: bearer.Config.InsecureAllowHTTP is set")
	a := newAPI(t, compliance.FAPI2, scope.None, nil)
	asked := make(chan struct{}, 1)
	listener := newServer(t, func() { asked <- struct{}{} })
	for _, name := range []string{"jku", "x5u"} {
		token := a.mint(bearertest.Token{Header: map[string]any{name: listener, "kid": "unknown"}}, true)
		a.want(401, a.dpop(token), name)
	}
	select {
	case <-asked:
		t.Error("a key was fetched from a URL in the token")
	default:
	}
}

// The same, on replays, and RFC 9449, Section 11.1: a proof is accepted once,
// for a short time.
func TestF9(t *testing.T) {
	a := newAPI(t, compliance.FAPI2, scope.None, nil)
	token := a.mint(bearertest.Token{}, true)
	header := http.Header{"Authorization": {"DPoP " + token}, "Dpop": {a.proof(token)}}
	a.want(200, a.ask("/orders", header), "once")
	a.want(401, a.ask("/orders", header), "twice")
	refuses(t, compliance.FAPI2, func(s *compliance.Settings) { s.Proofs.MaxAge = 61 * time.Second }, "F9: dpop.Config.MaxAge is 1m1s")
	refuses(t, compliance.FAPI2, func(s *compliance.Settings) { s.Proofs.MaxAhead = 61 * time.Second }, "F9: dpop.Config.MaxAhead is 1m1s; want at most 1m0s")
	s := settings("https://login.example.com")
	if err := compliance.FAPI2.Apply(s); err != nil || s.Proofs.MaxAge != time.Minute {
		t.Errorf("%v, %v", s.Proofs.MaxAge, err)
	}
}

// The same, on revocation status: a JWT does not say whether it was revoked, so
// its age is limited or the issuer is asked.
func TestF10(t *testing.T) {
	a := newAPI(t, compliance.FAPI2, scope.None, nil)
	jkt, err := dpop.Thumbprint(a.key.Public())
	if err != nil {
		t.Fatal(err)
	}
	issued := func(ago time.Duration) string {
		return a.mint(bearertest.Token{Claims: map[string]any{
			"iat": time.Now().Add(-ago).Unix(), "cnf": map[string]string{"jkt": jkt},
		}}, false)
	}
	a.want(200, a.dpop(issued(9*time.Minute)), "9 minutes old")
	a.want(401, a.dpop(issued(11*time.Minute)), "11 minutes old and not expired")

	refuses(t, compliance.FAPI2, func(s *compliance.Settings) { s.Guard.MaxTokenAge = 11 * time.Minute }, "F10: bearer.Config.MaxTokenAge is 11m0s")
	refuses(t, compliance.FAPI2, func(s *compliance.Settings) { s.EveryTokenIntrospected, s.Opaque = true, nil }, "F10: Settings.EveryTokenIntrospected")
	s := settings("https://login.example.com")
	s.EveryTokenIntrospected, s.Opaque = true, &introspect.Config{}
	if err := compliance.FAPI2.Apply(s); err != nil || s.Guard.MaxTokenAge != 0 {
		t.Errorf("every token introspected: %v, %v", s.Guard.MaxTokenAge, err)
	}
}

// Reports G10: if every token is introspected, answers are cached no longer
// than a token that is not introspected may live.
func TestAnswersAreBelievedForAWhile(t *testing.T) {
	tests := []struct {
		maxAge, serveStale time.Duration
		want               []string // nil: Apply succeeds
	}{
		{0, 0, nil},
		{-1, -1, nil},
		{0, 9 * time.Minute, nil},
		{5 * time.Minute, 5 * time.Minute, nil},
		{10 * time.Minute, 0, nil},
		{-1, 10 * time.Minute, nil},
		{24 * time.Hour, 24 * time.Hour, []string{"F10: introspect.Config.MaxAge is 24h0m0s; want at most 10m0s", "F10: introspect.Config.ServeStale is 24h0m0s; want at most 10m0s"}},
		{0, 10 * time.Minute, []string{"F10: introspect.Config.MaxAge and ServeStale add up to 11m0s; want at most 10m0s"}},
		{6 * time.Minute, 5 * time.Minute, []string{"add up to 11m0s"}},
		{11 * time.Minute, 0, []string{"MaxAge is 11m0s"}},
		{1 << 62, 1 << 62, []string{"MaxAge is", "ServeStale is"}},
	}
	for _, tt := range tests {
		change := func(s *compliance.Settings) {
			s.EveryTokenIntrospected = true
			s.Opaque.MaxAge, s.Opaque.ServeStale = tt.maxAge, tt.serveStale
		}
		if tt.want != nil {
			refuses(t, compliance.FAPI2, change, tt.want...)
			continue
		}
		s := settings("https://login.example.com")
		s.Opaque = &introspect.Config{Issuer: "https://login.example.com"}
		change(&s)
		if err := compliance.FAPI2.Apply(s); err != nil {
			t.Errorf("%v and %v: %v", tt.maxAge, tt.serveStale, err)
		}
	}
}

// Reports G10: other settings that would weaken the profile.
func TestWeakSettingsContradictTheProfile(t *testing.T) {
	refuses(t, compliance.FAPI2, func(s *compliance.Settings) {
		s.Tokens.Leeway = 61 * time.Second
		s.Opaque.Leeway = 5 * time.Minute
		s.Opaque.InsecureAudienceNotSent = true
		s.Guard.InsecurePassPreflights = true
	}, "F3: jwks.Config.Leeway is 1m1s; want at most 1m0s", "F3: introspect.Config.Leeway is 5m0s; want at most 1m0s",
		"F3: introspect.Config.InsecureAudienceNotSent is set", "F4: bearer.Config.InsecurePassPreflights is set")
	s := settings("https://login.example.com")
	s.Tokens.Leeway, s.Proofs.MaxAhead = time.Minute, time.Minute
	if err := compliance.FAPI2.Apply(s); err != nil {
		t.Errorf("at the bounds: %v", err)
	}
}
