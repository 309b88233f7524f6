package reference_test

import (
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/bearerkit/bearerkit/conformance/reference"
)

// The module bench runs the corpus on the server. Here: what needs no issuer.
func TestRefusals(t *testing.T) {
	server, err := reference.New(reference.Config{
		Resource: "https://api.example.com", Origin: "https://api.example.com", Scope: "orders:read",
		Issuer: "https://login.example.com", KeySet: "https://login.example.com/jwks",
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, path, authorization string
		status                    int
		challenge                 string // what it contains
	}{
		{"no credentials", reference.Path, "", 401, `Bearer scope="orders:read"`},
		{"the scheme alone", reference.Path, "Bearer", 400, `error="invalid_request"`},
		{"an opaque token", reference.Path, "Bearer x", 401, `error="invalid_token"`},
		{"another scheme", reference.StrictPath, "Basic x", 401, `Bearer scope="orders:read conform:strict"`},
		{"nobody, who is allowed", reference.OptionalPath, "", 200, ""},
		{"garbage on an optional route", reference.OptionalPath, "Bearer x", 401, `error="invalid_token"`},
		{"the metadata", "/.well-known/oauth-protected-resource", "", 200, ""},
	} {
		w, r := httptest.NewRecorder(), httptest.NewRequest("GET", tt.path, nil)
		if tt.authorization != "" {
			r.Header.Set("Authorization", tt.authorization)
		}
		server.ServeHTTP(w, r)
		if got := w.Header().Get("WWW-Authenticate"); w.Code != tt.status || !strings.Contains(got, tt.challenge) {
			t.Errorf("%s: status %d, challenge %q; want %d and %q", tt.name, w.Code, got, tt.status, tt.challenge)
		}
	}
}

func TestNewReportsAllMistakes(t *testing.T) {
	_, err := reference.New(reference.Config{Origin: "api", KeySet: "keys"})
	if err == nil {
		t.Fatal("no error")
	}
	for _, field := range []string{"Resource", "Issuer", "Scope", "Origin", "KeySet"} {
		if !strings.Contains(err.Error(), "Config."+field) {
			t.Errorf("the error does not name %s: %v", field, err)
		}
	}
}
