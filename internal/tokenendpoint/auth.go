package tokenendpoint

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/bearerkit/bearerkit/internal/jose"
)

// Methods of client authentication (RFC 7591, Section 2; OpenID Connect Core 1.0,
// Section 9).
const (
	None          = "none"
	Basic         = "client_secret_basic"
	Post          = "client_secret_post"
	PrivateKeyJWT = "private_key_jwt"
)

// Auth is how a client authenticates at the token endpoint.
type Auth struct {
	Method   string // None, Basic, Post or PrivateKeyJWT
	ClientID string
	Secret   string           // for Basic and Post
	Key      *jose.PrivateKey // for PrivateKeyJWT
}

// Choose returns the first method for the credentials that is among those that the
// server supports. Nil supported means that the metadata does not say: then
// client_secret_basic is the default (RFC 8414, Section 2). A client without
// credentials only names itself, whether or not the server lists that as a method.
func Choose(clientID, secret string, key *jose.PrivateKey, supported []string) (Auth, error) {
	a := Auth{ClientID: clientID, Secret: secret, Key: key}
	switch methods := a.methods(); {
	case supported == nil || methods[0] == None:
		a.Method = methods[0]
	default:
		i := slices.IndexFunc(methods, func(m string) bool { return slices.Contains(supported, m) })
		if i < 0 {
			return Auth{}, fmt.Errorf("the server supports %.100q as client authentication, want one of %q", supported[:min(len(supported), 5)], methods)
		}
		a.Method = methods[i]
	}
	return a, nil
}

// Fits reports whether the credentials are for the method.
func (a Auth) Fits() bool { return slices.Contains(a.methods(), a.Method) }

// methods returns the methods that the credentials are for, the best first.
func (a Auth) methods() []string {
	switch {
	case a.Key != nil:
		return []string{PrivateKeyJWT}
	case a.Secret != "":
		return []string{Basic, Post}
	}
	return []string{None}
}

// assertionTTL is the lifetime of an assertion.
const assertionTTL = time.Minute

// Apply adds the client's credentials to a request. issuer is the audience of an
// assertion.
func (a Auth) Apply(form url.Values, header http.Header, issuer string) error {
	switch a.Method {
	case None:
		form.Set("client_id", a.ClientID)
	case Basic: // RFC 6749, Section 2.3.1
		pair := url.QueryEscape(a.ClientID) + ":" + url.QueryEscape(a.Secret)
		header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(pair)))
	case Post:
		form.Set("client_id", a.ClientID)
		form.Set("client_secret", a.Secret)
	case PrivateKeyJWT: // RFC 7523, Section 2.2
		assertion, err := a.assertion(issuer)
		if err != nil {
			return err
		}
		form.Set("client_id", a.ClientID)
		form.Set("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
		form.Set("client_assertion", assertion)
	default:
		return fmt.Errorf("client authentication by %.40q is not supported", a.Method)
	}
	return nil
}

func (a Auth) assertion(issuer string) (string, error) {
	if a.Key == nil {
		return "", errors.New("private_key_jwt needs a key")
	}
	header := map[string]string{"alg": string(a.Key.Algorithm()), "typ": "JWT"}
	if a.Key.ID() != "" {
		header["kid"] = a.Key.ID()
	}
	head, err := json.Marshal(header, json.Deterministic(true))
	if err != nil {
		return "", err
	}
	now := time.Now()
	claims, err := json.Marshal(map[string]any{
		"iss": a.ClientID, "sub": a.ClientID, "aud": issuer, "jti": rand.Text(),
		"iat": now.Unix(), "exp": now.Add(assertionTTL).Unix(),
	})
	if err != nil {
		return "", err
	}
	return a.Key.Sign(head, claims)
}
