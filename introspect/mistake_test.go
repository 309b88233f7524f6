package introspect_test

import (
	"strings"
	"testing"
	"time"

	"github.com/bearerkit/bearerkit/introspect"
)

// Each mistake alone, and the values beside it that are right.
func TestSingleMistakes(t *testing.T) {
	signed := func(s introspect.Signed) func(*introspect.Config) {
		return func(c *introspect.Config) { c.Signed = &s }
	}
	tests := []struct {
		name   string
		change func(*introspect.Config)
		want   string // empty: none
	}{
		{"none", func(c *introspect.Config) {}, ""},
		{"no Issuer", func(c *introspect.Config) { c.Issuer = "" }, "introspect: Config.Issuer: "},
		{"an Issuer with a query", func(c *introspect.Config) { c.Issuer += "?a=1" }, `introspect: Config.Issuer "https://login.example.com" has a query`},
		{"an Issuer with an empty query", func(c *introspect.Config) { c.Issuer += "?" }, "has a query; want none (RFC 8414, Section 2)"},
		{"an Issuer by http", func(c *introspect.Config) { c.Issuer = "http://login.example.com" }, "set AllowNonHTTPSIdentifier and Endpoint"},
		{"an Issuer by http, allowed", func(c *introspect.Config) { c.Issuer, c.InsecureAllowHTTP = "http://login.example.com", true }, ""},
		{"an Endpoint by http", func(c *introspect.Config) { c.Endpoint = "http://login.example.com/i" }, "introspect: Config.Endpoint: "},
		{"an Endpoint by http, allowed", func(c *introspect.Config) { c.Endpoint, c.InsecureAllowHTTP = "http://login.example.com/i", true }, ""},
		{"no Auth", func(c *introspect.Config) { c.Auth = introspect.Auth{} }, "introspect: Config.Auth: the zero Auth"},
		{"no client ID", func(c *introspect.Config) { c.Auth = introspect.ClientSecretBasic("", "s") }, "introspect: Config.Auth: ClientSecretBasic: an empty client ID"},
		{"no secret", func(c *introspect.Config) { c.Auth = introspect.ClientSecretBasic("api", "") }, "introspect: Config.Auth: ClientSecretBasic: an empty secret"},
		{"no client ID of a key", func(c *introspect.Config) { c.Auth = introspect.PrivateKeyJWT("", []byte(edJWK)) }, "introspect: Config.Auth: PrivateKeyJWT: an empty client ID"},
		{"no key", func(c *introspect.Config) { c.Auth = introspect.PrivateKeyJWT("api", []byte("x")) }, "introspect: Config.Auth: PrivateKeyJWT: "},
		{"no Audience", func(c *introspect.Config) { c.Audience = nil }, "introspect: Config.Audience is empty"},
		{"no Audience, not sent", func(c *introspect.Config) { c.Audience, c.InsecureAudienceNotSent = nil, true }, ""},
		{"an empty audience", func(c *introspect.Config) { c.Audience = []string{"a", ""} }, "introspect: Config.Audience has an empty value"},
		{"an audience with a space", func(c *introspect.Config) { c.Audience = []string{"a", "b c"} }, `introspect: Config.Audience[1] "b c": contains white space`},
		{"a Leeway of 5 min", func(c *introspect.Config) { c.Leeway = 5 * time.Minute }, ""},
		{"a Leeway of more", func(c *introspect.Config) { c.Leeway = 5*time.Minute + 1 }, "introspect: Config.Leeway is 5m0.000000001s; want at most 5m0s"},
		{"a negative Leeway", func(c *introspect.Config) { c.Leeway = -1 }, ""},
		{"a negative Timeout", func(c *introspect.Config) { c.Timeout = -1 }, "introspect: Config.Timeout is negative"},
		{"a negative MaxConcurrent", func(c *introspect.Config) { c.MaxConcurrent = -1 }, "introspect: Config.MaxConcurrent is negative"},
		{"a negative CacheEntries", func(c *introspect.Config) { c.CacheEntries = -1 }, "introspect: Config.CacheEntries is negative"},
		{"a negative CacheBytes", func(c *introspect.Config) { c.CacheBytes = -1 }, "introspect: Config.CacheBytes is negative"},
		{"the smallest bounds", func(c *introspect.Config) { c.Timeout, c.MaxConcurrent, c.CacheEntries, c.CacheBytes = 1, 1, 1, 1 }, ""},
		{"a SharedSecret of 31 bytes", func(c *introspect.Config) { c.SharedSecret = make([]byte, 31) }, "introspect: Config.SharedSecret has 31 bytes; want at least 32 random ones"},
		{"a SharedSecret of 32 bytes", func(c *introspect.Config) { c.SharedSecret = make([]byte, 32) }, ""},
		{"a SharedSecret of one byte", func(c *introspect.Config) { c.SharedSecret = make([]byte, 1) }, "introspect: Config.SharedSecret has 1 bytes"},
		{"Shared without a secret", func(c *introspect.Config) { c.Auth, c.Shared = introspect.MutualTLS("api"), newMemory() }, "introspect: Config.SharedSecret is empty"},
		{"no Shared and no secret", func(c *introspect.Config) { c.Auth = introspect.MutualTLS("api") }, ""},
		{"a nil Shared", func(c *introspect.Config) { c.Shared = (*nilShared)(nil) }, "introspect: Config.Shared holds a nil pointer"},
		{"a wrong pointer", func(c *introspect.Config) { c.Roles = []string{"/a", "b"} }, `introspect: Config.Roles[1] "b" is not a JSON pointer`},
		{"Signed", signed(introspect.Signed{Audience: "api"}), ""},
		{"Signed without Audience", signed(introspect.Signed{}), "introspect: Config.Signed.Audience is empty"},
		{"Signed with a placeholder", signed(introspect.Signed{Audience: "<client-id>"}), `introspect: Config.Signed.Audience "<client-id>": contains the placeholder`},
		{"Signed with keys by http", signed(introspect.Signed{Audience: "api", JWKSURI: "http://login.example.com/k"}), "introspect: Config.Signed.JWKSURI: "},
		{"Signed with keys by http, allowed", func(c *introspect.Config) {
			c.InsecureAllowHTTP, c.Signed = true, &introspect.Signed{Audience: "api", JWKSURI: "http://login.example.com/k"}
		}, ""},
		{"Signed with an unknown algorithm", signed(introspect.Signed{Audience: "api", Algorithms: []string{"RS256", "none"}}), `introspect: Config.Signed.Algorithms: "none"; want some of [`},
	}
	for _, tt := range tests {
		c := introspect.Config{Issuer: "https://login.example.com", Audience: []string{"a"}, Auth: introspect.ClientSecretBasic("api", "secret")}
		tt.change(&c)
		v, err := introspect.New(c)
		switch {
		case err == nil:
			v.Close()
			if tt.want != "" {
				t.Errorf("%s: no error, want %s", tt.name, tt.want)
			}
		case tt.name == "no Issuer" && strings.Contains(err.Error(), "AllowNonHTTPSIdentifier"):
			t.Errorf("%s: %v names a setting that does not help", tt.name, err)
		case tt.want == "" || strings.Contains(err.Error(), "\n") || !strings.Contains(err.Error(), tt.want):
			t.Errorf("%s: %v, want %q", tt.name, err, tt.want)
		}
	}
}
