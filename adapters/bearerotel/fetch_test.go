package bearerotel_test

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/bearerkit/bearerkit/adapters/bearerotel"
	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/bearer/bearertest"
	"github.com/bearerkit/bearerkit/introspect"
	"github.com/bearerkit/bearerkit/jwks"
	"github.com/bearerkit/bearerkit/scope"
)

const audience = "https://api.example.com"

func newIssuer(t *testing.T) *bearertest.Issuer {
	t.Helper()
	issuer, err := bearertest.NewIssuer(bearertest.IssuerConfig{Clients: []bearertest.Client{{ID: "api", Secret: "secret"}}})
	if err != nil {
		t.Fatal(err)
	}
	if err := issuer.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(issuer.Close)
	return issuer
}

// Fetches of keys are measured, and are client spans without a parent. The program's
// own hook runs too.
func TestKeys(t *testing.T) {
	s := newSDK(t)
	issuer, down := newIssuer(t), newIssuer(t)
	down.SetFault(bearertest.JWKS, bearertest.Fault{Status: http.StatusBadGateway})
	own := make(chan jwks.Fetch, 100)
	tokens, err := jwks.New(s.telemetry(t).Keys(jwks.Config{
		Issuers: []jwks.Issuer{{URL: issuer.URL(), Audience: []string{audience}}, {URL: down.URL(), Audience: []string{audience}}},
		OnFetch: func(f jwks.Fetch) { own <- f },
	}))
	if err != nil {
		t.Fatal(err)
	}
	defer tokens.Close()
	for range 4 {
		<-own
	}
	series := func(issuer *bearertest.Issuer, document string) string {
		return "bearerkit.issuer.hash=" + bearerotel.IssuerHash(issuer.URL()) + ",bearerkit.key.document=" + document
	}
	got := s.read(t, "bearerkit.key.fetch.duration")
	for _, want := range []string{series(issuer, "keys"), series(issuer, "metadata"), series(down, "keys") + ",error.type=502", series(down, "metadata")} {
		if got[want] < 1 {
			t.Errorf("no series %s in %v", want, got)
		}
	}
	spans := 0
	for _, span := range s.spans.Ended() {
		if span.Name() != "bearerkit.key.fetch" || span.SpanKind().String() != "client" || span.Parent().IsValid() || span.EndTime().Before(span.StartTime()) {
			t.Errorf("%s %v", span.Name(), span.SpanKind())
		}
		if has(span, attribute.String("server.address", "127.0.0.1")) && has(span, attribute.Int("http.response.status_code", 502)) {
			spans++
			if span.Status().Description != "502" {
				t.Errorf("status %+v", span.Status())
			}
		}
	}
	if spans == 0 {
		t.Error("no span of the failed fetch")
	}
}

func has(span sdktrace.ReadOnlySpan, kv attribute.KeyValue) bool {
	return slices.Contains(span.Attributes(), kv)
}

// An introspection is a child of the span of the request that caused it.
func TestIntrospection(t *testing.T) {
	s := newSDK(t)
	issuer := newIssuer(t)
	own := 0
	opaque, err := introspect.New(s.telemetry(t).Introspection(introspect.Config{
		Issuer: issuer.URL(), Audience: []string{audience}, Auth: introspect.ClientSecretBasic("api", "secret"),
		OnRequest: func(context.Context, introspect.Request) { own++ },
	}))
	if err != nil {
		t.Fatal(err)
	}
	defer opaque.Close()
	ctx, parent := s.tracers.Tracer("test").Start(t.Context(), "request")
	token := issuer.MintOpaque(bearertest.Token{})
	for range 2 { // the second time from the cache
		if _, err := opaque.Verify(ctx, token); err != nil {
			t.Fatal(err)
		}
	}
	parent.End()
	hash := bearerotel.IssuerHash(issuer.URL())
	if got := s.read(t, "bearerkit.introspection.duration"); !maps.Equal(got, map[string]int64{"bearerkit.introspection.probe=false,bearerkit.issuer.hash=" + hash: 1}) || own != 1 {
		t.Errorf("%v, own %d", got, own)
	}
	span := s.spans.Ended()[0]
	if span.Name() != "bearerkit.introspection" || span.Parent().SpanID() != parent.SpanContext().SpanID() || span.SpanKind().String() != "client" {
		t.Errorf("%s, parent %v", span.Name(), span.Parent())
	}
	for _, kv := range span.Attributes() {
		if kv.Value.String() == token {
			t.Errorf("%v", kv)
		}
	}
}

// error.type tells the kinds of failure apart.
func TestErrorTypes(t *testing.T) {
	for name, tt := range map[string]struct {
		fault bearertest.Fault
		want  string
	}{
		"a status":          {bearertest.Fault{Status: 503}, "503"},
		"an unknown status": {bearertest.Fault{Status: 599}, "_OTHER"},
		"garbage":           {bearertest.Fault{Body: []byte("<html>")}, "invalid_response"},
		"no usable key":     {bearertest.Fault{Body: []byte(`{"keys":[]}`)}, "invalid_response"},
		"endless":           {bearertest.Fault{Endless: true}, "too_large"},
		"a reset":           {bearertest.Fault{Reset: true}, "connection"},
		"a redirect":        {bearertest.Fault{Status: 302, Header: http.Header{"Location": {"https://evil.example.com/"}}}, "redirect"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSDK(t)
			issuer := newIssuer(t)
			issuer.SetFault(bearertest.JWKS, tt.fault)
			fetched := make(chan error, 100)
			tokens, err := jwks.New(s.telemetry(t).Keys(jwks.Config{
				Issuers: []jwks.Issuer{{URL: issuer.URL(), Audience: []string{audience}, Keys: jwks.KeysFromURL(issuer.URL() + "/jwks")}},
				OnFetch: func(f jwks.Fetch) { fetched <- f.Err },
			}))
			if err != nil {
				t.Fatal(err)
			}
			defer tokens.Close()
			err = <-fetched
			got := s.read(t, "bearerkit.key.fetch.duration")
			if want := "bearerkit.issuer.hash=" + bearerotel.IssuerHash(issuer.URL()) + ",bearerkit.key.document=keys,error.type=" + tt.want; got[want] != 1 {
				t.Errorf("%v, want %s; the error is %v", got, want, err)
			}
		})
	}
}

// A nil provider is ignored, and without providers New uses the global ones, which
// by default record nothing.
func TestNewWithoutProviders(t *testing.T) {
	for _, options := range [][]bearerotel.Option{nil, {nil, bearerotel.WithMeterProvider(nil), bearerotel.WithTracerProvider(nil)}} {
		telemetry, err := bearerotel.New(options...)
		if err != nil {
			t.Fatal(err)
		}
		route := newGuard(t, telemetry, bearer.Config{}).MustRoute(bearer.RouteConfig{Rule: scope.None, Optional: true})
		if _, ok := route.Admit(httptest.NewRecorder(), request("/")); !ok {
			t.Error("refused")
		}
	}
}

// OpenTelemetry's conventions for HTTP clients require server.address and
// server.port. Nothing else of the URL is in the span: a path may name a tenant.
func TestSpanNamesTheServer(t *testing.T) {
	for _, tt := range []struct {
		url, host string
		port      int
	}{
		{"https://login.example.com/tenants/acme/jwks", "login.example.com", 443},
		{"http://localhost/acme", "localhost", 80},
		{"https://[::1]:8443/acme", "::1", 8443},
	} {
		s := newSDK(t)
		s.telemetry(t).Keys(jwks.Config{}).OnFetch(jwks.Fetch{Issuer: "https://login.example.com/acme", URL: tt.url, Began: time.Now()})
		spans := s.spans.Ended()
		if len(spans) != 1 || !has(spans[0], attribute.String("server.address", tt.host)) || !has(spans[0], attribute.Int("server.port", tt.port)) {
			t.Fatalf("%s: %v", tt.url, spans)
		}
		if text := fmt.Sprint(spans[0].Name(), spans[0].Attributes(), spans[0].Status()); strings.Contains(text, "acme") {
			t.Errorf("%s: %s", tt.url, text)
		}
	}
}
