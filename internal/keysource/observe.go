package keysource

import (
	"context"
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

// observe completes f and calls OnFetch. ctx is canceled if the source is closed.
func (r *remote) observe(ctx context.Context, f Fetch) {
	if r.config.OnFetch == nil || ctx.Err() == context.Canceled {
		return
	}
	f.Issuer, f.URL, f.Took = r.config.Issuer, fetch.Redact(f.URL), time.Since(f.Began)
	r.config.OnFetch(f)
}
