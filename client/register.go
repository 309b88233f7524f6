package client

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/bearerkit/bearerkit/internal/fetch"
	"github.com/bearerkit/bearerkit/internal/jose"
	"github.com/bearerkit/bearerkit/internal/strictjson"
	"github.com/bearerkit/bearerkit/internal/tokenendpoint"
)

// registration is who the client is at one authorization server.
type registration struct {
	issuer   string
	redirect string // the redirect URI of a dynamic registration. Empty: of no matter
	auth     tokenendpoint.Auth
	expires  time.Time // of the secret. Zero: never
}

// fits reports whether the client may log in with the registration.
func (r *registration) fits(issuer, redirect string) bool {
	return r != nil && r.issuer == issuer && (r.redirect == "" || r.redirect == redirect) &&
		(r.expires.IsZero() || time.Now().Before(r.expires))
}

// register returns who the client is, in the order of the MCP specification
// (2025-11-25, "Client Registration Approaches"): as registered in advance, by the
// URL of a metadata document, or by dynamic registration.
func (l *Login) register(ctx context.Context, found Discovery, redirect string) (*registration, error) {
	c := l.config
	r := &registration{issuer: found.Issuer}
	id := c.ClientID
	if id == "" && found.server.ClientIDMetadata {
		id = c.ClientMetadataURL
	}
	if id != "" {
		var err error
		if r.auth, err = tokenendpoint.Choose(id, c.ClientSecret, l.key, found.server.TokenAuthMethods); err != nil {
			return nil, &sourceError{remedy: FixRequest, text: err.Error()}
		}
		return r, nil
	}
	if l.registered.fits(found.Issuer, redirect) {
		return l.registered, nil
	}
	if found.RegistrationEndpoint == "" || c.ClientName == "" {
		missing := "does not register clients by itself; register this program there, and set LoginConfig.ClientID"
		if c.ClientName == "" {
			missing = "does not know clients by ClientMetadataURL; set LoginConfig.ClientID or ClientName"
		}
		return nil, &sourceError{remedy: FixRequest, text: fmt.Sprintf("the authorization server %q %s", fetch.Redact(found.Issuer), missing)}
	}
	r.redirect = redirect
	if err := r.ask(ctx, l.client, found, l.metadata(found, redirect)); err != nil {
		return nil, err
	}
	return r, nil
}

// clientMetadata is the request of a dynamic registration (RFC 7591, Section 2).
type clientMetadata struct {
	ClientName      string   `json:"client_name"`
	RedirectURIs    []string `json:"redirect_uris"`
	GrantTypes      []string `json:"grant_types"`
	ResponseTypes   []string `json:"response_types"`
	AuthMethod      string   `json:"token_endpoint_auth_method"`
	ApplicationType string   `json:"application_type"` // OpenID Connect Dynamic Client Registration 1.0, Section 2
	DPoP            bool     `json:"dpop_bound_access_tokens,omitzero"`
}

func (l *Login) metadata(found Discovery, redirect string) clientMetadata {
	m := clientMetadata{
		ClientName: l.config.ClientName, RedirectURIs: []string{redirect},
		GrantTypes: []string{"authorization_code", "refresh_token"}, ResponseTypes: []string{"code"},
		AuthMethod: registeredMethod(found.server.TokenAuthMethods), ApplicationType: "web", DPoP: l.prover != nil,
	}
	if l.listens {
		m.ApplicationType = "native" // RFC 8252
	}
	return m
}

// registeredMethod chooses how a client that registers itself authenticates: not at
// all if the server allows that, since PKCE protects its codes and a secret would
// have to be kept.
func registeredMethod(supported []string) string {
	for _, method := range []string{tokenendpoint.None, tokenendpoint.Basic, tokenendpoint.Post} {
		for _, offered := range supported {
			if method == offered {
				return method
			}
		}
	}
	return tokenendpoint.Basic // RFC 8414, Section 2
}

// maxRegistration bounds the answer to a registration, in bytes.
const maxRegistration = 64 << 10

// ask registers the client (RFC 7591, Section 3).
func (r *registration) ask(ctx context.Context, client *fetch.Client, found Discovery, m clientMetadata) error {
	document, err := json.Marshal(m)
	if err != nil {
		return &sourceError{remedy: FixRequest, text: "the registration cannot be encoded", err: err}
	}
	ctx, cancel := context.WithTimeout(ctx, discoveryTimeout)
	defer cancel()
	response, err := client.PostJSON(ctx, found.RegistrationEndpoint, document, http.Header{"Accept": {"application/json"}}, maxRegistration)
	if err != nil {
		return discoveryError("the registration at "+fetch.Redact(found.RegistrationEndpoint), err)
	}
	if err := r.read(response.Body, m.AuthMethod); err != nil {
		return &sourceError{remedy: FixRequest, text: "the registration: " + err.Error(), err: err}
	}
	return nil
}

// read reads the answer to a registration (RFC 7591, Section 3.2.1). asked is the
// authentication that the client asked for; the server may choose another one.
func (r *registration) read(document []byte, asked string) error {
	r.auth.Method = asked
	err := strictjson.Object(document, func(name []byte, value strictjson.Value) (err error) {
		switch string(name) {
		case "client_id":
			r.auth.ClientID, err = strictjson.String(value)
		case "client_secret":
			if value.Kind() != 'n' {
				r.auth.Secret, err = strictjson.String(value)
			}
		case "token_endpoint_auth_method":
			if value.Kind() != 'n' { // null is as if it were absent
				r.auth.Method, err = strictjson.String(value)
			}
		case "client_secret_expires_at":
			if at, wrong := strconv.ParseInt(string(value), 10, 64); wrong == nil && at > 0 {
				r.expires = time.Unix(at, 0)
			}
		}
		return err
	})
	switch {
	case err != nil:
		return fmt.Errorf("not a registration: %w", err)
	case r.auth.ClientID == "":
		return errors.New("it has no client_id")
	case r.auth.Method == tokenendpoint.None:
		return nil
	case r.auth.Method != tokenendpoint.Basic && r.auth.Method != tokenendpoint.Post:
		return fmt.Errorf("its token_endpoint_auth_method is %.40q, want none, client_secret_basic or client_secret_post", r.auth.Method)
	case r.auth.Secret == "":
		return errors.New("it has no client_secret")
	}
	return nil
}

// parsePrivateKey reads the key for private_key_jwt. It returns nil for none.
func parsePrivateKey(data []byte) (*jose.PrivateKey, error) {
	if len(data) == 0 {
		return nil, nil
	}
	return jose.ParsePrivateKey(data)
}
