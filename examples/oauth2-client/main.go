// Command oauth2-client calls an API with the client's own token (RFC 6749,
// Section 4.4), and does what each refusal of the API asks for. Run it while "go run
// ./examples/protectedapi -dev" runs, with the addresses that the latter prints:
//
//	go run ./examples/oauth2-client -token-url http://127.0.0.1:12345/token -resource http://127.0.0.1:8080 \
//	    -scope orders:read http://127.0.0.1:8080/orders
package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"strings"
	"time"

	"github.com/bearerkit/bearerkit/client"
	"github.com/bearerkit/bearerkit/scope"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "oauth2-client:", err)
		os.Exit(1)
	}
}

// maxBody bounds how much of an answer is printed.
const maxBody = 1 << 20

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	c, method, target, err := parse(args)
	if err != nil {
		return err
	}
	transport, err := c.transport(slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: slog.LevelDebug})))
	if err != nil {
		return err
	}
	defer transport.CloseIdleConnections()
	r, err := http.NewRequestWithContext(ctx, method, target, nil)
	if err != nil {
		return err
	}
	// The default client has no timeout.
	resp, err := (&http.Client{Transport: transport, Timeout: 30 * time.Second}).Do(r)
	if refused, ok := errors.AsType[*client.Error](err); ok {
		return refused // its text says what a person can do
	}
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode >= 300 {
		return fmt.Errorf("the API answers %s", resp.Status)
	}
	_, err = io.Copy(stdout, io.LimitReader(resp.Body, maxBody))
	return err
}

// config is what the command line says.
type config struct {
	client.ClientCredentialsConfig
	api string // the API's origin
}

func parse(args []string) (c config, method, target string, err error) {
	fs := flag.NewFlagSet("oauth2-client", flag.ExitOnError)
	fs.StringVar(&c.Endpoint.URL, "token-url", "", "`URL` of the token endpoint")
	fs.StringVar(&c.Endpoint.ClientID, "client-id", "app", "the client's `id`; its secret is in the environment variable CLIENT_SECRET")
	fs.StringVar(&c.Resource, "resource", "", "`URL` of the API, as its tokens name it (RFC 8707; default: the origin of the URL to call)")
	fs.StringVar(&method, "method", http.MethodGet, "`method` of the request")
	scopes := fs.String("scope", "", "`scopes` to ask for at first, separated by spaces")
	format := fs.String("token-format", "", "`opaque` or jwt, which the development issuer of protectedapi understands")
	bound := fs.Bool("dpop", false, "have the tokens bound to a new key (RFC 9449)")
	_ = fs.Parse(args) // it exits on a mistake
	if c.Endpoint.URL == "" || fs.NArg() != 1 {
		return c, "", "", errors.New("want -token-url and the URL to call")
	}
	u, err := url.Parse(fs.Arg(0))
	if err != nil {
		return c, "", "", err
	}
	if u.Host == "" {
		return c, "", "", fmt.Errorf("the URL to call, %q, has no host; want one such as http://127.0.0.1:8080/orders", fs.Arg(0))
	}
	c.api = (&url.URL{Scheme: u.Scheme, Host: u.Host}).String()
	c.Endpoint.ClientSecret = os.Getenv("CLIENT_SECRET")
	if *format != "" {
		c.Endpoint.Params = url.Values{"token_format": {*format}}
	}
	if *bound {
		if c.Endpoint.Key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
			return c, "", "", err
		}
	}
	c.Scope, err = scope.New(strings.Fields(*scopes)...)
	return c, method, fs.Arg(0), err
}

// transport returns the transport for requests to the API.
func (c config) transport(log *slog.Logger) (*client.Transport, error) {
	source, err := client.NewClientCredentials(c.ClientCredentialsConfig)
	if err != nil {
		return nil, err
	}
	return client.New(client.Config{Tokens: source, Resource: c.api, Key: c.Endpoint.Key, Logger: log})
}
