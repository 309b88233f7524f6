package introspect_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bearerkit/bearerkit/bearer/bearertest"
	"github.com/bearerkit/bearerkit/introspect"
)

type traceKey struct{}

// OnRequest is called after each introspection, also of probes. It sees the values
// of the context of the request that caused it, and not the end of that context.
func TestOnRequest(t *testing.T) {
	var got []string
	inBubble(t, func(c *introspect.Config) {
		c.OnRequest = func(ctx context.Context, r introspect.Request) {
			if r.Issuer != c.Issuer || r.URL != c.Issuer || time.Since(r.Began) != r.Took || ctx.Err() != nil {
				t.Errorf("%+v, %v", r, ctx.Err())
			}
			got = append(got, fmt.Sprint(ctx.Value(traceKey{}), " ", r.Probe, " ", r.Err == nil))
		}
	}, func(t *testing.T, issuer *bearertest.Issuer, v *introspect.Verifier) {
		token := issuer.MintOpaque(bearertest.Token{})
		ctx, cancel := context.WithCancel(context.WithValue(t.Context(), traceKey{}, "trace-1"))
		for range 2 { // the second time from the cache
			if _, err := v.Verify(ctx, token); err != nil {
				t.Fatal(err)
			}
		}
		elapse(time.Second)
		issuer.SetFault(bearertest.IntrospectionEndpoint, bearertest.Fault{Status: 500})
		_, _ = v.Verify(ctx, issuer.MintOpaque(bearertest.Token{}))
		cancel()
		elapse(5 * time.Second)
		if len(got) < 3 || got[0] != "trace-1 false true" || !slices.Contains(got, "trace-1 false false") || !slices.Contains(got, "<nil> true false") {
			t.Errorf("%q", got)
		}
		if stats := v.Stats(); stats.Issuer != issuer.URL() {
			t.Errorf("%+v", stats)
		}
	})
}

// A panic in OnRequest is logged, and the token is judged by the endpoint's answer.
func TestOnRequestThatPanics(t *testing.T) {
	var log bytes.Buffer
	panics := false
	inBubble(t, func(c *introspect.Config) {
		c.Logger = slog.New(slog.NewTextHandler(&log, nil))
		c.OnRequest = func(context.Context, introspect.Request) {
			if panics {
				panic("out of memory")
			}
		}
	}, func(t *testing.T, issuer *bearertest.Issuer, v *introspect.Verifier) {
		if _, err := v.Verify(t.Context(), issuer.MintOpaque(bearertest.Token{})); err != nil || log.Len() > 0 {
			t.Errorf("%v, log %s", err, &log)
		}
		panics = true
		if _, err := v.Verify(t.Context(), issuer.MintOpaque(bearertest.Token{})); err != nil {
			t.Error(err)
		}
		if text := log.String(); !strings.Contains(text, "Config.OnRequest panicked") || !strings.Contains(text, "out of memory") {
			t.Errorf("log %s", text)
		}
	})
}
