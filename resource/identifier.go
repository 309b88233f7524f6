package resource

import (
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/bearerkit/bearerkit/internal/fetch"
	"github.com/bearerkit/bearerkit/internal/weburl"
)

// WellKnownPath is the path of the metadata document of a resource at the root
// of its host. For any other resource it is the prefix of that path (RFC 9728,
// Section 3.1).
const WellKnownPath = "/.well-known/oauth-protected-resource"

// identifier is a resource identifier (RFC 9728, Section 1.2).
type identifier struct {
	text   string
	origin string // scheme and host
	path   string // escaped as in text; empty for the root
}

// uriChars are the characters of a URI (RFC 3986, Appendix A).
const uriChars = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789" +
	"-._~" + ":/?#[]@" + "!$&'()*+,;=" + "%"

// parseIdentifier accepts only URLs that URL parsers do not rewrite, except for
// the case of scheme and host: clients compare identifiers by code points (RFC
// 9728, Section 6).
func parseIdentifier(raw string, insecureHTTP bool) (identifier, error) {
	if raw == "" {
		return identifier{}, errors.New("empty; want the API's URL, such as https://api.example.com")
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
		return identifier{}, fmt.Errorf("the URL %q has the default port; leave the port out, as clients do", shown)
	case isCleaned(path):
		return identifier{}, fmt.Errorf("the path of the URL %q has empty segments, . or .., which clients and routers remove; want none", shown)
	case path == WellKnownPath || strings.HasPrefix(path, WellKnownPath+"/"):
		return identifier{}, fmt.Errorf("the URL %q is the URL of a metadata document; want the API's URL", shown)
	}
	origin := u.Scheme + "://" + strings.ToLower(u.Host)
	id := identifier{text: origin + path, origin: origin}
	if path != "/" { // RFC 9728, Section 3.1: remove the slash after the host
		id.path = path
	}
	return id, nil
}

// checkURL is fetch.CheckURL with stricter rules for a URL that is published.
func checkURL(raw string, insecureHTTP bool) (*url.URL, error) {
	if err := weburl.Unfilled(raw); err != nil {
		return nil, err
	}
	if wrong := strings.Trim(raw, uriChars); wrong != "" {
		return nil, fmt.Errorf("the URL has the character %q; percent-encode it, or write an internationalized host in its xn-- form", []rune(wrong)[0])
	}
	return fetch.CheckURL(raw, insecureHTTP)
}

// isCleaned reports whether a path has segments that URL parsers or routers
// remove.
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
