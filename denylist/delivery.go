package denylist

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/bearerkit/bearerkit/bearer"
)

// maxDelivery limits the body of a request. An event has about a kilobyte.
const maxDelivery = 64 << 10

// readTimeout limits the time to read a body, so that a slow sender does not hold a
// connection of a server without timeouts.
const readTimeout = 10 * time.Second

// protocol is how an event was delivered.
type protocol byte

const (
	noProtocol  protocol = iota // the request is neither
	backChannel                 // OpenID Connect Back-Channel Logout 1.0
	push                        // RFC 8935
)

// ServeHTTP receives one event.
func (rc *Receiver) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	// A server that drains the body of a refused request obeys the deadline too. It
	// sets a new one for the next request of the connection.
	connection := http.NewResponseController(w)
	_ = connection.SetReadDeadline(time.Now().Add(readTimeout)) // not every server supports it
	p, token, refused := rc.read(w, r)
	var done *receipt
	if refused == nil {
		// Otherwise the deadline would cancel the request's context.
		_ = connection.SetReadDeadline(time.Time{})
		done, refused = rc.receive(r.Context(), p, token)
	}
	if refused != nil {
		rc.logRefusal(r, token, refused)
		refused.write(w, p)
		return
	}
	rc.logReceipt(r, token, done)
	writeSuccess(w, p)
}

// read returns the protocol and the token of a request.
func (rc *Receiver) read(w http.ResponseWriter, r *http.Request) (p protocol, token string, refused *refusal) {
	if r.Method != http.MethodPost {
		return noProtocol, "", httpError(http.StatusMethodNotAllowed, "method", "POST", r.Method)
	}
	switch mediaType(r) {
	case "application/x-www-form-urlencoded": // Back-Channel Logout, Section 2.5
		p = backChannel
	case "application/secevent+jwt": // RFC 8935, Section 2.1
		p = push
	default:
		return noProtocol, "", httpError(http.StatusUnsupportedMediaType, "content type",
			"application/x-www-form-urlencoded or application/secevent+jwt", "another")
	}
	if p == push && !rc.authenticated(r) {
		return p, "", &refusal{http.StatusBadRequest, authenticationFailed,
			bearer.Invalid("transmitter", "the token of ReceiverConfig.TransmitterToken", "none, or another")}
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxDelivery))
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		return p, "", httpError(http.StatusRequestEntityTooLarge, "body", "at most 64 KiB", "more")
	}
	if err != nil {
		return p, "", invalidRequest("body", "a complete body", "an incomplete one")
	}
	if p == push {
		return p, strings.TrimSpace(string(body)), nil
	}
	form, err := url.ParseQuery(string(body))
	if tokens := form["logout_token"]; err == nil && len(tokens) == 1 {
		return p, tokens[0], nil
	}
	return p, "", invalidRequest("body", "a form with one logout_token", "another")
}

// mediaType returns the media type of a request that has exactly one.
func mediaType(r *http.Request) string {
	lines := r.Header["Content-Type"]
	if len(lines) != 1 {
		return ""
	}
	name, _, err := mime.ParseMediaType(lines[0])
	if err != nil {
		return ""
	}
	return name
}

// authenticated reports whether the request has the transmitter's token. It
// compares hashes in constant time.
func (rc *Receiver) authenticated(r *http.Request) bool {
	if rc.config.TransmitterToken == "" {
		return true
	}
	lines := r.Header["Authorization"]
	if len(lines) != 1 {
		return false
	}
	scheme, token, _ := strings.Cut(lines[0], " ")
	sum := sha256.Sum256([]byte(strings.Trim(token, " ")))
	return strings.EqualFold(scheme, "Bearer") && subtle.ConstantTimeCompare(sum[:], rc.transmitter[:]) == 1
}
