package instance

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"runtime"
	"runtime/pprof"
	"sync/atomic"
	"syscall"
	"time"
)

// Main runs an instance and returns its exit code. It reads a [Config] from in,
// prints "ready" when it serves, and writes its log to log. It stops gracefully on
// SIGTERM, and at once when in ends, since the driver has gone then.
func Main(in io.Reader, out, log io.Writer) int {
	if err := run(in, out, log); err != nil {
		fmt.Fprintln(log, "soak: instance:", err)
		return 1
	}
	return 0
}

func run(in io.Reader, out, log io.Writer) error {
	var c Config
	decoder := json.NewDecoder(in)
	if err := decoder.Decode(&c); err != nil {
		return fmt.Errorf("configuration: %w", err)
	}
	ctx, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer cancel()
	go func() {
		_, _ = io.Copy(io.Discard, in)
		os.Exit(2)
	}()
	if err := usePoller(); err != nil {
		return err
	}
	files := openFiles()
	if err := serve(ctx, c, out, slog.New(slog.NewTextHandler(log, nil))); err != nil {
		return err
	}
	return settled(files, log)
}

// serve serves until ctx is done, and then closes all that it opened.
func serve(ctx context.Context, c Config, out io.Writer, logger *slog.Logger) error {
	certificate, err := tls.X509KeyPair(c.Cert, c.Key)
	if err != nil {
		return err
	}
	a, err := newAPI(c, logger)
	if err != nil {
		return err
	}
	defer a.close()
	handler, err := mount(c.Framework, a.sides)
	if err != nil {
		return err
	}
	var connections atomic.Int64
	public := &http.Server{
		Handler: handler, ConnState: count(&connections), ReadHeaderTimeout: 10 * time.Second, MaxHeaderBytes: 64 << 10,
		TLSConfig: &tls.Config{Certificates: []tls.Certificate{certificate}, ClientAuth: tls.RequestClientCert},
		ErrorLog:  slog.NewLogLogger(logger.Handler(), slog.LevelDebug), // clients that went away
	}
	control := &http.Server{Handler: a.control(&connections), ReadHeaderTimeout: 10 * time.Second}
	listener, err := net.Listen("tcp", c.Listen)
	if err != nil {
		return err
	}
	controlListener, err := net.Listen("tcp", c.Control)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	ended := make(chan error, 2)
	go func() { ended <- public.ServeTLS(listener, "", "") }()
	go func() { ended <- control.Serve(controlListener) }()
	fmt.Fprintln(out, "ready")
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.Background(), ShutdownWithin)
	defer cancel()
	return errors.Join(public.Shutdown(grace), control.Shutdown(grace))
}

// usePoller makes the Go runtime open the files that it needs for sockets, so that
// they do not count as left over.
func usePoller() error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	return listener.Close()
}

// left is how many goroutines an instance has when all is closed: this one, that
// of the standard input, and that of the signals.
const left = 3

// settled checks that nothing is left of what was closed.
func settled(files int, log io.Writer) error {
	var goroutines, open int
	for deadline := time.Now().Add(3 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		goroutines, open = runtime.NumGoroutine(), openFiles()
		if goroutines <= left && open <= files {
			return nil
		}
		if time.Now().After(deadline) {
			break
		}
	}
	_ = pprof.Lookup("goroutine").WriteTo(log, 1) // the log may be gone
	return fmt.Errorf("after all was closed, %d goroutines and %d open files are left, want at most %d and %d", goroutines, open, left, files)
}
