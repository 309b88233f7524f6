package keysource

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/bearerkit/bearerkit/internal/fetch"
	"github.com/bearerkit/bearerkit/internal/strictjson"
)

// Metadata is what is used of an authorization server's metadata (RFC 8414,
// Section 2). The id_token_signing_alg_values_supported of OpenID Connect are
// about ID tokens, and say nothing here.
type Metadata struct {
	Issuer  string
	JWKSURI string // empty if the server publishes none; not checked otherwise

	// AccessTokenIssuer is the iss of access tokens where it differs from
	// Issuer, an extension of AD FS ([MS-OIDCE]). Empty where the server does
	// not say.
	AccessTokenIssuer string

	// IntrospectionEndpoint is where tokens are asked about (RFC 7662), and
	// IntrospectionAuthMethods how clients may authenticate there; empty and
	// nil where the server does not say.
	IntrospectionEndpoint    string
	IntrospectionAuthMethods []string
}

// ParseMetadata reads a metadata document that was fetched for issuer. Its
// issuer must be that very string, compared by code points (RFC 8414, Section
// 3.3): otherwise one server could pass off its keys as another's.
func ParseMetadata(doc []byte, issuer string) (Metadata, error) {
	m, err := parseMetadata(doc)
	switch {
	case err != nil:
		return Metadata{}, err
	case m.Issuer != issuer:
		return Metadata{}, fmt.Errorf("it is of the issuer %q, want %q", clipped(m.Issuer), issuer)
	}
	return m, nil
}

// parseMetadata reads a metadata document that has an issuer.
func parseMetadata(doc []byte) (Metadata, error) {
	var m Metadata
	found := false
	err := strictjson.Object(doc, func(name []byte, value strictjson.Value) (err error) {
		switch string(name) {
		case "issuer":
			m.Issuer, err = strictjson.String(value)
			found = true
		case "jwks_uri":
			m.JWKSURI, err = strictjson.String(value)
		case "access_token_issuer":
			m.AccessTokenIssuer, _ = strictjson.String(value)
		case "introspection_endpoint":
			m.IntrospectionEndpoint, err = strictjson.String(value)
		case "introspection_endpoint_auth_methods_supported":
			// A hint: what is malformed says nothing.
			m.IntrospectionAuthMethods, _ = strictjson.Strings(value)
		default:
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
		return Metadata{}, errors.New("no issuer in it")
	}
	return m, nil
}

// Discover finds the metadata of issuer that says where its introspection
// endpoint is (RFC 7662).
func Discover(ctx context.Context, client *fetch.Client, issuer string) (Metadata, error) {
	return discover(ctx, client, issuer, func(m Metadata) error {
		return checkEndpoint(client, issuer, "introspection_endpoint", m.IntrospectionEndpoint)
	})
}

// discoverAt reads the metadata at a URL that the operator configured. Tokens
// of the issuer must have one of the names that the metadata give it: the
// operator says where they are, and they say whose keys these are.
func discoverAt(ctx context.Context, client *fetch.Client, place, issuer string) (Metadata, error) {
	m, err := func() (Metadata, error) {
		resp, err := client.Get(ctx, place, fetch.MaxBody)
		if err != nil {
			return Metadata{}, err
		}
		m, err := parseMetadata(resp.Body)
		if err != nil {
			return Metadata{}, err
		}
		if issuer != m.Issuer && issuer != m.AccessTokenIssuer {
			names := fmt.Sprintf("issuer %q", clipped(m.Issuer))
			if m.AccessTokenIssuer != "" {
				names += fmt.Sprintf(" and access_token_issuer %q", clipped(m.AccessTokenIssuer))
			}
			return Metadata{}, fmt.Errorf("it has the %s, want %q", names, clipped(issuer))
		}
		return m, checkEndpoint(client, place, "jwks_uri", m.JWKSURI)
	}()
	if err != nil {
		return Metadata{}, &discoveryError{failures: []error{fmt.Errorf("%s: %w", fetch.Redact(place), err)}}
	}
	return m, nil
}

// checkEndpoint checks a URL in the metadata of a server, whose own URL is from.
// A server behind https has no business with http, on loopback either (RFC
// 8414, Section 2).
func checkEndpoint(client *fetch.Client, from, name, endpoint string) error {
	if endpoint == "" {
		return fmt.Errorf("no %s in it", name)
	}
	u, err := client.CheckURL(endpoint)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if server, err := client.CheckURL(from); err == nil && server.Scheme == "https" && u.Scheme != "https" {
		return fmt.Errorf("%s: its scheme is %q, want that of the issuer, https", name, u.Scheme)
	}
	return nil
}

// discover finds the metadata of issuer that passes check.
func discover(ctx context.Context, client *fetch.Client, issuer string, check func(Metadata) error) (Metadata, error) {
	urls, err := candidates(client, issuer)
	if err != nil {
		return Metadata{}, fmt.Errorf("no metadata: the issuer: %w", err)
	}
	var failures []error
	for _, u := range urls {
		m, err := metadataAt(ctx, client, u, issuer, check)
		if err == nil {
			return m, nil
		}
		failures = append(failures, fmt.Errorf("%s: %w", fetch.Redact(u), err))
		if transport := (*fetch.TransportError)(nil); errors.As(err, &transport) {
			break // the issuer is down, not elsewhere
		}
	}
	return Metadata{}, &discoveryError{failures: failures}
}

func metadataAt(ctx context.Context, client *fetch.Client, u, issuer string, check func(Metadata) error) (Metadata, error) {
	// RFC 8414, Section 3.2 asks for application/json, but a body that parses
	// and names the issuer is proof enough.
	resp, err := client.Get(ctx, u, fetch.MaxBody)
	if err != nil {
		return Metadata{}, err
	}
	m, err := ParseMetadata(resp.Body, issuer)
	if err != nil {
		return Metadata{}, err
	}
	return m, check(m)
}

// candidates returns where the metadata of issuer may be, in the order in
// which they are tried.
func candidates(client *fetch.Client, issuer string) ([]string, error) {
	u, err := client.CheckURL(issuer)
	if err != nil {
		return nil, err
	}
	if u.RawQuery != "" || u.ForceQuery {
		return nil, errors.New("the URL has a query, want none") // RFC 8414, Section 2
	}
	host := u.Scheme + "://" + u.Host
	path := strings.TrimSuffix(u.EscapedPath(), "/")
	urls := []string{
		host + "/.well-known/oauth-authorization-server" + path, // RFC 8414, Section 3.1
		host + path + "/.well-known/openid-configuration",       // OpenID Connect Discovery 1.0, Section 4
		host + "/.well-known/openid-configuration" + path,       // RFC 8414, Section 5
	}
	return slices.Compact(urls), nil
}

// discoveryError says of each place what was wrong with it.
type discoveryError struct {
	failures []error
}

func (e *discoveryError) Error() string {
	texts := make([]string, len(e.failures))
	for i, err := range e.failures {
		texts[i] = err.Error()
	}
	return "no metadata: " + strings.Join(texts, "; ")
}

func (e *discoveryError) Unwrap() []error { return e.failures }

func clipped(s string) string {
	const most = 200
	if len(s) > most {
		return strings.ToValidUTF8(s[:most], "") + "…"
	}
	return s
}
