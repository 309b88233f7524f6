package cli

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/bearerkit/bearerkit/bearer/bearertest"
	"github.com/bearerkit/bearerkit/cmd/bearer/internal/conform"
	"github.com/bearerkit/bearerkit/conformance"
)

// conformFlags are the flags of bearer conform.
type conformFlags struct {
	network
	options                      bearertest.ConformanceOptions
	issuerPort                   int
	wait                         time.Duration
	list                         bool
	routes, known                []string
	jsonFile, junit, html, badge string
}

const conformHelp = `Test an API with a corpus of requests: RFC 6750, RFC 9068, RFC 8725, RFC 9700,
DPoP, mutual TLS, metadata, MCP and FAPI 2.0, and what happens when the issuer fails.
The URL is that of a protected route.

The command starts an issuer on this machine, prints what to configure in the API,
waits until the API serves a good token, and then sends the requests. The API must
trust nothing else than this issuer while it is tested. The requests are hostile: use
an API without real data.

A case fails if the answer breaks a requirement. An advice is a recommendation that
the answer does not follow; it does not change the exit code.

Exit codes: 0 if no requirement is broken, 1 if one is or if a report cannot be
written, 2 for a mistake on the command line, and 3 if the API did not serve a good
token, if some cases could not be judged, or after an interrupt.

With --json, each line is a JSON object: what to configure, each case, the totals.`

func conformCommand(p *program) *cobra.Command {
	var f conformFlags
	c := &cobra.Command{
		Use:   "conform URL",
		Short: "Test which sections of the RFCs an API breaks, in any language",
		Long:  conformHelp,
		Example: `  bearer conform http://localhost:8080/orders --scope orders:read
  bearer conform http://localhost:8080/orders --level core --level rfc9068 --html report.html
  bearer conform https://localhost:8443/orders --supports jwt,dpop,mtls,metadata --cacert ca.pem
  bearer conform --list --level dpop`,
		Args: func(c *cobra.Command, args []string) error {
			if f.list {
				return noArguments(c, args)
			}
			return oneURL("http://localhost:8080/orders --scope orders:read")(c, args)
		},
		RunE: func(c *cobra.Command, args []string) error {
			if f.list {
				return p.listCases(f.options.Levels)
			}
			f.options.URL = args[0]
			return p.conform(c.Context(), f)
		},
	}
	f.network.flags(c)
	flags := c.Flags()
	flags.StringVar(&f.options.Scope, "scope", "", "`scope` that the route requires; without it, cases about scopes are skipped")
	flags.StringVar(&f.options.Audience, "audience", "", "`aud` that the API expects (default: the origin of the URL)")
	flags.StringVar(&f.options.Method, "method", "GET", "`method` of the route")
	flags.StringVar(&f.options.Body, "body", "", "`body` of each request to the route")
	flags.StringArrayVar(&f.options.Header, "header", nil, "header `line` for each request, such as \"Content-Type: application/json\"")
	flags.StringSliceVar(&f.options.Supports, "supports", []string{"jwt"}, "what the API does: jwt, introspection, dpop, dpop-nonce, mtls, metadata, mcp, fapi")
	flags.StringArrayVar(&f.routes, "route", nil, "one more route as `name=path`: strict (needs the scope conform:strict), step-up (needs acr phr and max_age 300), optional (serves anonymous requests, too)")
	flags.StringVar(&f.options.Metadata, "metadata", "", "`path` of the protected resource metadata (default: as RFC 9728 says)")
	flags.StringVar(&f.options.Binding, "binding", "", "dpop or mtls, if the API takes only bound tokens")
	flags.StringSliceVar(&f.options.Levels, "level", nil, "`levels` to run: "+strings.Join(conform.LevelNames(), ", ")+" (default all)")
	flags.StringSliceVar(&f.options.Only, "case", nil, "`names` of cases to run")
	flags.StringArrayVar(&f.known, "known", nil, "case that may fail, as `name=reason`")
	flags.IntVar(&f.issuerPort, "issuer-port", 9100, "`port` of the issuer on 127.0.0.1; 0 is a free port")
	flags.DurationVar(&f.wait, "wait", 2*time.Minute, "how long to wait until the API serves a good token")
	flags.BoolVar(&f.list, "list", false, "list the cases, and run none")
	flags.StringVar(&f.jsonFile, "json-file", "", "write a report in JSON to a `file`")
	flags.StringVar(&f.junit, "junit", "", "write a report in JUnit XML to a `file`")
	flags.StringVar(&f.html, "html", "", "write a page for people to a `file`")
	flags.StringVar(&f.badge, "badge", "", "write a badge in SVG to a `file`")
	return c
}

// complete checks the flags and sets their defaults.
func (f *conformFlags) complete() error {
	target, err := url.Parse(f.options.URL)
	if err != nil || target.Host == "" {
		return errors.New("the URL is not an http or https URL of a route, such as http://localhost:8080/orders")
	}
	if target.User != nil || target.RawQuery != "" || target.ForceQuery || target.Fragment != "" {
		return errors.New("the URL must have no query, no fragment and no user information: the requests would not have them")
	}
	if f.options.Audience == "" {
		f.options.Audience = target.Scheme + "://" + target.Host
	}
	if f.options.Routes, err = pairs("--route", f.routes); err != nil {
		return err
	}
	if f.options.Known, err = pairs("--known", f.known); err != nil {
		return err
	}
	if f.timeout <= 0 || f.wait <= 0 {
		return errors.New("--timeout and --wait must be positive, such as 10s")
	}
	for _, name := range []string{f.jsonFile, f.junit, f.html, f.badge} {
		if err := canCreate(name); err != nil {
			return err
		}
	}
	roots, err := f.roots()
	if err != nil {
		return err
	}
	f.options.TLS, f.options.Timeout, f.options.Corpus = &tls.Config{RootCAs: roots}, f.timeout, conformance.Corpus()
	return nil
}

// canCreate checks before a run that its report can be written after it.
func canCreate(name string) error {
	if name == "" {
		return nil
	}
	if info, err := os.Stat(filepath.Dir(name)); err != nil || !info.IsDir() {
		return fmt.Errorf("%q: the folder of this report does not exist", name)
	}
	if info, err := os.Stat(name); err == nil && info.IsDir() {
		return fmt.Errorf("%q is a folder; name a file for the report", name)
	}
	return nil
}

// pairs splits texts of the form name=value.
func pairs(flag string, texts []string) (map[string]string, error) {
	if len(texts) == 0 {
		return nil, nil
	}
	all := map[string]string{}
	for _, text := range texts {
		name, value, ok := strings.Cut(text, "=")
		if !ok || name == "" || value == "" {
			return nil, fmt.Errorf("%s %q: want name=value", flag, text)
		}
		all[name] = value
	}
	return all, nil
}

func (p *program) conform(ctx context.Context, f conformFlags) error {
	if err := f.complete(); err != nil {
		return err
	}
	issuer, err := bearertest.NewIssuer(bearertest.IssuerConfig{
		Addr: fmt.Sprintf("127.0.0.1:%d", f.issuerPort), Audience: []string{f.options.Audience},
		Clients: []bearertest.Client{{ID: "api", Secret: "secret"}},
	})
	if err != nil {
		return unknown(fmt.Errorf("the issuer cannot listen: %w; choose another port with --issuer-port", err))
	}
	defer issuer.Close()
	f.options.Issuer = issuer
	setup := conform.Setup{
		URL: f.options.URL, Method: f.options.Method, Scope: f.options.Scope, Issuer: issuer.URL(), Audience: f.options.Audience,
		JWKS: issuer.URL() + "/jwks", Introspect: issuer.URL() + "/introspect", ClientID: "api", ClientSecret: "secret",
		Routes: f.options.Routes, Supports: f.options.Supports,
	}
	watch := &conformWatch{program: p, setup: setup}
	watch.showSetup()
	limited, cancel := context.WithCancel(ctx)
	defer cancel()
	started := time.Now()
	f.options.Waiting = func(status int, answer string) {
		watch.waiting(status, answer)
		if time.Since(started) > f.wait {
			cancel()
		}
	}
	waited := true
	f.options.Progress = func(r bearertest.ConformanceResult) {
		if waited { // the time for which the API was not ready is not the run's
			waited, started = false, time.Now().Add(-r.Took)
		}
		watch.progressed(r)
	}
	results, err := bearertest.CheckConformance(limited, nil, f.options)
	p.progress("")
	switch {
	case ctx.Err() != nil:
		return unknown(errors.New("interrupted"))
	case limited.Err() != nil:
		return unknown(fmt.Errorf("the API did not serve a good token within %v; the lines above say what to configure", f.wait))
	case err != nil:
		return err
	}
	report := conform.New(f.options.URL, f.options.Supports, started, results)
	watch.showTotals(report)
	if err := f.write(report); err != nil {
		return failed(err)
	}
	switch {
	case report.All.Fail > 0:
		return negative()
	case report.All.Unknown > 0:
		return unknown(fmt.Errorf("%d cases could not be judged, since the API did not serve good tokens; the lines above name them", report.All.Unknown))
	}
	return nil
}

// write writes the reports to files.
func (f *conformFlags) write(r *conform.Report) error {
	for _, file := range []struct {
		name  string
		write func(*os.File) error
	}{
		{f.jsonFile, func(w *os.File) error { return r.JSON(w) }},
		{f.junit, func(w *os.File) error { return r.JUnit(w) }},
		{f.html, func(w *os.File) error { return r.HTML(w) }},
		{f.badge, func(w *os.File) error { return r.Badge(w) }},
	} {
		if file.name == "" {
			continue
		}
		w, err := os.Create(file.name)
		if err != nil {
			return err
		}
		if err := errors.Join(file.write(w), w.Close()); err != nil {
			return fmt.Errorf("%s: %w", file.name, err)
		}
	}
	return nil
}
