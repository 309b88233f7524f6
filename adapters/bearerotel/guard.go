package bearerotel

import (
	"context"
	"net/http"
	"strings"
	"time"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"

	"github.com/bearerkit/bearerkit/bearer"
)

// Guard returns c with an OnDecision that measures each decision, and then calls
// that of c. For each decision,
//
//   - the histogram bearerkit.decision.duration records how long it took, and the
//     counter bearerkit.challenges counts the challenges of a refusal;
//   - the request's current span gets the outcome as attributes, and an event
//     "bearerkit.refusal" if the request was refused;
//   - the metrics of an otelhttp.Handler outside the guard get the outcome as
//     attributes.
func (t *Telemetry) Guard(c bearer.Config) bearer.Config {
	own := c.OnDecision
	c.OnDecision = func(r *http.Request, d bearer.Decision, took time.Duration) {
		t.decided(r, &d, took)
		if own != nil {
			own(r, d, took)
		}
	}
	return c
}

func (t *Telemetry) decided(r *http.Request, d *bearer.Decision, took time.Duration) {
	ctx := r.Context()
	key := decision{pattern: r.Pattern, scheme: d.Scheme()}
	err, refused := d.Err().(*bearer.Error)
	if refused {
		key.code, key.check = err.Code, err.Check
	}
	s := t.series.get(key)
	t.decisions.Record(ctx, float64(took)/float64(time.Second), s.record...)
	if labeler, ok := otelhttp.LabelerFromContext(ctx); ok {
		labeler.Add(s.labels...)
	}
	if span := trace.SpanFromContext(ctx); span.IsRecording() {
		span.SetAttributes(s.labels...)
		if refused {
			span.AddEvent("bearerkit.refusal", trace.WithAttributes(s.labels...))
		}
	}
	if refused {
		t.countChallenges(ctx, d.Challenges(), err.Code)
	}
}

// challenge identifies a series of bearerkit.challenges.
type challenge struct {
	scheme string
	code   bearer.Code // empty: without an error code
}

func (t *Telemetry) countChallenges(ctx context.Context, lines []string, code bearer.Code) {
	for _, line := range lines {
		c := challenge{scheme: other}
		if scheme, _, _ := strings.Cut(line, " "); scheme == "Bearer" || scheme == "DPoP" {
			c.scheme = scheme
		}
		if strings.Contains(line, ` error="`) {
			c.code = code
		}
		if option := t.challenged[c]; option != nil {
			t.challenges.Add(ctx, 1, option)
		}
	}
}

// challengeOptions returns the attributes of all challenges that a guard writes.
func challengeOptions() map[challenge]metric.MeasurementOption {
	options := map[challenge]metric.MeasurementOption{}
	for _, scheme := range []string{"Bearer", "DPoP", other} {
		for _, code := range []bearer.Code{
			"", bearer.CodeInvalidRequest, bearer.CodeInvalidToken, bearer.CodeInsufficientScope,
			bearer.CodeInsufficientUserAuth, bearer.CodeInvalidDPoPProof, bearer.CodeUseDPoPNonce,
		} {
			attributes := []attribute.KeyValue{attribute.String(schemeKey, scheme)}
			if code != "" {
				attributes = append(attributes, attribute.String(errorCodeKey, string(code)))
			}
			options[challenge{scheme, code}] = metric.WithAttributeSet(attribute.NewSet(attributes...))
		}
	}
	return options
}
