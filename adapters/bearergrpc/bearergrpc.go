package bearergrpc

import (
	"context"
	"sync/atomic"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/bearerkit/bearerkit/bearer"
)

// Interceptors guard the calls of a gRPC server. Build them with [New]; the zero
// Interceptors refuse every call. They are safe for concurrent use.
type Interceptors struct {
	routes     map[string]*bearer.Route // by full method; nil: public
	undeclared *bearer.Routes           // refuses calls of all other methods

	unary, stream atomic.Bool // whether the program asked for the interceptor
}

// UnaryInterceptor returns the interceptor for unary methods. A refused call ends
// with a status, and the handler does not run. gRPC has read the request message
// by then. The context of an admitted call carries the [bearer.Principal]; see
// [bearer.FromContext].
func (i *Interceptors) UnaryInterceptor() grpc.UnaryServerInterceptor {
	i.unary.Store(true)
	return func(ctx context.Context, message any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
		admitted, err := i.admit(ctx, info.FullMethod, unaryCall{ctx})
		if err != nil {
			return nil, err
		}
		return handler(admitted, message)
	}
}

// StreamInterceptor returns the interceptor for streaming methods. It judges a call
// when the stream is opened, before any message is read. It does not judge again
// when the token expires.
func (i *Interceptors) StreamInterceptor() grpc.StreamServerInterceptor {
	i.stream.Store(true)
	return func(server any, stream grpc.ServerStream, info *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
		admitted, err := i.admit(stream.Context(), info.FullMethod, stream)
		if err != nil {
			return err
		}
		return handler(server, admittedStream{stream, admitted})
	}
}

// admittedStream is a stream whose context carries the principal.
type admittedStream struct {
	grpc.ServerStream
	admitted context.Context
}

func (s admittedStream) Context() context.Context { return s.admitted }

// call is what the answer to a call is written to.
type call interface {
	SetHeader(metadata.MD) error
	SetTrailer(metadata.MD)
}

// unaryCall is the call of a unary method with that context.
type unaryCall struct{ ctx context.Context }

func (c unaryCall) SetHeader(md metadata.MD) error { return grpc.SetHeader(c.ctx, md) }
func (c unaryCall) SetTrailer(md metadata.MD)      { _ = grpc.SetTrailer(c.ctx, md) } // fails only outside a server

// admit judges a call. It returns the context for the handler, or the status of the
// refusal.
func (i *Interceptors) admit(ctx context.Context, method string, c call) (context.Context, error) {
	route, declared := i.routes[method]
	if declared && route == nil {
		return ctx, nil
	}
	if i.undeclared == nil {
		return nil, status.Error(codes.Internal, "This server has no guard.")
	}
	watched, outcome := bearer.WithOutcome(ctx)
	r := newRequest(watched, method)
	answer := answerHeader{}
	if !declared {
		// An unknown service has any name that a client chooses, and a pattern is
		// a label of metrics.
		r.Pattern = "undeclared"
		i.undeclared.Refuse(answer, r, "", method)
		return nil, refusal(ctx, c, outcome, answer)
	}
	admitted, ok := route.Admit(answer, r)
	if !ok {
		return nil, refusal(ctx, c, outcome, answer)
	}
	setHeader(c, answer)
	return admitted.Context(), nil
}
