package discovery

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/bearerkit/bearerkit/internal/fetch"
	"github.com/bearerkit/bearerkit/internal/strictjson"
)

// Protected is the metadata of a protected resource (RFC 9728, Section 2).
type Protected struct {
	Resource             string
	AuthorizationServers []string // nil if absent
	ScopesSupported      []string // nil if absent or malformed
	DPoPRequired         bool     // dpop_bound_access_tokens_required
}

// ParseProtected reads the metadata of a protected resource. The caller compares
// Resource with the resource that it asked about (RFC 9728, Section 3.3).
func ParseProtected(doc []byte) (Protected, error) {
	var p Protected
	err := strictjson.Object(doc, func(name []byte, value strictjson.Value) (err error) {
		switch string(name) {
		case "resource":
			p.Resource, err = strictjson.String(value)
		case "authorization_servers":
			if value.Kind() != 'n' { // null is as if it were absent
				p.AuthorizationServers, err = strictjson.Strings(value)
			}
		case "scopes_supported":
			p.ScopesSupported = stringsOrNil(value)
		case "dpop_bound_access_tokens_required":
			p.DPoPRequired, _ = strictjson.Bool(value)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		return nil
	})
	switch {
	case err != nil:
		return Protected{}, fmt.Errorf("not protected resource metadata: %w", err)
	case p.Resource == "":
		return Protected{}, errors.New("it has no resource")
	}
	return p, nil
}

// FindProtected fetches the metadata of a protected resource from the first of urls
// that has such a document. check says whether the document from a URL describes
// the right resource; if not, no other URL is tried. The error is an [*Error].
func FindProtected(ctx context.Context, client *fetch.Client, urls []string, check func(from string, p Protected) error) (Protected, error) {
	failed := new(Error)
	for _, u := range urls {
		p, last, err := getProtected(ctx, client, u, check)
		if err == nil {
			return p, nil
		}
		failed.failures = append(failed.failures, fmt.Errorf("%s: %w", fetch.Redact(u), err))
		if last {
			break
		}
	}
	return Protected{}, failed
}

// getProtected reports with an error whether no other URL should be tried: the
// server is down, or the document describes another resource. A web server that
// answers unknown paths with a page of HTML has no document.
func getProtected(ctx context.Context, client *fetch.Client, u string, check func(from string, p Protected) error) (p Protected, last bool, err error) {
	response, err := client.Get(ctx, u, fetch.MaxBody)
	if err != nil {
		return Protected{}, !isAbsent(err), err
	}
	p, err = ParseProtected(response.Body)
	if err != nil {
		return Protected{}, false, err
	}
	return p, true, check(u, p)
}

// ProtectedURLs returns the well-known URLs of a protected resource's metadata: that
// of the resource, and that of its origin (RFC 9728, Section 3.1; MCP specification
// 2025-11-25, "Protected Resource Metadata Discovery Requirements").
func ProtectedURLs(resource *url.URL) []string {
	const wellKnown = "/.well-known/oauth-protected-resource"
	origin := resource.Scheme + "://" + resource.Host
	path := resource.EscapedPath()
	if strings.TrimSuffix(path, "/") == "" {
		return []string{origin + wellKnown}
	}
	own := origin + wellKnown + path
	if resource.RawQuery != "" {
		own += "?" + resource.RawQuery
	}
	return []string{own, origin + wellKnown}
}
