package client

import (
	"errors"
	"net/url"
	"testing"
)

// A code counts only if the response has exactly one, and is from the server that was
// asked (RFC 9207, Section 2.4).
func FuzzAuthorizationResponse(f *testing.F) {
	const issuer = "https://login.example.com"
	f.Add("code=a&state=s&iss=https%3A%2F%2Flogin.example.com", true)
	f.Add("code=a&state=s", false)
	f.Add("code=a&code=b&state=s&iss=https://login.example.com", true)
	f.Add("error=access_denied&error_description=%0d%0a&state=s", false)
	f.Add("iss=&code=a", false)
	f.Fuzz(func(t *testing.T, query string, required bool) {
		values, err := url.ParseQuery(query)
		if err != nil {
			return
		}
		a := attempt{issuer: issuer, issRequired: required}
		code, err := a.code(values)
		if err != nil {
			if _, ok := errors.AsType[*sourceError](err); !ok || code != "" {
				t.Errorf("code %q with the error %T", code, err)
			}
			return
		}
		_, named := values["iss"]
		if code == "" || len(values["code"]) != 1 || values.Has("error") && values.Get("error") != "" || named && values.Get("iss") != issuer || required && !named {
			t.Errorf("accepted %q", query)
		}
	})
}

// A registration names the client, and has the secret that its authentication needs
// (RFC 7591, Section 3.2.1).
func FuzzRegistration(f *testing.F) {
	f.Add([]byte(`{"client_id":"a"}`), "none")
	f.Add([]byte(`{"client_id":"a","client_secret":"s","client_secret_expires_at":0}`), "client_secret_basic")
	f.Add([]byte(`{"client_id":"a","token_endpoint_auth_method":"private_key_jwt"}`), "none")
	f.Add([]byte(`{"client_id":["a"]}`), "none")
	f.Fuzz(func(t *testing.T, document []byte, asked string) {
		var r registration
		if r.read(document, asked) != nil {
			return
		}
		switch r.auth.Method {
		case "none":
		case "client_secret_basic", "client_secret_post":
			if r.auth.Secret == "" {
				t.Errorf("no secret in %q", document)
			}
		default:
			t.Errorf("accepted the authentication %q", r.auth.Method)
		}
		if r.auth.ClientID == "" {
			t.Errorf("no ID in %q", document)
		}
	})
}
