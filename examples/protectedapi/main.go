// Command protectedapi is an API that bearerkit protects, on net/http, Echo or
// Gin. It is the project's reference program: the documentation describes its
// answers.
//
// With -dev the program also starts an authorization server, and prints requests
// to paste. The flag -h lists all flags. The commands proof and certificate create
// what a client needs for bound tokens: DPoP proofs, and a client certificate.
//
// Read api.go for the guard and its verifiers, routes.go for what each route
// needs, handlers.go for how a handler learns who is calling, and config.go for
// the flags.
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

	"github.com/bearerkit/bearerkit/examples/protectedapi/internal/binding"
	"github.com/bearerkit/bearerkit/examples/protectedapi/internal/command"
	"github.com/bearerkit/bearerkit/examples/protectedapi/internal/demo"
	"github.com/bearerkit/bearerkit/examples/protectedapi/internal/devissuer"
	"github.com/bearerkit/bearerkit/examples/protectedapi/internal/httpserver"
	"github.com/bearerkit/bearerkit/examples/protectedapi/internal/usage"
)

const (
	exitOK     = 0
	exitFailed = 1 // for example, the port is in use
	exitUsage  = 2
)

func main() {
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

func run(args []string, stdout, stderr io.Writer) int {
	// The first signal ends the program gracefully. The second one ends it at
	// once: stop restores the default behavior before ctx is done.
	signals, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	context.AfterFunc(signals, func() {
		stop()
		cancel()
	})

	err := dispatch(ctx, args, stdout, stderr)
	if err == nil || errors.Is(err, flag.ErrHelp) {
		return exitOK
	}
	// The SDK's errors name the field that this flag sets everywhere.
	text := strings.ReplaceAll(usage.Line(err), "with InsecureAllowHTTP", "with -insecure-allow-http")
	_, _ = fmt.Fprintln(stderr, "protectedapi: "+text)
	if _, ok := errors.AsType[*usage.Error](err); ok {
		return exitUsage
	}
	return exitFailed
}

// dispatch runs a command if the command line begins with one, and the API
// otherwise.
func dispatch(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	if len(args) > 0 {
		switch args[0] {
		case "proof":
			return command.Proof(args[1:], stdout, stderr)
		case "certificate":
			return command.Certificate(args[1:], stdout)
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
	tlsConfig, err := c.transport.Config()
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", c.listen)
	if dns, ok := errors.AsType[*net.DNSError](err); ok {
		return usage.Errorf("-listen %q: %w", c.listen, dns)
	}
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("%w: choose another port with -listen, or with make demo PORT=8081", err)
	}
	if err != nil {
		return err
	}
	defer listener.Close() // harmless if the server has closed it
	origin := c.complete(listener.Addr())

	var dev *devissuer.Issuer
	if c.dev {
		bound := c.proofs.Mode != binding.Off || c.transport.Mode != binding.Off
		if dev, err = devissuer.Start(c.audience, bound, c.listen); err != nil {
			return err
		}
		defer dev.Close()
		if c.transport.SelfSigned(c.dev) {
			tlsConfig = c.transport.ConfigFor(dev.Files.Server.TLS())
		}
		c.issuers = []string{dev.URL()}
		c.introspection.ClientID, c.introspection.Secret = dev.Client.ID, dev.Client.Secret
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
		demo.Print(stdout, demo.Config{
			Issuer: dev, Framework: c.framework, Origin: origin, Address: listener.Addr(), Resource: c.resource,
			Proofs: &c.proofs, Transport: &c.transport, MaxAge: c.introspection.MaxAge, Brief: c.brief,
			BindsToKey: c.bindsToKey(), BindsToCertificate: c.bindsToCertificate(), ShortLived: c.profile == fapi2,
		})
	}
	return httpserver.Serve(ctx, listener, tlsConfig, api.handler, logger)
}
