package bearer_test

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/scope"
)

// proofs is a ProofChecker in place of a dpop.Checker. These tests check what
// the guard does with its answers; package dpop has its own tests.
type proofs struct {
	err    error
	useErr error
	nonce  string
	asked  int
	used   int
}

func (p *proofs) CheckProof(*http.Request, string, bearer.Principal) (bearer.Proof, error) {
	p.asked++
	if p.err != nil {
		return nil, p.err
	}
	return p, nil
}

func (p *proofs) Use(context.Context) error { p.used++; return p.useErr }
func (p *proofs) Algorithms() []string      { return []string{"ES256", "EdDSA"} }
func (p *proofs) Nonce() string             { return p.nonce }

var boundVerifier = bearer.VerifierFunc(func(_ context.Context, token string) (*bearer.Principal, error) {
	p := bearer.Principal{Subject: "alice", ClientID: "app", Scopes: scope.Of("a")}
	switch token {
	case "plain":
	case "weak":
		p.Scopes = scope.Set{}
		p.Confirmation.JKT = "key"
	case "key":
		p.Confirmation.JKT = "key"
	case "key-and-more":
		p.Confirmation = bearer.Confirmation{JKT: "key", Other: true}
	case "unknown":
		p.Confirmation.Other = true
	default:
		return nil, bearer.Invalid("token", "a known one", "another")
	}
	return &p, nil
})

// C4, D14 to D19: which scheme accepts which token, and which challenge carries
// the error.
func TestDPoPScheme(t *testing.T) {
	const (
		plainBearer = `Bearer realm="api", scope="a", resource_metadata="https://api.example.com/m"`
		plainDPoP   = `DPoP realm="api", scope="a", resource_metadata="https://api.example.com/m", algs="ES256 EdDSA"`
		invalid     = `error="invalid_token", error_description="The access token is invalid.", `
		rest        = `scope="a", resource_metadata="https://api.example.com/m"`
		badBearer   = `Bearer realm="api", ` + invalid + rest
		badDPoP     = `DPoP realm="api", ` + invalid + rest + `, algs="ES256 EdDSA"`
		malformed   = `error="invalid_request", error_description="The request must carry one well-formed access token, in one way.", resource_metadata="https://api.example.com/m"`
	)
	proof := &bearer.Error{Code: bearer.CodeInvalidDPoPProof, Check: "htu"}
	nonce := &bearer.Error{Code: bearer.CodeUseDPoPNonce, Check: "nonce"}
	type headers = []string
	tests := []struct {
		name          string
		authorization []string
		err           error // of the proof
		status        int
		allowed       headers // challenges with allowed
		required      headers // and with required, where that differs
		statusIf      int     // status with required, where that differs
		typ           string
	}{
		{name: "no credentials", status: 401, allowed: headers{plainBearer, plainDPoP}, required: headers{plainDPoP}},
		{name: "another scheme", authorization: headers{"Basic YTpi"}, status: 401, allowed: headers{plainBearer, plainDPoP}, required: headers{plainDPoP}},
		{name: "a plain token as Bearer", authorization: headers{"Bearer plain"}, status: 200, required: headers{badDPoP}, statusIf: 401, typ: "Bearer"},
		{name: "a bound token under DPoP", authorization: headers{"DPoP key"}, status: 200, typ: "DPoP"},
		{name: "dpop in lower case", authorization: headers{"dpop   key"}, status: 200, typ: "DPoP"},
		{name: "a bound token with unknown members beside", authorization: headers{"DPoP key-and-more"}, status: 200, typ: "DPoP"},
		// D16: the token decides, not the scheme.
		{name: "a bound token as Bearer", authorization: headers{"Bearer key"}, status: 401, allowed: headers{badBearer, plainDPoP}, required: headers{badDPoP}},
		// D13: no proof can prove a token that is not bound to a key.
		{name: "a plain token under DPoP", authorization: headers{"DPoP plain"}, status: 401, allowed: headers{plainBearer, badDPoP}, required: headers{badDPoP}},
		{name: "an unknown binding", authorization: headers{"Bearer unknown"}, status: 401, allowed: headers{badBearer, plainDPoP}, required: headers{badDPoP}},
		{name: "a bad token under DPoP", authorization: headers{"DPoP bad"}, status: 401, allowed: headers{plainBearer, badDPoP}, required: headers{badDPoP}},
		{name: "a bad proof", authorization: headers{"DPoP key"}, err: proof, status: 401, allowed: headers{plainBearer,
			`DPoP realm="api", error="invalid_dpop_proof", error_description="The DPoP proof is missing or invalid.", ` + rest + `, algs="ES256 EdDSA"`}},
		{name: "a nonce is due", authorization: headers{"DPoP key"}, err: nonce, status: 401, allowed: headers{plainBearer,
			`DPoP realm="api", error="use_dpop_nonce", error_description="The DPoP proof needs the nonce of this response.", ` + rest + `, algs="ES256 EdDSA"`}},
		{name: "proofs cannot be judged", authorization: headers{"DPoP key"}, err: errors.New("store"), status: 503},
		{name: "no token behind DPoP", authorization: headers{"DPoP"}, status: 400, allowed: headers{`DPoP realm="api", ` + malformed + `, algs="ES256 EdDSA"`}},
		{name: "both schemes", authorization: headers{"Bearer plain", "DPoP key"}, status: 400,
			allowed:  headers{`Bearer realm="api", ` + malformed, `DPoP realm="api", ` + malformed + `, algs="ES256 EdDSA"`},
			required: headers{`DPoP realm="api", ` + malformed + `, algs="ES256 EdDSA"`}},
		{name: "too little scope", authorization: headers{"DPoP weak"}, status: 403,
			allowed: headers{`DPoP realm="api", error="insufficient_scope", error_description="The access token lacks a scope that the request needs.", ` + rest + `, algs="ES256 EdDSA"`}},
	}
	for _, required := range []bool{false, true} {
		for _, tt := range tests {
			guard, err := bearer.New(bearer.Config{
				Verifiers: []bearer.Verifier{boundVerifier}, Proofs: &proofs{err: tt.err}, ProofsRequired: required,
				ResourceMetadata: "https://api.example.com/m",
			})
			if err != nil {
				t.Fatal(err)
			}
			route := guard.MustRoute(bearer.RouteConfig{Rule: scope.All("a")})
			r := httptest.NewRequest("GET", "/", nil)
			for _, line := range tt.authorization {
				r.Header.Add("Authorization", line)
			}
			w := httptest.NewRecorder()
			admitted, ok := route.Admit(w, r)
			status, challenges := tt.status, tt.allowed
			if required && tt.statusIf != 0 {
				status = tt.statusIf
			}
			if required && tt.required != nil {
				challenges = tt.required
			}
			if required && tt.required == nil && len(challenges) == 2 {
				challenges = challenges[1:] // that of Bearer is not there
			}
			if ok != (status == 200) || !ok && w.Code != status {
				t.Errorf("%s, required %v: status %d, want %d", tt.name, required, w.Code, status)
				continue
			}
			if got := w.Header().Values("WWW-Authenticate"); !slices.Equal(got, challenges) {
				t.Errorf("%s, required %v: challenges\n%q\nwant\n%q", tt.name, required, got, challenges)
			}
			if ok {
				if p, _ := bearer.FromContext(admitted.Context()); p.TokenType != tt.typ {
					t.Errorf("%s: token type %q, want %q", tt.name, p.TokenType, tt.typ)
				}
			}
		}
	}
}

// Without a ProofChecker, DPoP is an unknown scheme.
func TestDPoPOff(t *testing.T) {
	guard, err := bearer.New(bearer.Config{Verifiers: []bearer.Verifier{boundVerifier}})
	if err != nil {
		t.Fatal(err)
	}
	route := guard.MustRoute(bearer.RouteConfig{Rule: scope.None})
	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Set("Authorization", "DPoP key")
	d := route.Decide(r)
	if d.Status() != 401 || !slices.Equal(d.Challenges(), []string{`Bearer realm="api"`}) {
		t.Errorf("%d %q", d.Status(), d.Challenges())
	}
}

// D23, D25, D26: with nonces, each answer to a request under DPoP has a nonce
// and is not cached.
func TestNonces(t *testing.T) {
	for _, tt := range []struct {
		name, authorization, nonce string
		err                        error
		want                       []string
	}{
		{"on success", "DPoP key", "n1", nil, []string{"n1"}},
		{"on refusal", "DPoP key", "n1", &bearer.Error{Code: bearer.CodeUseDPoPNonce}, []string{"n1"}},
		{"a token that is refused", "DPoP bad", "n1", nil, []string{"n1"}},
		{"under Bearer", "Bearer plain", "n1", nil, nil},
		{"refused under Bearer", "Bearer bad", "n1", nil, nil},
		{"no nonces", "DPoP key", "", nil, nil},
	} {
		w := admit(t, bearer.Config{Verifiers: []bearer.Verifier{boundVerifier}, Proofs: &proofs{err: tt.err, nonce: tt.nonce}}, tt.authorization, nil)
		if got := w.Header().Values("DPoP-Nonce"); !slices.Equal(got, tt.want) {
			t.Errorf("%s: DPoP-Nonce %q, want %q", tt.name, got, tt.want)
		}
		if tt.want != nil && w.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%s: Cache-Control %q", tt.name, w.Header().Get("Cache-Control"))
		}
	}
	// RFC 9449, Section 8.1: never two nonces, even behind a proxy that sets one.
	w := admit(t, bearer.Config{Verifiers: []bearer.Verifier{boundVerifier}, Proofs: &proofs{nonce: "n1"}}, "DPoP key", http.Header{"Dpop-Nonce": {"another API"}})
	if got := w.Header().Values("DPoP-Nonce"); !slices.Equal(got, []string{"n1"}) {
		t.Errorf("beside another: DPoP-Nonce %q", got)
	}
}

// admit returns the header of the answer to a request with the given
// Authorization, if outer middleware has already set a field.
func admit(t *testing.T, c bearer.Config, authorization string, outside http.Header) *httptest.ResponseRecorder {
	t.Helper()
	guard, err := bearer.New(c)
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest("GET", "/", nil)
	if authorization != "" {
		r.Header.Set("Authorization", authorization)
	}
	w := httptest.NewRecorder()
	maps.Copy(w.Header(), outside)
	guard.MustRoute(bearer.RouteConfig{Rule: scope.All("a")}).Admit(w, r)
	return w
}

// M1 to M5, CVE classes of 2.7: the guard reads the certificate of this
// connection or of a trusted proxy, and no field that a client can send.
func TestCertificates(t *testing.T) {
	mine, other := []byte("the certificate."), []byte("another certificate")
	large := make([]byte, 16<<10)
	thumbprint := func(der []byte) string {
		sum := sha256.Sum256(der)
		return base64.RawURLEncoding.EncodeToString(sum[:])
	}
	bound := bearer.VerifierFunc(func(_ context.Context, token string) (*bearer.Principal, error) {
		p := &bearer.Principal{Subject: "alice"}
		switch token {
		case "plain":
		case "both":
			p.Confirmation.JKT = "key"
			fallthrough
		default:
			p.Confirmation.X5TS256 = thumbprint(mine)
		case "large":
			p.Confirmation.X5TS256 = thumbprint(large)
		}
		return p, nil
	})
	field := func(der []byte) string { return ":" + base64.StdEncoding.EncodeToString(der) + ":" }
	proxied := func(peer netip.Addr) bool { return peer == netip.MustParseAddr("192.0.2.1") }
	tests := []struct {
		name   string
		config *bearer.Certificates
		tls    []byte
		peer   string
		header http.Header
		token  string
		ok     bool
	}{
		{"that of the connection", &bearer.Certificates{}, mine, "", nil, "bound", true},
		{"another", &bearer.Certificates{}, other, "", nil, "bound", false},
		{"none", &bearer.Certificates{}, nil, "", nil, "bound", false},
		{"TLS without a certificate", &bearer.Certificates{}, []byte{}, "", nil, "bound", false},
		{"not looked at", nil, mine, "", nil, "bound", false},
		{"a plain token", &bearer.Certificates{}, nil, "", nil, "plain", true},
		{"a plain token where it is required", &bearer.Certificates{Required: true}, mine, "", nil, "plain", false},
		{"both bindings, no proof checked", &bearer.Certificates{}, mine, "", nil, "both", false},
		{"the field, no proxy trusted", &bearer.Certificates{}, nil, "192.0.2.1:1", http.Header{"Client-Cert": {field(mine)}}, "bound", false},
		{"the field from the proxy", &bearer.Certificates{TrustedProxy: proxied}, nil, "192.0.2.1:1", http.Header{"Client-Cert": {field(mine)}}, "bound", true},
		{"the field from the proxy, IPv4 in IPv6", &bearer.Certificates{TrustedProxy: proxied}, nil, "[::ffff:192.0.2.1]:1", http.Header{"Client-Cert": {field(mine)}}, "bound", true},
		{"the field from an untrusted peer", &bearer.Certificates{TrustedProxy: proxied}, nil, "198.51.100.1:1", http.Header{"Client-Cert": {field(mine)}}, "bound", false},
		{"an untrusted peer with a certificate", &bearer.Certificates{TrustedProxy: proxied}, mine, "198.51.100.1:1", nil, "bound", true},
		// The certificate of the proxy's own connection belongs to the proxy.
		{"the proxy's certificate", &bearer.Certificates{TrustedProxy: proxied}, mine, "192.0.2.1:1", nil, "bound", false},
		{"another in the field", &bearer.Certificates{TrustedProxy: proxied}, mine, "192.0.2.1:1", http.Header{"Client-Cert": {field(other)}}, "bound", false},
		{"two fields", &bearer.Certificates{TrustedProxy: proxied}, nil, "192.0.2.1:1", http.Header{"Client-Cert": {field(mine), field(mine)}}, "bound", false},
		{"two values", &bearer.Certificates{TrustedProxy: proxied}, nil, "192.0.2.1:1", http.Header{"Client-Cert": {field(mine) + ", " + field(mine)}}, "bound", false},
		{"an alias with an underscore", &bearer.Certificates{TrustedProxy: proxied}, nil, "192.0.2.1:1", http.Header{"Client_cert": {field(mine)}}, "bound", false},
		{"an alias beside", &bearer.Certificates{TrustedProxy: proxied}, nil, "192.0.2.1:1", http.Header{"Client-Cert": {field(mine)}, "Client_cert": {field(other)}}, "bound", false},
		{"no colons", &bearer.Certificates{TrustedProxy: proxied}, nil, "192.0.2.1:1", http.Header{"Client-Cert": {base64.StdEncoding.EncodeToString(mine)}}, "bound", false},
		{"bits after the last octet", &bearer.Certificates{TrustedProxy: proxied}, nil, "192.0.2.1:1", http.Header{"Client-Cert": {strings.Replace(field(mine), "Lg==", "Lh==", 1)}}, "bound", false},
		{"no padding", &bearer.Certificates{TrustedProxy: proxied}, nil, "192.0.2.1:1", http.Header{"Client-Cert": {strings.Replace(field(mine), "==", "", 1)}}, "bound", false},
		{"a parameter behind it", &bearer.Certificates{TrustedProxy: proxied}, nil, "192.0.2.1:1", http.Header{"Client-Cert": {field(mine) + ";a=:b:"}}, "bound", false},
		{"nothing in the field", &bearer.Certificates{TrustedProxy: proxied}, nil, "192.0.2.1:1", http.Header{"Client-Cert": {"::"}}, "bound", false},
		{"one of 16 KiB, of the connection", &bearer.Certificates{TrustedProxy: proxied}, large, "198.51.100.1:1", nil, "large", true},
		{"one of 16 KiB in the field", &bearer.Certificates{TrustedProxy: proxied}, nil, "192.0.2.1:1", http.Header{"Client-Cert": {field(large)}}, "large", false},
		{"a certificate of a peer whose address middleware has replaced", &bearer.Certificates{TrustedProxy: proxied}, mine, "203.0.113.9", nil, "bound", false},
		{"a certificate of a peer without an address, no proxy trusted", &bearer.Certificates{}, mine, "@", nil, "bound", true},
		{"an invalid address", &bearer.Certificates{TrustedProxy: proxied}, nil, "@", http.Header{"Client-Cert": {field(mine)}}, "bound", false},
	}
	for _, tt := range tests {
		guard, err := bearer.New(bearer.Config{Verifiers: []bearer.Verifier{bound}, Certificates: tt.config})
		if err != nil {
			t.Fatal(err)
		}
		r := httptest.NewRequest("GET", "/", nil)
		if tt.header != nil {
			r.Header = tt.header.Clone()
		}
		r.Header.Set("Authorization", "Bearer "+tt.token)
		if tt.peer != "" {
			r.RemoteAddr = tt.peer
		}
		switch {
		case len(tt.tls) > 0:
			r.TLS = &tls.ConnectionState{PeerCertificates: []*x509.Certificate{{Raw: tt.tls}}}
		case tt.tls != nil:
			r.TLS = &tls.ConnectionState{}
		}
		d := guard.MustRoute(bearer.RouteConfig{Rule: scope.None}).Decide(r)
		const invalid = `Bearer realm="api", error="invalid_token", error_description="The access token is invalid."`
		if d.Allowed() != tt.ok || !tt.ok && (d.Status() != 401 || !slices.Equal(d.Challenges(), []string{invalid})) {
			t.Errorf("%s: %d %q, %v", tt.name, d.Status(), d.Challenges(), d.Err())
		}
	}
}

// M3, C10: both bindings must hold. The proof is checked last.
func TestBothBindings(t *testing.T) {
	mine, other := []byte("the certificate"), []byte("another certificate")
	sum := sha256.Sum256(mine)
	both := bearer.VerifierFunc(func(context.Context, string) (*bearer.Principal, error) {
		return &bearer.Principal{Confirmation: bearer.Confirmation{JKT: "key", X5TS256: base64.RawURLEncoding.EncodeToString(sum[:])}}, nil
	})
	for _, tt := range []struct {
		name          string
		authorization string
		certificate   []byte
		proof         error
		status, asked int
	}{
		{"both hold", "DPoP both", mine, nil, 200, 1},
		{"the certificate alone", "DPoP both", mine, &bearer.Error{Code: bearer.CodeInvalidDPoPProof}, 401, 1},
		{"the proof alone", "DPoP both", nil, nil, 401, 0},
		{"the proof, with another certificate", "DPoP both", other, nil, 401, 0},
		{"the certificate, as Bearer", "Bearer both", mine, nil, 401, 0},
	} {
		checker := &proofs{err: tt.proof}
		guard, err := bearer.New(bearer.Config{Verifiers: []bearer.Verifier{both}, Proofs: checker, Certificates: &bearer.Certificates{}})
		if err != nil {
			t.Fatal(err)
		}
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set("Authorization", tt.authorization)
		if tt.certificate != nil {
			r.TLS = &tls.ConnectionState{PeerCertificates: []*x509.Certificate{{Raw: tt.certificate}}}
		}
		if d := guard.MustRoute(bearer.RouteConfig{Rule: scope.None}).Decide(r); d.Status() != tt.status || checker.asked != tt.asked {
			t.Errorf("%s: %d, the proof was looked at %d times; want %d and %d", tt.name, d.Status(), checker.asked, tt.status, tt.asked)
		}
	}
}

// C10, M3: every combination of bindings, schemes and settings. All known bindings
// must hold, and unknown ones beside them are ignored. A token that is bound only
// in an unknown way is refused.
func TestBindingCombinations(t *testing.T) {
	mine := []byte("the certificate")
	sum := sha256.Sum256(mine)
	type setting struct{ jkt, x5t, other, proofs, certificates, boundOnly, required bool }
	allowed := func(s setting, scheme string) bool {
		switch {
		case s.jkt != (scheme == "DPoP"), s.jkt && !s.proofs, s.x5t && !s.certificates, s.required && !s.x5t:
			return false
		case s.jkt || s.x5t:
			return true
		}
		return !s.other && !s.boundOnly
	}
	for n := range 1 << 7 {
		bit := func(i int) bool { return n>>i&1 == 1 }
		s := setting{bit(0), bit(1), bit(2), bit(3), bit(4), bit(5), bit(6)}
		if s.required && !s.certificates || s.boundOnly && !s.proofs && !s.certificates {
			continue // New reports it, or there is no such setting
		}
		p := bearer.Principal{Subject: "alice", Confirmation: bearer.Confirmation{Other: s.other}}
		c := bearer.Config{BoundTokensOnly: s.boundOnly}
		if s.jkt {
			p.Confirmation.JKT = "key"
		}
		if s.x5t {
			p.Confirmation.X5TS256 = base64.RawURLEncoding.EncodeToString(sum[:])
		}
		if s.proofs {
			c.Proofs = &proofs{}
		}
		if s.certificates {
			c.Certificates = &bearer.Certificates{Required: s.required}
		}
		c.Verifiers = []bearer.Verifier{bearer.VerifierFunc(func(context.Context, string) (*bearer.Principal, error) { return &p, nil })}
		route := newRoute(t, c, bearer.RouteConfig{})
		for _, scheme := range []string{"Bearer", "DPoP"} {
			r := get(scheme + " token")
			r.TLS = &tls.ConnectionState{PeerCertificates: []*x509.Certificate{{Raw: mine}}}
			if d := route.Decide(r); d.Allowed() != allowed(s, scheme) || !d.Allowed() && d.Status() != 401 {
				t.Errorf("%+v under %s: %d, %v", s, scheme, d.Status(), d.Err())
			}
		}
	}
}

func TestBindingConfigMistakes(t *testing.T) {
	verifiers := []bearer.Verifier{boundVerifier}
	for name, c := range map[string]bearer.Config{
		"required without a checker": {Verifiers: verifiers, ProofsRequired: true},
		"required with the query":    {Verifiers: verifiers, Proofs: &proofs{}, ProofsRequired: true, Sources: headerFormQuery},
		"a nil checker":              {Verifiers: verifiers, Proofs: (*proofs)(nil)},
		"bound only, unchecked":      {Verifiers: verifiers, BoundTokensOnly: true},
	} {
		if _, err := bearer.New(c); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	guard, err := bearer.New(bearer.Config{Verifiers: verifiers, Proofs: &proofs{}, BoundTokensOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Set("Authorization", "Bearer plain")
	if d := guard.MustRoute(bearer.RouteConfig{Rule: scope.None}).Decide(r); d.Status() != 401 {
		t.Errorf("a token that is not bound: %d", d.Status())
	}
}

// named is a proof checker with algorithms of its own.
type named struct {
	proofs
	algorithms []string
}

func (n *named) Algorithms() []string { return n.algorithms }

// D15: the algorithms are a parameter of the challenge, so that New accepts only
// characters that it may have (RFC 6750, Section 3).
func TestProofAlgorithms(t *testing.T) {
	for c := range 256 {
		good := c >= 0x20 && c <= 0x7e && c != '"' && c != '\\'
		_, err := bearer.New(bearer.Config{Verifiers: []bearer.Verifier{boundVerifier}, Proofs: &named{algorithms: []string{"A" + string([]byte{byte(c)}) + "B"}}})
		if (err == nil) != good {
			t.Errorf("%#x: %v", c, err)
		}
	}
	for _, none := range [][]string{nil, {}, {""}} {
		if _, err := bearer.New(bearer.Config{Verifiers: []bearer.Verifier{boundVerifier}, Proofs: &named{algorithms: none}}); err == nil {
			t.Errorf("%q: no error", none)
		}
	}
}
