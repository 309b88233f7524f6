package bearerotel_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/bearerkit/bearerkit/adapters/bearerhttp"
	"github.com/bearerkit/bearerkit/adapters/bearerotel"
	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/bearer/bearertest"
	"github.com/bearerkit/bearerkit/scope"
)

// A program sets the global providers, or passes its own. Here, a reader stands for
// an exporter.
func ExampleNew() {
	reader := metric.NewManualReader()
	provider := metric.NewMeterProvider(metric.WithReader(reader))

	telemetry, err := bearerotel.New(bearerotel.WithMeterProvider(provider))
	if err != nil {
		log.Fatal(err)
	}
	guard, err := bearer.New(telemetry.Guard(bearer.Config{
		Verifiers: []bearer.Verifier{bearertest.Principals{"reader": {Subject: "alice"}}}, // stands for a jwks.Verifier
	}))
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("GET /orders/{id}", bearerhttp.Require(guard, scope.All("orders:read"))(http.NotFoundHandler()))
	api := otelhttp.NewHandler(mux, "api") // its metrics and spans get the outcome too

	r := httptest.NewRequest(http.MethodGet, "/orders/7", nil)
	r.Header.Set("Authorization", "Bearer reader")
	api.ServeHTTP(httptest.NewRecorder(), r)

	var all metricdata.ResourceMetrics
	if err := reader.Collect(context.Background(), &all); err != nil {
		log.Fatal(err)
	}
	for _, m := range all.ScopeMetrics[0].Metrics {
		fmt.Println(m.Name)
	}
	decisions := all.ScopeMetrics[0].Metrics[0].Data.(metricdata.Histogram[float64])
	for _, attribute := range decisions.DataPoints[0].Attributes.ToSlice() {
		fmt.Printf("%s=%s\n", attribute.Key, attribute.Value.String())
	}
	// Output:
	// bearerkit.decision.duration
	// bearerkit.challenges
	// bearerkit.outcome=insufficient_scope
	// bearerkit.scheme=Bearer
	// error.type=scope
	// http.route=/orders/{id}
}
