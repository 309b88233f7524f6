// Package weburl checks the URLs of the command line: the API's own, and the
// origins of pages that may call it.
package weburl

import (
	"errors"
	"net"
	"net/url"
	"strconv"
	"strings"

	"github.com/bearerkit/bearerkit/resource"
)

// CheckResource checks a resource identifier (RFC 8707, Section 2; RFC 9728,
// Section 1.2).
func CheckResource(raw string, insecureHTTP bool) error {
	u, err := url.Parse(raw)
	switch {
	case err != nil || u.Scheme == "" || u.Hostname() == "" || u.Opaque != "":
		return errors.New("want an absolute URL")
	case u.User != nil:
		return errors.New("want no user information")
	case strings.Contains(raw, "#"):
		return errors.New("want no fragment")
	case u.Scheme != "https" && (u.Scheme != "http" || !insecureHTTP && !IsLoopback(u.Hostname())):
		return errors.New("want https, or http on a loopback host; -insecure-allow-http accepts http on any host")
	}
	_, err = resource.New(resource.Config{Resource: raw, InsecureAllowHTTP: insecureHTTP})
	return err
}

// Published returns a resource identifier as the metadata spells it. Clients
// request tokens for that spelling, so it is the tokens' audience.
func Published(raw string, insecureHTTP bool) string {
	metadata, err := resource.New(resource.Config{Resource: raw, InsecureAllowHTTP: insecureHTTP})
	if err != nil { // an odd loopback host; the API's constructors report it
		return raw
	}
	return metadata.Resource()
}

// CheckOrigin checks that browsers would spell an origin this way (RFC 6454,
// Section 6.2). CORS compares origins as strings.
func CheckOrigin(raw string) error {
	u, err := url.Parse(raw)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "" ||
		strings.Contains(raw, "*") || raw != strings.ToLower(u.Scheme+"://"+u.Host) {
		return errors.New("want an origin as browsers send it: scheme://host or scheme://host:port, in lower case")
	}
	if port := u.Port(); strings.HasSuffix(u.Host, ":") || port == "443" && u.Scheme == "https" || port == "80" && u.Scheme == "http" {
		return errors.New("want an origin as browsers send it: without the default port")
	}
	return nil
}

// IsLoopback reports whether the SDK accepts plain HTTP on a host.
func IsLoopback(host string) bool {
	_, err := resource.New(resource.Config{Resource: "http://" + net.JoinHostPort(host, "8080")})
	return err == nil
}

// Quote quotes a URL for an error message, unless it may contain a password.
func Quote(raw string) string {
	if strings.Contains(raw, "@") {
		return "(not shown, since it may hold a password)"
	}
	return strconv.Quote(raw)
}

// Hostname returns the host of a checked URL, without the port.
func Hostname(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return ""
	}
	return u.Hostname()
}

// Origin returns the origin of a checked URL.
func Origin(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return raw
	}
	return u.Scheme + "://" + u.Host
}
