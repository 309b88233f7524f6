package keysource

import (
	"context"
	"log/slog"
	"runtime/debug"
	"time"

	"github.com/bearerkit/bearerkit/internal/fetch"
)

// Fetch describes a fetch of an issuer's metadata or keys.
type Fetch struct {
	Issuer   string // Config.Issuer
	URL      string // without userinfo and query
	Metadata bool   // the metadata were fetched, and not the keys
	Began    time.Time
	Took     time.Duration
	Keys     int   // usable keys in the response
	Err      error // nil: the response is usable
}

// observe notes a fetch for report. ctx is canceled if the source is closed.
func (r *remote) observe(ctx context.Context, f Fetch) {
	if r.config.OnFetch == nil || ctx.Err() == context.Canceled {
		return
	}
	f.Issuer, f.URL, f.Took = r.config.Issuer, fetch.Redact(f.URL), time.Since(f.Began)
	r.observed = append(r.observed, f)
}

// report calls OnFetch for the fetches of a flight. It is called when the flight has
// landed, so no lookup waits for OnFetch.
func (r *remote) report() {
	for _, f := range r.observed {
		r.call(f)
	}
	r.observed = nil
}

// call calls OnFetch. A panic there is logged: in this goroutine, it would end the
// program.
func (r *remote) call(f Fetch) {
	defer func() {
		if p := recover(); p != nil {
			r.config.Logger.Error("Config.OnFetch panicked", slog.String("issuer", r.config.Issuer),
				slog.Any("panic", p), slog.String("stack", string(debug.Stack())))
		}
	}()
	r.config.OnFetch(f)
}
