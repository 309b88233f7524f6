package nettest

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// Server is an HTTP server on loopback behind a [Proxy].
type Server struct {
	*Proxy
	URL   string // of the proxy, by https
	roots *x509.CertPool
}

// NewServer serves handler over TLS, by HTTP/2 or by HTTP/1.1, until the test
// ends.
func NewServer(t testing.TB, handler http.Handler, http2 bool) *Server {
	t.Helper()
	server := httptest.NewUnstartedServer(handler)
	server.EnableHTTP2 = http2
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // handshakes fail here
	server.StartTLS()
	// The proxy's connections end first: Close waits for those of the server.
	t.Cleanup(server.Close)
	p := NewProxy(t, strings.TrimPrefix(server.URL, "https://"))
	trust := server.Client().Transport.(*http.Transport).TLSClientConfig
	return &Server{Proxy: p, URL: "https://" + p.Addr(), roots: trust.RootCAs}
}

// Trust makes t trust the server, and returns it.
func (s *Server) Trust(t *http.Transport) *http.Transport {
	t.TLSClientConfig = &tls.Config{RootCAs: s.roots}
	return t
}
