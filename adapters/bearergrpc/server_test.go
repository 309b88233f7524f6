package bearergrpc_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	pb "google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/bearerkit/bearerkit/adapters/bearergrpc"
	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/scope"
)

// verifier accepts the token "good", and answers others as their names say.
func verifier(_ context.Context, token string) (*bearer.Principal, error) {
	switch token {
	case "good":
		return &bearer.Principal{Subject: "alice", Scopes: scope.Of("orders:read")}, nil
	case "poor":
		return &bearer.Principal{Subject: "bob"}, nil
	case "expired":
		return nil, bearer.Expired("an exp in the future", "an hour ago")
	case "busy":
		return nil, bearer.Unavailable(errors.New("keys"), time.Second)
	case "down":
		return nil, bearer.Unavailable(errors.New("dial tcp: keys.internal"), 7*time.Second)
	}
	return nil, bearer.Invalid("signature", "a signature by the issuer", "another")
}

func newGuard(t testing.TB, c bearer.Config) *bearer.Guard {
	t.Helper()
	if c.Verifiers == nil {
		c.Verifiers = []bearer.Verifier{bearer.VerifierFunc(verifier)}
	}
	if c.RequestID == nil {
		c.RequestID = func(*http.Request) string { return "id-1" }
	}
	guard, err := bearer.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return guard
}

// The methods of the tests, one of each kind.
const (
	unaryMethod  = pb.TestService_UnaryCall_FullMethodName
	clientMethod = pb.TestService_StreamingInputCall_FullMethodName
	serverMethod = pb.TestService_StreamingOutputCall_FullMethodName
	bidiMethod   = pb.TestService_FullDuplexCall_FullMethodName
)

// allMethods gives each method the same rule.
func allMethods(c bearer.RouteConfig) map[string]bearer.RouteConfig {
	return map[string]bearer.RouteConfig{unaryMethod: c, clientMethod: c, serverMethod: c, bidiMethod: c}
}

// service answers each call with the caller's subject, as the header metadata
// "subject".
type service struct {
	pb.UnimplementedTestServiceServer
}

func subject(ctx context.Context) metadata.MD {
	p, known := bearer.FromContext(ctx)
	if !known {
		return metadata.Pairs("subject", "(anonymous)")
	}
	return metadata.Pairs("subject", p.Subject)
}

// EmptyCall answers with the client's nonce.
func (service) EmptyCall(ctx context.Context, _ *pb.Empty) (*pb.Empty, error) {
	return &pb.Empty{}, grpc.SetHeader(ctx, metadata.MD{"dpop-nonce": metadata.ValueFromIncomingContext(ctx, "nonce")})
}

// CacheableUnaryCall refuses for a reason of the service, which looks like the
// guard's.
func (service) CacheableUnaryCall(context.Context, *pb.SimpleRequest) (*pb.SimpleResponse, error) {
	s, err := status.New(codes.ResourceExhausted, "out of stock").WithDetails(
		&errdetails.ErrorInfo{Reason: "TOKEN_TOO_LONG", Domain: "shop.example.com"}, &errdetails.RetryInfo{RetryDelay: durationpb.New(time.Minute)})
	return nil, errors.Join(err, s.Err())
}

func (service) UnaryCall(ctx context.Context, _ *pb.SimpleRequest) (*pb.SimpleResponse, error) {
	return &pb.SimpleResponse{}, grpc.SetHeader(ctx, subject(ctx))
}

func (service) StreamingInputCall(s grpc.ClientStreamingServer[pb.StreamingInputCallRequest, pb.StreamingInputCallResponse]) error {
	for {
		if _, err := s.Recv(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return err
		}
	}
	return errors.Join(s.SetHeader(subject(s.Context())), s.SendAndClose(&pb.StreamingInputCallResponse{}))
}

func (service) StreamingOutputCall(_ *pb.StreamingOutputCallRequest, s grpc.ServerStreamingServer[pb.StreamingOutputCallResponse]) error {
	return errors.Join(s.SetHeader(subject(s.Context())), s.Send(&pb.StreamingOutputCallResponse{}))
}

func (service) FullDuplexCall(s grpc.BidiStreamingServer[pb.StreamingOutputCallRequest, pb.StreamingOutputCallResponse]) error {
	if _, err := s.Recv(); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	return errors.Join(s.SetHeader(subject(s.Context())), s.Send(&pb.StreamingOutputCallResponse{}))
}

func newInterceptors(t testing.TB, c bearergrpc.Config) *bearergrpc.Interceptors {
	t.Helper()
	i, err := bearergrpc.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return i
}

// serve serves the service with the interceptors on loopback, and returns a client.
func serve(t testing.TB, i *bearergrpc.Interceptors, server []grpc.ServerOption, client ...grpc.DialOption) pb.TestServiceClient {
	t.Helper()
	return pb.NewTestServiceClient(connect(t, i, server, client...))
}

// connect is like serve, but returns the connection.
func connect(t testing.TB, i *bearergrpc.Interceptors, server []grpc.ServerOption, client ...grpc.DialOption) *grpc.ClientConn {
	t.Helper()
	server = append(server, grpc.ChainUnaryInterceptor(i.UnaryInterceptor()), grpc.ChainStreamInterceptor(i.StreamInterceptor()))
	s := grpc.NewServer(server...)
	pb.RegisterTestServiceServer(s, service{})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	start(t, s, listener)
	if client == nil {
		client = []grpc.DialOption{grpc.WithTransportCredentials(insecure.NewCredentials())}
	}
	conn, err := grpc.NewClient(listener.Addr().String(), client...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// serveOn is like serve, on a listener. The client dials it by an option.
func serveOn(t testing.TB, i *bearergrpc.Interceptors, listener net.Listener, client ...grpc.DialOption) pb.TestServiceClient {
	t.Helper()
	s := grpc.NewServer(grpc.ChainUnaryInterceptor(i.UnaryInterceptor()), grpc.ChainStreamInterceptor(i.StreamInterceptor()))
	pb.RegisterTestServiceServer(s, service{})
	start(t, s, listener)
	conn, err := grpc.NewClient("passthrough:listener", client...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return pb.NewTestServiceClient(conn)
}

// start serves until the test ends.
func start(t testing.TB, s *grpc.Server, listener net.Listener) {
	t.Helper()
	served := make(chan error, 1)
	go func() { served <- s.Serve(listener) }()
	t.Cleanup(func() {
		s.Stop()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
}

// callers call a method of one kind. They return the metadata of the response, and
// the error of the call.
var callers = map[string]func(context.Context, pb.TestServiceClient) (header, trailer metadata.MD, err error){
	unaryMethod: func(ctx context.Context, c pb.TestServiceClient) (header, trailer metadata.MD, err error) {
		_, err = c.UnaryCall(ctx, &pb.SimpleRequest{}, grpc.Header(&header), grpc.Trailer(&trailer))
		return header, trailer, err
	},
	clientMethod: func(ctx context.Context, c pb.TestServiceClient) (header, trailer metadata.MD, err error) {
		s, err := c.StreamingInputCall(ctx)
		if err != nil {
			return nil, nil, err
		}
		_ = s.Send(&pb.StreamingInputCallRequest{}) // CloseAndRecv returns the error
		_, err = s.CloseAndRecv()
		return metadataOf(s, err)
	},
	serverMethod: func(ctx context.Context, c pb.TestServiceClient) (header, trailer metadata.MD, err error) {
		s, err := c.StreamingOutputCall(ctx, &pb.StreamingOutputCallRequest{})
		if err != nil {
			return nil, nil, err
		}
		if _, err = s.Recv(); err == nil {
			_, err = s.Recv()
		}
		return metadataOf(s, err)
	},
	bidiMethod: func(ctx context.Context, c pb.TestServiceClient) (header, trailer metadata.MD, err error) {
		s, err := c.FullDuplexCall(ctx)
		if err != nil {
			return nil, nil, err
		}
		_ = s.Send(&pb.StreamingOutputCallRequest{}) // Recv returns the error
		if _, err = s.Recv(); err == nil {
			_, err = s.Recv()
		}
		return metadataOf(s, err)
	},
}

// metadataOf returns the metadata of a finished stream. The end of a stream is not
// an error.
func metadataOf(s grpc.ClientStream, err error) (header, trailer metadata.MD, _ error) {
	header, headerErr := s.Header()
	if err == nil || errors.Is(err, io.EOF) {
		err = headerErr
	}
	return header, s.Trailer(), err
}

// withAuthorization returns a context for calls with these values of authorization.
func withAuthorization(t testing.TB, values ...string) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	t.Cleanup(cancel)
	for _, v := range values {
		ctx = metadata.AppendToOutgoingContext(ctx, "authorization", v)
	}
	return ctx
}
