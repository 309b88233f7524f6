package discovery

import (
	"errors"
	"fmt"
	"strings"

	"github.com/bearerkit/bearerkit/internal/fetch"
	"github.com/bearerkit/bearerkit/internal/strictjson"
)

// Metadata holds the members of an authorization server's metadata (RFC 8414,
// Section 2) that this module uses. It omits the
// id_token_signing_alg_values_supported of OpenID Connect, which apply to ID
// tokens only.
type Metadata struct {
	Issuer  string
	JWKSURI string // empty if absent; otherwise any string

	// AccessTokenIssuer is the iss of access tokens if it differs from Issuer.
	// It is an extension of AD FS ([MS-OIDCE]), and empty if absent.
	AccessTokenIssuer string

	// IntrospectionEndpoint is the URL of the introspection endpoint (RFC
	// 7662). It is empty if absent; otherwise any string.
	IntrospectionEndpoint string

	// IntrospectionAuthMethods lists the ways in which clients may
	// authenticate at IntrospectionEndpoint. It is nil if absent or malformed.
	IntrospectionAuthMethods []string

	// Login holds the members that clients use.
	Login
}

// Member is the name of a metadata member that holds an endpoint's URL.
type Member string

// The members that the functions of this package can look for.
const (
	JWKSURI               Member = "jwks_uri"
	IntrospectionEndpoint Member = "introspection_endpoint"
	AuthorizationEndpoint Member = "authorization_endpoint"
	TokenEndpoint         Member = "token_endpoint"
	RegistrationEndpoint  Member = "registration_endpoint"
)

// URL returns the value of a member, or the empty string if it is absent.
func (m Metadata) URL(member Member) string {
	switch member {
	case IntrospectionEndpoint:
		return m.IntrospectionEndpoint
	case AuthorizationEndpoint:
		return m.AuthorizationEndpoint
	case TokenEndpoint:
		return m.TokenEndpoint
	case RegistrationEndpoint:
		return m.RegistrationEndpoint
	}
	return m.JWKSURI
}

// Parse reads a metadata document that was fetched for issuer. The document's
// issuer must equal issuer, compared by code points (RFC 8414, Section 3.3).
// Otherwise one server could pass off its keys as another server's.
func Parse(doc []byte, issuer string) (Metadata, error) {
	m, err := parse(doc)
	switch {
	case err != nil:
		return Metadata{}, err
	case m.Issuer != issuer:
		return Metadata{}, fmt.Errorf("its issuer is %q, want %q", clipped(m.Issuer), issuer)
	}
	return m, nil
}

// parse reads a metadata document of any issuer.
func parse(doc []byte) (Metadata, error) {
	var m Metadata
	found := false
	err := strictjson.Object(doc, func(name []byte, value strictjson.Value) (err error) {
		switch string(name) {
		case "issuer":
			m.Issuer, err = strictjson.String(value)
			found = true
		case string(JWKSURI):
			m.JWKSURI, err = strictjson.String(value)
		case "access_token_issuer":
			m.AccessTokenIssuer, _ = strictjson.String(value)
		case string(IntrospectionEndpoint):
			m.IntrospectionEndpoint, err = strictjson.String(value)
		case "introspection_endpoint_auth_methods_supported":
			// The list only feeds a warning, so a malformed one is ignored.
			m.IntrospectionAuthMethods, _ = strictjson.Strings(value)
		default:
			m.Login.read(string(name), value)
			return nil
		}
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		return nil
	})
	switch {
	case err != nil:
		return Metadata{}, fmt.Errorf("not authorization server metadata: %w", err)
	case !found:
		return Metadata{}, errors.New("it has no issuer")
	}
	return m, nil
}

// check checks the URL of a member in the metadata at the URL from. If the
// metadata was fetched by https, the endpoint must use https too, even on
// loopback (RFC 8414, Section 2).
func (m Metadata) check(client *fetch.Client, from string, member Member) error {
	endpoint := m.URL(member)
	if endpoint == "" {
		return fmt.Errorf("it has no %s", member)
	}
	u, err := client.CheckURL(endpoint)
	if err != nil {
		return fmt.Errorf("%s: %w", member, err)
	}
	if server, err := client.CheckURL(from); err == nil && server.Scheme == "https" && u.Scheme != "https" {
		return fmt.Errorf("%s: its scheme is %q, want https, the issuer's scheme", member, u.Scheme)
	}
	return nil
}

func clipped(s string) string {
	const most = 200
	if len(s) > most {
		return strings.ToValidUTF8(s[:most], "") + "…"
	}
	return s
}
