package resource

import (
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/bearerkit/bearerkit/internal/fetch"
	"github.com/bearerkit/bearerkit/internal/weburl"
)

// WellKnownPath is the path of the document of a resource at the root of its
// host. Of any other resource it is the beginning (RFC 9728, Section 3.1).
const WellKnownPath = "/.well-known/oauth-protected-resource"

// identifier is a resource identifier (RFC 9728, Section 1.2).
type identifier struct {
	text   string
	origin string // scheme and host
	path   string // as it is escaped in text; empty for the root
}

// uriChars are the characters of a URI (RFC 3986, Appendix A).
const uriChars = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789" +
	"-._~" + ":/?#[]@" + "!$&'()*+,;=" + "%"

// parseIdentifier takes what clients, whose URL parsers spell a URL anew, can
// hold against the identifier by code points (RFC 9728, Section 6).
func parseIdentifier(raw string, insecureHTTP bool) (identifier, error) {
	if raw == "" {
		return identifier{}, errors.New("empty; want the URL of the API, such as https://api.example.com")
	}
	u, err := checkURL(raw, insecureHTTP)
	if err != nil {
		return identifier{}, err
	}
	shown := fetch.Redact(raw)
	path := u.EscapedPath()
	switch {
	case u.RawQuery != "" || u.ForceQuery:
		return identifier{}, fmt.Errorf("the URL %q has a query, want none (RFC 9728, Section 1.2)", shown)
	case u.Scheme == "https" && u.Port() == "443" || u.Scheme == "http" && u.Port() == "80":
		return identifier{}, fmt.Errorf("the URL %q names the port that is the default, want it left out as clients do", shown)
	case isCleaned(path):
		return identifier{}, fmt.Errorf("the path of the URL %q has empty segments, . or .., which clients and routers take out; want none", shown)
	case path == WellKnownPath || strings.HasPrefix(path, WellKnownPath+"/"):
		return identifier{}, fmt.Errorf("the URL %q is one of metadata, want that of the API", shown)
	}
	origin := u.Scheme + "://" + strings.ToLower(u.Host)
	id := identifier{text: origin + path, origin: origin}
	if path != "/" { // RFC 9728, Section 3.1: the slash that ends the host goes
		id.path = path
	}
	return id, nil
}

// checkURL is fetch.CheckURL for a URL that is published.
func checkURL(raw string, insecureHTTP bool) (*url.URL, error) {
	if err := weburl.Unfilled(raw); err != nil {
		return nil, err
	}
	if wrong := strings.Trim(raw, uriChars); wrong != "" {
		return nil, fmt.Errorf("the URL has the character %q, want it percent-encoded, and a host in its xn-- form", []rune(wrong)[0])
	}
	return fetch.CheckURL(raw, insecureHTTP)
}

// isCleaned reports whether a path has segments that do not stay.
func isCleaned(path string) bool {
	segments := strings.Split(strings.TrimPrefix(path, "/"), "/")
	for i, segment := range segments {
		switch strings.ReplaceAll(strings.ToLower(segment), "%2e", ".") {
		case ".", "..":
			return true
		case "":
			if i < len(segments)-1 {
				return true
			}
		}
	}
	return false
}
