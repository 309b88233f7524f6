package dpop_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/bearerkit/bearerkit/dpop"
	"github.com/bearerkit/bearerkit/internal/jose"
)

func TestNewReportsAllMistakes(t *testing.T) {
	_, err := dpop.New(dpop.Config{
		Origin: "https://api.example.com/", Algorithms: []string{"none", "HS256", "ES256"},
		MaxAge: time.Hour, MaxAhead: 6 * time.Minute, Replays: (*dpop.MemoryReplays)(nil),
	})
	if err == nil {
		t.Fatal("accepted")
	}
	for _, want := range []string{"Config.Origin", "Config.Algorithms", `"none"`, `"HS256"`, "Config.MaxAge is 1h", "Config.MaxAhead is 6m", "Config.Replays"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not say %q", err, want)
		}
	}
	if _, err := dpop.New(dpop.Config{Origin: origin, MaxAge: -1}); err == nil || !strings.Contains(err.Error(), "MaxAge is -1ns; want") {
		t.Errorf("a negative MaxAge: %v", err)
	}
}

// C11; D28: RFC 9449, Section 11.6.
func TestOriginAndAlgorithms(t *testing.T) {
	for _, good := range []string{
		"https://api.example.com", "https://api.example.com:8443", "HTTPS://API.example.com:443", "https://[::1]:8443",
		"https://192.0.2.1", "http://localhost:8080", "http://127.0.0.1", "http://[::1]",
	} {
		if _, err := dpop.New(dpop.Config{Origin: good}); err != nil {
			t.Errorf("%q: %v", good, err)
		}
	}
	for _, bad := range []string{
		"", "api.example.com", "//api.example.com", "http://api.example.com", "https://", "https:///", "https://api.example.com/",
		"https://api.example.com/v1", "https://api.example.com?", "https://api.example.com?a", "https://api.example.com#", "https://me:pw@api.example.com",
		"https://api.example.com:0", "http://api.localhost", // Reports G9
		"https://api.example.com:x", "https://api.example.com:65536", "ftp://api.example.com", "https://a b",
		"https://äpi.example.com", "https://%61pi.example.com", "https://[fe80::1%25eth0]", "https://[::1", "*",
	} {
		if _, err := dpop.New(dpop.Config{Origin: bad}); err == nil {
			t.Errorf("%q is accepted", bad)
		} else if strings.Contains(err.Error(), "pw") {
			t.Errorf("%v tells the password", err)
		}
	}
	for _, bad := range []string{"none", "", "HS256", "es256", "ES256K", "RSA-OAEP", "dir"} {
		if _, err := dpop.New(dpop.Config{Origin: origin, Algorithms: []string{bad}}); err == nil {
			t.Errorf("%q is accepted", bad)
		}
	}
}

func TestNewProofRefuses(t *testing.T) {
	c := newClient(t, "ES256")
	p224, err := ecdsa.GenerateKey(elliptic.P224(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := dpop.NewProof(dpop.ProofConfig{Key: p224, Algorithm: "ES256", Method: "GET", URL: origin, AccessToken: token}); err == nil {
		t.Error("a key of a curve that is not supported")
	}
	for _, alg := range []string{"", "none", "ES384", "RS256", "HS256", `ES256"`} {
		if _, err := dpop.NewProof(dpop.ProofConfig{Key: c.signer, Algorithm: alg, Method: "GET", URL: origin, AccessToken: token}); err == nil {
			t.Errorf("alg %q", alg)
		}
	}
	const notURI, userinfo = "not an absolute http or https URI", "a URI with userinfo"
	for url, want := range map[string]string{
		"": notURI, "/orders": notURI, "ftp://a/b": notURI, "https:///b": "a URI with an invalid host", "https://a:b/c": "a URI with an invalid port",
		"https://me@a/b": userinfo, "https://@a/b": userinfo, "https://me:pw@a/b": userinfo, "https://me:1@[::1]/b": userinfo,
	} {
		if _, err := dpop.NewProof(dpop.ProofConfig{Key: c.signer, Algorithm: "ES256", Method: "GET", URL: url, AccessToken: token}); err == nil || err.Error() != "dpop: ProofConfig.URL: "+want {
			t.Errorf("url %q: %v, want %s", url, err, want)
		}
	}
	if _, err := dpop.NewProof(dpop.ProofConfig{Key: c.signer, Algorithm: "ES256", Method: "GET", URL: origin, AccessToken: token, Nonce: "\xff"}); err == nil {
		t.Error("a nonce that is not UTF-8")
	}
}

// A proof has the URL without query and fragment, and the claims ath and nonce only
// where there are any (RFC 9449, Section 4.2).
func TestClaimsOfNewProof(t *testing.T) {
	c := newClient(t, "ES256")
	for _, tt := range []struct {
		url, token, nonce, htu string
	}{
		{origin + "/orders?a=b#c", token, "n", origin + "/orders"},
		{origin + "/orders#c?d", token, "", origin + "/orders"},
		{origin + "/orders", "", "n", origin + "/orders"},
		{origin, "", "", origin},
	} {
		proof, err := dpop.NewProof(dpop.ProofConfig{Key: c.signer, Algorithm: "ES256", Method: "GET", URL: tt.url, AccessToken: tt.token, Nonce: tt.nonce})
		if err != nil {
			t.Fatal(err)
		}
		jws, err := jose.Parse(proof)
		if err != nil {
			t.Fatal(err)
		}
		var claims map[string]any
		if err := json.Unmarshal(jws.Payload, &claims); err != nil {
			t.Fatal(err)
		}
		_, bound := claims["ath"]
		nonce, issued := claims["nonce"]
		if claims["htu"] != tt.htu || claims["htm"] != "GET" || bound != (tt.token != "") || issued != (tt.nonce != "") || issued && nonce != tt.nonce {
			t.Errorf("%+v gives %v", tt, claims)
		}
	}
}
