package main

import (
	"io"
	"strings"
	"testing"

	"github.com/bearerkit/bearerkit/bearer/bearertest"
	"github.com/bearerkit/bearerkit/resource"
)

// Reports L7, checklist C11: in a container network the issuer and the API have
// service names and use plain HTTP. One flag allows that everywhere.
func TestServiceNamesOverHTTP(t *testing.T) {
	t.Parallel()
	const name, api = "http://keycloak:8080/realms/shop", "http://orders:8080"
	issuer := newIssuer(t)
	mine := newHolder(t)
	claims := mine.cnf()
	claims["iss"] = name
	token := issuer.Mint(bearertest.Token{Claims: claims})
	args := []string{"-issuer", name, "-jwks-uri", issuer.URL() + "/jwks", "-audience", audience, "-resource", api, "-insecure-allow-http"}
	for _, framework := range frameworks {
		url := start(t, append(args, "-framework", framework)...)
		refused := send(t, url, "GET /orders")
		challenges, err := bearertest.ParseChallenges(refused.header["Www-Authenticate"])
		if err != nil || len(challenges) != 2 || challenges[0].Params["resource_metadata"] != api+resource.WellKnownPath {
			t.Errorf("%s: %+v, %v", framework, refused, err)
		}
		got := send(t, url, "GET "+resource.WellKnownPath)
		if got.status != 200 || !strings.Contains(got.body, `"resource":"`+api+`"`) || !strings.Contains(got.body, `"authorization_servers":["`+name+`"]`) {
			t.Errorf("%s: %+v", framework, got)
		}
		if got := send(t, url, "GET /me"+dpopScheme+token+mine.proof(api, "GET /me", token, "")); got.status != 200 {
			t.Errorf("%s: a proof for the service name: %+v", framework, got)
		}
	}

	// Without the flag the program refuses each such URL, and names the flag.
	for _, wrong := range [][]string{
		{"-issuer", name},
		{"-issuer", issuer.URL(), "-jwks-uri", name + "/jwks"},
		{"-issuer", issuer.URL(), "-resource", api},
		{"-issuer", issuer.URL(), "-client-id", "api", "-client-secret", "s", "-introspection-endpoint", name + "/introspect"},
	} {
		var stderr strings.Builder
		if code := run(append([]string{"-listen", "127.0.0.1:0"}, wrong...), io.Discard, &stderr); code != exitUsage || !strings.Contains(stderr.String(), "-insecure-allow-http") {
			t.Errorf("%q: %d, %s", wrong, code, stderr.String())
		}
	}
	if code := run(append([]string{"-listen", "127.0.0.1:0", "-profile", "fapi2"}, args...), io.Discard, io.Discard); code != exitUsage {
		t.Errorf("with -profile fapi2: %d", code)
	}
}
