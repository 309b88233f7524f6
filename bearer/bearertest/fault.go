package bearertest

import (
	"bytes"
	"errors"
	"io"
	"maps"
	"net/http"
	"slices"
	"time"
)

// Endpoint names an endpoint of an [Issuer].
type Endpoint string

const (
	OAuthMetadata Endpoint = "oauth-authorization-server" // RFC 8414
	OIDCMetadata  Endpoint = "openid-configuration"       // OpenID Connect Discovery
	JWKS          Endpoint = "jwks"
	TokenEndpoint Endpoint = "token"

	IntrospectionEndpoint Endpoint = "introspection" // RFC 7662
	RevocationEndpoint    Endpoint = "revocation"    // RFC 7009
)

// Fault defines how an endpoint fails. With the zero Fault it works.
type Fault struct {
	// Status replaces the status of the answer, and the body by Body or an
	// empty one. Default: 200 if Body is set.
	Status int

	// Body replaces the body of the answer, for example by garbage, a truncated
	// document or another issuer's metadata. Default: the true body.
	Body []byte

	// Header is added to the answer, for example a Cache-Control or a Location.
	Header http.Header

	// Delay is a pause before the answer.
	Delay time.Duration

	// Hang sends no answer. The request ends when the client gives up or the
	// issuer stops.
	Hang bool

	// Drip sends the body one byte at a time with this pause after each byte.
	Drip time.Duration

	// Endless sends a body of spaces that never ends.
	Endless bool

	// Reset resets the connection instead of answering.
	Reset bool

	// Times is how many requests fail. Later requests are answered normally.
	// Default: every request fails.
	Times int
}

// SetFault makes an endpoint fail. The zero Fault makes it work again.
func (i *Issuer) SetFault(e Endpoint, f Fault) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.faults[e] = f
}

// release breaks the connections of the requests that a fault holds.
func (i *Issuer) release() {
	i.mu.Lock()
	defer i.mu.Unlock()
	close(i.released)
	i.released = make(chan struct{})
}

// Requests returns how many requests an endpoint has received.
func (i *Issuer) Requests(e Endpoint) int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.requests[e]
}

// nextFault counts a request and returns the fault for it.
func (i *Issuer) nextFault(e Endpoint) (f Fault, released <-chan struct{}) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.requests[e]++
	f = i.faults[e]
	if f.Times > 0 {
		left := f
		if left.Times--; left.Times == 0 {
			left = Fault{}
		}
		i.faults[e] = left
	}
	return f, i.released
}

// faulty wraps an endpoint: it counts requests and applies the endpoint's fault.
func (i *Issuer) faulty(e Endpoint, answer http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		f, released := i.nextFault(e)
		// net/http detects a disconnected client only after the body was read.
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 64<<10))
		if err != nil {
			http.Error(w, "the request is too large or incomplete", http.StatusRequestEntityTooLarge)
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))

		h := holder{r.Context().Done(), released}
		if f.Hang {
			h.hang()
			return
		}
		if f.Delay > 0 && !h.pause(f.Delay) {
			return
		}
		if f.Reset {
			reset(w)
			return
		}
		maps.Copy(w.Header(), f.Header)
		if f.Drip > 0 {
			w = dripper{w, func() bool { return h.pause(f.Drip) }}
		}
		switch {
		case f.Endless:
			h.endless(w)
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

// holder holds a request until the client gives up or the fault is over. At the end
// of the fault it breaks the connection, since the end of a body would look like an
// answer.
type holder struct{ gone, released <-chan struct{} }

// pause waits, and reports whether the client is still there.
func (h holder) pause(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-h.gone:
		return false
	case <-h.released:
		panic(http.ErrAbortHandler)
	}
}

func (h holder) hang() {
	select {
	case <-h.gone:
	case <-h.released:
		panic(http.ErrAbortHandler)
	}
}

func (h holder) endless(w io.Writer) {
	for blanks := slices.Repeat([]byte(" "), 32<<10); ; {
		if _, err := w.Write(blanks); err != nil {
			return
		}
		select {
		case <-h.released:
			panic(http.ErrAbortHandler)
		default:
		}
	}
}

// WithFaults returns a handler that counts the requests of an endpoint, applies the
// endpoint's fault, and otherwise calls answer, as the issuer does at its own
// endpoints. Use it for endpoints that the caller serves beside or in place of the
// issuer's (see [IssuerConfig.URL]). Their names may be other than the constants. It
// reads the request's body, of at most 64 KiB, before it calls answer.
func (i *Issuer) WithFaults(e Endpoint, answer http.Handler) http.Handler {
	return i.faulty(e, answer.ServeHTTP)
}

// reset closes the connection so that the client sees a reset.
func reset(w http.ResponseWriter) {
	connection, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler) // this breaks the connection, too
	}
	if c, ok := connection.(interface{ SetLinger(seconds int) error }); ok {
		_ = c.SetLinger(0)
	}
	_ = connection.Close()
}

// dripper writes one byte at a time.
type dripper struct {
	http.ResponseWriter
	pause func() bool
}

func (d dripper) Write(body []byte) (int, error) {
	for n := range body {
		if _, err := d.ResponseWriter.Write(body[n : n+1]); err != nil {
			return n, err
		}
		_ = http.NewResponseController(d.ResponseWriter).Flush()
		if !d.pause() {
			return n + 1, errors.New("bearertest: the client disconnected or the issuer stopped")
		}
	}
	return len(body), nil
}
