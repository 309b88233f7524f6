package jwks_test

import (
	"crypto/x509"
	"encoding/pem"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/bearerkit/bearerkit/bearer/bearertest"
	"github.com/bearerkit/bearerkit/jwks"
)

// A wrong configuration is told at construction, all mistakes at once, each
// with the field and the mend.
func TestConfigMistakes(t *testing.T) {
	good := func(change func(*jwks.Issuer)) jwks.Config {
		i := jwks.Issuer{URL: "https://login.example.com", Audience: []string{audience}}
		change(&i)
		return jwks.Config{Issuers: []jwks.Issuer{i}}
	}
	tests := []struct {
		name   string
		config jwks.Config
		want   []string
	}{
		{"nothing", jwks.Config{}, []string{"Config.Issuers is empty"}},
		{"everything at once", jwks.Config{
			Issuers:       []jwks.Issuer{{URL: "http://login.example.com", Algorithms: []string{"none", "HS256"}}, {URL: ""}},
			Leeway:        time.Hour,
			RefreshBudget: -1,
			MaxStale:      -1,
		}, []string{
			"Config.Leeway is 1h0m0s; want at most 5m0s", "Config.RefreshBudget", "Config.MaxStale",
			"Issuers[0]: URL", `Algorithms: "none"`, `Algorithms: "HS256"`, "Audience is empty", "Issuers[1]: URL",
		}},
		{"the same issuer twice", jwks.Config{Issuers: []jwks.Issuer{
			{URL: "https://login.example.com", Audience: []string{"a"}}, {URL: "https://login.example.com", Audience: []string{"b"}},
		}}, []string{"duplicate issuer URL"}},
		// C11: https, or http for loopback hosts alone.
		{"http", good(func(i *jwks.Issuer) { i.URL = "http://login.example.com" }), []string{"https"}},
		// Reports G9: Go asks DNS for names under localhost.
		{"http under localhost", good(func(i *jwks.Issuer) { i.URL = "http://x.localhost" }), []string{"https"}},
		{"http keys", good(func(i *jwks.Issuer) { i.Keys = jwks.KeysFromURL("http://login.example.com/jwks") }), []string{"KeysFromURL"}},
		{"query", good(func(i *jwks.Issuer) { i.URL = "https://login.example.com?a=b" }), []string{"query"}},
		{"fragment", good(func(i *jwks.Issuer) { i.URL = "https://login.example.com#a" }), []string{"URL"}},
		{"user information", good(func(i *jwks.Issuer) { i.URL = "https://a:b@login.example.com" }), []string{"URL"}},
		// Reports L19: a template that nobody filled in, an audience that is two.
		{"a template", good(func(i *jwks.Issuer) { i.URL = "http://login.microsoftonline.com/{tenantid}/v2.0" }),
			[]string{`Issuers[0]: URL: contains the placeholder "{tenantid}"; replace it with the real value`, `the scheme "http", want https`}},
		{"a template of keys", good(func(i *jwks.Issuer) { i.Keys = jwks.KeysFromURL("https://<tenant>.example.com/jwks") }),
			[]string{`KeysFromURL: contains the placeholder "<tenant>"`}},
		{"a name to replace", good(func(i *jwks.Issuer) { i.URL = "https://YOUR_DOMAIN/" }), []string{`"YOUR_DOMAIN"`}},
		{"audiences to replace", good(func(i *jwks.Issuer) { i.Audience = []string{"{audience}", "a b", "good"} }),
			[]string{`Audience[0] "{audience}": contains the placeholder`, `Audience[1] "a b": contains white space; want one audience per value`}},
		{"a space behind the URL", good(func(i *jwks.Issuer) { i.URL = "https://login.example.com/realms/shop " }), []string{"white space"}},
		{"no URL of keys", good(func(i *jwks.Issuer) { i.Keys = jwks.KeysFromURL("") }), []string{"KeysFromURL: an empty URL"}},
		{"no URL of metadata", good(func(i *jwks.Issuer) { i.Keys = jwks.KeysFromMetadata("") }), []string{"KeysFromMetadata: an empty URL"}},
		{"http metadata", good(func(i *jwks.Issuer) { i.Keys = jwks.KeysFromMetadata("http://login.example.com/metadata") }),
			[]string{"Keys: KeysFromMetadata: ", "want https"}},
		// Reports L8.
		{"no path of a file", good(func(i *jwks.Issuer) { i.Keys = jwks.KeysFromFile("") }), []string{"KeysFromFile: an empty path"}},
		{"no file", good(func(i *jwks.Issuer) { i.Keys = jwks.KeysFromFile("testdata/missing.json") }),
			[]string{"Keys: KeysFromFile: testdata/missing.json: no such file"}},
		{"a directory of keys", good(func(i *jwks.Issuer) { i.Keys = jwks.KeysFromFile(".") }), []string{"KeysFromFile: .: not a regular file"}},
		{"a file of something else", good(func(i *jwks.Issuer) { i.Keys = jwks.KeysFromFile("config_test.go") }), []string{"KeysFromFile: config_test.go: ", "PEM"}},
		// Reports L6: an identifier that is no https URL needs the switch, and
		// keys from elsewhere.
		{"a name", good(func(i *jwks.Issuer) {
			i.URL = "accounts.google.com"
			i.Keys = jwks.KeysFromURL("https://www.example.com/certs")
		}),
			[]string{`URL "accounts.google.com" is not absolute`, "set AllowNonHTTPSIdentifier and Keys"}},
		{"a name without keys", good(func(i *jwks.Issuer) { i.URL = "accounts.google.com"; i.AllowNonHTTPSIdentifier = true }),
			[]string{`URL "accounts.google.com" is not absolute`, "set Keys to KeysFromMetadata or KeysFromURL"}},
		{"an http identifier whose keys are on http", good(func(i *jwks.Issuer) {
			i.URL, i.AllowNonHTTPSIdentifier = "http://login.example.com", true
			i.Keys = jwks.KeysFromMetadata("http://login.example.com/metadata")
		}), []string{"KeysFromMetadata: ", "want https"}},
		{"white space around a name", good(func(i *jwks.Issuer) {
			i.URL, i.AllowNonHTTPSIdentifier = "accounts.google.com\n", true
			i.Keys = jwks.KeysFromURL("https://www.example.com/certs")
		}), []string{"white space around it"}},
		{"an empty name", good(func(i *jwks.Issuer) {
			i.URL, i.AllowNonHTTPSIdentifier = "", true
			i.Keys = jwks.KeysFromURL("https://www.example.com/certs")
		}), []string{"URL: the identifier is empty"}},
		{"no key set", good(func(i *jwks.Issuer) { i.Keys = jwks.KeysFromJWKS([]byte(`{}`)) }), []string{"KeysFromJWKS"}},
		{"no usable key", good(func(i *jwks.Issuer) { i.Keys = jwks.KeysFromJWKS([]byte(`{"keys":[{"kty":"oct","k":"AAAA"}]}`)) }),
			[]string{"KeysFromJWKS: key 0", "no usable key"}},
		{"no PEM", good(func(i *jwks.Issuer) { i.Keys = jwks.KeysFromPEM([]byte("x")) }), []string{"KeysFromPEM"}},
		{"no algorithm", good(func(i *jwks.Issuer) { i.Algorithms = []string{} }), []string{"Algorithms is empty"}},
		{"an empty audience", good(func(i *jwks.Issuer) { i.Audience = []string{""} }), []string{"Audience has an empty value"}},
		// J11: no profile can say that logout tokens are access tokens.
		{"the type of another kind", good(func(i *jwks.Issuer) { i.Profile.Types = []string{"Application/Logout+JWT"} }),
			[]string{"Profile.Types", "not access tokens"}},
		{"kind without kinds", good(func(i *jwks.Issuer) { i.Profile.Kind = "typ" }), []string{"Profile.Kind without Kinds"}},
		// J11: a token without the claim is of no kind.
		{"a kind that is empty", good(func(i *jwks.Issuer) { i.Profile.Kind, i.Profile.Kinds = "typ", []string{"a", ""} }),
			[]string{"Profile.Kinds has an empty value"}},
		{"no type", good(func(i *jwks.Issuer) { i.Profile.Types = []string{} }), []string{"Profile.Types is empty"}},
		{"no claim for the client", good(func(i *jwks.Issuer) { i.Profile.ClientID = []string{} }), []string{"Profile.ClientID is empty"}},
		{"kinds without kind", good(func(i *jwks.Issuer) { i.Profile.Kinds = []string{"a"} }), []string{"Profile.Kinds without Kind"}},
		{"a claim without a name", good(func(i *jwks.Issuer) { i.Profile.ClientID = []string{""} }), []string{"Profile.ClientID"}},
	}
	for _, tt := range tests {
		v, err := jwks.New(tt.config)
		if err == nil {
			v.Close()
			t.Errorf("%s: no error", tt.name)
			continue
		}
		for _, want := range tt.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %q does not say %q", tt.name, err, want)
			}
		}
	}
}

// Keys may be given, and are then at hand at once and for ever.
func TestStaticKeys(t *testing.T) {
	issuer := newIssuer(t, bearertest.IssuerConfig{})
	token := issuer.Mint(bearertest.Token{Algorithm: "RS256"})
	other := newIssuer(t, bearertest.IssuerConfig{})
	forged := other.Mint(bearertest.Token{Algorithm: "RS256", Claims: map[string]any{"iss": issuer.URL()}})

	// A certificate, whose key has no kid and answers to any.
	server := httptest.NewUnstartedServer(nil)
	server.StartTLS()
	defer server.Close()
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if _, err := x509.ParseCertificate(server.Certificate().Raw); err != nil {
		t.Fatal(err)
	}
	sources := map[string]struct {
		keys   jwks.KeySource
		proves bool
	}{
		"JWKS": {jwks.KeysFromJWKS(issuer.KeySet()), true},
		"PEM":  {jwks.KeysFromPEM(certificate), false},
	}
	issuer.Stop()
	for name, source := range sources {
		v := newVerifier(t, jwks.Config{Issuers: []jwks.Issuer{
			{URL: issuer.URL(), Audience: []string{audience}, Keys: source.keys},
		}})
		if err := v.Ready(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := v.Verify(t.Context(), token); (err == nil) != source.proves {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := v.Verify(t.Context(), forged); err == nil {
			t.Errorf("%s: a forged token is accepted", name)
		}
	}
}

// J1: a narrower list of algorithms binds, whatever keys the issuer has.
func TestAlgorithmsNarrow(t *testing.T) {
	issuer := newIssuer(t, bearertest.IssuerConfig{})
	v := trusting(t, issuer, func(i *jwks.Issuer) { i.Algorithms = []string{"PS256", "ES256", "EdDSA"} })
	for algorithm, accept := range map[string]bool{
		"PS256": true, "ES256": true, "EdDSA": true, "RS256": false, "PS384": false, "ES384": false,
	} {
		if _, err := v.Verify(t.Context(), issuer.Mint(bearertest.Token{Algorithm: algorithm})); (err == nil) != accept {
			t.Errorf("%s: %v", algorithm, err)
		}
	}
}
