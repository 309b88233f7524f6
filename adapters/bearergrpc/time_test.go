package bearergrpc_test

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	pb "google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"

	"github.com/bearerkit/bearerkit/adapters/bearergrpc"
	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/scope"
)

// serveInMemory serves without sockets, for synctest.
func serveInMemory(t *testing.T, i *bearergrpc.Interceptors, server pb.TestServiceServer, client ...grpc.DialOption) (c pb.TestServiceClient, stop func()) {
	t.Helper()
	s := grpc.NewServer(grpc.ChainUnaryInterceptor(i.UnaryInterceptor()), grpc.ChainStreamInterceptor(i.StreamInterceptor()))
	pb.RegisterTestServiceServer(s, server)
	listener := bufconn.Listen(1 << 16)
	go func() { _ = s.Serve(listener) }()
	client = append(client, grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return listener.DialContext(ctx) }))
	conn, err := grpc.NewClient("passthrough:memory", client...)
	if err != nil {
		t.Fatal(err)
	}
	return pb.NewTestServiceClient(conn), func() { _ = conn.Close(); s.Stop() }
}

// gRFC A6: a client with a retry policy waits as long as the refusal says, and
// calls again. It does not repeat a call that was refused for another reason.
func TestClientsRetry(t *testing.T) {
	const policy = `{"methodConfig":[{"name":[{}],"retryPolicy":{"maxAttempts":3,"initialBackoff":"0.1s","maxBackoff":"0.1s","backoffMultiplier":1,"retryableStatusCodes":["UNAVAILABLE"]}}]}`
	for method, call := range callers {
		synctest.Test(t, func(t *testing.T) {
			var asked atomic.Int32
			guard := newGuard(t, bearer.Config{Verifiers: []bearer.Verifier{bearer.VerifierFunc(func(_ context.Context, token string) (*bearer.Principal, error) {
				switch {
				case asked.Add(1) == 1:
					return nil, bearer.Unavailable(errors.New("keys"), time.Second)
				case token == "forged":
					return nil, bearer.Invalid("signature", "a signature by the issuer", "another")
				}
				return &bearer.Principal{Subject: "alice"}, nil
			})}})
			i := newInterceptors(t, bearergrpc.Config{Guard: guard, Methods: allMethods(bearer.RouteConfig{Rule: scope.None})})
			client, stop := serveInMemory(t, i, service{}, grpc.WithDefaultServiceConfig(policy))
			defer stop()
			began := time.Now()
			header, _, err := call(withAuthorization(t, "Bearer good"), client)
			if err != nil || !slices.Equal(header["subject"], []string{"alice"}) || time.Since(began) != time.Second || asked.Load() != 2 {
				t.Errorf("%s: %v %v after %v and %d attempts, want alice after 1s and 2", method, header, err, time.Since(began), asked.Load())
			}
			if _, _, err = call(withAuthorization(t, "Bearer forged"), client); status.Code(err) != codes.Unauthenticated || asked.Load() != 3 {
				t.Errorf("%s: %v after %d attempts", method, err, asked.Load())
			}
		})
	}
}

// A client that gives up is no outage: interceptors around this one see the status
// of its context, and the client is not told to retry.
func TestClientGivesUp(t *testing.T) {
	blocks := bearer.VerifierFunc(func(ctx context.Context, _ string) (*bearer.Principal, error) {
		<-ctx.Done()
		return nil, bearer.Unavailable(ctx.Err(), 0)
	})
	for want, giveUp := range map[codes.Code]func(context.Context) (context.Context, context.CancelFunc){
		codes.DeadlineExceeded: func(ctx context.Context) (context.Context, context.CancelFunc) {
			return context.WithTimeout(ctx, time.Second)
		},
		codes.Canceled: func(ctx context.Context) (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancel(ctx)
			time.AfterFunc(time.Second, cancel)
			return ctx, cancel
		},
	} {
		synctest.Test(t, func(t *testing.T) {
			var log buffer
			guard := newGuard(t, bearer.Config{Verifiers: []bearer.Verifier{blocks}, Logger: slog.New(slog.NewTextHandler(&log, nil))})
			i := newInterceptors(t, bearergrpc.Config{Guard: guard, Methods: allMethods(bearer.RouteConfig{Rule: scope.None})})
			ctx, cancel := giveUp(metadata.NewIncomingContext(t.Context(), metadata.Pairs("authorization", "Bearer good")))
			defer cancel()
			_, err := i.UnaryInterceptor()(ctx, nil, &grpc.UnaryServerInfo{FullMethod: unaryMethod}, func(context.Context, any) (any, error) {
				t.Error("the handler ran")
				return nil, nil
			})
			if status.Code(err) != want || len(status.Convert(err).Details()) > 0 {
				t.Errorf("%v, want %v", err, want)
			}
			// A refusal for another reason stays what it is.
			_, err = i.UnaryInterceptor()(metadata.NewIncomingContext(ctx, nil), nil, &grpc.UnaryServerInfo{FullMethod: unaryMethod}, nil)
			if status.Code(err) != codes.Unauthenticated {
				t.Errorf("%v, want Unauthenticated", err)
			}
			if record := log.take(); strings.Contains(record, "code=canceled") != (want == codes.Canceled) {
				t.Errorf("record %s", record)
			}
		})
	}
}

// ticking sends the time once a second, until the caller's token expires, as
// docs/grpc.md shows.
type ticking struct {
	pb.UnimplementedTestServiceServer
}

func (ticking) StreamingOutputCall(_ *pb.StreamingOutputCallRequest, s grpc.ServerStreamingServer[pb.StreamingOutputCallResponse]) error {
	p, _ := bearer.FromContext(s.Context())
	ctx, cancel := context.WithDeadline(s.Context(), p.Expires)
	defer cancel()
	for {
		select {
		case <-time.After(time.Second):
			if err := s.Send(&pb.StreamingOutputCallResponse{}); err != nil {
				return err
			}
		case <-ctx.Done():
			return status.Error(codes.Unauthenticated, "the access token has expired")
		}
	}
}

// The guard does not end a stream whose token expires. The handler does, and the
// client's new stream needs a new token.
func TestTokenExpiresDuringAStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		expires := time.Now().Add(5500 * time.Millisecond)
		guard := newGuard(t, bearer.Config{Verifiers: []bearer.Verifier{bearer.VerifierFunc(func(context.Context, string) (*bearer.Principal, error) {
			if !time.Now().Before(expires) {
				return nil, bearer.Expired("an exp in the future", "now")
			}
			return &bearer.Principal{Subject: "alice", Expires: expires}, nil
		})}})
		i := newInterceptors(t, bearergrpc.Config{Guard: guard, Methods: allMethods(bearer.RouteConfig{Rule: scope.None})})
		client, stop := serveInMemory(t, i, ticking{})
		defer stop()
		s, err := client.StreamingOutputCall(withAuthorization(t, "Bearer good"), &pb.StreamingOutputCallRequest{})
		if err != nil {
			t.Fatal(err)
		}
		received := 0
		for ; err == nil; received++ {
			_, err = s.Recv()
		}
		if status.Code(err) != codes.Unauthenticated || received != 6 { // five, and the end
			t.Errorf("%v after %d messages", err, received-1)
		}
		header, _, err := callers[serverMethod](withAuthorization(t, "Bearer good"), client)
		if status.Convert(err).Message() != "The access token has expired." || header["www-authenticate"] == nil {
			t.Errorf("%v %v", header, err)
		}
	})
}
