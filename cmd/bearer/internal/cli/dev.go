package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/bearerkit/bearerkit/cmd/bearer/internal/dev"
	"github.com/bearerkit/bearerkit/cmd/bearer/internal/ui"
	"github.com/bearerkit/bearerkit/internal/weburl"
)

// defaultDevURL is where bearer dev listens.
const defaultDevURL = "http://127.0.0.1:9000"

// devFlags are the flags of bearer dev.
type devFlags struct {
	listen, config, profile string
	issuers, audience       []string
}

func devCommand(p *program) *cobra.Command {
	var f devFlags
	c := &cobra.Command{
		Use:   "dev",
		Short: "Run an authorization server for development",
		Long: `dev runs an authorization server on this machine, for development only: it asks
for no password. Without a configuration it has the users alice (role admin) and
bob, the public client "app" with any redirect URI on loopback, and the
confidential client "service" with the secret "secret".

It supports authorization code with PKCE, refresh tokens, client credentials,
device codes, client registration, introspection, revocation, UserInfo, sign-out,
DPoP, and tokens in the form of many issuers:
` + profileLines(dev.ProfileNames()) + `

While it runs, "bearer trigger" rotates keys, stops issuers and revokes tokens.
With --json, the first line describes the server, and each later line a request.`,
		Example: `  bearer dev
  bearer dev --profile keycloak --audience orders-api
  bearer dev --issuer /staff --issuer /shop
  bearer dev --config dev.json`,
		Args: noArguments,
		RunE: func(c *cobra.Command, _ []string) error { return p.dev(c.Context(), f) },
	}
	flags := c.Flags()
	flags.StringVar(&f.listen, "listen", strings.TrimPrefix(defaultDevURL, "http://"), "loopback `address` to listen on; with port 0, a free port")
	flags.StringVar(&f.config, "config", "", "JSON `file` with issuers, users and clients")
	flags.StringArrayVar(&f.issuers, "issuer", nil, "`path` of an issuer; repeat it for several (default /)")
	flags.StringVar(&f.profile, "profile", "", "`name` of the form of the tokens, of all issuers of the command line (default rfc9068)")
	flags.StringArrayVar(&f.audience, "audience", nil, "`aud` of tokens for which the client names no resource (default https://api.example.com)")
	completeProfiles(c, dev.ProfileNames()...)
	return c
}

// profileLines returns names in lines of a help text.
func profileLines(names []string) string {
	var b strings.Builder
	width := 0
	for _, name := range names {
		if width += len(name) + 1; width > 76 {
			b.WriteString("\n")
			width = len(name) + 1
		}
		b.WriteString(" " + name)
	}
	return b.String()
}

// devConfig returns the configuration of the flags and the file.
func (f devFlags) devConfig() (c dev.Config, err error) {
	if f.config != "" {
		document, err := os.ReadFile(f.config)
		if err != nil {
			return c, fmt.Errorf("--config: %w", err)
		}
		if c, err = dev.ParseConfig(document); err != nil {
			return c, fmt.Errorf("--config %s: %w", f.config, err)
		}
	}
	if f.issuers == nil && f.profile == "" && f.audience == nil {
		return c, nil
	}
	if c.Issuers != nil {
		return c, errors.New("--issuer, --profile and --audience describe issuers, and the file has some; use one of the two")
	}
	shape, err := dev.ParseProfile("rfc9068")
	if f.profile != "" {
		shape, err = dev.ParseProfile(f.profile)
	}
	if err != nil {
		return c, fmt.Errorf("--profile: %w", err)
	}
	if f.issuers == nil {
		f.issuers = []string{"/"}
	}
	for _, path := range f.issuers {
		c.Issuers = append(c.Issuers, dev.Issuer{Path: path, Profile: shape, Audience: f.audience})
	}
	return c, nil
}

// listenLocal listens on a loopback address, and returns the URL of the server.
func listenLocal(address string) (net.Listener, string, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil || !weburl.IsLoopback(host) {
		return nil, "", fmt.Errorf("--listen %q: want a loopback host and a port, such as 127.0.0.1:9000, since this server gives tokens to anybody", address)
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, "", failed(fmt.Errorf("%w; choose another port with --listen", err))
	}
	_, port, err := net.SplitHostPort(listener.Addr().String())
	if err != nil {
		return nil, "", failed(err)
	}
	return listener, "http://" + net.JoinHostPort(host, port), nil
}

func (p *program) dev(ctx context.Context, f devFlags) error {
	config, err := f.devConfig()
	if err != nil {
		return err
	}
	listener, url, err := listenLocal(f.listen)
	if err != nil {
		return err
	}
	defer listener.Close()
	config.URL = url
	var mu sync.Mutex
	config.Log = func(e dev.Entry) {
		mu.Lock()
		defer mu.Unlock()
		p.printRequest(e)
	}
	server, err := dev.New(config)
	if err != nil {
		return err
	}
	if p.json {
		err = p.documentLine(server.Summary())
	} else {
		_, err = fmt.Fprint(p.Out, devBanner(server.Summary(), ui.For(p.Out)))
	}
	if err != nil {
		return failed(err)
	}
	return serveUntil(ctx, listener, server)
}

// serveUntil serves until ctx ends, and then lets requests finish: those that wait
// on purpose end at once.
func serveUntil(ctx context.Context, listener net.Listener, handler http.Handler) error {
	server := &http.Server{
		Handler: handler, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 30 * time.Second, MaxHeaderBytes: 64 << 10,
		BaseContext: func(net.Listener) context.Context { return ctx },
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	select {
	case err := <-served:
		return failed(err)
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if server.Shutdown(grace) != nil {
		_ = server.Close()
	}
	<-served
	return nil
}

func (p *program) printRequest(e dev.Entry) {
	if p.json {
		_ = p.documentLine(e)
		return
	}
	style := ui.Faint
	if e.Error != "" || e.Status >= 400 || e.Status == 0 {
		style = ui.Warn
	}
	_, _ = fmt.Fprintln(p.Out, ui.For(p.Out).Paint(style, ui.Printable(e.Line())))
}
