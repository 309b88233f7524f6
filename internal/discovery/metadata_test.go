package keysource_test

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bearerkit/bearerkit/internal/keysource"
)

// Checklist T3, K10: the issuer is compared by code points; 2.3: Unicode
// look-alikes, arrays, null.
func TestParseMetadata(t *testing.T) {
	const issuer = "https://login.example.com/tenant"
	for _, tt := range []struct {
		name, doc string
		uri       string
		fault     string // empty: none
	}{
		{"both", `{"issuer":"https://login.example.com/tenant","jwks_uri":"https://a/k"}`, "https://a/k", ""},
		{"an escaped issuer", `{"issuer":"https:\/\/login.example.com\/tenant","jwks_uri":"https://a/k"}`, "https://a/k", ""},
		{"no jwks_uri", `{"issuer":"https://login.example.com/tenant"}`, "", ""},
		{"members of any kind beside", `{"x":[1,{}],"issuer":"https://login.example.com/tenant","ISSUER":1}`, "", ""},
		{"no issuer", `{"jwks_uri":"https://a/k"}`, "", "no issuer"},
		{"another case of the name", `{"Issuer":"https://login.example.com/tenant"}`, "", "no issuer"},
		{"trailing slash", `{"issuer":"https://login.example.com/tenant/"}`, "", `want "https://login.example.com/tenant"`},
		{"another host", `{"issuer":"https://evil.example.com/tenant"}`, "", `"https://evil.example.com/tenant"`},
		{"upper-case host", `{"issuer":"https://LOGIN.example.com/tenant"}`, "", "want"},
		{"a look-alike", `{"issuer":"https://l\u043egin.example.com/tenant"}`, "", "want"},
		{"a template", `{"issuer":"https://login.example.com/{tenantid}"}`, "", "want"},
		{"issuer an array", `{"issuer":["https://login.example.com/tenant"]}`, "", "issuer: a JSON array"},
		{"issuer null", `{"issuer":null}`, "", "issuer: a JSON null"},
		{"jwks_uri a number", `{"issuer":"https://login.example.com/tenant","jwks_uri":1}`, "", "jwks_uri: a JSON number"},
		{"two issuers", `{"issuer":"https://evil.example.com","issuer":"https://login.example.com/tenant"}`, "", "duplicate"},
		{"something behind", `{"issuer":"https://login.example.com/tenant"}{}`, "", "behind"},
		{"HTML", `<!doctype html>`, "", "not authorization server metadata"},
		{"empty", ``, "", "not authorization server metadata"},
		{"too deep", strings.Repeat(`{"a":`, 100), "", "nested deeper"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m, err := keysource.ParseMetadata([]byte(tt.doc), issuer)
			if tt.fault != "" {
				if err == nil || !strings.Contains(err.Error(), tt.fault) {
					t.Errorf("error %v, want one with %q", err, tt.fault)
				}
				return
			}
			if want := (keysource.Metadata{Issuer: issuer, JWKSURI: tt.uri}); err != nil || !reflect.DeepEqual(m, want) {
				t.Errorf("got %+v, %v, want %+v", m, err, want)
			}
		})
	}
}

func FuzzParseMetadata(f *testing.F) {
	const issuer = "https://login.example.com"
	f.Add([]byte(`{"issuer":"https://login.example.com","jwks_uri":"https://login.example.com/keys"}`))
	f.Add([]byte(`{"issuer":"https://login.example.com","issuer":""}`))
	f.Add([]byte(`{"jwks_uri":"\ud800"}`))
	f.Add([]byte(`{"issuer":[[[]]]}`))
	f.Fuzz(func(t *testing.T, doc []byte) {
		m, err := keysource.ParseMetadata(doc, issuer)
		switch {
		case err != nil && !reflect.DeepEqual(m, keysource.Metadata{}):
			t.Errorf("an error and %+v", m)
		case err == nil && m.Issuer != issuer:
			t.Errorf("accepted the issuer %q", m.Issuer)
		}
	})
}

// Checklist T1: where the metadata is looked for, and in which order.
func TestDiscoveryCandidates(t *testing.T) {
	const host = "https://login.example.com"
	for _, tt := range []struct {
		issuer string
		want   []string
	}{
		{host, []string{
			host + "/.well-known/oauth-authorization-server",
			host + "/.well-known/openid-configuration",
		}},
		{host + "/", []string{
			host + "/.well-known/oauth-authorization-server",
			host + "/.well-known/openid-configuration",
		}},
		{host + "/realms/a", []string{
			host + "/.well-known/oauth-authorization-server/realms/a",
			host + "/realms/a/.well-known/openid-configuration",
			host + "/.well-known/openid-configuration/realms/a",
		}},
		{host + ":8443/a%2Fb/", []string{
			host + ":8443/.well-known/oauth-authorization-server/a%2Fb",
			host + ":8443/a%2Fb/.well-known/openid-configuration",
			host + ":8443/.well-known/openid-configuration/a%2Fb",
		}},
	} {
		for last := range tt.want {
			t.Run(fmt.Sprint(tt.issuer, " at place ", last+1), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					is := newIssuer("a")
					delete(is.answers, metadataURL)
					is.set(tt.want[last], answer{status: 200, body: fmt.Sprintf(`{"issuer":%q,"jwks_uri":%q}`, tt.issuer, jwksURL)})
					s := is.source(t, func(c *keysource.Config) { c.Issuer = tt.issuer })
					if err := lookup(s, "a"); err != nil {
						t.Error(err)
					}
					var asked []string
					for url, n := range is.counts {
						if url != jwksURL && n == 1 {
							asked = append(asked, url)
						}
					}
					want := slices.Sorted(slices.Values(tt.want[:last+1]))
					if slices.Sort(asked); !slices.Equal(asked, want) {
						t.Errorf("asked %q, want %q", asked, want)
					}
				})
			})
		}
	}
}

// What is wrong with one place is no reason not to look at the next, except
// that the issuer is down.
func TestDiscoveryMovesOn(t *testing.T) {
	second := issuerURL + "/.well-known/openid-configuration"
	good := fmt.Sprintf(`{"issuer":%q,"jwks_uri":%q}`, issuerURL, jwksURL)
	for _, tt := range []struct {
		name  string
		first answer
		found bool
	}{
		{"not found", answer{status: 404}, true},
		{"status 500", answer{status: 500}, true},
		{"a single-page application", answer{status: 200, body: "<!doctype html>"}, true},
		{"another issuer", answer{status: 200, body: `{"issuer":"https://other.example.com","jwks_uri":"https://other.example.com/keys"}`}, true},
		{"no jwks_uri", answer{status: 200, body: fmt.Sprintf(`{"issuer":%q}`, issuerURL)}, true},
		{"jwks_uri by http", answer{status: 200, body: fmt.Sprintf(`{"issuer":%q,"jwks_uri":"http://login.example.com/keys"}`, issuerURL)}, true},
		{"jwks_uri by http on loopback", answer{status: 200, body: fmt.Sprintf(`{"issuer":%q,"jwks_uri":"http://127.0.0.1/keys"}`, issuerURL)}, true},
		{"jwks_uri a file", answer{status: 200, body: fmt.Sprintf(`{"issuer":%q,"jwks_uri":"file:///etc/passwd"}`, issuerURL)}, true},
		{"a redirect elsewhere", answer{status: 302, header: map[string][]string{"Location": {"https://evil.example.com/"}}}, true},
		{"too large", answer{status: 200, body: good + strings.Repeat(" ", 1<<20)}, true},
		{"connection refused", answer{err: errors.New("connection refused")}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				is := newIssuer("a")
				is.set(metadataURL, tt.first)
				is.set(second, answer{status: 200, body: good})
				s := is.source(t)
				if err := lookup(s, "a"); (err == nil) != tt.found {
					t.Errorf("lookup: %v, want found %t", err, tt.found)
				}
				wantCount(t, is, "https://evil.example.com/", 0)
				wantCount(t, is, "http://login.example.com/keys", 0)
				wantCount(t, is, "http://127.0.0.1/keys", 0)
				if !tt.found {
					wantCount(t, is, second, 0)
				}
			})
		})
	}
}

// All failed: one error that names each place and what was wrong with it.
func TestDiscoveryFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := newIssuer()
		is.set(metadataURL, answer{status: 200, body: `{"issuer":"https://other.example.com"}`})
		s := is.source(t)
		err := lookup(s, "a")
		if !isUnavailable(err) {
			t.Fatalf("lookup: %v, want an UnavailableError", err)
		}
		for _, want := range []string{
			metadataURL, `"https://other.example.com", want "https://login.example.com"`,
			issuerURL + "/.well-known/openid-configuration: the answer's status is 404",
		} {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("the error is %v, want %s in it", err, want)
			}
		}
	})
}

// Checklist C11, T4: an issuer that may not be asked is not.
func TestDiscoveryOfABadIssuer(t *testing.T) {
	for _, tt := range []struct{ issuer, fault string }{
		{"http://login.example.com", "https"},
		{"https://login.example.com?tenant=a", "query"},
		{"https://login.example.com#a", "fragment"},
		{"https://user:secret@login.example.com", "userinfo"},
		{"login.example.com", "not absolute"},
		{"", "not absolute"},
	} {
		t.Run(tt.issuer, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				is := newIssuer()
				s := is.source(t, func(c *keysource.Config) { c.Issuer = tt.issuer })
				elapse(time.Minute)
				var unavailable *keysource.UnavailableError
				err := lookup(s, "a")
				if !errors.As(err, &unavailable) || !strings.Contains(unavailable.Err.Error(), tt.fault) {
					t.Fatalf("lookup: %v, want an UnavailableError about %q", err, tt.fault)
				}
				if strings.Contains(unavailable.Err.Error(), "secret") {
					t.Errorf("%v shows the userinfo", unavailable.Err)
				}
				if len(is.counts) > 0 {
					t.Errorf("requests of %v, want none", is.counts)
				}
			})
		})
	}
}
