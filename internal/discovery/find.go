// Package discovery finds the endpoints of an authorization server in its
// metadata (RFC 8414, OpenID Connect Discovery 1.0), and caches their URLs.
package discovery

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/bearerkit/bearerkit/internal/fetch"
)

// Find fetches the metadata of issuer from its well-known URLs, in the order of
// [candidates]. It returns the first document that names the issuer and has a
// valid URL in member. The error is an [*Error], unless metadata must not be
// fetched from the issuer's URL.
func Find(ctx context.Context, client *fetch.Client, issuer string, member Member) (Metadata, error) {
	urls, err := candidates(client, issuer)
	if err != nil {
		return Metadata{}, fmt.Errorf("no metadata: the issuer: %w", err)
	}
	return first(ctx, client, urls, func(doc []byte) (Metadata, error) {
		m, err := Parse(doc, issuer)
		if err == nil {
			err = m.check(client, issuer, member)
		}
		return m, err
	})
}

// first fetches urls in order and returns the first document that parse accepts.
func first(ctx context.Context, client *fetch.Client, urls []string, parse func(doc []byte) (Metadata, error)) (Metadata, error) {
	var failures []error
	for _, u := range urls {
		m, err := get(ctx, client, u, parse)
		if err == nil {
			return m, nil
		}
		failures = append(failures, fmt.Errorf("%s: %w", fetch.Redact(u), err))
		if transport := (*fetch.TransportError)(nil); errors.As(err, &transport) {
			break // the host is down: its other URLs would fail too
		}
	}
	return Metadata{}, &Error{failures: failures}
}

// FindAt fetches the metadata of issuer from metadataURL, which the operator
// configured, and checks the URL in member. Since the operator vouches for
// metadataURL, the document may name issuer either as its issuer or as its
// access_token_issuer. The error is an [*Error].
func FindAt(ctx context.Context, client *fetch.Client, metadataURL, issuer string, member Member) (Metadata, error) {
	m, err := get(ctx, client, metadataURL, parse)
	if err == nil {
		err = m.checkNames(issuer)
	}
	if err == nil {
		err = m.check(client, metadataURL, member)
	}
	if err != nil {
		return Metadata{}, &Error{failures: []error{fmt.Errorf("%s: %w", fetch.Redact(metadataURL), err)}}
	}
	return m, nil
}

// checkNames checks that issuer or access_token_issuer in m is issuer.
func (m Metadata) checkNames(issuer string) error {
	if issuer == m.Issuer || issuer == m.AccessTokenIssuer {
		return nil
	}
	names := fmt.Sprintf("issuer is %q", clipped(m.Issuer))
	if m.AccessTokenIssuer != "" {
		names += fmt.Sprintf(" and its access_token_issuer is %q", clipped(m.AccessTokenIssuer))
	}
	return fmt.Errorf("its %s, want %q", names, clipped(issuer))
}

func get(ctx context.Context, client *fetch.Client, u string, parse func([]byte) (Metadata, error)) (Metadata, error) {
	// RFC 8414, Section 3.2 requires application/json. This package ignores
	// the Content-Type: a body that parses and names the issuer proves more.
	resp, err := client.Get(ctx, u, fetch.MaxBody)
	if err != nil {
		return Metadata{}, err
	}
	return parse(resp.Body)
}

// candidates returns the URLs at which the metadata of issuer may be, in the
// order in which [Find] tries them.
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

// candidatesOfMCP returns the [candidates] in the order that the MCP specification
// (2025-11-25, "Authorization Server Metadata Discovery") requires of clients.
func candidatesOfMCP(client *fetch.Client, issuer string) ([]string, error) {
	urls, err := candidates(client, issuer)
	if len(urls) == 3 {
		urls[1], urls[2] = urls[2], urls[1]
	}
	return urls, err
}

// Error says, for each URL that was tried, why its metadata is not usable.
type Error struct {
	failures []error
}

func (e *Error) Error() string {
	texts := make([]string, len(e.failures))
	for i, err := range e.failures {
		texts[i] = err.Error()
	}
	return "no metadata: " + strings.Join(texts, "; ")
}

// Unwrap returns the failure of each URL that was tried.
func (e *Error) Unwrap() []error { return e.failures }

// Hint says what an operator can do about e. setting is what the operator can
// configure instead of discovery, such as "the URL of its key set".
func (e *Error) Hint(setting string) string {
	return "check the spelling of the issuer's URL, or configure " + setting
}
