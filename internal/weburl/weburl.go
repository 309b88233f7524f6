// Package weburl holds the checks of configured URLs and audiences that several
// packages share.
package weburl

import (
	"net/netip"
	"net/url"
	"strings"
)

// IsLoopback reports whether host is this machine, so that plain HTTP to it
// crosses no network. host is the host of a URL without brackets and port. It
// is loopback if it is localhost, in any case, or a loopback address
// (127.0.0.0/8 or ::1) in its usual spelling.
//
// Names under localhost are not loopback, although RFC 6761, Section 6.3
// reserves them: Go asks DNS for them, so a DNS answer would decide where the
// request goes. The same holds for "localhost." and for spellings such as
// 127.1, which Go treats as names. IPv4-mapped IPv6 addresses such as
// ::ffff:127.0.0.1 are not loopback.
func IsLoopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && (addr.Is4() && addr.IsLoopback() || addr == netip.IPv6Loopback())
}

// maxShown is the maximum length, in bytes, of a URL in an error text.
const maxShown = 200

// Redact returns raw without userinfo, query and fragment, which may contain
// secrets, and shortens it for an error text.
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
