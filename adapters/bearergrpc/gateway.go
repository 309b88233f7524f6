package bearergrpc

import (
	"context"
	"maps"
	"net/http"
	"strconv"
	"sync"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/stats"
	"google.golang.org/grpc/status"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/internal/rpcerror"
)

// Gateway lets a gateway, such as grpc-gateway, answer a refusal as the guard does
// over HTTP: with its WWW-Authenticate, its Retry-After, and its status. The body
// stays that of the gateway. A gateway on its own puts the message of the status
// into WWW-Authenticate.
//
// A Gateway needs both ends. Pass it to the client connection of the gateway by
// grpc.WithStatsHandler, and serve the gateway through Handler:
//
//	conn, err := grpc.NewClient(address, grpc.WithStatsHandler(bearergrpc.Gateway{}), …)
//	…
//	http.ListenAndServe(":8080", bearergrpc.Gateway{}.Handler(mux))
type Gateway struct{}

var _ stats.Handler = Gateway{}

// Handler returns a handler that corrects the answers of a gateway.
func (Gateway) Handler(gateway http.Handler) http.Handler {
	if gateway == nil {
		panic("bearergrpc: Gateway.Handler: the handler is nil")
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a := new(gatewayAnswer)
		ctx := context.WithValue(r.Context(), gatewayKey{}, a)
		own := &gatewayWriter{ResponseWriter: w, answer: a}
		gateway.ServeHTTP(own, r.WithContext(ctx))
		if !own.written { // net/http writes the status, as for a stream without messages
			a.correct(w.Header(), http.StatusOK)
		}
	})
}

// gatewayAnswer is what the last call of a request returned. The connection of the
// gateway writes it, and the handler reads it.
type gatewayAnswer struct {
	mu       sync.Mutex
	metadata metadata.MD     // of header and trailer
	refusal  *gatewayRefusal // nil: the call was not refused
}

type gatewayRefusal struct {
	tooLong    bool  // the answer is 431, for which gRPC has no code
	retryAfter int64 // in seconds; zero: never
}

type gatewayKey struct{}

// TagConn is part of [stats.Handler].
func (Gateway) TagConn(ctx context.Context, _ *stats.ConnTagInfo) context.Context { return ctx }

// HandleConn is part of [stats.Handler].
func (Gateway) HandleConn(context.Context, stats.ConnStats) {}

// TagRPC is part of [stats.Handler].
func (Gateway) TagRPC(ctx context.Context, _ *stats.RPCTagInfo) context.Context { return ctx }

// HandleRPC is part of [stats.Handler]. It notes what a call returned, before its
// caller learns it.
func (Gateway) HandleRPC(ctx context.Context, s stats.RPCStats) {
	a, ok := ctx.Value(gatewayKey{}).(*gatewayAnswer)
	if !ok {
		return // a call for no request
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	switch s := s.(type) {
	case *stats.Begin:
		a.metadata, a.refusal = nil, nil
	case *stats.InHeader:
		a.metadata = metadata.Join(a.metadata, s.Header)
	case *stats.InTrailer:
		a.metadata = metadata.Join(a.metadata, s.Trailer)
	case *stats.End:
		a.refusal = refusalOf(s.Error)
	}
}

// refusalOf returns the refusal in a status, or nil.
func refusalOf(err error) *gatewayRefusal {
	var found *gatewayRefusal
	var retryAfter int64
	for _, detail := range status.Convert(err).Details() {
		switch d := detail.(type) {
		case *errdetails.ErrorInfo:
			if d.GetDomain() == rpcerror.Domain {
				found = &gatewayRefusal{tooLong: d.GetReason() == rpcerror.Reason(bearer.PublicError{Status: http.StatusRequestHeaderFieldsTooLarge})}
			}
		case *errdetails.RetryInfo:
			retryAfter = d.GetRetryDelay().GetSeconds()
		}
	}
	if found != nil {
		found.retryAfter = retryAfter
	}
	return found
}

// gatewayWriter corrects the header of an answer before it is written.
type gatewayWriter struct {
	http.ResponseWriter
	answer  *gatewayAnswer
	written bool
}

func (w *gatewayWriter) WriteHeader(code int) {
	if code >= http.StatusOK {
		w.written = true
	}
	w.ResponseWriter.WriteHeader(w.answer.correct(w.Header(), code))
}

func (w *gatewayWriter) Write(b []byte) (int, error) {
	w.begin()
	return w.ResponseWriter.Write(b)
}

// Flush and FlushError are for streams of gateways.
func (w *gatewayWriter) Flush() { _ = w.FlushError() }

func (w *gatewayWriter) FlushError() error {
	w.begin()
	return http.NewResponseController(w.ResponseWriter).Flush()
}

func (w *gatewayWriter) begin() {
	if !w.written {
		w.WriteHeader(http.StatusOK)
	}
}

// Unwrap is for http.ResponseController.
func (w *gatewayWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// correct sets the guard's fields in h, and returns the status.
func (a *gatewayAnswer) correct(h http.Header, code int) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	maps.DeleteFunc(h, func(name string, _ []string) bool { // by which a gateway passes on what is set below
		return name == "Grpc-Metadata-Www-Authenticate" || name == "Grpc-Metadata-Dpop-Nonce"
	})
	if nonce := a.metadata[nonceKey]; len(nonce) > 0 {
		h["Dpop-Nonce"] = nonce
	}
	refused := a.refusal
	if refused == nil || code < http.StatusBadRequest {
		return code
	}
	h["Www-Authenticate"] = a.metadata[challengeKey] // the gateway's has the message of the status
	h.Set("Cache-Control", "no-store")
	if refused.retryAfter > 0 {
		h.Set("Retry-After", strconv.FormatInt(refused.retryAfter, 10))
	}
	if refused.tooLong && code == http.StatusBadRequest {
		code = http.StatusRequestHeaderFieldsTooLarge
	}
	return code
}
