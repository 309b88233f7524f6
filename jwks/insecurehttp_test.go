package jwks_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/jwks"
)

// C11: keys come by http only from loopback hosts, unless the issuer has
// InsecureAllowHTTP. The rule also holds for the URL that the metadata name, and
// for each issuer by itself.
func TestKeysByHTTP(t *testing.T) {
	for _, tt := range []struct {
		name, issuer, keys string // the scheme and host of the identifier, and of the keys
		insecure, accepted bool
	}{
		{"https", "https://login.example.com", "https://login.example.com", false, true},
		{"https, though http is allowed", "https://login.example.com", "https://login.example.com", true, true},
		{"http on loopback", "http://127.0.0.1:8080", "http://127.0.0.1:8080", false, true},
		{"http elsewhere, allowed", "http://login.example.com", "http://login.example.com", true, true},
		{"http elsewhere, named by metadata on loopback", "http://127.0.0.1:8080", "http://login.example.com", false, false},
		{"the same, allowed", "http://127.0.0.1:8080", "http://login.example.com", true, true},
	} {
		synctest.Test(t, func(t *testing.T) {
			f := newFarm()
			f.base = tt.issuer
			client := &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
				if strings.Contains(r.URL.Path, "/.well-known/") {
					w := httptest.NewRecorder()
					fmt.Fprintf(w, `{"issuer":%q,"jwks_uri":%q}`, f.url("a"), tt.keys+"/t/a/keys")
					return w.Result(), nil
				}
				return f.RoundTrip(r)
			})}
			i := f.issuer("a")
			i.InsecureAllowHTTP = tt.insecure
			other := jwks.Issuer{URL: "https://other.example.com", Audience: []string{audience}, InsecureAllowHTTP: !tt.insecure}
			v := newVerifier(t, jwks.Config{Client: client, Issuers: []jwks.Issuer{i, other}})
			_, err := v.Verify(t.Context(), f.token("a", "1"))
			if tt.accepted && err != nil || !tt.accepted && (codeOf(err) != bearer.CodeUnavailable || f.requests("a") != 0) {
				t.Errorf("%s: %v, after %d requests for the keys", tt.name, err, f.requests("a"))
			}
		})
	}
}
