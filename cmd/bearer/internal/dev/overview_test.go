package dev_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/bearerkit/bearerkit/cmd/bearer/internal/dev"
)

// The address that bearer dev prints leads to a page that names every issuer, also
// while an issuer is down.
func TestOverview(t *testing.T) {
	s := start(t, dev.Config{Issuers: []dev.Issuer{{Path: "/staff"}, {Path: "/shop"}}})
	got := s.get(t, "/")
	if got.status != http.StatusOK || !strings.HasPrefix(got.header.Get("Content-Security-Policy"), "default-src 'none'") {
		t.Errorf("%d %v", got.status, got.header)
	}
	for _, want := range []string{
		`<a href="` + s.url + `/staff/.well-known/openid-configuration">`, `<a href="` + s.url + `/shop/jwks">`,
		"bearer token --issuer " + s.url + "/shop --login",
	} {
		if !strings.Contains(got.text, want) {
			t.Errorf("the page lacks %q: %s", want, got.text)
		}
	}
	if got := s.get(t, "/nowhere"); got.status != http.StatusNotFound {
		t.Errorf("another path: %d", got.status)
	}
}
