package bearerotel

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"

	"github.com/bearerkit/bearerkit/introspect"
	"github.com/bearerkit/bearerkit/jwks"
)

// Keys returns c with an OnFetch that measures the fetches of metadata and keys, in
// the histogram bearerkit.key.fetch.duration and as client spans, and then calls that
// of c. The spans have no parent, because requests share a fetch.
func (t *Telemetry) Keys(c jwks.Config) jwks.Config {
	own := c.OnFetch
	c.OnFetch = func(f jwks.Fetch) {
		t.fetched(&f)
		if own != nil {
			own(f)
		}
	}
	return c
}

// Introspection returns c with an OnRequest that measures introspections, in the
// histogram bearerkit.introspection.duration and as client spans, and then calls that
// of c. The parent of a span is the span of the request that caused it.
func (t *Telemetry) Introspection(c introspect.Config) introspect.Config {
	own := c.OnRequest
	c.OnRequest = func(ctx context.Context, r introspect.Request) {
		t.introspected(ctx, &r)
		if own != nil {
			own(ctx, r)
		}
	}
	return c
}

func (t *Telemetry) fetched(f *jwks.Fetch) {
	document := "keys"
	if f.Metadata {
		document = "metadata"
	}
	labels := []attribute.KeyValue{
		attribute.String(issuerKey, t.issuers.label(f.Issuer)), attribute.String(documentKey, document),
	}
	labels = appendErrorType(labels, f.Err)
	ctx := context.Background()
	t.fetches.Record(ctx, f.Took.Seconds(), metric.WithAttributeSet(attribute.NewSet(labels...)))
	t.span(ctx, call{"bearerkit.key.fetch", http.MethodGet, f.URL, f.Began, f.Took, f.Err}, labels)
}

func (t *Telemetry) introspected(ctx context.Context, r *introspect.Request) {
	labels := []attribute.KeyValue{
		attribute.String(issuerKey, t.issuers.label(r.Issuer)), attribute.Bool(probeKey, r.Probe),
	}
	labels = appendErrorType(labels, r.Err)
	t.introspections.Record(ctx, r.Took.Seconds(), metric.WithAttributeSet(attribute.NewSet(labels...)))
	t.span(ctx, call{"bearerkit.introspection", http.MethodPost, r.URL, r.Began, r.Took, r.Err}, labels)
}

// call is a finished call of an authorization server.
type call struct {
	name, method, url string
	began             time.Time
	took              time.Duration
	err               error
}

// span records a call as a client span.
func (t *Telemetry) span(ctx context.Context, c call, labels []attribute.KeyValue) {
	_, span := t.tracer.Start(ctx, c.name, trace.WithSpanKind(trace.SpanKindClient), trace.WithTimestamp(c.began))
	defer span.End(trace.WithTimestamp(c.began.Add(c.took)))
	if !span.IsRecording() {
		return
	}
	span.SetAttributes(labels...)
	span.SetAttributes(attribute.String(methodKey, c.method))
	if u, err := url.Parse(c.url); err == nil && u.Hostname() != "" {
		span.SetAttributes(attribute.String(serverKey, u.Hostname()))
		if port, err := strconv.Atoi(cmp.Or(u.Port(), defaultPort(u.Scheme))); err == nil {
			span.SetAttributes(attribute.Int(serverPortKey, port))
		}
	}
	if status := statusOf(c.err); status != 0 {
		span.SetAttributes(attribute.Int(statusKey, status))
	}
	if c.err != nil {
		span.SetStatus(codes.Error, errorType(c.err)) // the error's text may quote the server
	}
}

// defaultPort returns the port of a URL without one. The conventions require
// server.port.
func defaultPort(scheme string) string {
	if scheme == "http" {
		return "80"
	}
	return "443"
}
