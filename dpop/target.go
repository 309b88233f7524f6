package dpop

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
)

// target returns the normalized target URI of a request: the configured origin
// and the requested path.
//
// A path with dot segments is an error. Clients resolve dot segments before
// they send a request. If they were removed here but the router kept them, a
// proof for one path would be valid for another.
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
// "" if there is none. It ignores the authority of a target in absolute form:
// like the Host header, it comes from the client.
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
	case u != nil: // a request that was not read by a server, as in a test
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
