package bearertest

import (
	"maps"
	"net/http"
	"slices"
	"time"
)

// Endpoint is one of the addresses that an [Issuer] serves.
type Endpoint string

const (
	OAuthMetadata Endpoint = "oauth-authorization-server" // RFC 8414
	OIDCMetadata  Endpoint = "openid-configuration"       // OpenID Connect Discovery
	JWKS          Endpoint = "jwks"
	TokenEndpoint Endpoint = "token"
)

// Fault is what an endpoint does in place of its work. The zero Fault is none.
type Fault struct {
	// Status, if not zero, is answered with an empty body, or with Body.
	Status int

	// Body, if not nil, is answered in place of what is true: garbage, a
	// truncated document, somebody else's issuer. A status of zero is 200.
	Body []byte

	// Header is added to the answer: a Cache-Control, a Location.
	Header http.Header

	// Delay passes before the answer.
	Delay time.Duration

	// Hang answers never: the request ends when the client gives up, or the
	// issuer stops.
	Hang bool

	// Drip sends the body one byte at a time, with this much time between.
	Drip time.Duration

	// Endless sends a body of blanks without end.
	Endless bool
}

// SetFault makes an endpoint fail so, or, with the zero Fault, work again.
func (i *Issuer) SetFault(e Endpoint, f Fault) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.faults[e] = f
}

// Requests returns how many requests an endpoint has had.
func (i *Issuer) Requests(e Endpoint) int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.requests[e]
}

// faulty counts the request and lets the fault happen.
func (i *Issuer) faulty(e Endpoint, answer http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		i.mu.Lock()
		i.requests[e]++
		f, released := i.faults[e], i.released
		i.mu.Unlock()

		pause := func(d time.Duration) bool {
			timer := time.NewTimer(d)
			defer timer.Stop()
			select {
			case <-timer.C:
				return true
			case <-r.Context().Done():
			case <-released:
			}
			return false
		}
		if f.Hang {
			select {
			case <-r.Context().Done():
			case <-released:
			}
			return
		}
		if f.Delay > 0 && !pause(f.Delay) {
			return
		}
		maps.Copy(w.Header(), f.Header)
		switch {
		case f.Endless:
			blanks := slices.Repeat([]byte(" "), 32<<10)
			for {
				if _, err := w.Write(blanks); err != nil {
					return
				}
			}
		case f.Drip > 0:
			body := f.Body
			if body == nil {
				body = i.KeySet()
			}
			for _, b := range body {
				if _, err := w.Write([]byte{b}); err != nil || !pause(f.Drip) {
					return
				}
				_ = http.NewResponseController(w).Flush()
			}
		case f.Status != 0 || f.Body != nil:
			if f.Status != 0 {
				w.WriteHeader(f.Status)
			}
			_, _ = w.Write(f.Body)
		default:
			answer(w, r)
		}
	}
}
