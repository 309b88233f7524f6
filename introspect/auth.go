package introspect

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"

	"golang.org/x/oauth2"

	"github.com/bearerkit/bearerkit/internal/jose"
	"github.com/bearerkit/bearerkit/internal/nilcheck"
	"github.com/bearerkit/bearerkit/internal/tokenendpoint"
	"github.com/bearerkit/bearerkit/internal/weburl"
)

// Auth is how a [Verifier] authenticates at the endpoint (RFC 7662, Section 2.1).
// [New] rejects the zero Auth.
type Auth struct {
	method string // the name in metadata; empty for a bearer token
	client string
	secret hidden // keys are derived from it; nil: no test
	apply  func(ctx context.Context, form url.Values, header http.Header, issuer string) error
	err    error
}

// ClientSecretBasic authenticates by HTTP Basic, with a form-urlencoded client ID
// and secret (RFC 6749, Section 2.3.1).
func ClientSecretBasic(clientID, clientSecret string) Auth {
	a := authOf(tokenendpoint.Auth{Method: tokenendpoint.Basic, ClientID: clientID, Secret: clientSecret})
	a.secret, a.err = hide([]byte(clientSecret)), needed("ClientSecretBasic", clientID, clientSecret)
	return a
}

// ClientSecretPost authenticates by client_id and client_secret in the form
// (RFC 6749, Section 2.3.1).
func ClientSecretPost(clientID, clientSecret string) Auth {
	a := authOf(tokenendpoint.Auth{Method: tokenendpoint.Post, ClientID: clientID, Secret: clientSecret})
	a.secret, a.err = hide([]byte(clientSecret)), needed("ClientSecretPost", clientID, clientSecret)
	return a
}

// authOf returns the Auth for a method that clients use at the token endpoint too.
func authOf(own tokenendpoint.Auth) Auth {
	return Auth{
		method: own.Method, client: own.ClientID,
		apply: func(_ context.Context, form url.Values, header http.Header, issuer string) error {
			return own.Apply(form, header, issuer)
		},
	}
}

func needed(function, id, secret string) error {
	switch {
	case id == "":
		return errors.New(function + ": an empty client ID")
	case secret == "":
		return errors.New(function + ": an empty secret")
	}
	if err := weburl.Unfilled(id); err != nil {
		return fmt.Errorf("%s: the client ID %q: %w", function, id, err)
	}
	return nil
}

// PrivateKeyJWT authenticates by an assertion, which is signed for each request
// (RFC 7523, Section 2.2). The key is PEM (PKCS #8, PKCS #1 or SEC 1) or a private
// JWK. A JWK's kid and alg are used. A PEM key signs with RS256, ES256, ES384,
// ES512 or EdDSA, depending on its type.
func PrivateKeyJWT(clientID string, key []byte) Auth {
	private, err := jose.ParsePrivateKey(key)
	a := authOf(tokenendpoint.Auth{Method: tokenendpoint.PrivateKeyJWT, ClientID: clientID, Key: private})
	if err != nil {
		a.err = fmt.Errorf("PrivateKeyJWT: %w", err)
		return a
	}
	secret, err := private.Secret()
	a.secret, a.err = hide(secret), errors.Join(err, needed("PrivateKeyJWT", clientID, "key"))
	return a
}

const mutualTLS = "tls_client_auth"

// MutualTLS authenticates by the client certificate of [Config.Client], and sends
// the client ID in the form (RFC 8705, Section 2).
func MutualTLS(clientID string) Auth {
	return Auth{
		method: mutualTLS, client: clientID, err: needed("MutualTLS", clientID, "certificate"),
		apply: func(_ context.Context, form url.Values, _ http.Header, _ string) error {
			form.Set("client_id", clientID)
			return nil
		},
	}
}

// BearerToken authenticates by the verifier's own access token (RFC 7662, Section
// 2.1), such as one from golang.org/x/oauth2/clientcredentials. Only one request
// at a time calls the source, so it should cache tokens, as
// oauth2.ReuseTokenSource does. [Config.Timeout] bounds how long a request waits
// for the source, but does not end the call: the source's HTTP client needs its
// own timeout.
func BearerToken(source oauth2.TokenSource) Auth {
	if nilcheck.IsNil(source) {
		return Auth{err: errors.New("BearerToken: a nil source")}
	}
	own := ownToken{source: source, turn: make(chan struct{}, 1)}
	return Auth{apply: func(ctx context.Context, _ url.Values, header http.Header, _ string) error {
		token := own.get(ctx)
		if token == nil {
			return &credentialsError{errors.New("the token source returned no token")}
		}
		header.Set("Authorization", token.Type()+" "+token.AccessToken)
		return nil
	}}
}

// ownToken calls a token source, whose method takes no context.
type ownToken struct {
	source oauth2.TokenSource
	turn   chan struct{}
}

// get returns a token, or nil. It drops the source's error, whose text may contain
// secrets.
func (o *ownToken) get(ctx context.Context) *oauth2.Token {
	select {
	case o.turn <- struct{}{}:
	case <-ctx.Done():
		return nil
	}
	got := make(chan *oauth2.Token, 1)
	go func() { // keeps the turn until the source returns
		defer func() { <-o.turn }()
		token, err := o.source.Token()
		if err != nil {
			token = nil
		}
		got <- token
	}()
	select {
	case token := <-got:
		return token
	case <-ctx.Done():
		return nil
	}
}

// isAmong reports whether methods, from metadata, include the method. Metadata
// cannot list a bearer token (RFC 8414, Section 2), and mutual TLS has two names.
func (a Auth) isAmong(methods []string) bool {
	return a.method == "" || slices.Contains(methods, a.method) ||
		a.method == mutualTLS && slices.Contains(methods, "self_signed_tls_client_auth")
}

func (a Auth) check() error {
	if a.err == nil && a.apply == nil {
		return errors.New("the zero Auth; want a way to authenticate, such as ClientSecretBasic")
	}
	return a.err
}

// credentialsError means that the endpoint rejects the verifier's credentials, or
// that the verifier could not get any. It does not unwrap its cause: the status of
// the response is no reason to blame the request.
type credentialsError struct{ err error }

func (e *credentialsError) Error() string { return "our own credentials: " + e.err.Error() }
