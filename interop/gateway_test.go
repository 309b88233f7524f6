package interop_test

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	pb "google.golang.org/grpc/interop/grpc_testing"

	"github.com/bearerkit/bearerkit/adapters/bearergrpc"
	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/bearer/bearertest"
	"github.com/bearerkit/bearerkit/conformance"
	"github.com/bearerkit/bearerkit/jwks"
	"github.com/bearerkit/bearerkit/scope"
)

// gatewayService answers with the caller's subject.
type gatewayService struct {
	pb.UnimplementedTestServiceServer
}

func (gatewayService) UnaryCall(ctx context.Context, _ *pb.SimpleRequest) (*pb.SimpleResponse, error) {
	p, _ := bearer.FromContext(ctx)
	return &pb.SimpleResponse{Username: p.Subject}, nil
}

func (gatewayService) StreamingOutputCall(_ *pb.StreamingOutputCallRequest, s grpc.ServerStreamingServer[pb.StreamingOutputCallResponse]) error {
	p, _ := bearer.FromContext(s.Context())
	return s.Send(&pb.StreamingOutputCallResponse{Payload: &pb.Payload{Body: []byte(p.Subject)}})
}

// serveGRPC serves the service on loopback, with the same rule for both methods of
// the gateway, and returns its address.
func serveGRPC(t *testing.T, c bearer.Config, rule bearer.RouteConfig) string {
	t.Helper()
	guard, err := bearer.New(c)
	if err != nil {
		t.Fatal(err)
	}
	auth, err := bearergrpc.New(bearergrpc.Config{Guard: guard, Methods: map[string]bearer.RouteConfig{
		pb.TestService_UnaryCall_FullMethodName: rule, pb.TestService_StreamingOutputCall_FullMethodName: rule,
	}})
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer(grpc.ChainUnaryInterceptor(auth.UnaryInterceptor()), grpc.ChainStreamInterceptor(auth.StreamInterceptor()))
	pb.RegisterTestServiceServer(server, gatewayService{})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	t.Cleanup(func() {
		server.Stop()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return listener.Addr().String()
}

// newGateway returns a gateway to a server of gRPC, as docs/grpc.md shows.
// gateway_generated_test.go is what protoc-gen-grpc-gateway v2.33.0 makes of
// grpc/testing/test.proto, with POST /v1/orders for UnaryCall and POST
// /v1/orders/watch for StreamingOutputCall.
func newGateway(t *testing.T, address string, o ...runtime.ServeMuxOption) http.Handler {
	t.Helper()
	conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithStatsHandler(bearergrpc.Gateway{}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	mux := runtime.NewServeMux(o...)
	if err := RegisterTestServiceHandler(t.Context(), mux, conn); err != nil {
		t.Fatal(err)
	}
	return bearergrpc.Gateway{}.Handler(mux)
}

// gatewayTokens are tokens whose names say how they are answered.
func gatewayTokens(_ context.Context, token string) (*bearer.Principal, error) {
	switch token {
	case "good":
		return &bearer.Principal{Subject: "alice", Scopes: scope.Of("orders:read")}, nil
	case "poor":
		return &bearer.Principal{Subject: "bob"}, nil
	case "down":
		return nil, bearer.Unavailable(errors.New("dial tcp: keys.internal"), 7*time.Second)
	}
	return nil, bearer.Invalid("signature", "a signature by the issuer", "another")
}

// Issue 15: the answer over grpc-gateway is the guard's in status and header,
// although the gateway's own code puts the message of the status into
// WWW-Authenticate.
func TestGateway(t *testing.T) {
	limit := &bearer.FailureLimit{Burst: 1, Every: time.Minute, TrustedProxy: nil}
	read := bearer.RouteConfig{Rule: scope.All("orders:read")}
	hidden := bearer.RouteConfig{Rule: scope.None, Requirements: []bearer.Requirement{bearer.Hidden(bearer.Role("admin"))}}
	admin := bearer.RouteConfig{Rule: scope.None, Requirements: []bearer.Requirement{bearer.Role("admin")}}
	const invalidRequest = `Bearer realm="api", error="invalid_request", error_description="The request must carry one well-formed access token, in one way."`
	tests := []struct {
		name          string
		route         bearer.RouteConfig
		limit         *bearer.FailureLimit
		authorization []string
		status        int
		challenge     string
		retryAfter    string
		reason        string // in the body; empty: admitted
	}{
		{"a good token", read, nil, []string{"Bearer good"}, 200, "", "", ""},
		{"no token", read, nil, nil, 401, `Bearer realm="api", scope="orders:read"`, "", "MISSING_CREDENTIALS"},
		{"a forged token", read, nil, []string{"Bearer forged"}, 401, `Bearer realm="api", error="invalid_token", error_description="The access token is invalid.", scope="orders:read"`, "", "INVALID_TOKEN"},
		{"two Authorization lines", read, nil, []string{"Bearer good", "Bearer good"}, 400, invalidRequest, "", "INVALID_REQUEST"},
		{"too little scope", read, nil, []string{"Bearer poor"}, 403, `Bearer realm="api", error="insufficient_scope", error_description="The access token lacks a scope that the request needs.", scope="orders:read"`, "", "INSUFFICIENT_SCOPE"},
		{"not the owner", admin, nil, []string{"Bearer good"}, 403, "", "", "FORBIDDEN"},
		{"hidden", hidden, nil, []string{"Bearer good"}, 404, "", "", "NOT_FOUND"},
		{"a token that is too long", read, nil, []string{"Bearer " + strings.Repeat("a", 17<<10)}, 431, "", "", "TOKEN_TOO_LONG"},
		{"too many failures", read, limit, []string{"Bearer forged"}, 429, "", "60", "TOO_MANY_FAILURES"},
		{"an outage", read, nil, []string{"Bearer down"}, 503, "", "7", "UNAVAILABLE"},
	}
	for _, tt := range tests {
		for _, path := range []string{"/v1/orders", "/v1/orders/watch"} {
			t.Run(tt.name+" "+path, func(t *testing.T) {
				t.Parallel()
				s := httptest.NewServer(newGateway(t, serveGRPC(t, bearer.Config{
					Verifiers: []bearer.Verifier{bearer.VerifierFunc(gatewayTokens)}, FailureLimit: tt.limit, RequestID: func(*http.Request) string { return "id-1" },
				}, tt.route)))
				defer s.Close()
				answer, body := postGateway(t, s.URL+path, tt.authorization...)
				if tt.limit != nil {
					answer, body = postGateway(t, s.URL+path, tt.authorization...)
				}
				if answer.StatusCode != tt.status || strings.Join(answer.Header["Www-Authenticate"], "|") != tt.challenge || answer.Header.Get("Retry-After") != tt.retryAfter {
					t.Errorf("%d %v, want %d %s", answer.StatusCode, answer.Header, tt.status, tt.challenge)
				}
				if answer.Header["Grpc-Metadata-Www-Authenticate"] != nil || (answer.Header.Get("Cache-Control") == "no-store") != (tt.status != 200) {
					t.Errorf("header %v", answer.Header)
				}
				if tt.reason == "" {
					if !strings.Contains(body, "alice") && !strings.Contains(body, "YWxpY2U=") { // bytes are base64
						t.Errorf("body %s", body)
					}
					return
				}
				checkGatewayBody(t, body, tt.reason)
			})
		}
	}
}

func postGateway(t *testing.T, url string, authorization ...string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	r.Header["Authorization"] = authorization
	r.Header.Set("Content-Type", "application/json")
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer, string(body)
}

// checkGatewayBody checks a google.rpc.Status in JSON. That of a stream is the
// member error of the first line.
func checkGatewayBody(t *testing.T, body, reason string) {
	t.Helper()
	type rpcStatus struct {
		Message string
		Details []struct{ Reason, Domain string }
	}
	var got struct {
		rpcStatus
		Error rpcStatus
	}
	line, _, _ := bufio.NewReader(strings.NewReader(body)).ReadLine()
	if err := json.Unmarshal(line, &got); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	details := slices.Concat(got.Details, got.Error.Details)
	if len(details) == 0 || details[0].Reason != reason || details[0].Domain != "bearerkit" || got.Message+got.Error.Message == "" {
		t.Errorf("body %s, want reason %s", body, reason)
	}
	for _, secret := range []string{"good", "forged", "poor", "down", "aaaa", "alice", "bob", "signature", "keys.internal", "admin"} {
		if strings.Contains(body, secret) {
			t.Errorf("the body has %q: %s", secret, body)
		}
	}
}

// A client cannot add a token through the fields that a gateway turns into
// metadata.
func TestGatewayMetadata(t *testing.T) {
	address := serveGRPC(t, bearer.Config{Verifiers: []bearer.Verifier{bearer.VerifierFunc(gatewayTokens)}}, bearer.RouteConfig{Rule: scope.None})
	current, legacy := newGateway(t, address), newGateway(t, address, runtime.WithLegacyHeaderMatching())
	for name, tt := range map[string]struct {
		header          http.Header
		current, legacy int
	}{
		"metadata beside Authorization":   {http.Header{"Authorization": {"Bearer good"}, "Grpc-Metadata-Authorization": {"Bearer poor"}}, 200, 400},
		"metadata alone":                  {http.Header{"Grpc-Metadata-Authorization": {"Bearer good"}}, 401, 200},
		"binary metadata":                 {http.Header{"Grpc-Metadata-Authorization-Bin": {"QmVhcmVyIGdvb2Q="}}, 401, 401},
		"another field of the gateway":    {http.Header{"Grpcgateway-Authorization": {"Bearer good"}}, 401, 401},
		"the gateway's name, as metadata": {http.Header{"Grpc-Metadata-Grpcgateway-Authorization": {"Bearer good"}}, 401, 401},
	} {
		for want, gateway := range map[*int]http.Handler{&tt.current: current, &tt.legacy: legacy} {
			r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/v1/orders", strings.NewReader("{}"))
			r.Header = tt.header
			w := httptest.NewRecorder()
			gateway.ServeHTTP(w, r)
			if w.Code != *want {
				t.Errorf("%s: %d, want %d", name, w.Code, *want)
			}
		}
	}
}

// RFC 8705, Section 3; RFC 9700, Section 4.13; checklist M4: what a client sends as
// metadata to a guard that trusts the gateway. By its default since v2.33.0 the
// gateway drops it. Its older default, which docs/grpc.md warns about, lets a client
// send a certificate. X-Forwarded-For never hides the client's address.
func TestGatewayForwarded(t *testing.T) {
	certificate := []byte("a certificate in DER")
	sum := sha256.Sum256(certificate)
	trusted := func(peer netip.Addr) bool { return peer.IsLoopback() }
	const client = "192.0.2.1:4711"
	post := func(gateway http.Handler, token string, header http.Header) int {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/v1/orders", strings.NewReader("{}"))
		r.RemoteAddr, r.Header = client, header.Clone()
		r.Header.Set("Authorization", "Bearer "+token)
		w := httptest.NewRecorder()
		gateway.ServeHTTP(w, r)
		return w.Code
	}
	for name, tt := range map[string]struct {
		options []runtime.ServeMuxOption
		bound   int // the status with a certificate in metadata
	}{
		"current": {nil, 401},
		"legacy":  {[]runtime.ServeMuxOption{runtime.WithLegacyHeaderMatching()}, 200},
	} {
		t.Run(name, func(t *testing.T) {
			bound := newGateway(t, serveGRPC(t, bearer.Config{
				Certificates: &bearer.Certificates{TrustedProxy: trusted},
				Verifiers: []bearer.Verifier{bearer.VerifierFunc(func(context.Context, string) (*bearer.Principal, error) {
					return &bearer.Principal{Subject: "alice", Confirmation: bearer.Confirmation{X5TS256: base64.RawURLEncoding.EncodeToString(sum[:])}}, nil
				})},
			}, bearer.RouteConfig{Rule: scope.None}), tt.options...)
			field := ":" + base64.StdEncoding.EncodeToString(certificate) + ":"
			for name, want := range map[string]int{"Client-Cert": 401, "Grpc-Metadata-Client-Cert": tt.bound} {
				if got := post(bound, "bound", http.Header{name: {field}}); got != want {
					t.Errorf("%s: %d, want %d", name, got, want)
				}
			}
			limited := newGateway(t, serveGRPC(t, bearer.Config{
				FailureLimit: &bearer.FailureLimit{Burst: 2, Every: time.Hour, TrustedProxy: trusted},
				Verifiers:    []bearer.Verifier{bearer.VerifierFunc(gatewayTokens)},
			}, bearer.RouteConfig{Rule: scope.None}), tt.options...)
			for n, want := range []int{401, 401, 429} {
				address := fmt.Sprint("198.51.100.", n)
				if got := post(limited, "forged", http.Header{"X-Forwarded-For": {address}, "Grpc-Metadata-X-Forwarded-For": {address}}); got != want {
					t.Errorf("attempt %d: %d, want %d", n, got, want)
				}
			}
		})
	}
}

// docs/grpc.md warns: a gateway that calls the service itself, without a
// connection, runs no interceptor.
func TestGatewayWithoutAConnection(t *testing.T) {
	mux := runtime.NewServeMux()
	if err := RegisterTestServiceHandlerServer(t.Context(), mux, gatewayService{}); err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(mux)
	defer s.Close()
	if answer, body := postGateway(t, s.URL+"/v1/orders"); answer.StatusCode != 200 {
		t.Errorf("%d %s: the warning in docs/grpc.md is no longer true", answer.StatusCode, body)
	}
}

// An error handler of the program's own gets the status. Gateway still corrects the
// header.
func TestGatewayErrorHandler(t *testing.T) {
	own := runtime.WithErrorHandler(func(_ context.Context, _ *runtime.ServeMux, _ runtime.Marshaler, w http.ResponseWriter, _ *http.Request, _ error) {
		http.Error(w, "refused", http.StatusUnauthorized)
	})
	s := httptest.NewServer(newGateway(t, serveGRPC(t, bearer.Config{Verifiers: []bearer.Verifier{bearer.VerifierFunc(gatewayTokens)}}, bearer.RouteConfig{Rule: scope.None}), own))
	defer s.Close()
	answer, body := postGateway(t, s.URL+"/v1/orders")
	if answer.StatusCode != 401 || answer.Header.Get("WWW-Authenticate") != `Bearer realm="api"` || body != "refused\n" {
		t.Errorf("%d %v %s", answer.StatusCode, answer.Header, body)
	}
}

// The conformance corpus, over grpc-gateway.
func TestGatewayConformance(t *testing.T) {
	t.Parallel()
	issuer, err := bearertest.NewIssuer(bearertest.IssuerConfig{Audience: []string{"https://api.example.com"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(issuer.Close)
	tokens, err := jwks.New(jwks.Config{Issuers: []jwks.Issuer{{URL: issuer.URL(), Audience: []string{"https://api.example.com"}}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(tokens.Close)
	gateway := newGateway(t, serveGRPC(t, bearer.Config{Verifiers: []bearer.Verifier{tokens}}, bearer.RouteConfig{Rule: scope.All("orders:read")}))
	bearertest.RunConformance(t, gateway, bearertest.ConformanceOptions{
		Corpus: conformance.Corpus(), Issuer: issuer, URL: "https://api.example.com/v1/orders",
		Method: http.MethodPost, Body: "{}", Header: []string{"Content-Type: application/json"}, Scope: "orders:read", Levels: []string{"core", "rfc9068", "bcp", "outage"},
		Known: map[string]string{ // no token helps, and no handler runs
			"form-token-in-get":        "the gateway answers 501 to methods that it has no route for",
			"preflight-without-origin": "the gateway answers 501 to methods that it has no route for",
		},
	})
}
