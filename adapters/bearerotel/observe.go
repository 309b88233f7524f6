package bearerotel

import (
	"context"
	"errors"
	"fmt"

	"go.opentelemetry.io/otel/metric"

	"github.com/bearerkit/bearerkit/denylist"
	"github.com/bearerkit/bearerkit/dpop"
	"github.com/bearerkit/bearerkit/introspect"
	"github.com/bearerkit/bearerkit/jwks"
)

// Sources are what [Telemetry.Observe] reads statistics from. Each field is
// optional, but not all of them.
type Sources struct {
	JWTs    []*jwks.Verifier
	Opaque  []*introspect.Verifier
	Proofs  []*dpop.Checker
	Replays []*dpop.MemoryReplays
	Denials []*denylist.Memory
}

// Observe reports the statistics of the sources whenever metrics are collected: keys,
// caches, circuits, proofs, and how full the stores are. It ends when Unregister of
// the Registration is called. A second Observe that runs at the same time needs
// sources of other kinds, or another Telemetry with another provider: otherwise
// both report the same series.
func (t *Telemetry) Observe(s Sources) (metric.Registration, error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	gauges, observed, err := newGauges(t.meter)
	if err != nil {
		return nil, err
	}
	return t.meter.RegisterCallback(func(_ context.Context, to metric.Observer) error {
		r := &report{gauges: gauges, issuers: &t.issuers, to: to}
		r.jwts(s.JWTs)
		r.opaque(s.Opaque)
		r.proofs(s.Proofs)
		r.stores(s.Replays, s.Denials)
		return nil
	}, observed...)
}

func (s *Sources) check() error {
	var errs []error
	n := missing(&errs, "JWTs", s.JWTs) + missing(&errs, "Opaque", s.Opaque) + missing(&errs, "Proofs", s.Proofs) +
		missing(&errs, "Replays", s.Replays) + missing(&errs, "Denials", s.Denials)
	if n == 0 {
		errs = append(errs, errors.New("bearerotel: Sources is empty; want at least one source"))
	}
	return errors.Join(errs...)
}

// missing adds an error for each nil source, and returns the number of sources.
func missing[T any](errs *[]error, field string, sources []*T) int {
	for i, source := range sources {
		if source == nil {
			*errs = append(*errs, fmt.Errorf("bearerotel: Sources.%s[%d] is nil; check the error of its constructor", field, i))
		}
	}
	return len(sources)
}
