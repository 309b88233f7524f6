// Package bearerconnect protects Connect handlers with a [bearer.Guard]. It passes
// requests to the guard, writes refusals in the protocol of the request (Connect,
// gRPC or gRPC-Web), and makes no decisions of its own.
package bearerconnect

import (
	"cmp"
	"errors"
	"net/http"
	"strings"

	"connectrpc.com/connect"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/internal/rpcerror"
	"github.com/bearerkit/bearerkit/scope"
)

// Require returns middleware that passes a request to the handler if its token is
// valid, its scopes satisfy rule and every requirement is met. Otherwise the
// guard refuses. Require panics if the rule is invalid.
func Require(g *bearer.Guard, rule scope.Rule, more ...bearer.Requirement) func(http.Handler) http.Handler {
	return Protect(g.MustRoute(bearer.RouteConfig{Rule: rule, Requirements: more}))
}

// Optional is like [Require], but it also passes requests without credentials, as
// anonymous. It still refuses invalid credentials.
func Optional(g *bearer.Guard, rule scope.Rule, more ...bearer.Requirement) func(http.Handler) http.Handler {
	return Protect(g.MustRoute(bearer.RouteConfig{Rule: rule, Requirements: more, Optional: true}))
}

// Protect returns middleware for a route from [bearer.Guard.Route]. The refusal of
// a request in one of the three protocols is an error of that protocol. Its
// details have an ErrorInfo and, if the client should retry, a RetryInfo. The
// response's header fields are those of the guard's answer, such as
// WWW-Authenticate. Clients of gRPC also get grpc-retry-pushback-ms if they should
// retry. Any other request gets the guard's own answer, even if a Connect handler
// would serve it: for example one with JSON, but without Connect-Protocol-Version.
// Protect panics if route is nil.
func Protect(route *bearer.Route) func(http.Handler) http.Handler {
	if route == nil {
		panic("bearerconnect: Protect: the route is nil; check the error of Guard.Route")
	}
	errorWriter := connect.NewErrorWriter(connect.WithRequireConnectProtocolHeader())
	return func(next http.Handler) http.Handler {
		if next == nil {
			panic("bearerconnect: the handler is nil")
		}
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			answer := w
			if errorWriter.IsSupported(r) {
				answer = header{w}
			}
			ctx, outcome := bearer.WithOutcome(r.Context())
			if admitted, ok := route.Admit(answer, r.WithContext(ctx)); ok {
				next.ServeHTTP(w, admitted)
			} else if answer != w {
				e, _ := outcome.PublicError() // zero, which is an internal error, if the route is the zero Route
				w.Header().Del("Content-Length")
				_ = errorWriter.Write(status{w, e}, r, newError(e)) // an error means that the client has disconnected
			}
		})
	}
}

func newError(e bearer.PublicError) *connect.Error {
	err := connect.NewError(connect.Code(rpcerror.Code(e)), errors.New(e.Text))
	info, _ := connect.NewErrorDetail(&errdetails.ErrorInfo{Reason: rpcerror.Reason(e), Domain: rpcerror.Domain, Metadata: rpcerror.Metadata(e)})
	err.AddDetail(info) // only messages that cannot be encoded are errors
	if e.RetryAfter > 0 {
		retry, _ := connect.NewErrorDetail(&errdetails.RetryInfo{RetryDelay: &durationpb.Duration{Seconds: e.RetryAfter}})
		err.AddDetail(retry)
	}
	return err
}

// header keeps the header fields of the guard's answer, and drops the rest.
type header struct{ http.ResponseWriter }

func (header) WriteHeader(int)             {}
func (header) Write(b []byte) (int, error) { return len(b), nil }

// status writes the guard's status in place of the one that Connect derives from
// its code. The status of gRPC and of streams is always 200.
type status struct {
	http.ResponseWriter
	refusal bearer.PublicError
}

func (s status) WriteHeader(code int) {
	if code != http.StatusOK {
		code = cmp.Or(s.refusal.Status, code)
	} else if h := s.Header(); s.refusal.RetryAfter > 0 && strings.HasPrefix(h.Get("Content-Type"), "application/grpc") {
		// Clients of gRPC retry only if the answer is Trailers-Only: its trailers
		// are in its header (gRFC A6). ErrorWriter sets them after this call, so
		// net/http writes the header, with 200, when the handler returns.
		h.Del("Trailer")
		h.Set(rpcerror.PushbackKey, rpcerror.Pushback(s.refusal))
		return
	}
	s.ResponseWriter.WriteHeader(code)
}
