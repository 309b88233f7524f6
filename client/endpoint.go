package client

import (
	"crypto"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"

	"github.com/bearerkit/bearerkit/internal/fetch"
	"github.com/bearerkit/bearerkit/internal/jose"
	"github.com/bearerkit/bearerkit/internal/tokenendpoint"
)

// Endpoint is a token endpoint (RFC 6749, Section 3.2), and how the client
// authenticates there: by ClientSecret, by PrivateKey or, if it is a public client,
// by neither.
type Endpoint struct {
	// URL is the URL of the token endpoint. http is allowed only for loopback hosts,
	// unless InsecureAllowHTTP is set. Required.
	URL string

	// ClientID is the client's ID. Required.
	ClientID string

	// ClientSecret authenticates the client by HTTP Basic (client_secret_basic), or in
	// the form if SecretInForm is set (client_secret_post). Default: none.
	ClientSecret string
	SecretInForm bool

	// PrivateKey authenticates the client by signed assertions (private_key_jwt, RFC
	// 7523, Section 2.2). It is PEM (PKCS #8, PKCS #1 or SEC 1) or a private JWK, whose
	// kid and alg are used. Default: none.
	PrivateKey []byte

	// Issuer is the issuer identifier of the authorization server, the audience of
	// the assertions. Default: URL.
	Issuer string

	// Key signs DPoP proofs and binds the tokens to it (RFC 9449, Section 5), like
	// [Config.Key]. Tokens of another type are then refused. Default: nil, Bearer.
	Key crypto.Signer

	// Params holds more parameters for each token request, such as audience for Auth0.
	// They do not replace those of the grant. Default: none.
	Params url.Values

	// HTTP sends the requests, without its cookies. Default: a client with a timeout
	// for each phase of a request.
	HTTP *http.Client

	// InsecureAllowHTTP allows an http URL with a host that is not loopback. Anyone on
	// the network path can then read the client's secret and its tokens.
	InsecureAllowHTTP bool
}

// compile checks the endpoint. The error joins all mistakes, with the name of the
// field that holds the endpoint.
func (e Endpoint) compile(field string) (*tokenEndpoint, error) {
	var errs []error
	mistake := func(name string, err error) {
		errs = append(errs, fmt.Errorf("client: %s.%s: %w", field, name, err))
	}
	c := tokenendpoint.Config{Client: fetch.New(e.HTTP, e.InsecureAllowHTTP), URL: e.URL, Issuer: e.Issuer}
	c.Auth = tokenendpoint.Auth{Method: tokenendpoint.None, ClientID: e.ClientID, Secret: e.ClientSecret}
	if _, err := fetch.CheckURL(e.URL, e.InsecureAllowHTTP); err != nil {
		mistake("URL", err)
	}
	if e.ClientID == "" {
		mistake("ClientID", errors.New("is empty; want the client's ID"))
	}
	switch {
	case e.ClientSecret != "" && len(e.PrivateKey) > 0:
		mistake("PrivateKey", errors.New("is set, and ClientSecret too; want one of them"))
	case e.SecretInForm && e.ClientSecret == "":
		mistake("SecretInForm", errors.New("is set without a ClientSecret"))
	case e.SecretInForm:
		c.Auth.Method = tokenendpoint.Post
	case e.ClientSecret != "":
		c.Auth.Method = tokenendpoint.Basic
	case len(e.PrivateKey) > 0:
		key, err := jose.ParsePrivateKey(e.PrivateKey)
		if err != nil {
			mistake("PrivateKey", err)
		}
		c.Auth.Method, c.Auth.Key = tokenendpoint.PrivateKeyJWT, key
	}
	prover, err := newProver(field+".Key", e.Key)
	if err != nil {
		errs = append(errs, err)
	}
	if prover != nil {
		c.Proof = prover.proveTokenRequest
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	return &tokenEndpoint{tokenendpoint.New(c), maps.Clone(e.Params)}, nil
}

// tokenEndpoint is a compiled Endpoint.
type tokenEndpoint struct {
	*tokenendpoint.Endpoint
	params url.Values
}

// form returns the form for a grant.
func (e *tokenEndpoint) form(grantType string) url.Values {
	form := url.Values{}
	maps.Copy(form, e.params)
	form.Set("grant_type", grantType)
	return form
}
