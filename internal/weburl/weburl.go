// Package weburl judges the URLs of configurations in the same way for all
// packages.
package weburl

import (
	"net/netip"
	"net/url"
	"strings"
)

// IsLoopback reports whether a URL's host, without brackets and port, names
// this machine, so that plain HTTP to it crosses no network. It is localhost in
// any case, or a loopback address (127.0.0.0/8 or ::1) in its usual spelling.
//
// Names under localhost do not count, although RFC 6761, Section 6.3 reserves
// them: Go asks DNS for them, so the answer decides where a request goes. The
// same holds for "localhost." and for spellings such as 127.1 that Go takes for
// a name. An IPv4 address in IPv6 form, ::ffff:127.0.0.1, does not count either.
func IsLoopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && (addr.Is4() && addr.IsLoopback() || addr == netip.IPv6Loopback())
}

// maxShown bounds a URL in an error text, in bytes.
const maxShown = 200

// Redact returns raw without userinfo, query and fragment, which may hold
// secrets, and not longer than an error text should be.
func Redact(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return "(a URL that cannot be parsed)"
	}
	return Shown(u)
}

// Shown is [Redact] for a parsed URL.
func Shown(u *url.URL) string {
	shown := (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path, RawPath: u.RawPath}).String()
	if len(shown) > maxShown {
		shown = strings.ToValidUTF8(shown[:maxShown], "") + "…"
	}
	return shown
}
