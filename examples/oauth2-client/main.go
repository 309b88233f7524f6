// Command oauth2-client calls an API with the client's own token (RFC 6749,
// Section 4.4), and handles each refusal as a client should: see call.go. Run it
// while "go run ./examples/protectedapi -dev" runs, with the addresses that the
// latter prints:
//
//	go run ./examples/oauth2-client -token-url http://127.0.0.1:12345/token -resource http://127.0.0.1:8080 \
//	    -scope orders:read http://127.0.0.1:8080/orders
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"strings"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "oauth2-client:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, stdout io.Writer) error {
	fs := flag.NewFlagSet("oauth2-client", flag.ExitOnError)
	tokenURL := fs.String("token-url", "", "`URL` of the token endpoint")
	id := fs.String("client-id", "app", "the client's `id`; its secret is in the environment variable CLIENT_SECRET")
	scope := fs.String("scope", "", "`scopes` to ask for, separated by spaces")
	resource := fs.String("resource", "", "`URL` of the API, as its tokens name it (RFC 8707)")
	format := fs.String("token-format", "", "`opaque` or jwt, which the development issuer of protectedapi understands")
	_ = fs.Parse(args) // it exits on a mistake
	if *tokenURL == "" || fs.NArg() != 1 {
		return fmt.Errorf("want -token-url and the URL to call")
	}
	params := url.Values{}
	for name, value := range map[string]string{"resource": *resource, "token_format": *format} {
		if value != "" {
			params.Set(name, value)
		}
	}
	// The default client has no timeout.
	client := &http.Client{Timeout: 15 * time.Second}
	ctx = context.WithValue(ctx, oauth2.HTTPClient, client)
	c := &caller{client: client, tokens: &clientcredentials.Config{
		ClientID:       *id,
		ClientSecret:   os.Getenv("CLIENT_SECRET"),
		TokenURL:       *tokenURL,
		Scopes:         strings.Fields(*scope),
		EndpointParams: params,
	}}
	body, err := c.get(ctx, fs.Arg(0))
	if err != nil {
		return err
	}
	_, err = stdout.Write(body)
	return err
}
