package discovery_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/bearerkit/bearerkit/internal/discovery"
)

// Checklist T3, K10: issuers are compared by code points. Section 2.3: Unicode
// look-alikes, arrays and null are rejected.
func TestParse(t *testing.T) {
	const issuer = "https://login.example.com/tenant"
	for _, tt := range []struct {
		name, doc string
		uri       string
		fault     string // empty: none
	}{
		{"issuer and jwks_uri", `{"issuer":"https://login.example.com/tenant","jwks_uri":"https://a/k"}`, "https://a/k", ""},
		{"an escaped issuer", `{"issuer":"https:\/\/login.example.com\/tenant","jwks_uri":"https://a/k"}`, "https://a/k", ""},
		{"no jwks_uri", `{"issuer":"https://login.example.com/tenant"}`, "", ""},
		{"unknown members of any type", `{"x":[1,{}],"issuer":"https://login.example.com/tenant","ISSUER":1}`, "", ""},
		{"no issuer", `{"jwks_uri":"https://a/k"}`, "", "no issuer"},
		{"issuer in upper case", `{"Issuer":"https://login.example.com/tenant"}`, "", "no issuer"},
		{"trailing slash", `{"issuer":"https://login.example.com/tenant/"}`, "", `want "https://login.example.com/tenant"`},
		{"another host", `{"issuer":"https://evil.example.com/tenant"}`, "", `"https://evil.example.com/tenant"`},
		{"upper-case host", `{"issuer":"https://LOGIN.example.com/tenant"}`, "", "want"},
		{"a look-alike", `{"issuer":"https://l\u043egin.example.com/tenant"}`, "", "want"},
		{"a template", `{"issuer":"https://login.example.com/{tenantid}"}`, "", "want"},
		{"issuer is an array", `{"issuer":["https://login.example.com/tenant"]}`, "", "issuer: a JSON array"},
		{"issuer is null", `{"issuer":null}`, "", "issuer: a JSON null"},
		{"jwks_uri is a number", `{"issuer":"https://login.example.com/tenant","jwks_uri":1}`, "", "jwks_uri: a JSON number"},
		{"two issuers", `{"issuer":"https://evil.example.com","issuer":"https://login.example.com/tenant"}`, "", "duplicate"},
		{"data after the object", `{"issuer":"https://login.example.com/tenant"}{}`, "", "data after"},
		{"HTML", `<!doctype html>`, "", "not authorization server metadata"},
		{"an empty document", ``, "", "not authorization server metadata"},
		{"too deep", strings.Repeat(`{"a":`, 100), "", "nested deeper"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m, err := discovery.Parse([]byte(tt.doc), issuer)
			if tt.fault != "" {
				if err == nil || !strings.Contains(err.Error(), tt.fault) {
					t.Errorf("error %v, want one with %q", err, tt.fault)
				}
				return
			}
			if want := (discovery.Metadata{Issuer: issuer, JWKSURI: tt.uri}); err != nil || !reflect.DeepEqual(m, want) {
				t.Errorf("got %+v, %v, want %+v", m, err, want)
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	const issuer = "https://login.example.com"
	f.Add([]byte(`{"issuer":"https://login.example.com","jwks_uri":"https://login.example.com/keys"}`))
	f.Add([]byte(`{"issuer":"https://login.example.com","issuer":""}`))
	f.Add([]byte(`{"jwks_uri":"\ud800"}`))
	f.Add([]byte(`{"issuer":[[[]]]}`))
	f.Fuzz(func(t *testing.T, doc []byte) {
		m, err := discovery.Parse(doc, issuer)
		switch {
		case err != nil && !reflect.DeepEqual(m, discovery.Metadata{}):
			t.Errorf("Parse returned an error and the metadata %+v", m)
		case err == nil && m.Issuer != issuer:
			t.Errorf("accepted the issuer %q", m.Issuer)
		}
	})
}
