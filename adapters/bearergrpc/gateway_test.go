package bearergrpc_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	pb "google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/bearerkit/bearerkit/adapters/bearergrpc"
	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/scope"
)

// What a gateway does with the calls of a request; module interop has a test with
// grpc-gateway itself.
func TestGateway(t *testing.T) {
	guard := newGuard(t, bearer.Config{})
	i := newInterceptors(t, bearergrpc.Config{Guard: guard, Methods: allMethods(bearer.RouteConfig{Rule: scope.All("orders:read")}), Public: []string{pb.TestService_CacheableUnaryCall_FullMethodName}})
	client := serve(t, i, nil, grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithStatsHandler(bearergrpc.Gateway{}))
	call := func(r *http.Request, token string) error {
		_, err := client.UnaryCall(metadata.AppendToOutgoingContext(r.Context(), "authorization", "Bearer "+token), &pb.SimpleRequest{})
		return err
	}
	const challenge = `Bearer realm="api", error="insufficient_scope", error_description="The access token lacks a scope that the request needs.", scope="orders:read"`
	tests := []struct {
		name       string
		gateway    http.HandlerFunc
		status     int
		challenges []string
		noStore    string
	}{
		{"a refusal", func(w http.ResponseWriter, r *http.Request) {
			err := call(r, "poor")
			w.Header().Set("WWW-Authenticate", err.Error())
			w.Header()["Grpc-Metadata-Www-Authenticate"] = []string{"x"}
			http.Error(w, "refused", http.StatusForbidden)
		}, 403, []string{challenge}, "no-store"},
		{"a refusal, by Write alone", func(w http.ResponseWriter, r *http.Request) {
			_ = call(r, "poor")
			_, _ = w.Write([]byte("all is well"))
		}, 200, nil, ""},
		{"a refusal that the gateway tolerates", func(w http.ResponseWriter, r *http.Request) {
			_ = call(r, "poor")
			w.WriteHeader(204)
		}, 204, nil, ""},
		{"a refusal before a call that succeeds", func(w http.ResponseWriter, r *http.Request) {
			_ = call(r, "poor")
			if err := call(r, "good"); err != nil {
				t.Error(err)
			}
			w.Header().Set("WWW-Authenticate", "Basic")
			w.WriteHeader(401)
		}, 401, []string{"Basic"}, ""},
		{"an outage before a refusal without a challenge", func(w http.ResponseWriter, r *http.Request) {
			_ = call(r, "poor")
			w.Header().Set("WWW-Authenticate", call(r, "down").Error())
			w.WriteHeader(503)
		}, 503, nil, "no-store"},
		{"a short outage", func(w http.ResponseWriter, r *http.Request) {
			_ = call(r, "busy")
			w.WriteHeader(500)
		}, 500, nil, "no-store"},
		{"an error of the service", func(w http.ResponseWriter, r *http.Request) {
			_, err := client.CacheableUnaryCall(r.Context(), &pb.SimpleRequest{})
			if status.Code(err) != codes.ResourceExhausted {
				t.Error(err)
			}
			w.Header().Set("WWW-Authenticate", "Basic")
			w.WriteHeader(400)
		}, 400, []string{"Basic"}, ""},
		{"a token that is too long", func(w http.ResponseWriter, r *http.Request) {
			_ = call(r, strings.Repeat("a", 17<<10))
			w.WriteHeader(400)
		}, 431, nil, "no-store"},
		{"a token that is too long, to a gateway with a status of its own", func(w http.ResponseWriter, r *http.Request) {
			_ = call(r, strings.Repeat("a", 17<<10))
			w.WriteHeader(422)
		}, 422, nil, "no-store"},
		{"a malformed token", func(w http.ResponseWriter, r *http.Request) {
			_ = call(r, "a b")
			w.WriteHeader(400)
		}, 400, []string{`Bearer realm="api", error="invalid_request", error_description="The request must carry one well-formed access token, in one way."`}, "no-store"},
		{"no call", func(w http.ResponseWriter, _ *http.Request) {
			w.Header()["Grpc-Metadata-Other"] = []string{"kept"}
			w.WriteHeader(400)
		}, 400, nil, ""},
		{"a stream that is flushed", func(w http.ResponseWriter, r *http.Request) {
			_ = call(r, "poor")
			w.WriteHeader(403)
			w.(http.Flusher).Flush()
			if err := http.NewResponseController(w).Flush(); err != nil {
				t.Error(err)
			}
		}, 403, []string{challenge}, "no-store"},
		{"a flush alone", func(w http.ResponseWriter, r *http.Request) {
			_ = call(r, "poor")
			w.Header()["Grpc-Metadata-Www-Authenticate"] = []string{"x"}
			w.(http.Flusher).Flush()
		}, 200, nil, ""},
		{"an informational status first", func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(103)
			_ = call(r, "poor")
			w.WriteHeader(403)
		}, 403, []string{challenge}, "no-store"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := httptest.NewServer(bearergrpc.Gateway{}.Handler(tt.gateway))
			defer s.Close()
			res, err := s.Client().Get(s.URL)
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			if res.StatusCode != tt.status || !slices.Equal(res.Header["Www-Authenticate"], tt.challenges) ||
				res.Header.Get("Cache-Control") != tt.noStore || res.Header["Grpc-Metadata-Www-Authenticate"] != nil {
				t.Errorf("%d %v, want %d %q", res.StatusCode, res.Header, tt.status, tt.challenges)
			}
			if want := map[int]string{503: "7", 500: "1"}[tt.status]; res.Header.Get("Retry-After") != want {
				t.Errorf("Retry-After %q, want %q", res.Header.Get("Retry-After"), want)
			}
		})
	}
}

// A response to an admitted call has its nonce, whichever way the gateway writes.
func TestGatewayNonce(t *testing.T) {
	i := newInterceptors(t, bearergrpc.Config{Guard: newGuard(t, bearer.Config{}), Public: []string{pb.TestService_EmptyCall_FullMethodName}})
	client := serve(t, i, nil, grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithStatsHandler(bearergrpc.Gateway{}))
	for name, write := range map[string]func(http.ResponseWriter){
		"Write":       func(w http.ResponseWriter) { _, _ = w.Write([]byte("x")) },
		"WriteHeader": func(w http.ResponseWriter) { w.WriteHeader(200) },
		"Flush":       func(w http.ResponseWriter) { w.(http.Flusher).Flush() },
		"nothing":     func(http.ResponseWriter) {},
	} {
		w := httptest.NewRecorder()
		bearergrpc.Gateway{}.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if _, err := client.EmptyCall(metadata.AppendToOutgoingContext(r.Context(), "nonce", "n-1"), &pb.Empty{}); err != nil {
				t.Error(err)
			}
			w.Header()["Grpc-Metadata-Dpop-Nonce"] = []string{"n-1"}
			write(w)
		})).ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), "GET", "/", nil))
		want := http.Header{"Dpop-Nonce": {"n-1"}}
		if got := w.Result().Header; !reflect.DeepEqual(got, want) && name != "Write" || got.Get("DPoP-Nonce") != "n-1" || w.Flushed != (name == "Flush") {
			t.Errorf("%s: %v, flushed %v", name, got, w.Flushed)
		}
	}
}

// statuses records what is written.
type statuses struct {
	http.ResponseWriter
	codes []int
}

func (s *statuses) WriteHeader(code int) { s.codes = append(s.codes, code) }

// A gateway's statuses are passed on, each once. One that writes none has 200.
func TestGatewayStatuses(t *testing.T) {
	for name, tt := range map[string]struct {
		write func(http.ResponseWriter)
		want  []int
	}{
		"a status": {func(w http.ResponseWriter) { w.WriteHeader(103); w.WriteHeader(403); _, _ = w.Write(nil) }, []int{103, 403}},
		"200":      {func(w http.ResponseWriter) { w.WriteHeader(200); _, _ = w.Write(nil); _, _ = w.Write(nil) }, []int{200}},
		"none":     {func(w http.ResponseWriter) { w.WriteHeader(103); _, _ = w.Write(nil); _, _ = w.Write(nil) }, []int{103, 200}},
		"a flush":  {func(w http.ResponseWriter) { w.(http.Flusher).Flush(); _, _ = w.Write(nil) }, []int{200}},
	} {
		got := &statuses{ResponseWriter: httptest.NewRecorder()}
		bearergrpc.Gateway{}.Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { tt.write(w) })).
			ServeHTTP(got, httptest.NewRequestWithContext(t.Context(), "GET", "/", nil))
		if !slices.Equal(got.codes, tt.want) {
			t.Errorf("%s: %v, want %v", name, got.codes, tt.want)
		}
	}
	// An error of the writer below is the gateway's to see.
	bearergrpc.Gateway{}.Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if err := http.NewResponseController(w).Flush(); !errors.Is(err, http.ErrNotSupported) {
			t.Errorf("%v, want http.ErrNotSupported", err)
		}
	})).ServeHTTP(&statuses{ResponseWriter: onlyWriter{httptest.NewRecorder()}}, httptest.NewRequestWithContext(t.Context(), "GET", "/", nil))
}

// onlyWriter hides what else a ResponseWriter can do.
type onlyWriter struct{ http.ResponseWriter }

// A call for no request, and a gateway that is missing.
func TestGatewayAlone(t *testing.T) {
	i := newInterceptors(t, bearergrpc.Config{Guard: newGuard(t, bearer.Config{}), Methods: allMethods(bearer.RouteConfig{Rule: scope.None})})
	client := serve(t, i, nil, grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithStatsHandler(bearergrpc.Gateway{}))
	for method, call := range callers {
		if _, _, err := call(withAuthorization(t, "Bearer good"), client); err != nil {
			t.Errorf("%s: %v", method, err)
		}
	}
	defer func() {
		if recover() == nil {
			t.Error("Handler accepts nil")
		}
	}()
	bearergrpc.Gateway{}.Handler(nil)
}
