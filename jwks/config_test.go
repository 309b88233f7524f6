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

// New reports all mistakes in a configuration at once, each with its field and
// what to do.
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
		// C11: https, or http on loopback hosts only.
		{"http", good(func(i *jwks.Issuer) { i.URL = "http://login.example.com" }), []string{"https"}},
		// Reports G9: Go looks up names under localhost in DNS.
		{"http under localhost", good(func(i *jwks.Issuer) { i.URL = "http://x.localhost" }), []string{"https"}},
		{"http keys", good(func(i *jwks.Issuer) { i.Keys = jwks.KeysFromURL("http://login.example.com/jwks") }), []string{"KeysFromURL"}},
		{"query", good(func(i *jwks.Issuer) { i.URL = "https://login.example.com?a=b" }), []string{"query"}},
		{"an empty query", good(func(i *jwks.Issuer) { i.URL = "https://login.example.com?" }), []string{"query"}},
		{"fragment", good(func(i *jwks.Issuer) { i.URL = "https://login.example.com#a" }), []string{"URL"}},
		{"user information", good(func(i *jwks.Issuer) { i.URL = "https://a:b@login.example.com" }), []string{"URL"}},
		// Reports L19: placeholders, and two audiences in one string.
		{"a placeholder", good(func(i *jwks.Issuer) { i.URL = "http://login.microsoftonline.com/{tenantid}/v2.0" }),
			[]string{`Issuers[0]: URL: contains the placeholder "{tenantid}"; replace it with the real value`, `the scheme "http", want https`}},
		{"a placeholder in the keys' URL", good(func(i *jwks.Issuer) { i.Keys = jwks.KeysFromURL("https://<tenant>.example.com/jwks") }),
			[]string{`KeysFromURL: contains the placeholder "<tenant>"`}},
		{"a name to replace", good(func(i *jwks.Issuer) { i.URL = "https://YOUR_DOMAIN/" }), []string{`"YOUR_DOMAIN"`}},
		{"audiences to replace", good(func(i *jwks.Issuer) { i.Audience = []string{"{audience}", "a b", "good"} }),
			[]string{`Audience[0] "{audience}": contains the placeholder`, `Audience[1] "a b": contains white space; want one audience per value`}},
		{"a trailing space", good(func(i *jwks.Issuer) { i.URL = "https://login.example.com/realms/shop " }), []string{"white space"}},
		{"no keys' URL", good(func(i *jwks.Issuer) { i.Keys = jwks.KeysFromURL("") }), []string{"KeysFromURL: an empty URL"}},
		{"no metadata URL", good(func(i *jwks.Issuer) { i.Keys = jwks.KeysFromMetadata("") }), []string{"KeysFromMetadata: an empty URL"}},
		{"http metadata", good(func(i *jwks.Issuer) { i.Keys = jwks.KeysFromMetadata("http://login.example.com/metadata") }),
			[]string{"Keys: KeysFromMetadata: ", "want https"}},
		// Reports L8.
		{"no path", good(func(i *jwks.Issuer) { i.Keys = jwks.KeysFromFile("") }), []string{"KeysFromFile: an empty path"}},
		{"no file", good(func(i *jwks.Issuer) { i.Keys = jwks.KeysFromFile("testdata/missing.json") }),
			[]string{"Keys: KeysFromFile: testdata/missing.json: no such file"}},
		{"a directory", good(func(i *jwks.Issuer) { i.Keys = jwks.KeysFromFile(".") }), []string{"KeysFromFile: .: not a regular file"}},
		{"a file without keys", good(func(i *jwks.Issuer) { i.Keys = jwks.KeysFromFile("config_test.go") }), []string{"KeysFromFile: config_test.go: ", "PEM"}},
		// Reports L6: an identifier other than an https URL needs
		// AllowNonHTTPSIdentifier, and Keys.
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
		// J11: no profile can accept logout tokens.
		{"the type of another kind of token", good(func(i *jwks.Issuer) { i.Profile.Types = []string{"Application/Logout+JWT"} }),
			[]string{"Profile.Types", "not access tokens"}},
		{"kind without kinds", good(func(i *jwks.Issuer) { i.Profile.Kind = "typ" }), []string{"Profile.Kind is set without Kinds"}},
		// J11: an empty kind would match a token without the claim.
		{"an empty kind", good(func(i *jwks.Issuer) { i.Profile.Kind, i.Profile.Kinds = "typ", []string{"a", ""} }),
			[]string{"Profile.Kinds has an empty value"}},
		{"no type", good(func(i *jwks.Issuer) { i.Profile.Types = []string{} }), []string{"Profile.Types is empty"}},
		{"no claim for the client", good(func(i *jwks.Issuer) { i.Profile.ClientID = []string{} }), []string{"Profile.ClientID is empty"}},
		{"kinds without kind", good(func(i *jwks.Issuer) { i.Profile.Kinds = []string{"a"} }), []string{"Profile.Kinds is set without Kind"}},
		{"a claim without a name", good(func(i *jwks.Issuer) { i.Profile.ClientID = []string{"", "azp"} }), []string{"Profile.ClientID has an empty string before the end"}},
		{"a scope without a name", good(func(i *jwks.Issuer) { i.Profile.Scope = []string{""} }), []string{"Profile.Scope has an empty value"}},
		{"no subject", good(func(i *jwks.Issuer) { i.Profile.Subjects = []string{} }), []string{"Profile.Subjects is empty"}},
		{"a subject without a name", good(func(i *jwks.Issuer) { i.Profile.Subjects = []string{"a", ""} }), []string{"Profile.Subjects has an empty value"}},
		{"clients only, and none", good(func(i *jwks.Issuer) { i.Profile.ClientsOnly, i.Profile.Client = true, jwks.MarkNever }),
			[]string{"Profile.ClientsOnly is set with the mark MarkNever"}},
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

// The greatest leeway is allowed, and http keys with InsecureAllowHTTP.
func TestConfigLimits(t *testing.T) {
	newVerifier(t, jwks.Config{
		Issuers: []jwks.Issuer{{
			URL: "http://login.example.com", InsecureAllowHTTP: true, Audience: []string{audience},
			Keys: jwks.KeysFromURL("http://login.example.com/keys"),
		}},
		Leeway: 5 * time.Minute, Client: newFarm().client,
	})
}

// Advice that does not help is not given: an identifier that is missing or not
// filled in is no name, and keys with a mistake are not those of discovery.
func TestConfigMistakesMislead(t *testing.T) {
	for _, tt := range []struct {
		issuer     jwks.Issuer
		want, miss string
	}{
		{jwks.Issuer{URL: ""}, "URL: ", "AllowNonHTTPSIdentifier"},
		{jwks.Issuer{URL: "{issuer}"}, "placeholder", "AllowNonHTTPSIdentifier"},
		{jwks.Issuer{URL: "https://login.example.com", Keys: jwks.KeysFromJWKS([]byte(`{}`))}, "KeysFromJWKS: ", "no usable key"},
		{jwks.Issuer{URL: "name", AllowNonHTTPSIdentifier: true, Keys: jwks.KeysFromURL("")}, "an empty URL", "set Keys"},
	} {
		_, err := jwks.New(jwks.Config{Issuers: []jwks.Issuer{tt.issuer}})
		if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), tt.miss) {
			t.Errorf("%q: %v; want %q and no %q", tt.issuer.URL, err, tt.want, tt.miss)
		}
	}
}

// Given keys are available at once and never expire.
func TestStaticKeys(t *testing.T) {
	issuer := newIssuer(t, bearertest.IssuerConfig{})
	token := issuer.Mint(bearertest.Token{Algorithm: "RS256"})
	other := newIssuer(t, bearertest.IssuerConfig{})
	forged := other.Mint(bearertest.Token{Algorithm: "RS256", Claims: map[string]any{"iss": issuer.URL()}})

	// A certificate's key has no kid, and matches any.
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

// J1: Issuer.Algorithms narrows what is accepted, whatever keys the issuer
// publishes.
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
