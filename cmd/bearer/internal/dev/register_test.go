package dev_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/bearerkit/bearerkit/cmd/bearer/internal/dev"
)

func (s *running) register(t *testing.T, metadata string) answer {
	t.Helper()
	return do(t, http.DefaultClient, newRequest(t, http.MethodPost, s.url+"/register", metadata, "Content-Type", "application/json"))
}

// A client registers itself and signs a user in (RFC 7591).
func TestRegister(t *testing.T) {
	s := start(t, dev.Config{})
	a := s.register(t, `{"client_name":"<b>Inspector</b>","redirect_uris":["`+callback+`"],"token_endpoint_auth_method":"none","grant_types":["authorization_code","refresh_token"],"response_types":["code"],"scope":"orders:write","logo_uri":"https://x","client_id":"app"}`)
	id := a.get("client_id")
	if a.status != http.StatusCreated || id == "" || id == "app" || a.body["client_secret"] != nil || a.body["client_id_issued_at"] == nil || a.get("client_name") != "<b>Inspector</b>" {
		t.Fatalf("%d %s", a.status, a.text)
	}
	b := s.browser(t)
	page := b.open(t, authorization("client_id", id))
	if !strings.Contains(page.text, "&lt;b&gt;Inspector") {
		t.Errorf("the name is not escaped: %s", page.text)
	}
	code := b.submit(t, page, values("user", "bob")).back(t, callback).Get("code")
	if got := s.redeem(t, code, "client_id", id); got.status != http.StatusOK {
		t.Errorf("%d %s", got.status, got.text)
	}
	refusedWith(t, s.post(t, "/token", values("grant_type", "client_credentials", "client_id", id)), 400, "unauthorized_client")

	machine := s.register(t, `{"grant_types":["client_credentials"]}`)
	if machine.status != http.StatusCreated || machine.get("token_endpoint_auth_method") != "client_secret_basic" || machine.body["client_secret_expires_at"] != 0.0 {
		t.Fatalf("%d %s", machine.status, machine.text)
	}
	if got := s.post(t, "/token", values("grant_type", "client_credentials"), basic(machine.get("client_id"), machine.get("client_secret"))...); got.status != http.StatusOK {
		t.Errorf("%d %s", got.status, got.text)
	}
}

func TestRegistrationRefused(t *testing.T) {
	s := start(t, dev.Config{})
	for metadata, code := range map[string]string{
		`{}`:                        "invalid_redirect_uri",
		`{"redirect_uris":[]}`:      "invalid_redirect_uri",
		`{"redirect_uris":["/cb"]}`: "invalid_redirect_uri",
		`{"redirect_uris":["http://app.example.com/cb"]}`:                                        "invalid_redirect_uri",
		`{"redirect_uris":["https://app.example.com/cb#f"]}`:                                     "invalid_redirect_uri",
		`{"redirect_uris":["javascript:alert(1)"]}`:                                              "invalid_redirect_uri",
		`{"redirect_uris":["https://a/cb"],"post_logout_redirect_uris":["data:,x"]}`:             "invalid_redirect_uri",
		`{"redirect_uris":["https://a/cb"],"grant_types":["password"]}`:                          "invalid_client_metadata",
		`{"redirect_uris":["https://a/cb"],"response_types":["token"]}`:                          "invalid_client_metadata",
		`{"redirect_uris":["https://a/cb"],"scope":"a\u0001"}`:                                   "invalid_client_metadata",
		`{"redirect_uris":["https://a/cb"],"token_endpoint_auth_method":"private_key_jwt"}`:      "invalid_client_metadata",
		`{"redirect_uris":["https://a/cb"],"backchannel_logout_uri":"https://app.example.com/"}`: "invalid_client_metadata",
		`{"grant_types":["client_credentials"],"token_endpoint_auth_method":"none"}`:             "invalid_client_metadata",
		`{"redirect_uris":"https://a/cb"}`:                                                       "invalid_client_metadata",
		`{"redirect_uris":["https://a/cb"],"redirect_uris":["https://b/cb"]}`:                    "invalid_client_metadata",
		`no JSON`:                          "invalid_client_metadata",
		strings.Repeat(" ", 20<<10) + `{}`: "invalid_client_metadata",
	} {
		a := s.register(t, metadata)
		t.Run(strings.TrimSpace(metadata), func(t *testing.T) { refusedWith(t, a, 400, code) })
	}
	refusedWith(t, s.post(t, "/register", values("redirect_uris", callback)), 400, "invalid_client_metadata")
	if a := s.get(t, "/register"); a.status != http.StatusMethodNotAllowed {
		t.Errorf("GET: %d", a.status)
	}
}
