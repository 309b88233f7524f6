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
	URL   string // the https URL of the proxy
	roots *x509.CertPool
}

// NewServer serves handler over TLS with HTTP/2, or with HTTP/1.1 if http2 is
// false, until the test ends.
func NewServer(t testing.TB, handler http.Handler, http2 bool) *Server {
	t.Helper()
	server := httptest.NewUnstartedServer(handler)
	server.EnableHTTP2 = http2
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // failed handshakes are expected
	server.StartTLS()
	// Cleanups run last in, first out: the proxy closes its connections before
	// server.Close waits for them.
	t.Cleanup(server.Close)
	p := NewProxy(t, strings.TrimPrefix(server.URL, "https://"))
	trust := server.Client().Transport.(*http.Transport).TLSClientConfig
	return &Server{Proxy: p, URL: "https://" + p.Addr(), roots: trust.RootCAs}
}

// Trust makes t trust the server's certificate and returns t.
func (s *Server) Trust(t *http.Transport) *http.Transport {
	t.TLSClientConfig = &tls.Config{RootCAs: s.roots}
	return t
}
