// Package httpserver runs an HTTP server with timeouts and a graceful shutdown.
package httpserver

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"time"
)

const (
	// writeTimeout includes the time that a request waits for keys, at most
	// 10 s in package jwks.
	writeTimeout = 30 * time.Second
	// grace is longer than any request may take.
	grace = writeTimeout + 5*time.Second
)

// Serve serves until ctx ends: TLS if tlsConfig is set, and plain HTTP otherwise.
// Then it closes the listener, waits for the requests in flight and returns nil.
func Serve(ctx context.Context, listener net.Listener, tlsConfig *tls.Config, handler http.Handler, logger *slog.Logger) error {
	server := &http.Server{
		Handler:           handler,
		TLSConfig:         tlsConfig,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       20 * time.Second,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       90 * time.Second,
		MaxHeaderBytes:    64 << 10, // a token has at most 16 KiB
		ErrorLog:          slog.NewLogLogger(logger.Handler(), slog.LevelWarn),
		// Otherwise the server answers "OPTIONS *" with 200 before any handler.
		DisableGeneralOptionsHandler: true,
	}
	served := make(chan error, 1)
	go func() {
		if tlsConfig != nil {
			served <- server.ServeTLS(listener, "", "") // tlsConfig has the certificate
			return
		}
		served <- server.Serve(listener)
	}()
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}
	logger.Info("shutting down")
	graceful, cancel := context.WithTimeout(context.Background(), grace)
	defer cancel()
	err := server.Shutdown(graceful)
	if err != nil {
		err = errors.Join(errors.New("requests in flight were cut off"), err, server.Close())
	}
	<-served
	return err
}
