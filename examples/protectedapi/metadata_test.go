package main

import (
	"encoding/json"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"github.com/bearerkit/bearerkit/bearer/bearertest"
	"github.com/bearerkit/bearerkit/resource"
)

// The challenge names the metadata, which say what the flags do.
func TestMetadata(t *testing.T) {
	t.Parallel()
	issuer, second := newIssuer(t), newIssuer(t)
	algorithms := []any{"ES256", "ES384", "RS256", "PS256", "EdDSA", "Ed25519"}
	for _, tt := range []struct {
		name    string
		args    []string
		members map[string]any // beyond those of every case
	}{
		{"default", nil, map[string]any{"dpop_signing_alg_values_supported": algorithms}},
		{"no DPoP", []string{"-dpop", "off"}, nil},
		{"DPoP required", []string{"-dpop", "required"}, map[string]any{
			"dpop_signing_alg_values_supported": algorithms, "dpop_bound_access_tokens_required": true,
		}},
		{"mTLS", []string{"-dpop", "off", "-mtls", "allowed", "-trusted-proxy", "10.0.0.0/8"}, map[string]any{
			"tls_client_certificate_bound_access_tokens": true,
		}},
		{"mTLS required", []string{"-mtls", "required", "-trusted-proxy", "10.0.0.0/8"}, map[string]any{
			"tls_client_certificate_bound_access_tokens": true, "dpop_signing_alg_values_supported": algorithms,
		}},
		{"IPv6", []string{"-dpop", "off", "-listen", "[::1]:0"}, nil},
		{"a name", []string{"-dpop", "off", "-realm", "The orders"}, map[string]any{"resource_name": "The orders"}},
	} {
		for _, framework := range frameworks {
			t.Run(tt.name+" "+framework, func(t *testing.T) {
				args := append([]string{"-issuer", issuer.URL(), "-issuer", second.URL(), "-audience", audience, "-framework", framework}, tt.args...)
				url := start(t, args...)
				refused := send(t, url, "GET /orders")
				challenges, err := bearertest.ParseChallenges(refused.header["Www-Authenticate"])
				if err != nil || len(challenges) == 0 {
					t.Fatalf("%+v, %v", refused, err)
				}
				for _, c := range challenges {
					if got := c.Params["resource_metadata"]; got != url+resource.WellKnownPath {
						t.Errorf("%s: resource_metadata %q", c.Scheme, got)
					}
				}
				path := strings.TrimPrefix(challenges[0].Params["resource_metadata"], url)
				got := send(t, url, "GET "+path+"\nAuthorization: Bearer junk")
				want := map[string]any{
					"resource": url, "authorization_servers": []any{issuer.URL(), second.URL()},
					"scopes_supported":         []any{"admin", "denials:write", "orders:read", "orders:write", "profile", "reports:read", "settings:write", "transfers:write"},
					"bearer_methods_supported": []any{"header"}, "resource_name": "protectedapi",
				}
				for name, value := range tt.members {
					want[name] = value
				}
				var document map[string]any
				if err := json.Unmarshal([]byte(got.body), &document); err != nil || got.status != 200 || !reflect.DeepEqual(document, want) {
					t.Errorf("%d %s, %v; want %v", got.status, got.body, err, want)
				}
				if got.header.Get("Content-Type") != "application/json" || got.header.Get("Access-Control-Allow-Origin") != "*" ||
					got.header.Get("Cache-Control") != "public, max-age=3600" || got.header.Get("Www-Authenticate") != "" {
					t.Errorf("header %v", got.header)
				}
			})
		}
	}
}

// The API serves the metadata at the URL of RFC 9728, Section 3.1, and nowhere
// else, whatever path the identifier has.
func TestPathOfTheMetadata(t *testing.T) {
	t.Parallel()
	issuer := newIssuer(t)
	for path, elsewhere := range map[string][]string{
		"":            {"/v1"},
		"/":           {"/v1"},
		"/v1":         {"", "/", "/v2", "/v1/x", "/V1", "//v1", "/v1//"},
		"/v1/":        {"", "/v1/x"},
		"/a:b/*c/(d)": {"", "/a:b/x/(d)"},
		"/%7Bd%7D/:e": {"", "/x/y", "/%7Bd%7D/y"},
	} {
		for _, framework := range frameworks {
			t.Run(framework+" "+path, func(t *testing.T) {
				url := start(t, "-issuer", issuer.URL(), "-resource", "https://api.example.com"+path, "-framework", framework)
				at := resource.WellKnownPath + strings.TrimSuffix(path, "/")
				refused := send(t, url, "GET /orders")
				if challenge := refused.header.Get("Www-Authenticate"); !strings.Contains(challenge, `resource_metadata="https://api.example.com`+at) {
					t.Errorf("the challenge is %s", challenge)
				}
				for _, spelling := range []string{at, at + "/"} {
					if got := send(t, url, "GET "+spelling); got.status != 200 || !strings.Contains(got.body, `{"resource":"https://api.example.com`+path+`",`) {
						t.Errorf("%s: %+v", spelling, got)
					}
				}
				for _, path := range elsewhere {
					got := send(t, url, "GET "+resource.WellKnownPath+path)
					if got.status != 404 || got.body != `{"status":404,"error_description":"There is no such path."}` {
						t.Errorf("%s: %+v; want 404", path, got)
					}
				}
			})
		}
	}
}

func TestMethodsOfTheMetadata(t *testing.T) {
	t.Parallel()
	issuer := newIssuer(t)
	const request = " " + resource.WellKnownPath + "\nOrigin: https://anybody.example.com"
	for _, args := range [][]string{nil, {"-cors", "https://app.example.com"}} {
		onEachOf(t, append([]string{"-issuer", issuer.URL(), "-audience", audience}, args...), func(t *testing.T, url string) {
			for _, tt := range []struct {
				request string
				status  int
			}{
				{"GET", 200}, {"HEAD", 200}, {"POST", 405}, {"PUT", 405}, {"DELETE", 405}, {"get", 405},
				{"OPTIONS", 204},
			} {
				got := send(t, url, tt.request+request+"\nAccess-Control-Request-Method: GET\nAccess-Control-Request-Headers: mcp-protocol-version")
				if got.status != tt.status || len(got.header["Access-Control-Allow-Origin"]) != 1 || got.header.Get("Access-Control-Allow-Origin") != "*" {
					t.Errorf("%s: %+v; want %d", tt.request, got, tt.status)
				}
				if tt.status == 405 && (got.header.Get("Allow") != "GET, HEAD, OPTIONS" || got.header.Get("Content-Type") != "application/json") {
					t.Errorf("%s: %v", tt.request, got.header)
				}
				if tt.status == 204 && got.header.Get("Access-Control-Allow-Headers") != "*" {
					t.Errorf("%s: %v", tt.request, got.header)
				}
				if tt.request == "HEAD" && (got.body != "" || got.header.Get("Content-Length") == "0") {
					t.Errorf("HEAD: %q, %v", got.body, got.header)
				}
			}
		})
	}
}

func TestMetadataPassTheSDKsCheck(t *testing.T) {
	t.Parallel()
	issuer := newIssuer(t)
	url := start(t, "-issuer", issuer.URL(), "-audience", audience, "-dpop", "off")
	c := config{resource: url, issuers: []string{issuer.URL()}, realm: "protectedapi"}
	metadata, err := resource.New(c.metadata(c.routes(nil, denials{})))
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	if err := metadata.Check(t.Context(), client); err != nil {
		t.Error(err)
	}
}
