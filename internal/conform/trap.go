package conform

import (
	"net"
	"net/http"
	"sync/atomic"
	"time"
)

// trap is an attacker's server on loopback. It publishes the attacker's key, calls
// every token active, and counts requests.
type trap struct {
	url      string
	keySet   string
	answer   string // of introspection
	server   *http.Server
	requests atomic.Int64
}

func newTrap(k *keys, answer string) (*trap, error) {
	jwk, err := k.jwk("attacker", "ES256")
	if err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	t := &trap{answer: answer, url: "http://" + listener.Addr().String(), keySet: `{"keys":[{"kid":"attacker","use":"sig",` + jwk[1:] + `]}`}
	t.server = &http.Server{Handler: t, ReadHeaderTimeout: 5 * time.Second}
	go func() { _ = t.server.Serve(listener) }() // returns when close closes the server
	return t, nil
}

func (t *trap) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	t.requests.Add(1)
	if r.URL.Path == "/introspect" {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(t.answer))
		return
	}
	w.Header().Set("Content-Type", "application/jwk-set+json")
	_, _ = w.Write([]byte(t.keySet))
}

// reset returns how many requests came since the last call.
func (t *trap) reset() int { return int(t.requests.Swap(0)) }

func (t *trap) close() { _ = t.server.Close() }
