package dev_test

import (
	"go/parser"
	"regexp"
	"testing"

	"github.com/bearerkit/bearerkit/cmd/bearer/internal/dev"
)

var profileField = regexp.MustCompile(`Profile: +(\S+),`)

// profileIn returns the profile in a line of Go code.
func profileIn(code string) string {
	if m := profileField.FindStringSubmatch(code); m != nil {
		return m[1]
	}
	return ""
}

// The Go code that the server prints is an expression.
func TestCodeToPaste(t *testing.T) {
	server, err := dev.New(dev.Config{URL: "http://127.0.0.1:9000", Issuers: []dev.Issuer{
		{}, {Path: "/staff", Profile: "Keycloak"}, {Path: "/shop", Profile: "Spring"}, {Path: "/opaque", Opaque: true, Audience: []string{`a"b`, "c"}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"jwks.Issuer{\n\tURL:      \"http://127.0.0.1:9000\",\n\tAudience: []string{\"https://api.example.com\"},\n}",
		"jwks.Issuer{\n\tURL:      \"http://127.0.0.1:9000/staff\",\n\tAudience: []string{\"https://api.example.com\"},\n\tProfile:  jwks.Keycloak(),\n}",
		"jwks.Issuer{\n\tURL:      \"http://127.0.0.1:9000/shop\",\n\tAudience: []string{\"app\", \"service\"},\n\tProfile:  jwks.Spring(),\n}",
		"introspect.Config{\n\tIssuer:   \"http://127.0.0.1:9000/opaque\",\n\tAuth:     introspect.ClientSecretBasic(\"service\", os.Getenv(\"CLIENT_SECRET\")),\n\tAudience: []string{\"a\\\"b\", \"c\"},\n}",
	}
	for n, i := range server.Summary().Issuers {
		if i.Go != want[n] {
			t.Errorf("%s; want %s", i.Go, want[n])
		}
		if _, err := parser.ParseExpr(i.Go); err != nil {
			t.Error(err)
		}
	}
}
