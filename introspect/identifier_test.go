package introspect_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/bearer/bearertest"
	"github.com/bearerkit/bearerkit/introspect"
)

// Reports L6: the identifier of an authorization server need not be an https
// URL, if its endpoint is configured.
func TestIdentifierThatIsAName(t *testing.T) {
	issuer := newIssuer(t, bearertest.Client{ID: "api", Secret: "secret"})
	for _, name := range []string{"login", "http://login.example.com/trust", "https://login.example.com?tenant=1"} {
		v := newVerifier(t, issuer, func(c *introspect.Config) {
			c.Issuer, c.Endpoint, c.AllowNonHTTPSIdentifier = name, issuer.URL()+"/introspect", true
		})
		says := func(iss any) string {
			issuer.OverlayIntrospection(func(_ string, answer map[string]any) map[string]any {
				answer["iss"] = iss
				return answer
			})
			return issuer.MintOpaque(bearertest.Token{Audience: []string{audience}})
		}
		p, err := v.Verify(t.Context(), says(name))
		if err != nil || p.Issuer != name {
			t.Errorf("issuer %q: %+v, %v", name, p, err)
		}
		if _, err := v.Verify(t.Context(), says("https://login.example.com")); err == nil || errors.Is(err, bearer.ErrUnrecognized) {
			t.Errorf("issuer %q: an answer of another issuer: %v", name, err)
		}
	}
}

// Reports L6: without an https URL nothing can be discovered, and the switch
// must be set. New reports all of it.
func TestIdentifierMistakes(t *testing.T) {
	config := introspect.Config{Issuer: "login", Audience: []string{audience}, Auth: introspect.ClientSecretBasic("api", "secret")}
	for name, tt := range map[string]struct {
		change func(*introspect.Config)
		want   string // empty: none
	}{
		"a name":              {func(c *introspect.Config) { c.Endpoint = "https://a/introspect" }, "set AllowNonHTTPSIdentifier and Endpoint"},
		"a name and no place": {func(c *introspect.Config) { c.AllowNonHTTPSIdentifier = true }, "Config.Endpoint is empty"},
		"a name and no place of the keys": {func(c *introspect.Config) {
			c.AllowNonHTTPSIdentifier, c.Endpoint, c.Signed = true, "https://a/introspect", &introspect.Signed{Audience: "api"}
		}, "Config.Signed.JWKSURI is empty"},
		"an endpoint by http": {func(c *introspect.Config) { c.AllowNonHTTPSIdentifier, c.Endpoint = true, "http://a/introspect" }, "Endpoint: "},
		"white space":         {func(c *introspect.Config) { c.AllowNonHTTPSIdentifier, c.Issuer = true, "login " }, "white space around it"},
		"a name and both places": {func(c *introspect.Config) {
			c.AllowNonHTTPSIdentifier, c.Endpoint = true, "https://a/introspect"
			c.Signed = &introspect.Signed{Audience: "api", JWKSURI: "https://a/keys"}
		}, ""},
		"a URL, discovered": {func(c *introspect.Config) { c.AllowNonHTTPSIdentifier, c.Issuer = true, "https://login.example.com" }, ""},
	} {
		c := config
		tt.change(&c)
		v, err := introspect.New(c)
		if err == nil {
			v.Close()
		}
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v; want %q", name, err, tt.want)
		}
	}
}

// Reports L5: a byte order mark before metadata or an answer is ignored (RFC
// 8259, Section 8.1). Before a signed answer it is an error, see package fetch.
func TestByteOrderMark(t *testing.T) {
	issuer := newIssuer(t, bearertest.Client{ID: "api", Secret: "secret"})
	issuer.SetFault(bearertest.OAuthMetadata, bearertest.Fault{
		Body: []byte("\ufeff" + `{"issuer":"` + issuer.URL() + `","introspection_endpoint":"` + issuer.URL() + `/introspect"}`),
	})
	issuer.SetFault(bearertest.IntrospectionEndpoint, bearertest.Fault{
		Body: []byte("\ufeff" + `{"active":true,"sub":"alice","aud":"` + audience + `"}`),
	})
	v := newVerifier(t, issuer, nil)
	if p, err := v.Verify(t.Context(), "opaque"); err != nil || p.Subject != "alice" {
		t.Errorf("%+v, %v", p, err)
	}
}
