package bearerotel

import (
	"errors"

	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"
)

// Telemetry measures guards and verifiers. It is safe for concurrent use. Use [New].
type Telemetry struct {
	meter  metric.Meter
	tracer trace.Tracer

	decisions      metric.Float64Histogram
	challenges     metric.Int64Counter
	fetches        metric.Float64Histogram
	introspections metric.Float64Histogram

	series     *seriesTable
	challenged map[challenge]metric.MeasurementOption
	issuers    issuerTable
}

// New returns a Telemetry for the global providers, or for those of the options.
// One Telemetry serves all guards and verifiers of a program.
func New(options ...Option) (*Telemetry, error) {
	c := newConfig(options)
	t := &Telemetry{
		meter:      c.meters.Meter(ScopeName, metric.WithInstrumentationVersion(version())),
		tracer:     c.tracers.Tracer(ScopeName, trace.WithInstrumentationVersion(version())),
		series:     newSeriesTable(),
		challenged: challengeOptions(),
	}
	var errs [4]error
	t.decisions, errs[0] = t.meter.Float64Histogram("bearerkit.decision.duration",
		metric.WithUnit("s"), metric.WithExplicitBucketBoundaries(decisionBuckets()...),
		metric.WithDescription("Time that the guard took to admit or refuse a request."))
	t.challenges, errs[1] = t.meter.Int64Counter("bearerkit.challenges",
		metric.WithUnit("{challenge}"),
		metric.WithDescription("Challenges (WWW-Authenticate) in refusals."))
	t.fetches, errs[2] = t.meter.Float64Histogram("bearerkit.key.fetch.duration",
		metric.WithUnit("s"), metric.WithExplicitBucketBoundaries(requestBuckets()...),
		metric.WithDescription("Time of fetches of an issuer's metadata and keys."))
	t.introspections, errs[3] = t.meter.Float64Histogram("bearerkit.introspection.duration",
		metric.WithUnit("s"), metric.WithExplicitBucketBoundaries(requestBuckets()...),
		metric.WithDescription("Time of introspections, without those that the cache answered."))
	if err := errors.Join(errs[:]...); err != nil {
		return nil, err
	}
	return t, nil
}

// decisionBuckets are the boundaries for decisions, in seconds: a known token takes
// about a microsecond, a signature 50 µs, and an introspection milliseconds to
// seconds.
func decisionBuckets() []float64 {
	return []float64{
		0.000001, 0.0000025, 0.000005, 0.00001, 0.000025, 0.00005, 0.0001, 0.00025, 0.0005,
		0.001, 0.005, 0.025, 0.1, 0.5, 1, 5,
	}
}

// requestBuckets are the boundaries that OpenTelemetry advises for HTTP requests.
func requestBuckets() []float64 {
	return []float64{0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10}
}
