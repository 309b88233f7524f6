// Command mcp-server is an MCP server whose tools need scopes: each request
// needs notes:read, and the tool add_note needs notes:write too.
//
//	go run ./examples/mcp-server -dev
//
// starts an authorization server too, and prints requests to paste.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/bearerkit/bearerkit/bearer/bearertest"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	err := run(ctx, os.Args[1:], os.Stdout)
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
	case errors.Is(err, errUsage):
		os.Exit(2)
	default:
		fmt.Fprintln(os.Stderr, "mcp-server:", err)
		os.Exit(1)
	}
}

// errUsage means that a mistake on the command line has already been printed.
var errUsage = errors.New("usage")

func run(ctx context.Context, args []string, stdout io.Writer) error {
	flags := flag.NewFlagSet("mcp-server", flag.ContinueOnError)
	listen := flags.String("listen", "127.0.0.1:8080", "`address` to listen on")
	resource := flags.String("resource", "", "`URL` of the server as clients use it, and the audience of tokens (default http://<listen>/mcp)")
	issuer := flags.String("issuer", "", "`URL` of the authorization server")
	dev := flags.Bool("dev", false, "also start an authorization server, which gives tokens to anyone who asks")
	insecureHTTP := flags.Bool("insecure-allow-http", false, "accept http URLs on hosts that are not loopback, such as service names in a container network")
	if err := flags.Parse(args); err != nil {
		return errors.Join(errUsage, err)
	}
	if (*issuer != "") == *dev || flags.NArg() > 0 {
		fmt.Fprintln(flags.Output(), "mcp-server: want -issuer or -dev, and no arguments")
		return errUsage
	}

	listener, err := net.Listen("tcp", *listen)
	if err != nil {
		return err
	}
	defer listener.Close()
	origin := "http://" + listener.Addr().String()
	if *resource == "" {
		*resource = origin + "/mcp"
	}
	var own *bearertest.Issuer
	if *dev {
		if own, err = bearertest.NewIssuer(bearertest.IssuerConfig{Audience: []string{*resource}}); err != nil {
			return err
		}
		defer own.Close()
		*issuer = own.URL()
	}
	handler, err := newHandler(*resource, *issuer, *insecureHTTP, slog.New(slog.NewTextHandler(os.Stderr, nil)))
	if err != nil {
		return err
	}
	fmt.Fprintln(stdout, "listening on "+origin)
	if own != nil {
		// A web page may use its own name for this machine (DNS rebinding).
		handler = bearertest.LocalOnly(handler)
		printDemo(stdout, origin, own)
	}
	// A WriteTimeout would end MCP streams.
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 20 * time.Second, IdleTimeout: 90 * time.Second}
	context.AfterFunc(ctx, func() { _ = server.Close() })
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
