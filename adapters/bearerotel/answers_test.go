package bearerotel_test

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/labstack/echo/v4"
	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/bearerkit/bearerkit/adapters/bearerecho"
	"github.com/bearerkit/bearerkit/adapters/bearergin"
	"github.com/bearerkit/bearerkit/adapters/bearerhttp"
	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/dpop"
	"github.com/bearerkit/bearerkit/scope"
)

// frameworks serve /orders/{id} with one route.
var frameworks = map[string]func(*bearer.Route) http.Handler{
	"net/http": func(route *bearer.Route) http.Handler {
		mux := http.NewServeMux()
		mux.Handle("GET /orders/{id}", bearerhttp.Protect(route)(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})))
		return mux
	},
	"Gin": func(route *bearer.Route) http.Handler {
		gin.SetMode(gin.ReleaseMode)
		engine := gin.New()
		engine.GET("/orders/:id", bearergin.Protect(route), func(*gin.Context) {})
		return engine
	},
	"Echo": func(route *bearer.Route) http.Handler {
		engine := echo.New()
		engine.GET("/orders/:id", func(echo.Context) error { return nil }, bearerecho.Protect(route))
		return engine
	},
}

var answers = []struct {
	name          string
	authorization []string
	route         bearer.RouteConfig
	config        bearer.Config
	want          string   // the attributes without the route
	challenges    []string // the attributes of the challenges
}{
	{"a good token", []string{"Bearer good"}, bearer.RouteConfig{Rule: scope.All("orders:read")}, bearer.Config{}, "bearerkit.outcome=admitted,bearerkit.scheme=Bearer", nil},
	{"anonymous", nil, bearer.RouteConfig{Rule: scope.None, Optional: true}, bearer.Config{}, "bearerkit.outcome=anonymous", nil},
	// RFC 6750, Section 3.1: no error code without credentials.
	{"no token", nil, bearer.RouteConfig{Rule: scope.None}, bearer.Config{}, "bearerkit.outcome=missing_credentials,error.type=credentials", []string{"bearerkit.scheme=Bearer"}},
	{"another scheme", []string{"Basic YTpi"}, bearer.RouteConfig{Rule: scope.None}, bearer.Config{}, "bearerkit.outcome=missing_credentials,error.type=credentials", []string{"bearerkit.scheme=Bearer"}},
	{"two Authorization lines", []string{"Bearer good", "Bearer good"}, bearer.RouteConfig{Rule: scope.None}, bearer.Config{}, "bearerkit.outcome=invalid_request,error.type=Authorization", []string{"bearerkit.challenge.error=invalid_request,bearerkit.scheme=Bearer"}},
	{"a forged token", []string{"Bearer forged"}, bearer.RouteConfig{Rule: scope.None}, bearer.Config{}, "bearerkit.outcome=invalid_token,bearerkit.scheme=Bearer,error.type=signature", []string{"bearerkit.challenge.error=invalid_token,bearerkit.scheme=Bearer"}},
	{"an expired token", []string{"bearer expired"}, bearer.RouteConfig{Rule: scope.None}, bearer.Config{}, "bearerkit.outcome=invalid_token,bearerkit.scheme=Bearer,error.type=exp", []string{"bearerkit.challenge.error=invalid_token,bearerkit.scheme=Bearer"}},
	{"too little scope", []string{"Bearer poor"}, bearer.RouteConfig{Rule: scope.All("orders:read")}, bearer.Config{}, "bearerkit.outcome=insufficient_scope,bearerkit.scheme=Bearer,error.type=scope", []string{"bearerkit.challenge.error=insufficient_scope,bearerkit.scheme=Bearer"}},
	{"a weak authentication", []string{"Bearer good"}, bearer.RouteConfig{Rule: scope.None, Requirements: []bearer.Requirement{bearer.StepUp{ACR: []string{"phr"}}}}, bearer.Config{},
		"bearerkit.outcome=insufficient_user_authentication,bearerkit.scheme=Bearer,error.type=acr", []string{"bearerkit.challenge.error=insufficient_user_authentication,bearerkit.scheme=Bearer"}},
	{"not the owner", []string{"Bearer good"}, bearer.RouteConfig{Rule: scope.None, Requirements: []bearer.Requirement{bearer.Role("admin")}}, bearer.Config{}, "bearerkit.outcome=forbidden,bearerkit.scheme=Bearer,error.type=role", nil},
	{"hidden", []string{"Bearer good"}, bearer.RouteConfig{Rule: scope.None, Requirements: []bearer.Requirement{bearer.Hidden(bearer.Role("admin"))}}, bearer.Config{}, "bearerkit.outcome=not_found,bearerkit.scheme=Bearer,error.type=role", nil},
	{"too many bad tokens", []string{"Bearer forged"}, bearer.RouteConfig{Rule: scope.None}, bearer.Config{FailureLimit: &bearer.FailureLimit{Burst: 1, Every: time.Hour}}, "bearerkit.outcome=too_many_failures,bearerkit.scheme=Bearer,error.type=failures", nil},
	{"a token that is too long", []string{"Bearer " + strings.Repeat("a", 17<<10)}, bearer.RouteConfig{Rule: scope.None}, bearer.Config{}, "bearerkit.outcome=token_too_long,bearerkit.scheme=Bearer,error.type=token length", nil},
	{"an outage", []string{"Bearer down"}, bearer.RouteConfig{Rule: scope.None}, bearer.Config{}, "bearerkit.outcome=unavailable,bearerkit.scheme=Bearer,error.type=verifier", nil},
	{"not bound", []string{"DPoP good"}, bearer.RouteConfig{Rule: scope.None}, bearer.Config{Proofs: newProofs()}, "bearerkit.outcome=invalid_token,bearerkit.scheme=DPoP,error.type=cnf", []string{"bearerkit.scheme=Bearer", "bearerkit.challenge.error=invalid_token,bearerkit.scheme=DPoP"}},
	{"no proof", []string{"DPoP bound"}, bearer.RouteConfig{Rule: scope.None}, bearer.Config{Proofs: newProofs()}, "bearerkit.outcome=invalid_dpop_proof,bearerkit.scheme=DPoP,error.type=DPoP", []string{"bearerkit.scheme=Bearer", "bearerkit.challenge.error=invalid_dpop_proof,bearerkit.scheme=DPoP"}},
}

func newProofs() *dpop.Checker {
	checker, err := dpop.New(dpop.Config{Origin: "https://api.example.com"})
	if err != nil {
		panic(err)
	}
	return checker
}

// Every row of docs/answers.md on every framework: the decision, its challenges, the
// span and the metrics of otelhttp.
func TestAnswers(t *testing.T) {
	for framework, serve := range frameworks {
		for _, tt := range answers {
			t.Run(framework+", "+tt.name, func(t *testing.T) {
				s := newSDK(t)
				route := newGuard(t, s.telemetry(t), tt.config).MustRoute(tt.route)
				h := otelhttp.NewHandler(serve(route), "api", otelhttp.WithMeterProvider(s.meters), otelhttp.WithTracerProvider(s.tracers))
				r := request("/orders/4711", tt.authorization...)
				if tt.config.FailureLimit != nil {
					serve(route).ServeHTTP(httptest.NewRecorder(), r.Clone(t.Context()))
				}
				w := httptest.NewRecorder()
				h.ServeHTTP(w, r)

				pattern := "/orders/:id"
				if framework == "net/http" {
					pattern = "/orders/{id}"
				}
				decisions := s.read(t, "bearerkit.decision.duration")
				if n := decisions[tt.want+",http.route="+pattern]; n != 1 || tt.config.FailureLimit == nil && len(decisions) != 1 {
					t.Errorf("%v, want %s", decisions, tt.want)
				}
				if tt.config.FailureLimit == nil {
					want := map[string]int64{}
					for _, c := range tt.challenges {
						want[c] = 1
					}
					if got := s.read(t, "bearerkit.challenges"); !maps.Equal(got, want) {
						t.Errorf("challenges %v, want %v; the answer has %q", got, want, w.Header().Values("WWW-Authenticate"))
					}
				}
				checkServerTelemetry(t, s, tt.want)
			})
		}
	}
}

// checkServerTelemetry checks what the guard added to the span and the metrics of
// otelhttp.
func checkServerTelemetry(t *testing.T, s *sdk, want string) {
	t.Helper()
	spans := s.spans.Ended()
	span := spans[len(spans)-1]
	attributes := map[string]string{}
	for _, kv := range span.Attributes() {
		attributes[string(kv.Key)] = kv.Value.String()
	}
	var metrics string
	for series := range s.read(t, "http.server.request.duration") {
		metrics = "," + series + ","
	}
	status := spanStatus(span)
	for pair := range strings.SplitSeq(want, ",") {
		key, value, _ := strings.Cut(pair, "=")
		if key == "error.type" && status < 500 { // the server has not failed
			if attributes[key] != "" || strings.Contains(metrics, ",error.type=") {
				t.Errorf("status %d has error.type: span %q, metrics %s", status, attributes[key], metrics)
			}
			key, pair = "bearerkit.check", "bearerkit.check="+value
		}
		if attributes[key] != value {
			t.Errorf("the span has %s=%q, want %q", key, attributes[key], value)
		}
		if !strings.Contains(metrics, ","+pair+",") {
			t.Errorf("http.server.request.duration has %s, want %s", metrics, pair)
		}
	}
	refused := strings.Contains(want, "error.type")
	if events := span.Events(); (len(events) == 1 && events[0].Name == "bearerkit.refusal") != refused {
		t.Errorf("events %v of a refusal: %t", events, refused)
	}
	if span.SpanKind() != trace.SpanKindServer {
		t.Errorf("the last span is %v", span.Name())
	}
}

// spanStatus returns the status of the answer.
func spanStatus(span sdktrace.ReadOnlySpan) int64 {
	for _, kv := range span.Attributes() {
		if kv.Key == "http.response.status_code" {
			return kv.Value.AsInt64()
		}
	}
	return 0
}
