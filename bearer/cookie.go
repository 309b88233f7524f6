package bearer

import (
	"cmp"
	"net/http"
	"strings"
)

// fromCookie reads a cookie. An empty one has no token: programs sign users out by
// it. Two cookies of the same name are malformed: one may have been set by another
// host of the domain, or for a part of the paths.
func (s *TokenSource) fromCookie(h http.Header) (token string, ok bool, err *Error) {
	found := false
	for _, line := range h["Cookie"] {
		for pair := range strings.SplitSeq(line, ";") {
			name, value, _ := strings.Cut(strings.Trim(pair, " \t"), "=")
			switch {
			case name != s.name:
				continue
			case found:
				return "", true, malformed("cookie", "one of each name", "several")
			}
			token, found = value, true
		}
	}
	return token, token != "", nil
}

// checkOrigin refuses a request of another origin that the browser may have
// authenticated by itself (RFC 6750, Section 5.3; RFC 6749, Section 10.12).
// CrossOriginProtection lets safe methods pass, and a WebSocket handshake is a
// GET. But a WebSocket is not subject to CORS: a foreign page could read and write
// it. So a handshake is checked like an unsafe method.
func (g *Guard) checkOrigin(r *http.Request) *Error {
	checked := r
	if isWebSocket(r) {
		handshake := *r
		handshake.Method = handshakeMethod
		checked = &handshake
	}
	err := g.crossOrigin.Check(checked)
	if err == nil {
		return nil
	}
	return &Error{
		Code: CodeForbidden, Check: "cross origin", Expected: "the API's own origin, or a trusted one (Config.CrossOrigin)",
		Got: cmp.Or(r.Header.Get("Origin"), "another site"), Err: err,
	}
}

// handshakeMethod stands for a WebSocket handshake in the check of its origin. It
// is no safe method, and no pattern of a method exempts it.
const handshakeMethod = "WEBSOCKET"
