package conform

import (
	"crypto/tls"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Target is the API of a run.
type Target struct {
	// URL is the protected route, as clients see it. Required.
	URL string

	// Address is where to connect. Default: the host of URL.
	Address string

	// TLS is set for https. Default: the system's authorities.
	TLS *tls.Config

	// Method and Body are those of the route. Header has more header lines for
	// each request.
	Method, Body string
	Header       []string

	// Audience is the API's name in tokens, and Scope what the route requires.
	Audience, Scope string

	// Routes are the paths of the routes strict, step-up and optional.
	Routes map[string]string

	// Metadata is the path of the protected resource metadata. Default: that of
	// RFC 9728, Section 3.1, for the audience if it is a URL, or else for URL's origin.
	Metadata string

	// Supports says which needs of cases the API meets.
	Supports []string

	// Binding is dpop or mtls if the API takes no other tokens than bound ones.
	Binding string

	// Timeout bounds each request. Default: 15 s.
	Timeout time.Duration

	// ParseChallenges parses the lines of WWW-Authenticate.
	ParseChallenges func(lines []string) ([]Challenge, error)

	base *url.URL
}

// complete checks a target and sets its defaults.
func (t *Target) complete() error {
	var mistakes []error
	mistake := func(format string, values ...any) {
		mistakes = append(mistakes, fmt.Errorf("conform: "+format, values...))
	}
	base, err := url.Parse(t.URL)
	if err != nil || base.Host == "" || base.Scheme != "http" && base.Scheme != "https" {
		mistake("URL %q: want the http or https URL of a protected route", t.URL)
		return errors.Join(mistakes...)
	}
	if base.RawQuery != "" || base.ForceQuery || base.Fragment != "" || base.User != nil {
		mistake("URL %q: want no query, no fragment and no user information, which requests would not have", base.Redacted())
	}
	if base.Path == "" {
		base.Path = "/"
	}
	t.base = base
	if t.Address == "" {
		port := orText(base.Port(), map[string]string{"http": "80", "https": "443"}[base.Scheme])
		t.Address = net.JoinHostPort(base.Hostname(), port)
	}
	if base.Scheme == "https" {
		if t.TLS == nil {
			t.TLS = &tls.Config{}
		}
		t.TLS = t.TLS.Clone()
		t.TLS.ServerName = orText(t.TLS.ServerName, base.Hostname())
	} else {
		t.TLS = nil
	}
	t.Method = orText(t.Method, "GET")
	if t.Timeout <= 0 {
		t.Timeout = 15 * time.Second
	}
	if t.ParseChallenges == nil {
		mistake("ParseChallenges is required")
	}
	supports, err := t.supports()
	t.Supports = supports
	return errors.Join(append(mistakes, err)...)
}

// supports returns the needs that the API meets.
func (t *Target) supports() ([]string, error) {
	var mistakes []error
	mistake := func(format string, values ...any) {
		mistakes = append(mistakes, fmt.Errorf("conform: "+format, values...))
	}
	supports := slices.Clone(t.Supports)
	for _, need := range supports {
		if !slices.Contains(Needs, need) {
			mistake("%q: nothing that an API may support; want some of %s", need, strings.Join(Needs, ", "))
		}
	}
	for route := range maps.Keys(t.Routes) {
		if !slices.Contains([]string{"strict", "step-up", "optional"}, route) {
			mistake("route %q: want strict, step-up or optional", route)
		}
		supports = append(supports, route)
	}
	if !slices.Contains(supports, "jwt") && !slices.Contains(supports, "introspection") {
		supports = append(supports, "jwt")
	}
	if t.Scope != "" {
		supports = append(supports, "scope")
	}
	switch t.Binding {
	case "":
		supports = append(supports, "bearer")
	case "dpop", "mtls":
		supports = append(supports, t.Binding)
	default:
		mistake("Binding %q: want dpop or mtls", t.Binding)
	}
	return supports, errors.Join(mistakes...)
}

// path returns the path of a route.
func (t Target) path(route string) string {
	if path := t.Routes[route]; path != "" {
		return path
	}
	return t.base.EscapedPath()
}

// metadata returns the path of the metadata (RFC 9728, Section 3.1).
func (t Target) metadata() string {
	if t.Metadata != "" {
		return t.Metadata
	}
	if resource, err := url.Parse(t.Audience); err == nil && resource.Host != "" {
		return wellKnown + strings.TrimSuffix(resource.EscapedPath(), "/")
	}
	return wellKnown
}

// resource returns the API's resource identifier: the audience if that is a URL, or
// else the URL from which the path of the metadata was made (RFC 9728, Section 3.3).
func (t Target) resource() string {
	if audience, err := url.Parse(t.Audience); err == nil && audience.Host != "" {
		return t.Audience
	}
	return t.base.Scheme + "://" + t.base.Host + strings.TrimPrefix(t.metadata(), wellKnown)
}

const wellKnown = "/.well-known/oauth-protected-resource"

// Encrypted reports whether the URL is an https URL.
func (t Target) Encrypted() bool { return strings.HasPrefix(strings.ToLower(t.URL), "https:") }
