package bearertest

import (
	"net"
	"net/http"
	"slices"
	"strings"

	"github.com/bearerkit/bearerkit/internal/weburl"
)

// LocalOnly protects a development server that issues tokens, or trusts an
// [Issuer]. It answers 421 (RFC 9110, Section 15.5.20) unless the request's Host
// is localhost, a loopback address or one of the names, with any port.
//
// Listening on loopback is not enough. A web page can make its own host name
// resolve to 127.0.0.1 (DNS rebinding), and the browser then lets the page read
// the answers. The request's Host field still contains the page's host name.
func LocalOnly(next http.Handler, names ...string) http.Handler {
	names = slices.Clone(names)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host := hostname(r.Host)
		isName := func(name string) bool { return name != "" && strings.EqualFold(name, host) }
		if !weburl.IsLoopback(host) && !slices.ContainsFunc(names, isName) {
			http.Error(w, "This development server accepts only localhost, loopback addresses and its own names as Host.", http.StatusMisdirectedRequest)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// hostname returns a Host field without its port and without the brackets of an
// IPv6 address.
func hostname(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		return name
	}
	if literal, ok := strings.CutPrefix(host, "["); ok {
		return strings.TrimSuffix(literal, "]")
	}
	return host
}
