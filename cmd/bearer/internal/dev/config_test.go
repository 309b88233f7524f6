package dev_test

import (
	"strings"
	"testing"
	"time"

	"github.com/bearerkit/bearerkit/bearer/bearertest"
	"github.com/bearerkit/bearerkit/cmd/bearer/internal/dev"
)

func TestParseConfig(t *testing.T) {
	c, err := dev.ParseConfig([]byte(`{
		"issuers": [{"path": "/staff", "profile": "Keycloak", "audience": ["orders-api"], "token_format": "opaque",
			"access_token_lifetime": "5m", "refresh_token_lifetime": "8h", "dpop_nonces": true}],
		"users": [{"name": "alice", "email": "a@example.com", "roles": ["admin"], "claims": {"tenant": "acme"}}],
		"clients": [{"client_id": "web", "client_secret": "s", "client_name": "Shop", "redirect_uris": ["https://shop.example.com/cb"],
			"any_loopback_redirect": true, "post_logout_redirect_uris": ["https://shop.example.com/"], "backchannel_logout_uri": "http://localhost:1/out",
			"grant_types": ["authorization_code"], "scope": "openid", "roles": ["worker"]}]
	}`))
	if err != nil {
		t.Fatal(err)
	}
	i, u, client := c.Issuers[0], c.Users[0], c.Clients[0]
	if i.Path != "/staff" || i.Profile != bearertest.Keycloak || i.Audience[0] != "orders-api" || !i.Opaque || i.AccessTTL != 5*time.Minute || i.RefreshTTL != 8*time.Hour || !i.Nonces {
		t.Errorf("issuer %+v", i)
	}
	if u.Name != "alice" || u.Email != "a@example.com" || u.Roles[0] != "admin" || u.Claims["tenant"] != "acme" {
		t.Errorf("user %+v", u)
	}
	if client.ID != "web" || client.Secret != "s" || client.Name != "Shop" || !client.AnyLoopback || client.BackchannelLogoutURI == "" || client.Grants[0] != "authorization_code" || client.Scope != "openid" || client.Roles[0] != "worker" {
		t.Errorf("client %+v", client)
	}
	c.URL = "http://localhost:9000"
	if _, err := dev.New(c); err != nil {
		t.Error(err)
	}
}

// All mistakes in a file are reported at once, with their place.
func TestMistakesInTheFile(t *testing.T) {
	_, err := dev.ParseConfig([]byte(`{
		"issuer": "x", "issuers": [{"profile": "keyclok"}, {"path": 7, "token_format": "xml", "access_token_lifetime": 300, "audience": "api"}],
		"users": [{"name": "alice", "role": "admin", "claims": []}, "bob"], "clients": {"client_id": "app"}
	}`))
	if err == nil {
		t.Fatal("no mistake")
	}
	for _, want := range []string{
		`issuer: unknown name; want one of clients, issuers, users`, `issuers[0].profile: "keyclok" is unknown; want one of`,
		`issuers[1].path: want a string`, `issuers[1].token_format: "xml"; want jwt or opaque`, `issuers[1].access_token_lifetime: want a duration such as "15m"`,
		`issuers[1].audience: want an array of strings`, `users[0].role: unknown name; want one of claims, email, name, roles`,
		`users[0].claims: want an object`, `users[1]: `, `clients: `,
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is missing in:\n%v", want, err)
		}
	}
	for _, document := range []string{``, `[]`, `{"users":[],"users":[]}`, `{} x`} {
		if _, err := dev.ParseConfig([]byte(document)); err == nil || !strings.Contains(err.Error(), "the file: ") {
			t.Errorf("%q: %v", document, err)
		}
	}
}

// Values of the right types that make no sense are reported together with those of wrong
// types, and each mistake once.
func TestMistakesOfAllKindsInTheFile(t *testing.T) {
	_, err := dev.ParseConfig([]byte(`{
		"issuers": [{"path": "staff"}, {"path": 7}, 1, {"path": 8}],
		"users": [{"nam": "alice"}, {"name": 7}, "x", {"name": "bob"}, {"name": "bob"}],
		"clients": [{"client_id": 1}, {"client_id": "a", "redirect_uris": ["javascript:alert(1)"], "scope": 5}]
	}`))
	if err == nil {
		t.Fatal("no mistake")
	}
	lines := strings.Split(err.Error(), "\n")
	for _, want := range []string{
		"issuers[0].path", "issuers[1].path", "issuers[2]", "issuers[3].path", "users[0].nam:", "users[0].name is missing", "users[1].name", "users[2]",
		"users[4].name", "clients[0].client_id", "clients[1].redirect_uris[0]", "clients[1].scope",
	} {
		if n := strings.Count(err.Error(), want); n != 1 {
			t.Errorf("%q occurs %d times in:\n%v", want, n, err)
		}
	}
	if len(lines) != 12 {
		t.Errorf("%d mistakes, want 12:\n%v", len(lines), err)
	}
}

func TestMistakesInTheConfig(t *testing.T) {
	_, err := dev.New(dev.Config{
		URL:     "http://192.0.2.1:9000",
		Issuers: []dev.Issuer{{Path: "staff"}, {Path: "/a"}, {Path: "/a/"}, {Profile: "x", Audience: []string{""}, AccessTTL: -time.Second}},
		Users:   []dev.User{{}, {Name: "alice"}, {Name: "alice"}},
		Clients: []dev.Client{{}, {ID: "a"}, {ID: "a", RedirectURIs: []string{"/cb"}, Grants: []string{"password"}, BackchannelLogoutURI: "https://example.com/"}},
	})
	if err == nil {
		t.Fatal("no mistake")
	}
	for _, want := range []string{
		`URL "http://192.0.2.1:9000"`, `issuers[0].path "staff"`, `issuers[2].path "/a" is the path of another issuer`, `issuers[3].profile "x" is unknown`,
		`issuers[3].audience is empty`, `issuers[3] has a lifetime below a second`, `users[0].name is missing`, `users[2].name "alice" is the name of another user`,
		`clients[0].client_id is missing`, `clients[2].client_id "a" is the ID of another client`, `clients[2].redirect_uris[0] "/cb"`,
		`clients[2].grant_types[0] "password"`, `clients[2].backchannel_logout_uri "https://example.com/"`,
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is missing in:\n%v", want, err)
		}
	}
	_, err = dev.New(dev.Config{URL: "http://127.0.0.1:9000", Issuers: []dev.Issuer{{}, {Path: "/token"}, {Path: "/.well-known"}}})
	if err == nil {
		t.Error("a hidden folder is a path")
	}
	_, err = dev.New(dev.Config{URL: "http://127.0.0.1:9000", Issuers: []dev.Issuer{{Path: "/a"}, {Path: "/a/jwks"}}})
	if err != nil {
		t.Errorf("an issuer below another one: %v", err)
	}
	if _, err := dev.New(dev.Config{URL: "http://127.0.0.1:9000", Users: []dev.User{}}); err == nil || !strings.Contains(err.Error(), "users and clients is empty") {
		t.Errorf("no users: %v", err)
	}
	if _, err := dev.New(dev.Config{URL: "http://127.0.0.1:9000", Clients: []dev.Client{}}); err == nil || !strings.Contains(err.Error(), "users and clients is empty") {
		t.Errorf("no clients: %v", err)
	}
}
