package bearer

import (
	"encoding/base64"
	"iter"
	"net/http"
	"strings"
)

const protocolField = "Sec-Websocket-Protocol" // in the spelling of http.Header

// isWebSocket reports whether r is a WebSocket handshake (RFC 6455, Section 4.1;
// for HTTP/2, RFC 8441, Section 4).
func isWebSocket(r *http.Request) bool {
	switch r.Method {
	case http.MethodGet:
		for _, line := range r.Header["Upgrade"] {
			for protocol := range strings.SplitSeq(line, ",") {
				if strings.EqualFold(strings.TrimSpace(protocol), "websocket") {
					return true
				}
			}
		}
	case http.MethodConnect:
		protocol := r.Header[":protocol"] // how net/http passes the pseudo-header field
		return len(protocol) == 1 && protocol[0] == "websocket"
	}
	return false
}

// fromProtocol reads the token in the subprotocols that a handshake offers. An
// outer route may have removed the subprotocol; the context then has its token.
func (s *TokenSource) fromProtocol(r *http.Request) (token string, ok bool, err *Error) {
	if !isWebSocket(r) {
		return "", false, nil
	}
	for value := range s.offered(r.Header[protocolField]) {
		if ok {
			return "", true, malformed("Sec-WebSocket-Protocol", "one token", "several")
		}
		token, ok = value, true
	}
	if !ok {
		return judgedBefore(r.Context()).removedToken(*s)
	}
	return s.decode(token)
}

// offered yields the rest of each subprotocol that begins with the source's prefix.
func (s *TokenSource) offered(lines []string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, line := range lines {
			if !strings.Contains(line, s.name) {
				continue // quick, also for a long line
			}
			for protocol := range protocolsIn(line) {
				if value, ok := strings.CutPrefix(protocol, s.name); ok && !yield(value) {
					return
				}
			}
		}
	}
}

// decode returns the token that a subprotocol's name contains.
func (s *TokenSource) decode(value string) (token string, ok bool, err *Error) {
	if s.kind == sourceProtocolBase64 {
		decoded, err := base64.RawURLEncoding.Strict().DecodeString(value)
		if err != nil {
			return "", true, malformed("Sec-WebSocket-Protocol", "a token in base64url without padding", "another encoding")
		}
		value = string(decoded)
	}
	return value, true, nil
}

// removedToken returns the token that an outer route read from s and removed.
func (c *principalContext) removedToken(s TokenSource) (token string, ok bool, err *Error) {
	for ; c != nil; c = c.judged.outer {
		if from := c.judged.source; from != nil && *from == s {
			return c.judged.token, true, nil
		}
	}
	return "", false, nil
}

// removeProtocols removes the subprotocols that contain a token, so that nothing
// after the guard can log or select them. It changes the header itself, which
// outer handlers share.
func (g *Guard) removeProtocols(r *http.Request) {
	lines := r.Header[protocolField]
	if !g.protocols || !g.haveToken(lines) {
		return
	}
	var kept []string
	for _, line := range lines {
		var others strings.Builder // not a slice: a client chooses the number of subprotocols
		for protocol := range protocolsIn(line) {
			switch {
			case protocol == "" || g.isToken(protocol):
				continue
			case others.Len() == 0:
				others.Grow(len(line))
			default:
				others.WriteString(", ")
			}
			others.WriteString(protocol)
		}
		if others.Len() > 0 {
			kept = append(kept, others.String())
		}
	}
	if len(kept) == 0 {
		delete(r.Header, protocolField)
		return
	}
	r.Header[protocolField] = kept
}

// protocolsIn yields the members of a field line, empty ones included.
func protocolsIn(line string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for more := true; more; {
			var protocol string
			protocol, line, more = strings.Cut(line, ",")
			if !yield(trimSpace(protocol)) {
				return
			}
		}
	}
}

// trimSpace removes optional whitespace (RFC 9110, Section 5.6.3). strings.Trim is
// slow for half a million members.
func trimSpace(s string) string {
	for s != "" && (s[0] == ' ' || s[0] == '\t') {
		s = s[1:]
	}
	for s != "" && (s[len(s)-1] == ' ' || s[len(s)-1] == '\t') {
		s = s[:len(s)-1]
	}
	return s
}

// haveToken reports whether a subprotocol in the lines contains a token.
func (g *Guard) haveToken(lines []string) bool {
	for i := range g.sources {
		if s := &g.sources[i]; s.kind.isProtocol() {
			for range s.offered(lines) {
				return true
			}
		}
	}
	return false
}

// isToken reports whether a subprotocol contains a token.
func (g *Guard) isToken(protocol string) bool {
	for i := range g.sources {
		if s := &g.sources[i]; s.kind.isProtocol() && strings.HasPrefix(protocol, s.name) {
			return true
		}
	}
	return false
}
