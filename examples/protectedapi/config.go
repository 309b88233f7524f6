package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/bearerkit/bearerkit/compliance"
	"github.com/bearerkit/bearerkit/examples/protectedapi/internal/binding"
	"github.com/bearerkit/bearerkit/examples/protectedapi/internal/introspection"
	"github.com/bearerkit/bearerkit/examples/protectedapi/internal/router"
	"github.com/bearerkit/bearerkit/examples/protectedapi/internal/usage"
	"github.com/bearerkit/bearerkit/examples/protectedapi/internal/weburl"
)

// config is the command line.
type config struct {
	listen        string
	framework     string
	issuers       []string
	dev           bool
	brief         bool
	jwksURI       string
	audience      string
	resource      string
	realm         string
	leeway        time.Duration
	refreshBudget time.Duration
	cors          string
	insecureHTTP  bool
	profile       string
	issuerProfile string // empty: RFC 9068, and no roles
	introspection introspection.Flags
	proofs        binding.Proofs
	transport     binding.Transport

	client *http.Client // fetches keys; nil: the SDK's own
	parsed bool         // the flags were read, even if some are mistakes
	asking bool         // the flags of introspection are valid
}

const maxLeeway = 5 * time.Minute

// The values of -profile. The first is the default: JWT access tokens (RFC 9068)
// and the answers of RFC 6750.
const (
	rfc9068 = "rfc9068"
	fapi2   = "fapi2"
	mcp     = "mcp"
)

var profiles = []string{rfc9068, fapi2, mcp}

const synopsis = `protectedapi -issuer URL | -dev [flags]
       protectedapi proof -key FILE -url URL [flags]        creates a DPoP proof; -h lists its flags
       protectedapi certificate -out DIRECTORY [-name NAME] creates a client certificate`

// flags returns the flags that set c.
func (c *config) flags() *flag.FlagSet {
	fs := usage.NewFlagSet("protectedapi")
	fs.StringVar(&c.listen, "listen", "127.0.0.1:8080", "`address` to listen on; port 0 picks one")
	fs.StringVar(&c.framework, "framework", "nethttp", "`framework` of the routes: nethttp, echo (Echo v4), echo5 (Echo v5) or gin")
	fs.Func("issuer", "`URL` of an issuer whose tokens are accepted; repeatable", func(s string) error {
		if s == "" {
			return errors.New("want a URL")
		}
		c.issuers = append(c.issuers, s)
		return nil
	})
	fs.BoolVar(&c.dev, "dev", false, "start a development issuer in this process, in place of -issuer")
	fs.BoolVar(&c.brief, "brief", false, "print a few requests only (with -dev)")
	fs.StringVar(&c.jwksURI, "jwks-uri", "", "`URL` of the keys of the single issuer, in place of discovery")
	fs.StringVar(&c.audience, "audience", "", "the `aud` that tokens must have (default: the resource)")
	fs.StringVar(&c.resource, "resource", "", "`URL` of this API (default: http://HOST:PORT, or https with TLS, while HOST is a loopback address); proofs name URLs of its origin")
	fs.StringVar(&c.realm, "realm", "protectedapi", "`realm` of challenges")
	fs.DurationVar(&c.leeway, "leeway", 5*time.Second, "how far clocks may differ, at most 5m; 0s allows no difference")
	fs.DurationVar(&c.refreshBudget, "refresh-budget", 10*time.Second, "least time between fetches of keys for unknown kids")
	fs.StringVar(&c.cors, "cors", "", "`origin` whose pages may call this API, such as https://app.example.com (default: none)")
	fs.BoolVar(&c.insecureHTTP, "insecure-allow-http", false, "accept http URLs on hosts that are not loopback, in every flag, such as service names in a container network; anybody on the path can then read and forge tokens")
	fs.StringVar(&c.profile, "profile", rfc9068, "`profile` that the API follows, and prints: "+strings.Join(profiles, ", "))
	fs.StringVar(&c.issuerProfile, "issuer-profile", "", "`profile` of the issuers' tokens: "+issuerProfileNames()+"; if it has roles, the role admin also opens /admin/dashboard (default: "+rfc9068+", without roles)")
	c.introspection.Register(fs)
	c.proofs.Register(fs)
	c.transport.Register(fs)
	return fs
}

// parseFlags reads and checks the command line. The error is [flag.ErrHelp] when
// the user asked for help, which parseFlags then prints. Otherwise it is a
// [usage.Error] with all mistakes, except those that only [config.try] finds.
func parseFlags(args []string, stdout io.Writer) (config, error) {
	var c config
	fs := c.flags()
	if err := usage.Parse(fs, args, synopsis, stdout); err != nil {
		return c, err
	}
	given := map[string]bool{}
	fs.Visit(func(f *flag.Flag) { given[f.Name] = true })
	if fs.NArg() > 0 && (given["client-secret"] || given["redis"]) {
		return c, usage.Mark(usage.ErrUnexpectedArgument)
	}
	if fs.NArg() > 0 {
		return c, usage.Errorf("unexpected argument %q", fs.Arg(0))
	}
	var errs []error
	// An empty value is often an unset variable of a deployment. It must not
	// mean the default.
	fs.Visit(func(f *flag.Flag) {
		if f.Name != "issuer" && f.Name != "trusted-proxy" && f.Value.String() == "" {
			errs = append(errs, fmt.Errorf("-%s is empty", f.Name))
			_ = f.Value.Set(f.DefValue) // one error is enough
			delete(given, f.Name)
		}
	})
	asking := c.introspection.Check(c.dev, given)
	errs = slices.Concat(errs, c.checkListen(), c.checkValues(), asking, c.proofs.Check(), c.transport.Check(c.dev))
	for _, err := range []error{c.checkProfile(), c.checkIssuerProfile()} {
		if err != nil {
			errs = append(errs, err)
		}
	}
	c.parsed, c.asking = true, asking == nil
	if err := errors.Join(errs...); err != nil {
		return c, usage.Mark(err)
	}
	return c, nil
}

// checkListen checks the listen address, and the flags that depend on it.
func (c *config) checkListen() (errs []error) {
	mistake := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	host, port, err := net.SplitHostPort(c.listen)
	if err != nil {
		mistake("-listen %q; want HOST:PORT", c.listen)
	} else if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		mistake("-listen %q; want a port from 0 to 65535", c.listen)
	}
	if !slices.Contains(router.Frameworks(), c.framework) {
		mistake("-framework %q; want one of %s", c.framework, strings.Join(router.Frameworks(), ", "))
	}
	switch {
	case c.dev && len(c.issuers) > 0:
		mistake("-dev and -issuer exclude each other: the development issuer gives tokens to anyone")
	case !c.dev && len(c.issuers) == 0:
		mistake("no -issuer; want the URL of the issuer whose tokens are accepted, or -dev to try things out")
	case c.brief && !c.dev:
		mistake("-brief without -dev, which prints requests")
	case c.dev && c.jwksURI != "":
		mistake("-jwks-uri and -dev exclude each other")
	case len(c.issuers) > 1 && c.jwksURI != "":
		mistake("-jwks-uri with %d issuers; want a single -issuer, whose keys they are", len(c.issuers))
	}
	if err == nil && !weburl.IsLoopback(host) {
		if c.dev {
			mistake("-dev with -listen %q; want a loopback address, the development issuer gives tokens to anyone", c.listen)
		}
		if c.resource == "" {
			mistake("no -resource; want the URL of this API, since -listen %q names no loopback address", c.listen)
		}
	}
	return errs
}

// checkValues checks the values of the other flags, one by one.
func (c *config) checkValues() (errs []error) {
	mistake := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if c.resource != "" {
		if err := weburl.CheckResource(c.resource, c.insecureHTTP); err != nil {
			mistake("-resource %s; %w", weburl.Quote(c.resource), err)
		}
	}
	if c.leeway < 0 || c.leeway > maxLeeway {
		mistake("-leeway %v; want 0s to %v", c.leeway, maxLeeway)
	}
	if c.refreshBudget <= 0 {
		mistake("-refresh-budget %v; want a positive duration", c.refreshBudget)
	}
	if c.cors != "" {
		if err := weburl.CheckOrigin(c.cors); err != nil {
			mistake("-cors %s; %w", weburl.Quote(c.cors), err)
		}
	}
	return errs
}

// checkProfile checks -profile, and the flags that the profile restricts.
func (c *config) checkProfile() error {
	_, known := c.followed()
	switch {
	case !known && c.profile != rfc9068:
		return fmt.Errorf("-profile %q; want one of %s", c.profile, strings.Join(profiles, ", "))
	case c.profile == fapi2 && c.proofs.Mode == binding.Off && c.transport.Mode == binding.Off:
		return fmt.Errorf("-profile %s with -dpop %s and -mtls %s; want one of them %s or %s, since a token must be bound to its sender",
			fapi2, binding.Off, binding.Off, binding.Allowed, binding.Required)
	}
	return nil
}

// followed returns the profile that the flag names. It returns false if the
// profile is the program's default.
func (c *config) followed() (compliance.Profile, bool) {
	switch c.profile {
	case fapi2:
		return compliance.FAPI2, true
	case mcp:
		return compliance.MCP, true
	}
	return compliance.Profile{}, false
}

// bindsToKey reports whether every token must be bound to a key. If the profile
// allows either binding, the demonstration binds tokens to a key.
func (c *config) bindsToKey() bool {
	return c.proofs.Mode == binding.Required ||
		c.profile == fapi2 && c.proofs.Mode == binding.Allowed && c.transport.Mode != binding.Required
}

// bindsToCertificate reports whether every token must be bound to a client
// certificate.
func (c *config) bindsToCertificate() bool {
	return c.transport.Mode == binding.Required || c.profile == fapi2 && c.proofs.Mode == binding.Off
}

// complete sets the values that depend on the port, and returns the URL on which
// the API listens.
func (c *config) complete(addr net.Addr) (origin string) {
	host, _, _ := net.SplitHostPort(c.listen) // checkListen has split it before
	actualHost, port, _ := net.SplitHostPort(addr.String())
	if host == "" {
		host = actualHost
	}
	scheme, defaultPort := "http", ":80"
	if c.transport.TLS(c.dev) {
		scheme, defaultPort = "https", ":443"
	}
	origin = scheme + "://" + net.JoinHostPort(host, port)
	if c.resource == "" {
		c.resource = strings.TrimSuffix(origin, defaultPort)
	}
	c.resource = weburl.Published(c.resource, c.insecureHTTP)
	if c.audience == "" {
		c.audience = c.resource
	}
	return origin
}
