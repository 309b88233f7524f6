package client

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/bearerkit/bearerkit/internal/discovery"
	"github.com/bearerkit/bearerkit/internal/fetch"
	"github.com/bearerkit/bearerkit/internal/redact"
	"github.com/bearerkit/bearerkit/internal/weburl"
	"github.com/bearerkit/bearerkit/scope"
)

// discoveryTimeout bounds all requests of one [Discover] together.
const discoveryTimeout = 30 * time.Second

// DiscoveryConfig configures [Discover]. Its zero value trusts the authorization
// server that the API names.
type DiscoveryConfig struct {
	// Issuers are the authorization servers that the client trusts, by their issuer
	// identifiers. Discover uses the first one that the API names, and the first one
	// of all if the API has no metadata or names no server. Default: nil, the first
	// one that the API names.
	Issuers []string

	// HTTP makes the requests for metadata, registrations and tokens. It is
	// copied; a cookie jar and CheckRedirect are not used. Default: a client with
	// timeouts.
	HTTP *http.Client

	// InsecureAllowNoMetadata accepts an API without metadata, as the MCP
	// specification of 2025-03-26 describes it: the authorization server is then at
	// the API's own origin. If that publishes no metadata either, its endpoints are
	// /authorize, /token and /register, and nothing says whether it supports PKCE.
	InsecureAllowNoMetadata bool

	// InsecureAllowHTTP allows http URLs with hosts that are not loopback. Anyone on
	// the network path can then choose the authorization server and read tokens.
	InsecureAllowHTTP bool
}

// Discovery is what [Discover] found. Its values are the servers' words. All URLs
// are https, or http to a loopback host.
type Discovery struct {
	// Resource is the identifier of the API at the authorization server: the
	// parameter resource (RFC 8707).
	Resource string

	// Scopes holds the scopes_supported of the API's metadata, at most 64. Empty: it
	// names none.
	Scopes scope.Set

	// Issuer is the authorization server, and TokenEndpoint its token endpoint. The
	// other endpoints are empty if the server has none.
	Issuer, TokenEndpoint, AuthorizationEndpoint, RegistrationEndpoint string

	bound  bool // the API accepts only tokens that are bound to a key
	server discovery.Login
	legacy bool // nothing is known but the endpoints
}

// Discover finds the authorization server of an API. It fetches the API's metadata
// (RFC 9728) from the URL in challenge, or from the API's well-known URLs if the
// challenge names none, and then the authorization server's (RFC 8414, OpenID
// Connect Discovery). resource is the API's URL, as [Config.Resource]. challenge may
// be zero.
//
// The API's metadata must describe this API (RFC 9728, Section 3.3): otherwise an
// API could get tokens that are for another one. The metadata of the authorization
// server must name the issuer for which it was fetched (RFC 8414, Section 3.3). An
// API that is not on loopback cannot name a server on loopback, unless Issuers has it,
// nor can that server have an endpoint there.
func Discover(ctx context.Context, c DiscoveryConfig, resource string, challenge Challenge) (Discovery, error) {
	if err := c.check("DiscoveryConfig"); err != nil {
		return Discovery{}, err
	}
	return c.discover(ctx, fetch.New(c.HTTP, c.InsecureAllowHTTP), resource, challenge)
}

// check returns the mistakes in a field of the given name.
func (c DiscoveryConfig) check(field string) error {
	var errs []error
	for i, issuer := range c.Issuers {
		if _, err := fetch.CheckURL(issuer, c.InsecureAllowHTTP); err != nil {
			errs = append(errs, fmt.Errorf("client: %s.Issuers[%d]: %w", field, i, err))
		}
	}
	return errors.Join(errs...)
}

func (c DiscoveryConfig) discover(ctx context.Context, client *fetch.Client, resource string, challenge Challenge) (Discovery, error) {
	api, err := client.CheckURL(resource)
	if err != nil {
		return Discovery{}, &sourceError{remedy: FixRequest, text: "the API's URL: " + err.Error(), err: err}
	}
	ctx, cancel := context.WithTimeout(ctx, discoveryTimeout)
	defer cancel()
	protected, err := c.protected(ctx, client, api, challenge)
	if missing, ok := errors.AsType[*discovery.Error](err); ok && missing.NotFound() {
		switch {
		case len(c.Issuers) > 0: // use what is configured
			protected, err = discovery.Protected{Resource: resource}, nil
		case c.InsecureAllowNoMetadata:
			return c.atOrigin(ctx, client, api, resource)
		}
	}
	if err != nil {
		return Discovery{}, discoveryError("the API's metadata", err)
	}
	issuer, err := c.issuer(api, protected.AuthorizationServers)
	if err != nil {
		return Discovery{}, err
	}
	server, err := discovery.FindForClient(ctx, client, issuer)
	if err != nil {
		return Discovery{}, discoveryError("the authorization server's metadata", err)
	}
	if err := c.checkEndpoints(api, server); err != nil {
		return Discovery{}, err
	}
	found := discovered(protected.Resource, server)
	found.Scopes, found.bound = scopesOf(protected.ScopesSupported), protected.DPoPRequired
	return found, nil
}

// protected fetches the API's metadata.
func (c DiscoveryConfig) protected(ctx context.Context, client *fetch.Client, api *url.URL, challenge Challenge) (discovery.Protected, error) {
	wellKnown := discovery.ProtectedURLs(api)
	root := wellKnown[len(wellKnown)-1]
	urls := wellKnown
	if named, ok := challenge.Param("resource_metadata"); ok { // RFC 9728, Section 5.1
		u, err := client.CheckURL(named)
		if err != nil {
			return discovery.Protected{}, fmt.Errorf("the challenge's resource_metadata: %w", err)
		}
		// The API chooses this URL. Within its own origin, a request cannot reach
		// what only this client can reach (RFC 9728, Section 7.7).
		if originOf(u) != originOf(api) {
			return discovery.Protected{}, fmt.Errorf("the challenge's resource_metadata is at %q, want the API's origin %q", originOf(u), originOf(api))
		}
		urls = []string{named}
	}
	return discovery.FindProtected(ctx, client, urls, func(from string, p discovery.Protected) error {
		return sameResource(api, p.Resource, from == root)
	})
}

// sameResource checks that named, from the metadata, is the API (RFC 9728, Section
// 3.3). It ignores the case of scheme and host, a default port and a slash at the
// end. A document at the root of an origin may describe all of the origin.
func sameResource(api *url.URL, named string, atRoot bool) error {
	u, err := url.Parse(named)
	if err == nil && u.Fragment == "" && u.User == nil && u.Opaque == "" && originOf(u) == originOf(api) {
		path := strings.TrimSuffix(u.EscapedPath(), "/")
		if path == strings.TrimSuffix(api.EscapedPath(), "/") && u.RawQuery == api.RawQuery || atRoot && path == "" && u.RawQuery == "" {
			return nil
		}
	}
	return fmt.Errorf("its resource is %q, want %q", fetch.Redact(named), fetch.Redact(api.String()))
}

// issuer chooses the authorization server.
func (c DiscoveryConfig) issuer(api *url.URL, named []string) (string, error) {
	if len(c.Issuers) > 0 {
		if named == nil {
			return c.Issuers[0], nil
		}
		for _, issuer := range c.Issuers {
			if slices.Contains(named, issuer) {
				return issuer, nil
			}
		}
		return "", &sourceError{remedy: FixRequest, text: fmt.Sprintf("the API names the authorization servers %s, want one of the trusted %q", few(named), c.Issuers)}
	}
	if len(named) == 0 {
		return "", &sourceError{remedy: FixRequest, text: "the API's metadata names no authorization server; set Issuers"}
	}
	if isThisMachine(named[0]) && !weburl.IsLoopback(api.Hostname()) {
		return "", &sourceError{remedy: FixRequest, text: fmt.Sprintf("the API names the authorization server %q, which is on loopback; set Issuers to accept it", fetch.Redact(named[0]))}
	}
	return named[0], nil
}

// checkEndpoints checks that a server that the API named has no endpoint on this
// machine, unless the API is on it.
func (c DiscoveryConfig) checkEndpoints(api *url.URL, server discovery.Metadata) error {
	if len(c.Issuers) > 0 || weburl.IsLoopback(api.Hostname()) {
		return nil
	}
	for _, member := range []discovery.Member{discovery.TokenEndpoint, discovery.AuthorizationEndpoint, discovery.RegistrationEndpoint} {
		if endpoint := server.URL(member); isThisMachine(endpoint) {
			return &sourceError{remedy: FixRequest, text: fmt.Sprintf("the authorization server's metadata: its %s is %q, which is on loopback; set Issuers to accept it", member, fetch.Redact(endpoint))}
		}
	}
	return nil
}

// isThisMachine reports whether the host of a URL is a name or an address of this
// machine. A page of the internet must not make this client call programs there. It
// refuses more than [weburl.IsLoopback], which says for which hosts http is safe: names
// below localhost (RFC 6761, Section 6.3), and all numbers that some resolvers read as
// an address, such as 127.1.
func isThisMachine(raw string) bool {
	u, err := url.Parse(raw)
	if err != nil {
		return false // such a URL is not used
	}
	host := strings.ToLower(strings.TrimSuffix(u.Hostname(), "."))
	label := host[strings.LastIndexByte(host, '.')+1:]
	addr, err := netip.ParseAddr(host)
	if err != nil {
		return label == "localhost" || strings.HasPrefix(label, "0x") || label != "" && strings.Trim(label, "0123456789") == ""
	}
	addr = addr.Unmap()
	return addr.IsLoopback() || addr.IsUnspecified()
}

// atOrigin finds the authorization server of an API without metadata.
func (c DiscoveryConfig) atOrigin(ctx context.Context, client *fetch.Client, api *url.URL, resource string) (Discovery, error) {
	origin := api.Scheme + "://" + api.Host
	server, err := discovery.FindAtOrigin(ctx, client, origin)
	if missing, ok := errors.AsType[*discovery.Error](err); ok && missing.NotFound() {
		found := Discovery{Resource: resource, Issuer: origin, legacy: true,
			AuthorizationEndpoint: origin + "/authorize", TokenEndpoint: origin + "/token", RegistrationEndpoint: origin + "/register"}
		return found, nil
	}
	if err != nil {
		return Discovery{}, discoveryError("the metadata at the API's origin", err)
	}
	if err := c.checkEndpoints(api, server); err != nil {
		return Discovery{}, err
	}
	return discovered(resource, server), nil
}

func discovered(resource string, server discovery.Metadata) Discovery {
	return Discovery{
		Resource: resource, Issuer: server.Issuer, TokenEndpoint: server.TokenEndpoint,
		AuthorizationEndpoint: server.AuthorizationEndpoint, RegistrationEndpoint: server.RegistrationEndpoint,
		server: server.Login,
	}
}

// scopesOf returns a server's list as a set. It skips malformed names, and all
// beyond the limit.
func scopesOf(names []string) scope.Set {
	var set scope.Set
	for _, name := range names {
		if one, err := scope.New(name); err == nil && set.Len() < maxScopes {
			set = set.Union(one)
		}
	}
	return set
}

// discoveryError returns the error of a request for metadata. The texts of packages
// discovery and fetch contain no secrets.
func discoveryError(what string, err error) error {
	remedy := FixRequest
	_, down := errors.AsType[*fetch.TransportError](err)
	if answer, ok := errors.AsType[*fetch.StatusError](err); down || ok && (answer.Status >= 500 || answer.Status == http.StatusTooManyRequests) {
		remedy = Unavailable
	}
	return &sourceError{remedy: remedy, text: what + ": " + strings.TrimPrefix(err.Error(), "no metadata: "), err: err}
}

// LogValue shows the fields that are set. All ways of printing a DiscoveryConfig show
// the same.
func (c DiscoveryConfig) LogValue() slog.Value {
	return redact.Group(
		slog.Any("Issuers", c.Issuers),
		redact.Set("HTTP", c.HTTP != nil),
		slog.Bool("InsecureAllowNoMetadata", c.InsecureAllowNoMetadata),
		slog.Bool("InsecureAllowHTTP", c.InsecureAllowHTTP),
	)
}

// Format writes the values of [DiscoveryConfig.LogValue] for every verb.
func (c DiscoveryConfig) Format(f fmt.State, verb rune) { redact.Format(f, verb, c) }

// MarshalJSON returns the values of [DiscoveryConfig.LogValue].
func (c DiscoveryConfig) MarshalJSON() ([]byte, error) { return redact.JSON(c) }
