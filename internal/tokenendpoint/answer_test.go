package tokenendpoint_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/bearerkit/bearerkit/internal/fetch"
	"github.com/bearerkit/bearerkit/internal/jose"
	"github.com/bearerkit/bearerkit/internal/tokenendpoint"
)

// RFC 6749, Section 5.2. What is no such answer, or an outage, is not a refusal.
func TestRefusal(t *testing.T) {
	for _, tt := range []struct {
		status int
		body   string
		text   string // of a Refusal; empty: not a refusal
	}{
		{400, `{"error":"invalid_grant"}`, `the server refuses the request with 400, "invalid_grant"`},
		{401, `{"error":"invalid_client","error_description":"who?"}`, `the server refuses the request with 401, "invalid_client" ("who?")`},
		{499, `{"error":"x"}`, `the server refuses the request with 499, "x"`},
		{400, `{"error":"x","error_description":7}`, `the server refuses the request with 400, "x"`},
		{400, `{"error":"` + strings.Repeat("e", 300) + `"}`, `the server refuses the request with 400, "` + strings.Repeat("e", 200) + `"`},
		{400, `{"error":"a\u001f b~\u007f"}`, `the server refuses the request with 400, "a? b~?"`},
		{500, `{"error":"x"}`, ""},
		{503, `{"error":"temporarily_unavailable"}`, ""},
		{400, `{"error":""}`, ""},
		{400, `{}`, ""},
		{400, `{"error":"x"`, ""},
		{400, `{"error":"x","error":"y"}`, ""},
		{400, `{"error":7}`, ""},
	} {
		e := endpoint(func(*http.Request) (*http.Response, error) { return answer(tt.status, tt.body), nil }, tokenendpoint.Config{})
		token, err := e.Token(t.Context(), form)
		refusal, refused := errors.AsType[*tokenendpoint.Refusal](err)
		if token != nil || err == nil || refused != (tt.text != "") || refused && (refusal.Error() != tt.text || refusal.Status != tt.status) {
			t.Errorf("%d %.60q: %v, %v", tt.status, tt.body, token, err)
		}
		if failed, ok := errors.AsType[*fetch.StatusError](err); !refused && (!ok || failed.Status != tt.status) {
			t.Errorf("%d %.60q: %v", tt.status, tt.body, err)
		}
	}
}

// RFC 6750, Section 2.1: the characters of a token.
func TestTokenCharacters(t *testing.T) {
	const legal = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/"
	for char := range rune(256) {
		document, err := json.Marshal(map[string]string{"access_token": "a" + string(char) + "b", "token_type": "Bearer"})
		if err != nil {
			t.Fatal(err)
		}
		e := endpoint(func(*http.Request) (*http.Response, error) { return answer(200, string(document)), nil }, tokenendpoint.Config{})
		if _, err := e.Token(t.Context(), form); (err == nil) != strings.ContainsRune(legal, char) {
			t.Errorf("%q: %v", char, err)
		}
	}
	for token, ok := range map[string]bool{"a==": true, "=": false, "a=b": false, "==a": false} {
		e := endpoint(func(*http.Request) (*http.Response, error) {
			return answer(200, `{"access_token":"`+token+`","token_type":"Bearer"}`), nil
		}, tokenendpoint.Config{})
		if _, err := e.Token(t.Context(), form); (err == nil) != ok {
			t.Errorf("%q: %v", token, err)
		}
	}
}

// Optional members of another kind are as if they were absent.
func TestOptionalMembers(t *testing.T) {
	e := endpoint(func(*http.Request) (*http.Response, error) {
		return answer(200, `{"access_token":"a","token_type":"Bearer","scope":null,"id_token":["x"],"issued_token_type":7}`), nil
	}, tokenendpoint.Config{})
	token, err := e.Token(t.Context(), form)
	if err != nil || token.Extra("scope") != nil || token.Extra("id_token") != nil {
		t.Errorf("%+v, %v", token, err)
	}
	e = endpoint(func(*http.Request) (*http.Response, error) {
		return answer(200, `{"access_token":"a","token_type":"Bearer","scope":"x y","id_token":"i"}`), nil
	}, tokenendpoint.Config{})
	if token, err = e.Token(t.Context(), form); err != nil || token.Extra("scope") != "x y" || token.Extra("id_token") != "i" {
		t.Errorf("%+v, %v", token, err)
	}
}

// RFC 7523, Section 3: the assertion of private_key_jwt. Each request has a new one.
func TestAssertion(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := jose.ParsePrivateKey(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	if err != nil {
		t.Fatal(err)
	}
	public, err := jose.NewKey(key.Public(), "")
	if err != nil {
		t.Fatal(err)
	}
	for issuer, audience := range map[string]string{"": at, "https://login.example.com": "https://login.example.com"} {
		var forms []url.Values
		e := endpoint(func(r *http.Request) (*http.Response, error) {
			err := r.ParseForm()
			forms = append(forms, r.PostForm)
			return answer(200, `{"access_token":"a","token_type":"Bearer"}`), err
		}, tokenendpoint.Config{Issuer: issuer, Auth: tokenendpoint.Auth{Method: tokenendpoint.PrivateKeyJWT, ClientID: "app", Key: private}})
		seen := map[string]bool{}
		for range 2 {
			if _, err := e.Token(t.Context(), form); err != nil {
				t.Fatal(err)
			}
			sent := forms[len(forms)-1]
			if sent.Get("client_id") != "app" || sent.Get("client_assertion_type") != "urn:ietf:params:oauth:client-assertion-type:jwt-bearer" {
				t.Errorf("form %v", sent)
			}
			jws, err := jose.Parse(sent.Get("client_assertion"))
			if err != nil {
				t.Fatal(err)
			}
			if err := public.Verify("ES256", jws.SigningInput, jws.Signature); err != nil {
				t.Error(err)
			}
			var claims struct {
				Iss, Sub, Aud, Jti string
				Iat, Exp           int64
			}
			if err := json.Unmarshal(jws.Payload, &claims); err != nil {
				t.Fatal(err)
			}
			if now := time.Now().Unix(); claims.Iss != "app" || claims.Sub != "app" || claims.Aud != audience || seen[claims.Jti] ||
				claims.Iat > now || claims.Iat < now-5 || claims.Exp != claims.Iat+60 {
				t.Errorf("claims %+v", claims)
			}
			seen[claims.Jti] = true
		}
	}
}

// A method without its credentials, or an unknown one, sends nothing.
func TestUnusableAuth(t *testing.T) {
	for _, method := range []string{tokenendpoint.PrivateKeyJWT, "tls_client_auth"} {
		e := endpoint(func(*http.Request) (*http.Response, error) {
			t.Errorf("%s: a request was sent", method)
			return answer(200, `{}`), nil
		}, tokenendpoint.Config{Auth: tokenendpoint.Auth{Method: method, ClientID: "app"}})
		if _, err := e.Token(t.Context(), form); err == nil {
			t.Errorf("%s: no error", method)
		}
		if _, err := e.Exchange(t.Context(), form, "x"); err == nil {
			t.Errorf("%s: no error of the exchange", method)
		}
	}
}

// A proof that cannot be made is an error, and nothing is sent.
func TestProofFails(t *testing.T) {
	e := endpoint(func(*http.Request) (*http.Response, error) {
		t.Error("a request was sent")
		return answer(200, `{}`), nil
	}, tokenendpoint.Config{Proof: func(string, string) (string, error) { return "", fmt.Errorf("no entropy") }})
	if _, err := e.Token(t.Context(), form); err == nil || !strings.Contains(err.Error(), "no entropy") {
		t.Errorf("error %v", err)
	}
}
