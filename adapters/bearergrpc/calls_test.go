package bearergrpc_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	pb "google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"

	"github.com/bearerkit/bearerkit/adapters/bearergrpc"
	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/scope"
)

// A method without a rule is refused, even with a good token, and so is a service
// that the server does not know but serves, as a proxy does.
func TestMethodWithoutARule(t *testing.T) {
	var log buffer
	var patterns []string
	i := newInterceptors(t, bearergrpc.Config{Public: []string{serverMethod}, Guard: newGuard(t, bearer.Config{
		Logger:     slog.New(slog.NewJSONHandler(&log, nil)),
		OnDecision: func(r *http.Request, _ bearer.Decision, _ time.Duration) { patterns = append(patterns, r.Pattern) },
	})})
	unknown := grpc.UnknownServiceHandler(func(_ any, s grpc.ServerStream) error { return s.SendMsg(&pb.Empty{}) })
	conn := connect(t, i, []grpc.ServerOption{unknown})
	client := pb.NewTestServiceClient(conn)
	for _, method := range []string{unaryMethod, clientMethod, bidiMethod} {
		_, _, err := callers[method](withAuthorization(t, "Bearer good"), client)
		s := status.Convert(err)
		if s.Code() != codes.Internal || s.Message() != "The server cannot handle requests of this kind." {
			t.Errorf("%s: %v", method, err)
		}
		checkDetails(t, s, "MISCONFIGURED", 0)
		if record := log.take(); !strings.Contains(record, `"level":"ERROR"`) || !strings.Contains(record, method+" with neither") {
			t.Errorf("record %s", record)
		}
	}
	err := conn.Invoke(withAuthorization(t, "Bearer good"), "/unknown.v1.Service/Call", &pb.Empty{}, &pb.Empty{})
	if status.Code(err) != codes.Internal {
		t.Errorf("an unknown service: %v", err)
	}
	// A path without its slash, which some versions of gRPC serve.
	err = i.StreamInterceptor()(nil, streamIn{in: withAuthorization(t)}, &grpc.StreamServerInfo{FullMethod: serverMethod[1:]}, func(any, grpc.ServerStream) error {
		t.Error("the handler ran")
		return nil
	})
	if status.Code(err) != codes.Internal {
		t.Errorf("a path without its slash: %v", err)
	}
	// A pattern is a label of metrics, so clients do not choose it.
	if !slices.Equal(patterns, []string{"undeclared", "undeclared", "undeclared", "undeclared", "undeclared"}) {
		t.Errorf("patterns %q", patterns)
	}
}

// A name that differs from a method's by a letter is another method's, even if a
// handler of unknown services would serve it.
func TestOddMethodNames(t *testing.T) {
	i := newInterceptors(t, bearergrpc.Config{Guard: newGuard(t, bearer.Config{}), Public: []string{unaryMethod}})
	unknown := grpc.UnknownServiceHandler(func(_ any, s grpc.ServerStream) error { return s.SendMsg(&pb.Empty{}) })
	for name, conn := range map[string]*grpc.ClientConn{"a server": connect(t, i, nil), "a proxy": connect(t, i, []grpc.ServerOption{unknown})} {
		if err := conn.Invoke(withAuthorization(t), unaryMethod, &pb.Empty{}, &pb.Empty{}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for _, method := range []string{
			"/" + unaryMethod, unaryMethod + "/", unaryMethod + "?x=1", unaryMethod + "#x", unaryMethod + " ", strings.ToLower(unaryMethod),
			strings.Replace(unaryMethod, "/U", "%2FU", 1), strings.Replace(unaryMethod, "/U", "/./U", 1), strings.Replace(unaryMethod, "/U", "/x/../U", 1),
			strings.Replace(unaryMethod, "U", "%55", 1), unaryMethod[1:], "/", "*", "/*", "/grpc.testing.TestService", "/grpc.testing.TestService/",
		} {
			err := conn.Invoke(withAuthorization(t, "Bearer good"), method, &pb.Empty{}, &pb.Empty{})
			if code := status.Code(err); code != codes.Internal && code != codes.Unimplemented {
				t.Errorf("%s: %q: %v, want Internal or Unimplemented", name, method, err)
			}
		}
	}
}

// Public methods are open, whatever the call carries. Their handlers see no
// principal.
func TestPublic(t *testing.T) {
	var log buffer
	guard := newGuard(t, bearer.Config{Logger: slog.New(slog.NewJSONHandler(&log, nil))})
	client := serve(t, newInterceptors(t, bearergrpc.Config{Guard: guard, Public: []string{unaryMethod, clientMethod, serverMethod, bidiMethod}}), nil)
	for method, call := range callers {
		for _, token := range []string{"Bearer good", "Bearer forged"} {
			header, _, err := call(withAuthorization(t, token), client)
			if err != nil || !slices.Equal(header["subject"], []string{"(anonymous)"}) || log.take() != "" {
				t.Errorf("%s: %v %v", method, header, err)
			}
		}
	}
}

// Checklist C15: a call without credentials is anonymous, bad credentials are
// refused.
func TestOptional(t *testing.T) {
	client := serve(t, newInterceptors(t, bearergrpc.Config{Guard: newGuard(t, bearer.Config{}), Methods: allMethods(bearer.RouteConfig{Rule: scope.None, Optional: true})}), nil)
	for method, call := range callers {
		header, _, err := call(withAuthorization(t), client)
		if err != nil || !slices.Equal(header["subject"], []string{"(anonymous)"}) {
			t.Errorf("%s: %v %v", method, header, err)
		}
		if _, _, err := call(withAuthorization(t, "Bearer forged"), client); status.Code(err) != codes.Unauthenticated {
			t.Errorf("%s: %v", method, err)
		}
	}
}

// Checklist 2.7: what a client puts into metadata beside a good token, or in place
// of it.
func TestHostileMetadata(t *testing.T) {
	guard := newGuard(t, bearer.Config{})
	client := serve(t, newInterceptors(t, bearergrpc.Config{Guard: guard, Methods: allMethods(bearer.RouteConfig{Rule: scope.All("orders:read")})}),
		[]grpc.ServerOption{grpc.MaxHeaderListSize(1 << 20)})
	tests := []struct {
		name  string
		pairs []string
		want  codes.Code
	}{
		{"a good token", []string{"authorization", "Bearer good"}, codes.OK},
		{"several spaces", []string{"authorization", "Bearer   good"}, codes.OK}, // RFC 6750, Section 2.1
		{"an upper-case key", []string{"AUTHORIZATION", "BEARER good"}, codes.OK},
		{"two keys that differ in case", []string{"AUTHORIZATION", "Bearer good", "authorization", "Bearer good"}, codes.InvalidArgument},
		{"Basic beside Bearer", []string{"authorization", "Basic YTpi", "authorization", "Bearer good"}, codes.InvalidArgument},
		{"Bearer beside Basic", []string{"authorization", "Bearer good", "authorization", "Basic YTpi"}, codes.InvalidArgument},
		{"an empty value beside Bearer", []string{"authorization", "", "authorization", "Bearer good"}, codes.InvalidArgument},
		{"an empty value", []string{"authorization", ""}, codes.Unauthenticated},
		{"a binary value", []string{"authorization-bin", "Bearer good"}, codes.Unauthenticated},
		{"a binary value beside Bearer", []string{"authorization", "Bearer good", "authorization-bin", "Bearer forged"}, codes.OK},
		{"other keys", []string{"x-authorization", "Bearer good", "proxy-authorization", "Bearer good", "grpcgateway-authorization", "Bearer good"}, codes.Unauthenticated},
		{"an underscore", []string{"authorization_", "Bearer good"}, codes.Unauthenticated},
		{"no token after the scheme", []string{"authorization", "Bearer"}, codes.InvalidArgument},
		{"a token in a cookie", []string{"cookie", "access_token=good"}, codes.Unauthenticated},
		{"a preflight", []string{"origin", "https://a.example", "access-control-request-method", "POST"}, codes.Unauthenticated},
		{"a method override", []string{"x-http-method-override", "OPTIONS", ":method", "OPTIONS"}, codes.Unauthenticated},
		{"a huge token", []string{"authorization", "Bearer " + strings.Repeat("a.", 400<<10)}, codes.InvalidArgument},
		{"a form", []string{"accept", "application/x-www-form-urlencoded", "x-form", "access_token=good"}, codes.Unauthenticated},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for method, call := range callers {
				_, _, err := call(metadata.AppendToOutgoingContext(withAuthorization(t), tt.pairs...), client)
				if status.Code(err) != tt.want {
					t.Errorf("%s: %v, want %v", method, err, tt.want)
				}
			}
		})
	}
}

// A handler's principal is the one of its own call, even if the context of the
// call has another one already.
func TestForeignPrincipal(t *testing.T) {
	i := newInterceptors(t, bearergrpc.Config{Guard: newGuard(t, bearer.Config{}), Methods: allMethods(bearer.RouteConfig{Rule: scope.None, Optional: true})})
	mallory := func(ctx context.Context) context.Context {
		return bearer.NewContext(ctx, bearer.Principal{Subject: "mallory"})
	}
	client := serve(t, i, []grpc.ServerOption{
		grpc.ChainUnaryInterceptor(func(ctx context.Context, m any, _ *grpc.UnaryServerInfo, h grpc.UnaryHandler) (any, error) {
			return h(mallory(ctx), m)
		}),
		grpc.ChainStreamInterceptor(func(server any, s grpc.ServerStream, _ *grpc.StreamServerInfo, h grpc.StreamHandler) error {
			return h(server, streamIn{s, mallory(s.Context())})
		}),
	})
	for method, call := range callers {
		for token, want := range map[string]string{"Bearer good": "alice", "Bearer poor": "bob", "": "(anonymous)"} {
			values := []string{token}
			if token == "" {
				values = nil
			}
			header, _, err := call(withAuthorization(t, values...), client)
			if err != nil || !slices.Equal(header["subject"], []string{want}) {
				t.Errorf("%s: %v %v, want %s", method, header, err, want)
			}
		}
	}
}

// streamIn is a stream with another context.
type streamIn struct {
	grpc.ServerStream // nil: none
	in                context.Context
}

func (s streamIn) Context() context.Context { return s.in }

// RFC 9110, Section 15.5.2; checklist H1: the challenge reaches the client even if
// an outer interceptor has sent the header.
func TestHeaderIsSent(t *testing.T) {
	i := newInterceptors(t, bearergrpc.Config{Guard: newGuard(t, bearer.Config{}), Methods: allMethods(bearer.RouteConfig{Rule: scope.None})})
	client := serve(t, i, []grpc.ServerOption{
		grpc.ChainUnaryInterceptor(func(ctx context.Context, m any, _ *grpc.UnaryServerInfo, h grpc.UnaryHandler) (any, error) {
			if err := grpc.SendHeader(ctx, metadata.Pairs("trace", "1")); err != nil {
				return nil, err
			}
			return h(ctx, m)
		}),
		grpc.ChainStreamInterceptor(func(server any, s grpc.ServerStream, _ *grpc.StreamServerInfo, h grpc.StreamHandler) error {
			if err := s.SendHeader(metadata.Pairs("trace", "1")); err != nil {
				return err
			}
			return h(server, s)
		}),
	})
	for method, call := range callers {
		header, trailer, err := call(withAuthorization(t), client)
		if status.Code(err) != codes.Unauthenticated || header["trace"] == nil || !slices.Equal(trailer["www-authenticate"], []string{`Bearer realm="api"`}) {
			t.Errorf("%s: %v %v %v", method, header, trailer, err)
		}
	}
}

// Config.FailureLimit: the address is the peer's, or the one that a trusted proxy
// names.
func TestFailureLimit(t *testing.T) {
	for name, trusted := range map[string]bool{"a trusted proxy": true, "any client": false} {
		t.Run(name, func(t *testing.T) {
			guard := newGuard(t, bearer.Config{FailureLimit: &bearer.FailureLimit{
				Burst: 2, Every: time.Hour, TrustedProxy: func(netip.Addr) bool { return trusted },
			}})
			client := serve(t, newInterceptors(t, bearergrpc.Config{Guard: guard, Methods: allMethods(bearer.RouteConfig{Rule: scope.None})}), nil)
			from := func(address, token string) (metadata.MD, metadata.MD, error) {
				return callers[unaryMethod](metadata.AppendToOutgoingContext(withAuthorization(t, token), "x-forwarded-for", address), client)
			}
			for range 2 {
				if _, _, err := from("192.0.2.1", "Bearer forged"); status.Code(err) != codes.Unauthenticated {
					t.Errorf("%v, want Unauthenticated", err)
				}
			}
			header, trailer, err := from("192.0.2.1", "Bearer good")
			s := status.Convert(err)
			if s.Code() != codes.ResourceExhausted || len(header) > 0 || len(trailer["grpc-retry-pushback-ms"]) != 1 {
				t.Errorf("%v %v %v, want ResourceExhausted", err, header, trailer)
			}
			checkDetails(t, s, "TOO_MANY_FAILURES", 3600)
			want := map[bool]codes.Code{true: codes.OK, false: codes.ResourceExhausted}[trusted]
			if _, _, err := from("192.0.2.2", "Bearer good"); status.Code(err) != want {
				t.Errorf("another address: %v, want %v", err, want)
			}
		})
	}
}

// What the hooks see of a call.
func TestHooks(t *testing.T) {
	var seen []string
	note := func(hook string, r *http.Request) {
		p, _ := bearer.FromContext(r.Context())
		seen = append(seen, strings.Join([]string{hook, r.Method, r.URL.String(), r.Pattern, r.Header.Get("X-Request-Id"), p.Subject}, " "))
	}
	guard := newGuard(t, bearer.Config{
		OnAdmit:    func(r *http.Request) { note("admit", r) },
		OnRefusal:  func(r *http.Request, _ bearer.Event) { note("refusal", r) },
		OnDecision: func(r *http.Request, _ bearer.Decision, _ time.Duration) { note("decision", r) },
		RequestID:  func(r *http.Request) string { return r.Header.Get("X-Request-Id") },
	})
	client := serve(t, newInterceptors(t, bearergrpc.Config{Guard: guard, Methods: allMethods(bearer.RouteConfig{Rule: scope.All("orders:read")})}), nil)
	for _, token := range []string{"Bearer good", "Bearer poor"} {
		_, _, _ = callers[bidiMethod](metadata.AppendToOutgoingContext(withAuthorization(t, token), "x-request-id", "r-1"), client)
	}
	m := " POST " + bidiMethod + " " + bidiMethod + " r-1 "
	want := []string{"decision" + m + "alice", "admit" + m + "alice", "decision" + m, "refusal" + m}
	if !slices.Equal(seen, want) {
		t.Errorf("got  %q\nwant %q", seen, want)
	}
}

// The request that hooks see of a call, field by field.
func TestRequest(t *testing.T) {
	var seen *http.Request
	i := newInterceptors(t, bearergrpc.Config{
		Guard:   newGuard(t, bearer.Config{OnAdmit: func(r *http.Request) { seen = r }}),
		Methods: allMethods(bearer.RouteConfig{Rule: scope.None}),
	})
	call := func(ctx context.Context) *http.Request {
		t.Helper()
		seen = nil
		if _, err := i.UnaryInterceptor()(ctx, nil, &grpc.UnaryServerInfo{FullMethod: unaryMethod}, func(context.Context, any) (any, error) { return nil, nil }); err != nil {
			t.Fatal(err)
		}
		return seen
	}
	md := metadata.MD{
		":authority": {"api.example.com"}, ":path": {"/x"}, "authorization": {"Bearer good"}, "x-request-id": {"1", "2"}, "trace-bin": {"\x00"}, "content-type": {"application/grpc"},
	}
	ctx := metadata.NewIncomingContext(t.Context(), md)
	r := call(ctx)
	want := http.Header{"Authorization": {"Bearer good"}, "X-Request-Id": {"1", "2"}, "Content-Type": {"application/grpc"}}
	if r.Host != "api.example.com" || !reflect.DeepEqual(r.Header, want) || r.RemoteAddr != "" || r.TLS != nil || r.ProtoMajor != 2 || r.RequestURI != unaryMethod || r.Body != http.NoBody {
		t.Errorf("%+v", r)
	}
	if r := call(peer.NewContext(ctx, &peer.Peer{})); r.RemoteAddr != "" || r.TLS != nil {
		t.Errorf("a peer without an address: %q %v", r.RemoteAddr, r.TLS)
	}
	md[":authority"] = nil
	if r := call(metadata.NewIncomingContext(t.Context(), md)); r.Host != "" {
		t.Errorf("host %q", r.Host)
	}
}
