package bearergrpc

import (
	"context"
	"net/http"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/protoadapt"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/internal/rpcerror"
)

// answerHeader keeps the header fields of the guard's answer, and drops the rest.
type answerHeader http.Header

func (h answerHeader) Header() http.Header       { return http.Header(h) }
func (answerHeader) WriteHeader(int)             {}
func (answerHeader) Write(b []byte) (int, error) { return len(b), nil }

// The fields of an answer that a client of gRPC reads, as metadata.
const (
	challengeKey = "www-authenticate"
	nonceKey     = "dpop-nonce"
)

// setHeader sends the fields as header metadata, or as trailer metadata if another
// interceptor has sent the header.
func setHeader(c call, answer answerHeader) {
	challenges, nonce := answer["Www-Authenticate"], answer["Dpop-Nonce"]
	if len(challenges)+len(nonce) == 0 {
		return
	}
	md := metadata.MD{challengeKey: challenges, nonceKey: nonce}
	if c.SetHeader(md) != nil {
		c.SetTrailer(md)
	}
}

// refusal returns the status of a refused call, and sends its metadata.
func refusal(ctx context.Context, c call, outcome *bearer.Outcome, answer answerHeader) error {
	e, _ := outcome.PublicError()
	if e.Status == http.StatusServiceUnavailable && ctx.Err() != nil { // the client gave up
		return status.FromContextError(ctx.Err()).Err()
	}
	setHeader(c, answer)
	details := []protoadapt.MessageV1{&errdetails.ErrorInfo{
		Reason: rpcerror.Reason(e), Domain: rpcerror.Domain, Metadata: rpcerror.Metadata(e),
	}}
	if e.RetryAfter > 0 {
		details = append(details, &errdetails.RetryInfo{RetryDelay: &durationpb.Duration{Seconds: e.RetryAfter}})
		// gRFC A6. Clients retry only if there is no header metadata. These
		// refusals have none, since they have no challenge.
		c.SetTrailer(metadata.Pairs(rpcerror.PushbackKey, rpcerror.Pushback(e)))
	}
	s := status.New(codes.Code(rpcerror.Code(e)), e.Text)
	if detailed, err := s.WithDetails(details...); err == nil { // always
		s = detailed
	}
	return s.Err()
}
