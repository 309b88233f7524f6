package discovery

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/bearerkit/bearerkit/internal/fetch"
	"github.com/bearerkit/bearerkit/internal/strictjson"
)

// Login holds the members of an authorization server's metadata that clients use.
// A malformed member is as if it were absent, so that resource servers, which do
// not use these members, do not depend on them.
type Login struct {
	// The URLs of endpoints. Each is empty if absent; otherwise any string.
	AuthorizationEndpoint, TokenEndpoint, RegistrationEndpoint string

	// TokenAuthMethods lists the ways in which clients may authenticate at the
	// token endpoint. Nil if absent.
	TokenAuthMethods []string

	// ChallengeMethods lists the PKCE methods (RFC 7636). Nil if absent.
	ChallengeMethods []string

	// ScopesSupported lists scopes. Nil if absent.
	ScopesSupported []string

	// ClientIDMetadata says that a client ID may be the URL of a document
	// (draft-ietf-oauth-client-id-metadata-document, Section 5).
	ClientIDMetadata bool

	// IssInAnswer says that authorization responses have the parameter iss (RFC
	// 9207, Section 3). It is true if the member is malformed, since false would
	// weaken the client's check.
	IssInAnswer bool
}

func (l *Login) read(name string, value strictjson.Value) {
	switch name {
	case string(AuthorizationEndpoint):
		l.AuthorizationEndpoint, _ = strictjson.String(value)
	case string(TokenEndpoint):
		l.TokenEndpoint, _ = strictjson.String(value)
	case string(RegistrationEndpoint):
		l.RegistrationEndpoint, _ = strictjson.String(value)
	case "token_endpoint_auth_methods_supported":
		l.TokenAuthMethods = stringsOrNil(value)
	case "code_challenge_methods_supported":
		l.ChallengeMethods = stringsOrNil(value)
	case "scopes_supported":
		l.ScopesSupported = stringsOrNil(value)
	case "client_id_metadata_document_supported":
		l.ClientIDMetadata, _ = strictjson.Bool(value)
	case "authorization_response_iss_parameter_supported":
		supported, err := strictjson.Bool(value)
		l.IssInAnswer = supported || err != nil && value.Kind() != 'n'
	}
}

func stringsOrNil(value strictjson.Value) []string {
	list, err := strictjson.Strings(value)
	if err != nil {
		return nil
	}
	return list
}

// FindForClient fetches the metadata of issuer as a client that wants tokens. It
// tries the well-known URLs in the order of the MCP specification. The document
// must name the issuer and have a valid token_endpoint. Other endpoints must be
// valid if they are there. The error is as that of [Find].
func FindForClient(ctx context.Context, client *fetch.Client, issuer string) (Metadata, error) {
	urls, err := candidatesOfMCP(client, issuer)
	if err != nil {
		return Metadata{}, fmt.Errorf("no metadata: the issuer: %w", err)
	}
	return first(ctx, client, urls, func(doc []byte) (Metadata, error) {
		m, err := Parse(doc, issuer)
		if err == nil {
			err = m.checkForClient(client, issuer)
		}
		return m, err
	})
}

// FindAtOrigin fetches the metadata of the authorization server at an API's own
// origin, as clients did by the MCP specification of 2025-03-26. The document may
// name any issuer of that origin, which controls the document in any case. The
// error is an [*Error].
func FindAtOrigin(ctx context.Context, client *fetch.Client, origin string) (Metadata, error) {
	return first(ctx, client, []string{origin + "/.well-known/oauth-authorization-server"}, func(doc []byte) (Metadata, error) {
		m, err := parse(doc)
		if err != nil {
			return Metadata{}, err
		}
		if u, err := url.Parse(m.Issuer); err != nil || u.Scheme+"://"+u.Host != origin {
			return Metadata{}, fmt.Errorf("its issuer is %q, want an issuer at %q", clipped(m.Issuer), origin)
		}
		return m, m.checkForClient(client, origin)
	})
}

// checkForClient checks the endpoints that clients use.
func (m Metadata) checkForClient(client *fetch.Client, from string) error {
	errs := []error{m.check(client, from, TokenEndpoint)}
	for _, member := range []Member{AuthorizationEndpoint, RegistrationEndpoint} {
		if m.URL(member) != "" {
			errs = append(errs, m.check(client, from, member))
		}
	}
	return errors.Join(errs...)
}

// NotFound reports whether each URL that was tried answered that it has no
// document.
func (e *Error) NotFound() bool {
	for _, err := range e.failures {
		if !isAbsent(err) {
			return false
		}
	}
	return len(e.failures) > 0
}

// isAbsent reports whether a server answered that it has no document: with a 4xx
// status that does not ask the client to come back.
func isAbsent(err error) bool {
	answer, ok := errors.AsType[*fetch.StatusError](err)
	return ok && answer.Status >= 400 && answer.Status < 500 &&
		answer.Status != http.StatusRequestTimeout && answer.Status != http.StatusTooEarly && answer.Status != http.StatusTooManyRequests
}
