package bearerotel

import (
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/bearerkit/bearerkit/bearer"
)

// The attributes of this package, and those of OpenTelemetry's semantic conventions
// that it uses.
const (
	checkKey     = "bearerkit.check"
	outcomeKey   = "bearerkit.outcome"
	schemeKey    = "bearerkit.scheme"
	errorCodeKey = "bearerkit.challenge.error"
	issuerKey    = "bearerkit.issuer.hash"
	documentKey  = "bearerkit.key.document"
	probeKey     = "bearerkit.introspection.probe"
	cacheKey     = "bearerkit.cache.name"
	resultKey    = "bearerkit.result"
	stateKey     = "bearerkit.resolve.state"

	errorTypeKey  = "error.type"
	routeKey      = "http.route"
	methodKey     = "http.request.method"
	statusKey     = "http.response.status_code"
	serverKey     = "server.address"
	serverPortKey = "server.port"

	// other stands for any value beyond a bound.
	other = "_OTHER"
)

// maxSeries bounds the series of decisions that have a route. With those of other,
// they stay below 2,000, which is the SDK's default limit.
const maxSeries = 1500

// decision identifies a series of decisions.
type decision struct {
	pattern, check, scheme string
	code                   bearer.Code // empty: admitted
}

// series has the attributes of a decision in the forms that OpenTelemetry takes.
type series struct {
	record []metric.RecordOption // all attributes
	labels []attribute.KeyValue  // for the server's own telemetry, which has the route
}

// seriesTable finds the series of a decision without a lock and an allocation. It
// never forgets one.
type seriesTable struct {
	all atomic.Pointer[map[decision]*series] // replaced as a whole
	mu  sync.Mutex                           // held to replace it
}

func newSeriesTable() *seriesTable {
	t := new(seriesTable)
	t.all.Store(new(map[decision]*series))
	return t
}

func (t *seriesTable) get(d decision) *series {
	all := *t.all.Load()
	if s := all[d]; s != nil {
		return s
	}
	d = bounded(d, all)
	if s := all[d]; s != nil {
		return s
	}
	return t.add(d)
}

// bounded replaces the values of d that are beyond a bound.
func bounded(d decision, all map[decision]*series) decision {
	if d.code != "" && !knownCheck(d.check) {
		d.check = other
	}
	if d.pattern != "" && len(all) >= maxSeries {
		d.pattern = "/" + other
	}
	return d
}

func (t *seriesTable) add(d decision) *series {
	t.mu.Lock()
	defer t.mu.Unlock()
	old := *t.all.Load()
	d = bounded(d, old) // the table may have grown
	if s := old[d]; s != nil {
		return s
	}
	s := newSeries(d)
	next := make(map[decision]*series, len(old)+1)
	maps.Copy(next, old)
	next[d] = s
	t.all.Store(&next)
	return s
}

func newSeries(d decision) *series {
	common := []attribute.KeyValue{attribute.String(outcomeKey, outcome(d))}
	if d.scheme != "" {
		common = append(common, attribute.String(schemeKey, d.scheme))
	}
	common = slices.Clip(common)
	s := &series{labels: common}
	all := common
	if d.code != "" {
		all = append(all, attribute.String(errorTypeKey, d.check))
		s.labels = append(s.labels, attribute.String(checkKey, d.check))
	}
	if isServerError(d.code) {
		s.labels = append(s.labels, attribute.String(errorTypeKey, d.check))
	}
	if route := routeOf(d.pattern); route != "" {
		all = append(all, attribute.String(routeKey, route))
	}
	s.record = []metric.RecordOption{metric.WithAttributeSet(attribute.NewSet(all...))}
	return s
}

// isServerError reports whether a refusal has a status from 500 on. OpenTelemetry's
// conventions for HTTP servers set error.type only for these: a client's 401 is no
// error of the server, and dashboards count series with error.type as errors.
func isServerError(code bearer.Code) bool {
	return code == bearer.CodeUnavailable || code == bearer.CodeMisconfigured || code == bearer.CodeCanceled
}

// outcome returns the value of bearerkit.outcome. A guard admits a request without
// credentials, which has no scheme, as anonymous.
func outcome(d decision) string {
	switch {
	case d.code != "":
		return string(d.code)
	case d.scheme == "":
		return "anonymous"
	}
	return "admitted"
}

// routeOf returns the path of a route's pattern, without the method and the host.
func routeOf(pattern string) string {
	if pattern == "/"+other {
		return other
	}
	if i := strings.IndexByte(pattern, '/'); i >= 0 {
		return pattern[i:]
	}
	return ""
}
