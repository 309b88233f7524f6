package bearergrpc

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
)

// newRequest returns a call as the HTTP request that it is: POST to the full method
// (gRPC over HTTP/2, Request-Headers), without its body.
func newRequest(ctx context.Context, method string) *http.Request {
	md, _ := metadata.FromIncomingContext(ctx)
	r := new(http.Request).WithContext(ctx)
	r.Method, r.URL, r.RequestURI, r.Pattern = http.MethodPost, &url.URL{Path: method}, method, method
	r.Proto, r.ProtoMajor = "HTTP/2.0", 2
	r.Header, r.Body = make(http.Header, len(md)), http.NoBody
	for key, values := range md {
		switch {
		case key == ":authority" && len(values) > 0:
			r.Host = values[0]
		case strings.HasPrefix(key, ":"), strings.HasSuffix(key, "-bin"): // not the text of a field
		default:
			r.Header[http.CanonicalHeaderKey(key)] = values
		}
	}
	if p, ok := peer.FromContext(ctx); ok {
		if p.Addr != nil {
			r.RemoteAddr = p.Addr.String()
			// A client chooses the name of its Unix socket, such as the IP
			// address of a trusted proxy.
			if network := p.Addr.Network(); strings.HasPrefix(network, "unix") {
				r.RemoteAddr = network + ":" + r.RemoteAddr
			}
		}
		if info, ok := p.AuthInfo.(credentials.TLSInfo); ok {
			r.TLS = &info.State
		}
	}
	return r
}
