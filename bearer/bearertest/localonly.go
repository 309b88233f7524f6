package bearertest

import (
	"net"
	"net/http"
	"slices"
	"strings"

	"github.com/bearerkit/bearerkit/internal/weburl"
)

// LocalOnly returns a handler for development servers that hand out tokens, or
// trust an [Issuer] that does: it answers 421 (RFC 9110, Section 15.5.20) unless
// the request's Host is localhost, a loopback address or one of the names, with
// any port.
//
// To listen on loopback is not enough. A web page can let its own name resolve
// to 127.0.0.1 (DNS rebinding), and the browser then takes the answers for the
// page's own. The request still names the page's host.
func LocalOnly(next http.Handler, names ...string) http.Handler {
	names = slices.Clone(names)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host := hostname(r.Host)
		isName := func(name string) bool { return name != "" && strings.EqualFold(name, host) }
		if !weburl.IsLoopback(host) && !slices.ContainsFunc(names, isName) {
			http.Error(w, "This development server answers to localhost, loopback addresses and its own names only.", http.StatusMisdirectedRequest)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// hostname returns a Host field without its port, and an IPv6 address without
// its brackets.
func hostname(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		return name
	}
	if literal, ok := strings.CutPrefix(host, "["); ok {
		return strings.TrimSuffix(literal, "]")
	}
	return host
}
