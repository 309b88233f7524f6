package bearerotel

import (
	"runtime/debug"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"
)

// ScopeName is the name of this package's instrumentation scope.
const ScopeName = "github.com/bearerkit/bearerkit/adapters/bearerotel"

type config struct {
	meters  metric.MeterProvider
	tracers trace.TracerProvider
}

// Option changes what [New] returns. The form of options is that of the
// instrumentation packages of OpenTelemetry.
type Option interface{ apply(*config) }

type optionFunc func(*config)

func (f optionFunc) apply(c *config) { f(c) }

// WithMeterProvider sets the provider of the meter. A nil provider is ignored.
// Default: the global one.
func WithMeterProvider(provider metric.MeterProvider) Option {
	return optionFunc(func(c *config) {
		if provider != nil {
			c.meters = provider
		}
	})
}

// WithTracerProvider sets the provider of the tracer for the spans of key fetches
// and introspection. A nil provider is ignored. Default: the global one.
func WithTracerProvider(provider trace.TracerProvider) Option {
	return optionFunc(func(c *config) {
		if provider != nil {
			c.tracers = provider
		}
	})
}

func newConfig(options []Option) config {
	c := config{meters: otel.GetMeterProvider(), tracers: otel.GetTracerProvider()}
	for _, o := range options {
		if o != nil {
			o.apply(&c)
		}
	}
	return c
}

// version returns the version of this module, as the program was built with it. It
// is empty in the module's own tests.
func version() string {
	build, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	for _, dep := range build.Deps {
		if dep.Path == ScopeName {
			return dep.Version
		}
	}
	return ""
}
