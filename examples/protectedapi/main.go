// Command protectedapi is an API protected by bearerkit, on net/http, Echo or
// Gin. It is the project's reference program: what it answers is what the
// documentation says.
//
// With -dev it brings an authorization server of its own, and prints requests
// to paste. The flag -h lists all flags. The commands proof and certificate
// make what a client needs whose tokens are bound: DPoP proofs, and a client
// certificate.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"strings"
	"syscall"
)

const (
	exitOK     = 0
	exitFailed = 1 // something outside of the command line, such as a port in use
	exitUsage  = 2
)

func main() {
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

func run(args []string, stdout, stderr io.Writer) int {
	// From here on a signal ends the program gracefully. The second one ends it
	// at once: signals are what they were before ctx says that one came.
	signals, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	context.AfterFunc(signals, func() {
		stop()
		cancel()
	})

	err := command(ctx, args, stdout, stderr)
	if err == nil || errors.Is(err, flag.ErrHelp) {
		return exitOK
	}
	// The SDK names its field, of which the flag sets all.
	text := strings.ReplaceAll(oneLine(err), "with InsecureAllowHTTP", "with -insecure-allow-http")
	_, _ = fmt.Fprintln(stderr, "protectedapi: "+text)
	if _, ok := errors.AsType[*usageError](err); ok {
		return exitUsage
	}
	return exitFailed
}

// command runs what the command line names: the API, unless it begins with
// another command.
func command(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	if len(args) > 0 {
		switch args[0] {
		case "proof":
			return runProof(args[1:], stdout, stderr)
		case "certificate":
			return runCertificate(args[1:], stdout)
		}
	}
	c, err := parseFlags(args, stdout)
	if c.parsed {
		err = errors.Join(err, c.try())
	}
	if err != nil {
		return err
	}
	return serve(ctx, c, stdout, slog.New(slog.NewTextHandler(stderr, nil)))
}

// serve listens, builds the API and serves it until ctx ends.
func serve(ctx context.Context, c config, stdout io.Writer, logger *slog.Logger) error {
	tlsConfig, err := c.transport.config()
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", c.listen)
	if dns, ok := errors.AsType[*net.DNSError](err); ok {
		return usage("-listen %q: %w", c.listen, dns)
	}
	if err != nil {
		return err
	}
	defer listener.Close() // a second time when it was served; no matter
	origin := c.complete(listener.Addr())

	var dev *devIssuer
	if c.dev {
		if dev, err = startDevIssuer(c); err != nil {
			return err
		}
		defer dev.close()
		if c.transport.selfSigned(c.dev) {
			tlsConfig = c.transport.serving(dev.files.server.forServer())
		}
		c.issuers = []string{dev.url()}
		c.introspection.clientID, c.introspection.clientSecret = dev.client.ID, dev.client.Secret
	}
	api, err := newAPI(c, dev, logger)
	if err != nil {
		return err
	}
	defer api.close()
	if dev != nil {
		api.waitReady(ctx)
	}
	if _, err := fmt.Fprintln(stdout, "listening on "+origin); err != nil {
		return err
	}
	if followed, ok := c.followed(); ok {
		if _, err := fmt.Fprintln(stdout, followed); err != nil {
			return err
		}
	}
	if dev != nil {
		dev.printDemo(stdout, origin, listener.Addr(), c)
	}
	return serveHTTP(ctx, listener, tlsConfig, api.handler, logger)
}

// usageError is a mistake of the command line.
type usageError struct{ err error }

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

func usage(format string, args ...any) error {
	return &usageError{fmt.Errorf(format, args...)}
}

// oneLine returns the text of err in one line of printable characters, however
// many errors are joined in it, and whatever a flag was given.
func oneLine(err error) string {
	text := strings.ReplaceAll(strings.TrimSpace(err.Error()), "\n", "; ")
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, text)
}
