package introspect

import (
	"cmp"
	"context"
	"log/slog"
	"runtime/debug"
	"time"

	"github.com/bearerkit/bearerkit/internal/fetch"
)

// withValues is a context that ends with the verifier and carries the values of a
// request's context.
type withValues struct {
	context.Context
	request context.Context
}

func (c withValues) Value(key any) any {
	if own := c.Context.Value(key); own != nil {
		return own // also what package context looks up to find out how c ends
	}
	return c.request.Value(key)
}

// measured asks the endpoint about a token, and calls OnRequest unless Close ended
// the request.
func (v *Verifier) measured(ctx context.Context, token string, probe bool) (*answer, error) {
	if v.config.OnRequest == nil {
		return v.endpoint.ask(ctx, token)
	}
	began := time.Now()
	a, err := v.endpoint.ask(ctx, token)
	if v.ctx.Err() == nil {
		v.report(ctx, Request{
			Issuer: v.config.Issuer, URL: fetch.Redact(cmp.Or(v.config.Endpoint, v.config.Issuer)), Probe: probe,
			Began: began, Took: time.Since(began), Err: err,
		})
	}
	return a, err
}

// report calls OnRequest. A panic there is logged: in this goroutine, it would end
// the program.
func (v *Verifier) report(ctx context.Context, r Request) {
	defer func() {
		if p := recover(); p != nil {
			v.config.Logger.Error("Config.OnRequest panicked", slog.String("issuer", r.Issuer),
				slog.Any("panic", p), slog.String("stack", string(debug.Stack())))
		}
	}()
	v.config.OnRequest(ctx, r)
}
