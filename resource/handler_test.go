package resource_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/bearerkit/bearerkit/resource"
)

// Each resource has its own document (checklist P5).
func TestHandler(t *testing.T) {
	h, err := resource.Handler(
		newMetadata(t, resource.Config{Resource: "https://api.example.com/orders", ServeAtRoot: true}),
		newMetadata(t, resource.Config{Resource: "https://api.example.com/orders/archive"}),
		newMetadata(t, resource.Config{Resource: "https://api.example.com/users/"}),
		newMetadata(t, resource.Config{Resource: "https://api.example.com/a%2Fb"}),
	)
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle(resource.WellKnownPath, h)
	mux.Handle(resource.WellKnownPath+"/", h)
	for path, want := range map[string]string{
		"/orders":           "https://api.example.com/orders",
		"/orders/":          "https://api.example.com/orders",
		"":                  "https://api.example.com/orders",
		"/":                 "https://api.example.com/orders",
		"/orders/archive":   "https://api.example.com/orders/archive",
		"/users":            "https://api.example.com/users/",
		"/users/":           "https://api.example.com/users/",
		"/a%2Fb":            "https://api.example.com/a%2Fb",
		"/a/b":              "",
		"/order":            "",
		"/users/1":          "",
		"/Orders":           "",
		"/orders%2Farchive": "",
	} {
		w := get(mux, resource.WellKnownPath+path)
		switch {
		case want == "" && w.Code != 404:
			t.Errorf("%q: got %d, want 404", path, w.Code)
		case want != "" && (w.Code != 200 || !strings.Contains(w.Body.String(), `"resource":"`+want+`"`)):
			t.Errorf("%q: got %d %s, want %s", path, w.Code, w.Body, want)
		}
	}
	if w := serve(h, "POST", resource.WellKnownPath+"/orders"); w.Code != 405 {
		t.Errorf("POST: %d", w.Code)
	}
	if w := get(h, "/orders"); w.Code != 404 || w.Header().Get("Access-Control-Allow-Origin") != "*" {
		t.Errorf("elsewhere: %d, %v", w.Code, w.Header())
	}
}

func TestHandlerMistakes(t *testing.T) {
	at := func(url string, root bool) *resource.Metadata {
		return newMetadata(t, resource.Config{Resource: url, ServeAtRoot: root})
	}
	for _, tt := range []struct {
		name      string
		resources []*resource.Metadata
		want      string
	}{
		{"none", nil, "no resources"},
		{"nil", []*resource.Metadata{at("https://a.example", false), nil}, "resource 1 is nil"},
		{"one twice", []*resource.Metadata{at("https://a.example/v1", false), at("https://a.example/v1", false)}, "have the same path"},
		{"a slash apart", []*resource.Metadata{at("https://a.example/v1", false), at("https://a.example/v1/", false)}, "have the same path"},
		{"the root, two spellings", []*resource.Metadata{at("https://a.example", false), at("https://a.example/", false)}, "have the same path"},
		{"two hosts", []*resource.Metadata{at("https://a.example/v1", false), at("https://b.example/v1", false)}, "have the same path"},
		{"two at the root", []*resource.Metadata{at("https://a.example/v1", true), at("https://a.example/v2", true)}, `have the same path "/.well-known/oauth-protected-resource"`},
		{"the root and one at the root", []*resource.Metadata{at("https://a.example", false), at("https://a.example/v2", true)}, "have the same path"},
	} {
		h, err := resource.Handler(tt.resources...)
		if err == nil || h != nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %q", tt.name, err, tt.want)
		}
	}
}
