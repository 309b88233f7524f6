package bearerotel_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/bearerkit/bearerkit/adapters/bearerotel"
	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/scope"
)

// sdk is the SDK of OpenTelemetry, with a reader of metrics and a recorder of spans.
type sdk struct {
	reader  *sdkmetric.ManualReader
	meters  *sdkmetric.MeterProvider
	spans   *tracetest.SpanRecorder
	tracers *sdktrace.TracerProvider
}

func newSDK(t testing.TB) *sdk {
	t.Helper()
	s := &sdk{reader: sdkmetric.NewManualReader(), spans: tracetest.NewSpanRecorder()}
	s.meters = sdkmetric.NewMeterProvider(sdkmetric.WithReader(s.reader))
	s.tracers = sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(s.spans))
	return s
}

func (s *sdk) telemetry(t testing.TB) *bearerotel.Telemetry {
	t.Helper()
	telemetry, err := bearerotel.New(bearerotel.WithMeterProvider(s.meters), bearerotel.WithTracerProvider(s.tracers))
	if err != nil {
		t.Fatal(err)
	}
	return telemetry
}

// read returns the series of a metric: the count of a histogram, or the value, by
// the attributes in the form "a=1,b=2".
func (s *sdk) read(t testing.TB, name string) map[string]int64 {
	t.Helper()
	var all metricdata.ResourceMetrics
	if err := s.reader.Collect(context.Background(), &all); err != nil {
		t.Fatal(err)
	}
	series := map[string]int64{}
	for _, scope := range all.ScopeMetrics {
		for _, m := range scope.Metrics {
			if m.Name != name {
				continue
			}
			switch data := m.Data.(type) {
			case metricdata.Histogram[float64]:
				for _, p := range data.DataPoints {
					series[encoded(p.Attributes)] = int64(p.Count)
				}
			case metricdata.Sum[int64]:
				for _, p := range data.DataPoints {
					series[encoded(p.Attributes)] = p.Value
				}
			case metricdata.Gauge[int64]:
				for _, p := range data.DataPoints {
					series[encoded(p.Attributes)] = p.Value
				}
			default:
				t.Fatalf("%s is a %T", name, m.Data)
			}
		}
	}
	return series
}

func encoded(set attribute.Set) string {
	text := ""
	for _, kv := range set.ToSlice() {
		if text != "" {
			text += ","
		}
		text += fmt.Sprintf("%s=%s", kv.Key, kv.Value.String())
	}
	return text
}

// verify accepts the token "good", and answers others as their names say.
func verify(_ context.Context, token string) (*bearer.Principal, error) {
	switch token {
	case "good":
		return &bearer.Principal{Subject: "alice", Scopes: scope.Of("orders:read")}, nil
	case "poor":
		return &bearer.Principal{Subject: "bob"}, nil
	case "bound":
		return &bearer.Principal{Subject: "carol", Confirmation: bearer.Confirmation{JKT: "thumbprint"}}, nil
	case "expired":
		return nil, bearer.Expired("an exp in the future", "an hour ago")
	case "down":
		return nil, bearer.Unavailable(errors.New("dial tcp: keys.internal"), 7*time.Second)
	}
	return nil, bearer.Invalid("signature", "a signature by the issuer", "another")
}

func newGuard(t testing.TB, telemetry *bearerotel.Telemetry, c bearer.Config) *bearer.Guard {
	t.Helper()
	if c.Verifiers == nil {
		c.Verifiers = []bearer.Verifier{bearer.VerifierFunc(verify)}
	}
	guard, err := bearer.New(telemetry.Guard(c))
	if err != nil {
		t.Fatal(err)
	}
	return guard
}

func request(path string, authorization ...string) *http.Request {
	r, err := http.NewRequest(http.MethodGet, "https://api.example.com"+path, nil)
	if err != nil {
		panic(err)
	}
	if authorization != nil {
		r.Header["Authorization"] = authorization
	}
	return r
}
