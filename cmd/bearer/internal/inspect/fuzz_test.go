package inspect

import (
	"net/url"
	"strings"
	"testing"

	"github.com/bearerkit/bearerkit/cmd/bearer/internal/ui"
)

// A key of any document is described in bounded, printable texts, and a key that
// bearerkit does not use says why.
func FuzzParseKeys(f *testing.F) {
	f.Add([]byte(`{"keys":[{"kty":"oct","kid":"1","alg":"HS256","k":"c2VjcmV0"}]}`))
	f.Add([]byte(`{"keys":[{"kty":"RSA","n":"AAAA","e":"AQAB"},{},[],null,{"kid":1}]}`))
	f.Add([]byte("{\"keys\":[{\"kty\":\"\\u001b\",\"x5c\":[\"AAAA\"],\"crv\":\"\xff\"}]}"))
	f.Fuzz(func(t *testing.T, document []byte) {
		keys, err := parseKeys(document)
		if err != nil {
			return
		}
		for _, key := range keys {
			for _, text := range []string{key.ID, key.Type, key.Size, key.Algorithm, key.Use, key.Reason} {
				if len(text) > 3*200 || ui.Printable(text) != text {
					t.Fatalf("%q", text)
				}
			}
			if key.Usable == (key.Reason != "") || key.Usable != (len(key.Algorithms) > 0) {
				t.Fatalf("%+v", key)
			}
		}
		KeySet{Keys: keys}.Check()
	})
}

// Metadata that is accepted has an issuer of bounded length.
func FuzzParseMetadata(f *testing.F) {
	f.Add([]byte(`{"issuer":"https://sso.example.com","jwks_uri":"https://sso.example.com/keys"}`))
	f.Add([]byte(`{"issuer":"{tenantid}","access_token_issuer":1,"jwks_uri":""}`))
	f.Fuzz(func(t *testing.T, document []byte) {
		m, err := ParseMetadata(document)
		if err == nil && (m.Issuer == "" || len(m.Issuer) > maxIssuer || !m.Members["issuer"]) {
			t.Fatalf("%+v", m)
		}
		if err == nil {
			Discovery{Metadata: m}.Check()
			guess(m)
			implied(m.Issuer, "https://sso.example.com")
		}
	})
}

// Whatever the input, only absolute URLs without userinfo are fetched.
func FuzzLocate(f *testing.F) {
	for _, input := range []string{"sso.example.com", "https://[::1]:1/x//", "https://portal.azure.com/#tenantId/", "https://h/.well-known/openid-configuration?x", "http://h/oauth2/v2.0/token/", "%"} {
		f.Add(input)
	}
	f.Fuzz(func(t *testing.T, input string) {
		place, err := locate(input)
		if err != nil {
			return
		}
		for _, at := range place.urls {
			u, err := url.Parse(at)
			if err != nil || u.Host == "" || u.User != nil || !strings.HasPrefix(u.Scheme, "http") {
				t.Fatalf("%q: %q, %v", input, at, err)
			}
		}
		if len(place.urls) == 0 || len(place.urls) > 6 {
			t.Fatalf("%q: %d URLs", input, len(place.urls))
		}
	})
}
