package dpop

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
)

// target returns the URI that a request is for, normalized: the origin that is
// configured and the path that was asked for.
//
// Dot segments in it are refused and not removed. No client sends them, since
// URLs lose them before; but a router that keeps them would let a proof for one
// path open another.
func (c *Checker) target(r *http.Request) (string, error) {
	if r.Method == http.MethodConnect || r.RequestURI == "*" {
		return "", errors.New("a target without a path")
	}
	path := c.config.Path(r)
	if path == "" {
		return "", errors.New("a target without a path")
	}
	path, err := normalizePath(path)
	if err != nil {
		return "", err
	}
	if hasDotSegment(path) {
		return "", errors.New("a path with dot segments")
	}
	return c.origin + path, nil
}

// requestPath returns the path of the request line, encoded as it was sent, or
// the empty string if there is none. In the absolute form the authority is
// skipped: it is one more way to say where the request went.
func requestPath(r *http.Request) string {
	switch u := r.URL; {
	case strings.HasPrefix(r.RequestURI, "/"):
		path, _, _ := strings.Cut(r.RequestURI, "?")
		return path
	case r.RequestURI != "":
		u, err := url.ParseRequestURI(r.RequestURI)
		if err != nil {
			return ""
		}
		return urlPath(u)
	case u != nil: // a request that no server has read
		return urlPath(u)
	}
	return ""
}

func urlPath(u *url.URL) string {
	switch path := u.EscapedPath(); {
	case u.Opaque != "" || path == "*":
		return ""
	case path == "" && u.Host != "":
		return "/" // RFC 3986, Section 6.2.3
	default:
		return path
	}
}
