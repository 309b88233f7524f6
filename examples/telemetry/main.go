// Command telemetry serves metrics of its guard to Prometheus, through OpenTelemetry.
//
//	go run ./examples/telemetry
//
// prints where the API and a development issuer listen, as assignments. Paste
// these into another terminal, and then:
//
//	TOKEN=$(curl -s $ISSUER/token -d grant_type=client_credentials -d client_id=app -d scope=orders:read \
//	    | sed 's/.*"access_token":"\([^"]*\)".*/\1/')
//	curl -i $API/orders/7 -H "Authorization: Bearer $TOKEN"                 # 200
//	curl -i $API/orders/7 -H "Authorization: Bearer forged"                 # 401
//	curl -i $API/metrics                                                    # 200: bearerkit_decision_duration_seconds_count and more
package main

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	otelprometheus "go.opentelemetry.io/otel/exporters/prometheus"
	"go.opentelemetry.io/otel/sdk/metric"

	"github.com/bearerkit/bearerkit/adapters/bearerhttp"
	"github.com/bearerkit/bearerkit/adapters/bearerotel"
	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/bearer/bearertest"
	"github.com/bearerkit/bearerkit/examples/internal/devserver"
	"github.com/bearerkit/bearerkit/jwks"
	"github.com/bearerkit/bearerkit/scope"
)

const audience = "https://api.example.com"

// newAPI returns the API and its metrics. A real program serves the metrics at an
// address of their own, which clients cannot reach.
func newAPI(issuer, _ string) (http.Handler, error) {
	provider, metrics, err := newProvider()
	if err != nil {
		return nil, err
	}
	telemetry, err := bearerotel.New(bearerotel.WithMeterProvider(provider))
	if err != nil {
		return nil, err
	}
	logger := slog.New(slog.NewJSONHandler(os.Stderr, nil)) // the runbooks read it with jq
	tokens, err := jwks.New(telemetry.Keys(jwks.Config{Issuers: []jwks.Issuer{{URL: issuer, Audience: []string{audience}}}, Logger: logger}))
	if err != nil {
		return nil, err
	}
	guard, err := bearer.New(telemetry.Guard(bearer.Config{Verifiers: []bearer.Verifier{tokens}, Logger: logger}))
	if err != nil {
		return nil, err
	}
	if _, err := telemetry.Observe(bearerotel.Sources{JWTs: []*jwks.Verifier{tokens}}); err != nil {
		return nil, err
	}

	api := http.NewServeMux()
	api.Handle("GET /orders/{id}", bearerhttp.Require(guard, scope.All("orders:read"))(http.HandlerFunc(showOrder)))
	mux := http.NewServeMux()
	mux.Handle("/", otelhttp.NewHandler(api, "api", otelhttp.WithMeterProvider(provider)))
	mux.Handle("GET /metrics", metrics)
	return mux, nil
}

// newProvider returns a meter provider and the handler by which Prometheus reads its
// metrics.
func newProvider() (*metric.MeterProvider, http.Handler, error) {
	registry := prometheus.NewRegistry()
	exporter, err := otelprometheus.New(otelprometheus.WithRegisterer(registry))
	if err != nil {
		return nil, nil, err
	}
	return metric.NewMeterProvider(metric.WithReader(exporter)), promhttp.HandlerFor(registry, promhttp.HandlerOpts{}), nil
}

func showOrder(w http.ResponseWriter, r *http.Request) {
	p, _ := bearer.FromContext(r.Context())
	fmt.Fprintf(w, "Order %s, for %s.\n", r.PathValue("id"), p.Subject)
}

func main() { devserver.Run(serve) }

func serve(address string, stdout io.Writer) error {
	return devserver.ServeWithIssuer(address, stdout, bearertest.IssuerConfig{Audience: []string{audience}}, newAPI)
}
