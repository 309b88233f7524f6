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

// Endpoint is one of the addresses that an [Issuer] serves.
type Endpoint string

const (
	OAuthMetadata Endpoint = "oauth-authorization-server" // RFC 8414
	OIDCMetadata  Endpoint = "openid-configuration"       // OpenID Connect Discovery
	JWKS          Endpoint = "jwks"
	TokenEndpoint Endpoint = "token"

	IntrospectionEndpoint Endpoint = "introspection" // RFC 7662
	RevocationEndpoint    Endpoint = "revocation"    // RFC 7009
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

	// Drip sends the body, the true one or Body, one byte at a time, with this
	// much time between.
	Drip time.Duration

	// Endless sends a body of blanks without end.
	Endless bool

	// Reset resets the connection in place of an answer.
	Reset bool

	// Times is how many requests the fault meets; those behind them are
	// answered as if there were none. Zero: every request.
	Times int
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

// nextFault counts a request and returns the fault that meets it.
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

// faulty counts the request and lets the fault happen.
func (i *Issuer) faulty(e Endpoint, answer http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		f, released := i.nextFault(e)
		// net/http notices that a client is gone only when its body was read.
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 64<<10))
		if err != nil {
			http.Error(w, "the request is too large, or broken off", http.StatusRequestEntityTooLarge)
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))

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
		if f.Reset {
			reset(w)
			return
		}
		maps.Copy(w.Header(), f.Header)
		if f.Drip > 0 {
			w = dripper{w, func() bool { return pause(f.Drip) }}
		}
		switch {
		case f.Endless:
			blanks := slices.Repeat([]byte(" "), 32<<10)
			for {
				if _, err := w.Write(blanks); err != nil {
					return
				}
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

// reset closes the connection such that the client is told of a reset.
func reset(w http.ResponseWriter) {
	connection, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler) // the connection breaks this way too
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
			return n + 1, errors.New("bearertest: the client is gone, or the issuer stops")
		}
	}
	return len(body), nil
}
