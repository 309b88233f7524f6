package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/bearerkit/bearerkit/resource"
)

// config is the command line.
type config struct {
	listen        string
	framework     string
	issuers       []string
	dev           bool
	jwksURI       string
	audience      string
	resource      string
	realm         string
	leeway        time.Duration
	refreshBudget time.Duration
	cors          string
	insecureHTTP  bool
	client        *http.Client // fetches keys; nil: one of the SDK's own
	parsed        bool         // every flag was read, right or wrong
	profile       string
	introspection introspection
	proofs        proofs
	transport     transport
}

const maxLeeway = 5 * time.Minute

var frameworks = []string{"nethttp", "echo", "gin"}

// parseFlags reads and checks the command line. The error is a usageError that
// holds all mistakes but those that [config.try] finds, or flag.ErrHelp when the
// usage was asked for and written.
func parseFlags(args []string, stdout io.Writer) (config, error) {
	var c config
	fs := flag.NewFlagSet("protectedapi", flag.ContinueOnError)
	fs.SetOutput(io.Discard) // the error is told in one line, by run
	fs.Usage = func() {}
	fs.StringVar(&c.listen, "listen", "127.0.0.1:8080", "`address` to listen on; port 0 picks one")
	fs.StringVar(&c.framework, "framework", "nethttp", "`framework` that routes: nethttp, echo or gin")
	fs.Func("issuer", "`URL` of an issuer whose tokens are accepted; repeatable", func(s string) error {
		if s == "" {
			return errors.New("want a URL")
		}
		c.issuers = append(c.issuers, s)
		return nil
	})
	fs.BoolVar(&c.dev, "dev", false, "start a development issuer in this process, in place of -issuer")
	fs.StringVar(&c.jwksURI, "jwks-uri", "", "`URL` of the keys of the single issuer, in place of discovery")
	fs.StringVar(&c.audience, "audience", "", "the `aud` that tokens must have (default: the resource)")
	fs.StringVar(&c.resource, "resource", "", "`URL` of this API (default: http://HOST:PORT, or https with TLS, while HOST is a loopback address); proofs name URLs of its origin")
	fs.StringVar(&c.realm, "realm", "protectedapi", "`realm` of challenges")
	fs.DurationVar(&c.leeway, "leeway", 5*time.Second, "how far clocks may be off, at most 5m; 0s is none")
	fs.DurationVar(&c.refreshBudget, "refresh-budget", 10*time.Second, "least time between fetches of keys for unknown kids")
	fs.StringVar(&c.cors, "cors", "", "`origin` whose pages may call this API, such as https://app.example.com (default: none)")
	fs.BoolVar(&c.insecureHTTP, "insecure-allow-http", false, "accept http URLs on hosts that are not loopback, in every flag, such as service names in a container network; anybody on the path can read and forge")
	profileFlag(fs, &c.profile)
	c.introspection.flags(fs)
	c.proofs.flags(fs)
	c.transport.flags(fs)

	err := fs.Parse(args)
	if errors.Is(err, flag.ErrHelp) {
		_, _ = fmt.Fprintln(stdout, `usage: protectedapi -issuer URL | -dev [flags]
       protectedapi proof -key FILE -url URL [flags]        makes a DPoP proof; -h lists its flags
       protectedapi certificate -out DIRECTORY [-name NAME] makes a client certificate`)
		fs.SetOutput(stdout)
		fs.PrintDefaults()
		return c, err
	}
	if err != nil {
		return c, &usageError{err}
	}
	given := map[string]bool{}
	fs.Visit(func(f *flag.Flag) { given[f.Name] = true })
	if fs.NArg() > 0 && (given["client-secret"] || given["redis"]) {
		return c, &usageError{errNotQuoted}
	}
	if fs.NArg() > 0 {
		return c, usage("unexpected argument %q", fs.Arg(0))
	}
	var errs []error
	// A deployment's variable that is empty by mistake must not read as a
	// default.
	fs.Visit(func(f *flag.Flag) {
		if f.Name != "issuer" && f.Name != "trusted-proxy" && f.Value.String() == "" {
			errs = append(errs, fmt.Errorf("-%s is empty", f.Name))
			_ = f.Value.Set(f.DefValue) // so that nothing else is said of it
			delete(given, f.Name)
		}
	})
	asked := c.introspection.check(c.dev, given)
	errs = slices.Concat(errs, c.check(), asked, c.proofs.check(), c.transport.check(c.dev))
	if err := c.checkProfile(); err != nil {
		errs = append(errs, err)
	}
	c.parsed, c.introspection.sound = true, asked == nil
	if err := errors.Join(errs...); err != nil {
		return c, &usageError{err}
	}
	return c, nil
}

func (c *config) check() (errs []error) {
	mistake := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }

	host, port, err := net.SplitHostPort(c.listen)
	if err != nil {
		mistake("-listen %q; want HOST:PORT", c.listen)
	} else if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		mistake("-listen %q; want a port from 0 to 65535", c.listen)
	}
	if !slices.Contains(frameworks, c.framework) {
		mistake("-framework %q; want one of %s", c.framework, strings.Join(frameworks, ", "))
	}
	switch {
	case c.dev && len(c.issuers) > 0:
		mistake("-dev and -issuer exclude each other: the development issuer hands out tokens to whoever asks")
	case !c.dev && len(c.issuers) == 0:
		mistake("no -issuer; want the URL of the issuer whose tokens are accepted, or -dev to try things out")
	case c.dev && c.jwksURI != "":
		mistake("-jwks-uri and -dev exclude each other")
	case len(c.issuers) > 1 && c.jwksURI != "":
		mistake("-jwks-uri with %d issuers; want a single -issuer, whose keys they are", len(c.issuers))
	}
	if err == nil && !isLoopback(host) {
		if c.dev {
			mistake("-dev with -listen %q; want a loopback address, the development issuer hands out tokens to whoever asks", c.listen)
		}
		if c.resource == "" {
			mistake("no -resource; want the URL of this API, since -listen %q names no loopback address", c.listen)
		}
	}
	if c.resource != "" {
		if err := checkResource(c.resource, c.insecureHTTP); err != nil {
			mistake("-resource %s; %w", shownURL(c.resource), err)
		}
	}
	if c.leeway < 0 || c.leeway > maxLeeway {
		mistake("-leeway %v; want 0s to %v", c.leeway, maxLeeway)
	}
	if c.refreshBudget <= 0 {
		mistake("-refresh-budget %v; want a positive duration", c.refreshBudget)
	}
	if c.cors != "" {
		if err := checkOrigin(c.cors); err != nil {
			mistake("-cors %s; %w", shownURL(c.cors), err)
		}
	}
	return errs
}

// complete fills in what depends on the port, and returns the URL under which
// the API is reached.
func (c *config) complete(addr net.Addr) (origin string) {
	host, _, _ := net.SplitHostPort(c.listen) // check did so before
	actualHost, port, _ := net.SplitHostPort(addr.String())
	if host == "" {
		host = actualHost
	}
	scheme, defaultPort := "http", ":80"
	if c.transport.cert != "" || c.transport.selfSigned(c.dev) {
		scheme, defaultPort = "https", ":443"
	}
	origin = scheme + "://" + net.JoinHostPort(host, port)
	if c.resource == "" {
		c.resource = strings.TrimSuffix(origin, defaultPort)
	}
	c.resource = asPublished(c.resource, c.insecureHTTP)
	if c.audience == "" {
		c.audience = c.resource
	}
	return origin
}

// shownURL quotes a URL, unless it may hold a password.
func shownURL(raw string) string {
	if strings.Contains(raw, "@") {
		return "(not shown, since it may hold a password)"
	}
	return strconv.Quote(raw)
}

// checkResource checks a resource identifier (RFC 8707, Section 2; RFC 9728,
// Section 1.2).
func checkResource(raw string, insecureHTTP bool) error {
	u, err := url.Parse(raw)
	switch {
	case err != nil || u.Scheme == "" || u.Hostname() == "" || u.Opaque != "":
		return errors.New("want an absolute URL")
	case u.User != nil:
		return errors.New("want no user information")
	case strings.Contains(raw, "#"):
		return errors.New("want no fragment")
	case u.Scheme != "https" && (u.Scheme != "http" || !insecureHTTP && !isLoopback(u.Hostname())):
		return errors.New("want https, or http on a loopback host; -insecure-allow-http accepts http on any host")
	}
	_, err = resource.New(resource.Config{Resource: raw, InsecureAllowHTTP: insecureHTTP})
	return err
}

// asPublished returns a resource identifier as metadata publish it, which is
// what clients ask tokens for, and so what these name as their audience.
func asPublished(raw string, insecureHTTP bool) string {
	metadata, err := resource.New(resource.Config{Resource: raw, InsecureAllowHTTP: insecureHTTP})
	if err != nil { // an odd loopback host, of which newAPI says more
		return raw
	}
	return metadata.Resource()
}

// checkOrigin checks that browsers would spell an origin so (RFC 6454, Section
// 6.2), since origins are compared as they stand.
func checkOrigin(raw string) error {
	u, err := url.Parse(raw)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "" ||
		strings.Contains(raw, "*") || raw != strings.ToLower(u.Scheme+"://"+u.Host) {
		return errors.New("want an origin as browsers send it: scheme://host or scheme://host:port, in lower case")
	}
	if port := u.Port(); strings.HasSuffix(u.Host, ":") || port == "443" && u.Scheme == "https" || port == "80" && u.Scheme == "http" {
		return errors.New("want an origin as browsers send it: without the default port")
	}
	return nil
}

// isLoopback reports whether a host is this machine, as the SDK judges it: plain
// HTTP is allowed to such a host alone.
func isLoopback(host string) bool {
	_, err := resource.New(resource.Config{Resource: "http://" + net.JoinHostPort(host, "8080")})
	return err == nil
}
