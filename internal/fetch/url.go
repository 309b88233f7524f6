package fetch

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/bearerkit/bearerkit/internal/weburl"
)

// CheckURL parses raw, which must be an absolute https URL with a host and without
// userinfo and fragment. It allows http for loopback hosts (localhost, 127.0.0.0/8
// and ::1), and with insecureHTTP for all hosts. The error also names a
// placeholder that was not replaced.
func CheckURL(raw string, insecureHTTP bool) (*url.URL, error) {
	u, err := checkURL(raw, insecureHTTP)
	if unfilled := weburl.Unfilled(raw); unfilled != nil {
		return nil, errors.Join(unfilled, err)
	}
	return u, err
}

func checkURL(raw string, insecureHTTP bool) (*url.URL, error) {
	u, err := url.Parse(raw)
	if err != nil {
		// url.Parse quotes all of raw, userinfo and query included.
		return nil, errors.New("the URL cannot be parsed, want https://host/path")
	}
	shown := weburl.Shown(u)
	switch {
	case u.Scheme == "" && u.Host == "":
		return nil, fmt.Errorf("the URL %q is not absolute, want https://host/path", shown)
	case u.Scheme != "https" && u.Scheme != "http":
		return nil, fmt.Errorf("the URL %q has the scheme %q, want https", shown, u.Scheme)
	case u.Opaque != "" || u.Hostname() == "":
		return nil, fmt.Errorf("the URL %q has no host, want https://host/path", shown)
	case u.User != nil:
		return nil, fmt.Errorf("the URL %q has userinfo, want none", shown)
	case strings.ContainsFunc(raw, unicode.IsSpace):
		return nil, fmt.Errorf("the URL %q has white space, want none", shown)
	case strings.Contains(raw, "#"):
		return nil, fmt.Errorf("the URL %q has a fragment, want none", shown)
	case u.Scheme == "http" && !insecureHTTP && !weburl.IsLoopback(u.Hostname()):
		return nil, fmt.Errorf("the URL %q has the scheme %q, want https (http is for loopback hosts, or with InsecureAllowHTTP)", shown, u.Scheme)
	}
	if port := u.Port(); port != "" {
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
			return nil, fmt.Errorf("the URL %q has the port %q, want 1 to 65535", shown, port)
		}
	}
	return u, nil
}

// CheckIdentifier checks an issuer identifier that is compared and never fetched,
// and need not be a URL. It must not contain control characters, nor begin or end
// with white space, as text from a configuration file may by mistake.
func CheckIdentifier(identifier string) error {
	switch {
	case identifier == "":
		return errors.New("the identifier is empty, want what the tokens have as iss")
	case !utf8.ValidString(identifier):
		return errors.New("the identifier is not UTF-8")
	case strings.TrimSpace(identifier) != identifier, strings.ContainsFunc(identifier, isInvisible):
		return fmt.Errorf("the identifier %.200q has white space around it or an invisible character, want none", identifier)
	}
	if u, err := url.Parse(identifier); err == nil && u.User != nil {
		return fmt.Errorf("the identifier %q has userinfo, want none", weburl.Shown(u))
	}
	return weburl.Unfilled(identifier)
}

// isInvisible reports whether r is a control or format character, such as one that
// changes the direction of text.
func isInvisible(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) }

// Redact returns raw without userinfo, query and fragment, clipped to a length that
// suits an error.
func Redact(raw string) string { return weburl.Redact(raw) }

// originOf returns the scheme, host and port of u in one normal form (RFC 6454,
// Section 4).
func originOf(u *url.URL) string {
	port := u.Port()
	if port == "" {
		switch u.Scheme {
		case "http":
			port = "80"
		case "https":
			port = "443"
		}
	}
	return u.Scheme + "://" + strings.ToLower(u.Hostname()) + ":" + port
}
