package claims_test

import (
	"bytes"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/internal/claims"
)

// RFC 9068, Section 2.2.3.1, and what issuers send. C18: what is malformed is read
// as absent, and the journal says so once.
func TestRoles(t *testing.T) {
	const project = "/urn:zitadel:iam:org:project:roles"
	tests := []struct {
		name     string
		pointers []string
		document string
		want     []string
		stated   bool
		found    string // what the journal says; empty: nothing
	}{
		{"an array", []string{"/roles"}, `{"roles":["a","b"]}`, []string{"a", "b"}, true, ""},
		{"a string is one role", []string{"/role"}, `{"role":"a b"}`, []string{"a b"}, true, ""},
		{"escapes", []string{"/roles"}, `{"roles":["\u0061","b\"c"]}`, []string{"a", `b"c`}, true, ""},
		{"SCIM (RFC 7643, Section 8.2)", []string{"/groups"}, `{"groups":[{"value":"e9e3","display":"Guides"},"b"]}`, []string{"e9e3", "b"}, true, ""},
		{"Keycloak's realm", []string{"/realm_access/roles"}, `{"realm_access":{"roles":["a"]},"resource_access":{"c":{"roles":["b"]}}}`, []string{"a"}, true, ""},
		{"a client's, and the realm's", []string{"/realm_access/roles", "/resource_access/c~1d/roles"}, `{"resource_access":{"c/d":{"roles":["b"]},"e":{"roles":["c"]}},"realm_access":{"roles":["a"]}}`, []string{"a", "b"}, true, ""},
		{"Zitadel's project", []string{project}, `{"urn:zitadel:iam:org:project:roles":{"a":{"1":"x.example.com","2":"y"},"b":{"1":"x"}}}`, []string{"a", "b"}, true, ""},
		{"Zitadel, no organization grants it", []string{project}, `{"urn:zitadel:iam:org:project:roles":{"a":{}}}`, nil, true, ""},
		{"none", []string{"/roles"}, `{"roles":[]}`, nil, true, ""},
		{"absent", []string{"/roles"}, `{"groups":["a"]}`, nil, false, ""},
		{"null", []string{"/roles"}, `{"roles":null}`, nil, false, "null"},
		{"null within", []string{"/realm_access/roles"}, `{"realm_access":{"roles":null}}`, nil, true, ""},
		{"absent within", []string{"/realm_access/roles"}, `{"realm_access":{}}`, nil, true, ""},
		{"no pointers", nil, `{"roles":["a"]}`, nil, false, ""},

		{"a number", []string{"/roles"}, `{"roles":7}`, nil, true, "a JSON number instead of roles"},
		{"true", []string{"/roles"}, `{"roles":true}`, nil, true, "a JSON boolean instead of roles"},
		{"a number in the array", []string{"/roles"}, `{"roles":["a",7]}`, nil, true, "a JSON number instead of a string"},
		{"null in the array", []string{"/roles"}, `{"roles":["a",null]}`, nil, true, "a JSON null instead of a string"},
		{"an array in the array", []string{"/roles"}, `{"roles":[["a"]]}`, nil, true, "a JSON array instead of a string"},
		{"SCIM without value", []string{"/roles"}, `{"roles":[{"display":"a"}]}`, nil, true, "an object without value in an array of roles"},
		{"SCIM with a number", []string{"/roles"}, `{"roles":[{"value":7}]}`, nil, true, "a JSON number instead of a string"},
		{"the pointer is too short: the realm", []string{"/realm_access"}, `{"realm_access":{"roles":["admin"]}}`, nil, true, "a JSON object that does not list organizations by role"},
		{"the pointer is too short: the clients", []string{"/resource_access"}, `{"resource_access":{"account":{"roles":["admin"]}}}`, nil, true, "a JSON object that does not list organizations by role"},
		{"an object of another issuer than Zitadel", []string{"/roles"}, `{"roles":{"admin":{"state":"revoked"}}}`, nil, true, "a JSON object that does not list organizations by role"},
		{"an object of booleans", []string{"/roles"}, `{"roles":{"admin":false}}`, nil, true, "a JSON object that does not list organizations by role"},
		{"a string on the way", []string{"/realm_access/roles"}, `{"realm_access":"admin"}`, nil, true, "at /realm_access: a JSON string instead of an object"},
		{"malformed within", []string{"/realm_access/roles"}, `{"realm_access":{"roles":[1]}}`, nil, true, "at /realm_access/roles: a JSON number instead of a string"},
		{"one of two in a claim", []string{"/x/a", "/x/b", "/c"}, `{"x":{"a":[1],"b":["b"]},"c":"c"}`, []string{"b", "c"}, true, "at /x/a: a JSON number instead of a string"},
	}
	for _, tt := range tests {
		for _, kept := range []bool{false, true} {
			names := claims.NewNames()
			pointers, err := names.AddPointers("Roles", tt.pointers)
			if err != nil {
				t.Fatal(err)
			}
			var log bytes.Buffer
			journal := claims.NewJournal(slog.New(slog.NewTextHandler(&log, nil)), "https://issuer.example.com", names)
			for range 2 {
				v, err := names.Read([]byte(tt.document))
				if err != nil {
					t.Fatal(err)
				}
				if kept {
					v.KeepText([]byte(tt.document))
				}
				roles, err := v.Roles(nil, pointers)
				if err != nil || !slices.Equal(roles, tt.want) {
					t.Errorf("%s: roles %q, %v; want %q", tt.name, roles, err, tt.want)
				}
				if got := v.StatedRoles(pointers) == bearer.StatedRoles; got != tt.stated {
					t.Errorf("%s: stated is %t", tt.name, got)
				}
				journal.Note(&v)
			}
			if lines := strings.Count(log.String(), "\n"); (tt.found == "") != (lines == 0) || lines > 1 || !strings.Contains(log.String(), tt.found) {
				t.Errorf("%s: the log is %q, want %q once", tt.name, log.String(), tt.found)
			}
		}
	}
}

// A malformed claim that a profile requires counts as absent, so the token is
// refused; a claim that rejects the token does so under its own name.
func TestMalformedRolesAreAbsent(t *testing.T) {
	names := claims.NewNames()
	pointers, err := names.AddPointers("Roles", []string{"/roles", "/cnf/roles"})
	if err != nil {
		t.Fatal(err)
	}
	v, err := names.Read([]byte(`{"roles":7}`))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := v.Roles(nil, pointers); err != nil || v.Has(names.Add("roles")) {
		t.Errorf("%v; want roles to be absent", err)
	}
	if v, err = names.Read([]byte(`{"cnf":7,"roles":["a"]}`)); err != nil {
		t.Fatal(err)
	}
	if roles, err := v.Roles(nil, pointers); err == nil || roles != nil {
		t.Errorf("%q, %v; want an error", roles, err)
	}
}

// All mistakes are reported, with their places.
func TestPointersReportMistakes(t *testing.T) {
	_, err := claims.NewNames().AddPointers("Profile.Roles", []string{"", "/roles", "roles", "/a~"})
	for _, want := range []string{`Profile.Roles[0] "" is empty`, `Profile.Roles[2] "roles" is not a JSON pointer`, `Profile.Roles[3] "/a~" has a "~"`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v; want %s", err, want)
		}
	}
}

// For any document: roles never reject a token, and each is named in the document.
func FuzzRoles(f *testing.F) {
	for _, document := range []string{
		`{"roles":["a","b"]}`, `{"roles":"a"}`, `{"roles":[{"value":"a"}]}`, `{"roles":{"a":{"1":"d"}}}`, `{"roles":{"a":{}}}`,
		`{"x":{"roles":["a"]}}`, `{"x":[{"roles":"a"}]}`, `{"roles":[null,7]}`, `{"x":{"roles":{"roles":[]}},"roles":null}`,
	} {
		f.Add([]byte(document))
	}
	f.Fuzz(func(t *testing.T, document []byte) {
		names := claims.NewNames()
		pointers, err := names.AddPointers("Roles", []string{"/roles", "/x/roles", "/x/0/roles"})
		if err != nil {
			t.Fatal(err)
		}
		v, err := names.Read(document)
		if err != nil {
			return
		}
		roles, err := v.Roles(nil, pointers)
		if err != nil || len(roles) > 0 && v.StatedRoles(pointers) == 0 {
			t.Errorf("%s: roles %q, %v", document, roles, err)
		}
		escaped := bytes.ContainsRune(document, '\\')
		for _, role := range roles {
			if !escaped && !bytes.Contains(document, []byte(`"`+role+`"`)) {
				t.Errorf("%s: grants %q", document, role)
			}
		}
	})
}
