package bearerotel_test

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/bearerkit/bearerkit/adapters/bearerotel"
	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/bearer/bearertest"
	"github.com/bearerkit/bearerkit/denylist"
	"github.com/bearerkit/bearerkit/dpop"
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

// Observe reports what the sources count, and ends with Unregister.
func TestObserve(t *testing.T) {
	s := newSDK(t)
	telemetry := s.telemetry(t)
	issuer := newIssuer(t)
	tokens, err := jwks.New(jwks.Config{Issuers: []jwks.Issuer{{URL: issuer.URL(), Audience: []string{audience}}}})
	if err != nil {
		t.Fatal(err)
	}
	defer tokens.Close()
	opaque, err := introspect.New(introspect.Config{Issuer: issuer.URL(), Audience: []string{audience}, Auth: introspect.ClientSecretBasic("api", "secret")})
	if err != nil {
		t.Fatal(err)
	}
	defer opaque.Close()
	replays, err := dpop.NewMemoryReplays(dpop.MemoryConfig{Capacity: 100})
	if err != nil {
		t.Fatal(err)
	}
	checker, err := dpop.New(dpop.Config{Origin: audience, Replays: replays})
	if err != nil {
		t.Fatal(err)
	}
	denials, err := denylist.NewMemory(denylist.MemoryConfig{Capacity: 10})
	if err != nil {
		t.Fatal(err)
	}
	stop, err := telemetry.Observe(bearerotel.Sources{
		JWTs: []*jwks.Verifier{tokens}, Opaque: []*introspect.Verifier{opaque}, Proofs: []*dpop.Checker{checker},
		Replays: []*dpop.MemoryReplays{replays}, Denials: []*denylist.Memory{denials},
	})
	if err != nil {
		t.Fatal(err)
	}
	token, secret := issuer.Mint(bearertest.Token{}), issuer.MintOpaque(bearertest.Token{})
	for range 3 {
		if _, err := tokens.Verify(t.Context(), token); err != nil {
			t.Fatal(err)
		}
		if _, err := opaque.Verify(t.Context(), secret); err != nil {
			t.Fatal(err)
		}
	}
	if err := denials.Deny(t.Context(), denylist.Entry{Issuer: issuer.URL(), Subject: "alice", Until: time.Now().Add(time.Hour)}); err != nil {
		t.Fatal(err)
	}
	route := newGuard(t, telemetry, bearer.Config{Proofs: checker}).MustRoute(bearer.RouteConfig{Rule: scope.None, Optional: true})
	route.Admit(httptest.NewRecorder(), request("/", "DPoP bound"))

	hash := "bearerkit.issuer.hash=" + bearerotel.IssuerHash(issuer.URL())
	fetched := tokens.Stats().Issuers[0].Fetched.Unix()
	for _, tt := range []struct {
		metric, series string
		want           int64
	}{
		{"bearerkit.key.count", hash, 5},
		{"bearerkit.key.last_success.timestamp", hash, fetched},
		{"bearerkit.signature.verifications", "", 1},
		{"bearerkit.cache.lookups", "bearerkit.cache.name=jwt,bearerkit.result=hit", 2},
		{"bearerkit.cache.lookups", "bearerkit.cache.name=jwt,bearerkit.result=miss", 1},
		{"bearerkit.cache.lookups", "bearerkit.cache.name=introspection,bearerkit.result=hit", 2},
		{"bearerkit.cache.lookups", "bearerkit.cache.name=introspection,bearerkit.result=miss", 1},
		{"bearerkit.cache.entries", "", 1},
		{"bearerkit.introspection.circuit.open", hash, 0},
		{"bearerkit.introspection.rejected", hash, 0},
		{"bearerkit.introspection.stale", hash, 0},
		{"bearerkit.introspection.shared", hash, 0},
		{"bearerkit.proof.checks", "", 1},
		{"bearerkit.proof.refusals", "error.type=DPoP", 1},
		{"bearerkit.replay_store.usage", "", 0},
		{"bearerkit.replay_store.limit", "", 100},
		{"bearerkit.deny_list.usage", "", 1},
		{"bearerkit.deny_list.limit", "", 10},
		{"bearerkit.resolve.calls", "bearerkit.result=answered", 0},
		{"bearerkit.resolve.issuers", "bearerkit.resolve.state=live", 0},
	} {
		got := s.read(t, tt.metric)
		if value, ok := got[tt.series]; !ok || value != tt.want {
			t.Errorf("%s{%s} is %v, want %d", tt.metric, tt.series, got, tt.want)
		}
	}
	if err := stop.Unregister(); err != nil {
		t.Fatal(err)
	}
	if got := s.read(t, "bearerkit.key.count"); len(got) != 0 {
		t.Errorf("after Unregister: %v", got)
	}
}

// Keys in the configuration are not fetched, so there is no time of a fetch, whose
// age an alert would see.
func TestGivenKeys(t *testing.T) {
	s := newSDK(t)
	document := `{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"a","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}`
	tokens, err := jwks.New(jwks.Config{Issuers: []jwks.Issuer{{URL: "https://login.example.com", Audience: []string{audience}, Keys: jwks.KeysFromJWKS([]byte(document))}}})
	if err != nil {
		t.Fatal(err)
	}
	defer tokens.Close()
	if _, err := s.telemetry(t).Observe(bearerotel.Sources{JWTs: []*jwks.Verifier{tokens}}); err != nil {
		t.Fatal(err)
	}
	if got := s.read(t, "bearerkit.key.count"); fmt.Sprint(got) != "map[bearerkit.issuer.hash="+bearerotel.IssuerHash("https://login.example.com")+":1]" {
		t.Error(got)
	}
	if got := s.read(t, "bearerkit.key.last_success.timestamp"); len(got) != 0 {
		t.Error(got)
	}
}

// All mistakes are reported at once.
func TestObserveMistakes(t *testing.T) {
	telemetry := newSDK(t).telemetry(t)
	if _, err := telemetry.Observe(bearerotel.Sources{}); err == nil || err.Error() != "bearerotel: Sources is empty; want at least one source" {
		t.Error(err)
	}
	_, err := telemetry.Observe(bearerotel.Sources{JWTs: []*jwks.Verifier{nil}, Denials: []*denylist.Memory{nil}})
	if err == nil || err.Error() != "bearerotel: Sources.JWTs[0] is nil; check the error of its constructor\nbearerotel: Sources.Denials[0] is nil; check the error of its constructor" {
		t.Error(err)
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
