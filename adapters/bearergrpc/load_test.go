package bearergrpc_test

import (
	"context"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/codes"
	pb "google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/bearerkit/bearerkit/adapters/bearergrpc"
	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/scope"
)

// echoing answers each message with the caller's subject, and waits for the next.
type echoing struct {
	pb.UnimplementedTestServiceServer
	wrong *atomic.Int32
}

func (e echoing) FullDuplexCall(s pb.TestService_FullDuplexCallServer) error {
	for {
		m, err := s.Recv()
		if err != nil {
			return err
		}
		p, _ := bearer.FromContext(s.Context())
		if p.Subject != string(m.GetPayload().GetBody()) {
			e.wrong.Add(1)
		}
		if err := s.Send(&pb.StreamingOutputCallResponse{Payload: &pb.Payload{Body: []byte(p.Subject)}}); err != nil {
			return err
		}
	}
}

// Streams that are canceled, some while the guard still judges them, leave no
// goroutine, and each sees its own principal. synctest fails if a goroutine is left.
func TestCanceledStreams(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var wrong, judged atomic.Int32
		guard := newGuard(t, bearer.Config{Verifiers: []bearer.Verifier{bearer.VerifierFunc(func(ctx context.Context, token string) (*bearer.Principal, error) {
			judged.Add(1)
			if n, _ := strconv.Atoi(token); n%4 == 3 { // the issuer does not answer
				<-ctx.Done()
				return nil, bearer.Unavailable(ctx.Err(), 0)
			}
			return &bearer.Principal{Subject: token}, nil
		})}})
		i := newInterceptors(t, bearergrpc.Config{Guard: guard, Methods: allMethods(bearer.RouteConfig{Rule: scope.None})})
		client, stop := serveInMemory(t, i, echoing{wrong: &wrong})
		defer stop()
		const streams = 200
		var all sync.WaitGroup
		for n := range streams {
			all.Go(func() {
				subject := strconv.Itoa(n)
				ctx, cancel := context.WithCancel(metadata.AppendToOutgoingContext(t.Context(), "authorization", "Bearer "+subject))
				defer cancel()
				s, err := client.FullDuplexCall(ctx)
				if err != nil {
					t.Error(err)
					return
				}
				message := &pb.StreamingOutputCallRequest{Payload: &pb.Payload{Body: []byte(subject)}}
				if n%4 == 3 {
					time.AfterFunc(time.Second, cancel)
					if _, err := s.Recv(); status.Code(err) != codes.Canceled {
						t.Errorf("%v, want Canceled", err)
					}
					return
				}
				for range n % 5 {
					if err := s.Send(message); err != nil {
						t.Error(err)
						return
					}
					if m, err := s.Recv(); err != nil || string(m.GetPayload().GetBody()) != subject {
						t.Errorf("%v %v, want %s", m, err, subject)
					}
				}
				cancel()
				if _, err := s.Recv(); status.Code(err) != codes.Canceled {
					t.Errorf("%v, want Canceled", err)
				}
			})
		}
		all.Wait()
		synctest.Wait()
		if wrong.Load() != 0 || judged.Load() == 0 {
			t.Errorf("%d messages had the principal of another stream, of %d streams", wrong.Load(), judged.Load())
		}
	})
}
