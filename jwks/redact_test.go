package jwks_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/bearerkit/bearerkit/jwks"
)

// A configuration prints the settings that are not zero, without the secrets of
// its URLs and clients, by fmt and as JSON.
func TestConfigPrintsWhatIsSet(t *testing.T) {
	f := newFarm()
	url := "https://user:secret@login.example.com/keys?code=secret"
	full := jwks.Issuer{
		URL: "https://login.example.com", RequireKeyID: true, AllowNonHTTPSIdentifier: true,
		InsecureAllowHTTP: true, Client: f.client, Keys: jwks.KeysFromURL(url),
	}
	resolve := func(context.Context, string) (jwks.Issuer, error) { return jwks.Issuer{}, nil }
	for _, tt := range []struct {
		name    string
		value   any
		want    []string
		without []string
	}{
		{"invalid keys", jwks.KeysFromURL(""), []string{"invalid keys"}, nil},
		{"keys from a URL", jwks.KeysFromURL(url), []string{"keys from https://login.example.com/keys"}, nil},
		{"keys by metadata", jwks.KeysFromMetadata(url), []string{"keys by the metadata at https://login.example.com/keys"}, nil},
		{"keys from a file", jwks.KeysFromFile("a b"), []string{"keys from the file", "a b"}, nil},
		{"given keys", f.given("a"), []string{"1 given keys"}, nil},
		{"discovery", jwks.KeySource{}, []string{"keys by discovery"}, nil},
		{"an issuer", full, []string{"RequireKeyID", "AllowNonHTTPSIdentifier", "InsecureAllowHTTP", "Client", "keys from"}, nil},
		{"an issuer by default", jwks.Issuer{URL: "https://login.example.com"}, []string{"https://login.example.com"},
			[]string{"RequireKeyID", "AllowNonHTTPSIdentifier", "InsecureAllowHTTP", "Client"}},
		{"a configuration", jwks.Config{Issuers: []jwks.Issuer{{URL: "https://login.example.com"}}, Resolve: resolve, Client: &http.Client{}, OnFetch: func(jwks.Fetch) {}, Leeway: time.Second},
			[]string{"https://login.example.com", "Leeway", "Resolve", "Client", "OnFetch"}, nil},
		{"a configuration by default", jwks.Config{Leeway: time.Second}, []string{"Leeway"}, []string{"Resolve", "Client", "OnFetch"}},
	} {
		document, err := json.Marshal(tt.value)
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
		}
		for _, text := range []string{fmt.Sprint(tt.value), fmt.Sprintf("%+v", tt.value), fmt.Sprintf("%#v", tt.value), string(document)} {
			for _, want := range tt.want {
				if !strings.Contains(text, want) {
					t.Errorf("%s: no %q in %s", tt.name, want, text)
				}
			}
			for _, secret := range append(tt.without, "secret", "user") {
				if strings.Contains(text, secret) {
					t.Errorf("%s: %q in %s", tt.name, secret, text)
				}
			}
		}
	}
}
