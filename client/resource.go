package client

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/bearerkit/bearerkit/internal/fetch"
)

// resource is the part of an origin that gets tokens.
type resource struct {
	origin string
	path   string // escaped, without a slash at the end
}

func parseResource(raw string, insecureHTTP bool) (resource, error) {
	u, err := fetch.CheckURL(raw, insecureHTTP)
	if err != nil {
		return resource{}, err
	}
	if u.RawQuery != "" || u.ForceQuery {
		return resource{}, fmt.Errorf("the URL %q has a query, want none", fetch.Redact(raw))
	}
	if hasDots(u.Path) {
		return resource{}, fmt.Errorf("the URL %q has a segment . or .., want none", fetch.Redact(raw))
	}
	return resource{origin: originOf(u), path: strings.TrimRight(u.EscapedPath(), "/")}, nil
}

// covers reports whether a request to u gets a token. A path with a segment that a
// server may resolve, such as "..", gets none, since it may lead out of the
// resource's path.
func (r resource) covers(u *url.URL) bool {
	if u == nil || u.Opaque != "" || originOf(u) != r.origin {
		return false
	}
	if r.path == "" {
		return true
	}
	rest, ok := strings.CutPrefix(u.EscapedPath(), r.path)
	return ok && (rest == "" || rest[0] == '/') && !hasDots(u.Path)
}

// hasDots reports whether a path has a segment . or .., in any form that servers
// resolve.
func hasDots(path string) bool {
	for segment := range strings.FieldsFuncSeq(path, func(c rune) bool { return c == '/' || c == '\\' }) {
		if name, _, _ := strings.Cut(segment, ";"); name == "." || name == ".." {
			return true
		}
	}
	return false
}

// originOf returns the scheme, host and port of u (RFC 6454, Section 4).
func originOf(u *url.URL) string {
	scheme, port := strings.ToLower(u.Scheme), u.Port()
	if port == "" && scheme == "https" {
		port = "443"
	} else if port == "" && scheme == "http" {
		port = "80"
	}
	return scheme + "://" + strings.ToLower(u.Hostname()) + ":" + port
}
