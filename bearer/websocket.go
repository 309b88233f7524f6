package bearer

import (
	"encoding/base64"
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
	for _, line := range r.Header[protocolField] {
		for protocol := range strings.SplitSeq(line, ",") {
			value, isOurs := strings.CutPrefix(strings.Trim(protocol, " \t"), s.name)
			switch {
			case !isOurs:
				continue
			case ok:
				return "", true, malformed("Sec-WebSocket-Protocol", "one token", "several")
			}
			token, ok = value, true
		}
	}
	if !ok {
		return judgedBefore(r.Context()).removedToken(*s)
	}
	return s.decode(token)
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
	if !g.protocols {
		return
	}
	lines, changed := r.Header[protocolField], false
	var kept []string
	for _, line := range lines {
		var others []string
		for protocol := range strings.SplitSeq(line, ",") {
			switch protocol = strings.Trim(protocol, " \t"); {
			case g.isToken(protocol):
				changed = true
			case protocol != "":
				others = append(others, protocol)
			}
		}
		if len(others) > 0 {
			kept = append(kept, strings.Join(others, ", "))
		}
	}
	switch {
	case !changed:
	case len(kept) == 0:
		delete(r.Header, protocolField)
	default:
		r.Header[protocolField] = kept
	}
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
