package introspect

import (
	"log/slog"
	"sync"
	"time"

	"github.com/bearerkit/bearerkit/internal/throttle"
)

// journal writes the log records of a verifier: that the endpoint or the shared
// cache fails, once a minute that it still fails, and that it has recovered. No
// client can cause more records.
type journal struct {
	config  Config
	circuit *circuit

	mu              sync.Mutex
	endpoint, store throttle.Outage
	tokens          throttle.Repeated // failures about tokens
}

// probed logs that the circuit has opened because of err, or has closed if err is
// nil. It logs nothing if the circuit has changed again.
func (j *journal) probed(err error) {
	j.mu.Lock()
	isOpen := j.circuit.open(time.Now()) > 0
	tell := isOpen == (err != nil) && j.endpoint.Tell(isOpen)
	j.mu.Unlock()
	switch {
	case tell && err != nil:
		j.config.Logger.Warn("cannot introspect tokens", slog.String("issuer", j.config.Issuer),
			slog.String("error", err.Error()), slog.String("hint", hint(err)))
	case tell:
		j.config.Logger.Info("tokens can be introspected again", slog.String("issuer", j.config.Issuer))
	}
}

// failed logs that the endpoint did not answer about a token.
func (j *journal) failed(err error) {
	j.mu.Lock()
	failures := j.tokens.Tell()
	j.mu.Unlock()
	if failures > 0 {
		j.config.Logger.Warn("the endpoint gives no answer about a token", slog.String("issuer", j.config.Issuer),
			slog.Int("failures", failures), slog.String("error", err.Error()), slog.String("hint", hint(err)))
	}
}

// shared logs that the shared cache has failed, or has recovered if err is nil.
func (j *journal) shared(err error) {
	j.mu.Lock()
	tell := j.store.Tell(err != nil)
	j.mu.Unlock()
	switch {
	case tell && err != nil:
		j.config.Logger.Warn("the shared cache fails; the endpoint is asked instead", slog.String("error", err.Error()))
	case tell:
		j.config.Logger.Info("the shared cache works again")
	}
}
