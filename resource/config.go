package resource

import (
	"errors"
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/bearerkit/bearerkit/internal/fetch"
	"github.com/bearerkit/bearerkit/scope"
)

// Config describes a protected resource (RFC 9728, Section 2). Each comment
// names the member of the document.
type Config struct {
	// Resource is the resource identifier: the URL of the API as clients know
	// it. It should also be the audience of the tokens. Required: an https URL,
	// or an http URL with a loopback host, without fragment and query. Scheme
	// and host are published in lower case, as clients write them; the path is
	// published unchanged. MCP prefers URLs without a trailing slash. The member
	// is resource.
	Resource string

	// AuthorizationServers lists the issuers whose tokens the API accepts,
	// spelled as in their own metadata: authorization_servers. Default: none,
	// which RFC 9728 allows and MCP forbids.
	AuthorizationServers []string

	// Rules lists the rules of the API's routes. All scopes in them, including
	// alternatives, are published: scopes_supported. Default: none.
	Rules []scope.Rule

	// Scopes is published in addition to the scopes in Rules: scopes_supported.
	// Neither may contain offline_access, which requests a refresh token and is
	// not a scope of a resource. Default: none.
	Scopes scope.Set

	// BearerMethods lists how the API accepts tokens: "header", "body"
	// (bearer.FromFormBody) and "query" (bearer.InsecureFromQuery):
	// bearer_methods_supported. Empty: none of the three. Default: header.
	BearerMethods []string

	// Name is a name for display to people: resource_name. Default: none.
	Name string

	// NameByLanguage has the name in other languages, by language tag (RFC
	// 5646), such as "de" or "pt-BR": resource_name#de. Default: none.
	NameByLanguage map[string]string

	// Documentation, PolicyURI and TOSURI are http or https URLs of the
	// developer documentation, the data policy and the terms of service:
	// resource_documentation, resource_policy_uri and resource_tos_uri.
	// Default: none.
	Documentation, PolicyURI, TOSURI string

	// JWKSURI is the https URL of the resource's own public keys, with which
	// clients verify signed responses: jwks_uri. Default: none.
	JWKSURI string

	// SigningAlgorithms lists the JWS algorithms with which the resource signs
	// responses: resource_signing_alg_values_supported. Default: none.
	SigningAlgorithms []string

	// AuthorizationDetailsTypes lists the types of authorization details (RFC
	// 9396) that the API supports: authorization_details_types_supported.
	// Default: none.
	AuthorizationDetailsTypes []string

	// MTLSBound says that the API supports tokens bound to a client certificate
	// (RFC 8705), as it does if bearer.Config.Certificates is set:
	// tls_client_certificate_bound_access_tokens. Default: false.
	MTLSBound bool

	// DPoPAlgorithms lists the JWS algorithms that the API accepts for DPoP
	// proofs (RFC 9449), as bearer.Config.Proofs does:
	// dpop_signing_alg_values_supported. Default: none.
	DPoPAlgorithms []string

	// DPoPRequired says that the API requires a DPoP proof with every token, as
	// it does if bearer.Config.ProofsRequired is set:
	// dpop_bound_access_tokens_required. It needs DPoPAlgorithms. Default:
	// false, only bound tokens need a proof.
	DPoPRequired bool

	// ServeAtRoot also serves the document at the well-known URL of the host,
	// if the identifier has a path. MCP clients look there second. Clients that
	// compare the identifier with the URL that they asked (RFC 9728, Section
	// 3.3) reject the document there. Default: false, the document is served
	// only at [Metadata.URL].
	ServeAtRoot bool

	// MaxAge is how long caches may reuse the document, rounded up to whole
	// seconds. Default: 1 h. Negative: caches must revalidate it each time.
	MaxAge time.Duration

	// InsecureAllowHTTP allows http URLs with any host in Resource,
	// AuthorizationServers and JWKSURI. Default: false, only loopback hosts.
	InsecureAllowHTTP bool
}

const defaultMaxAge = time.Hour

// New returns the metadata for c. It reports all mistakes in the configuration
// at once and does not use the network.
func New(c Config) (*Metadata, error) {
	var errs []error
	mistake := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("resource: Config."+format, args...))
	}
	id, err := parseIdentifier(c.Resource, c.InsecureAllowHTTP)
	if err != nil {
		mistake("Resource: %w", err)
	}
	c.checkServers(mistake)
	scopes := c.checkScopes(mistake)
	if c.BearerMethods == nil {
		c.BearerMethods = []string{"header"}
	}
	c.checkLists(mistake)
	c.checkTexts(mistake)
	if c.DPoPRequired && len(c.DPoPAlgorithms) == 0 {
		mistake("DPoPRequired is set, but DPoPAlgorithms is empty; want the algorithms that proofs may be signed with")
	}
	if c.MaxAge == 0 {
		c.MaxAge = defaultMaxAge
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	cacheControl := "no-cache"
	if c.MaxAge > 0 {
		seconds := (c.MaxAge-1)/time.Second + 1
		cacheControl = fmt.Sprintf("public, max-age=%d", seconds)
	}
	return &Metadata{
		id:           id,
		servers:      slices.Clone(c.AuthorizationServers),
		atRoot:       c.ServeAtRoot,
		document:     c.document(id.text, scopes.Names()),
		cacheControl: cacheControl,
	}, nil
}

type report func(format string, args ...any)

func (c *Config) checkServers(mistake report) {
	for i, issuer := range c.AuthorizationServers {
		u, err := checkURL(issuer, c.InsecureAllowHTTP)
		switch {
		case err != nil:
			mistake("AuthorizationServers[%d]: %w", i, err)
		case u.RawQuery != "" || u.ForceQuery:
			mistake("AuthorizationServers[%d]: the URL %q has a query, want none (RFC 8414, Section 2)", i, fetch.Redact(issuer))
		case slices.Contains(c.AuthorizationServers[:i], issuer):
			mistake("AuthorizationServers[%d]: duplicate value %q", i, issuer)
		}
	}
	if c.JWKSURI != "" {
		if _, err := checkURL(c.JWKSURI, c.InsecureAllowHTTP); err != nil {
			mistake("JWKSURI: %w", err)
		}
	}
}

// checkScopes returns the value of scopes_supported.
func (c *Config) checkScopes(mistake report) scope.Set {
	all := c.Scopes
	for i, rule := range c.Rules {
		if err := rule.Err(); err != nil {
			mistake("Rules[%d]: %w", i, err)
		}
		all = all.Union(rule.Names())
	}
	// MCP authorization 2026-07-28: "SHOULD NOT".
	if all.Has("offline_access") {
		mistake(`Scopes or Rules contain "offline_access", which clients request from the authorization server on their own; want only scopes of the resource`)
	}
	return all
}

func (c *Config) checkLists(mistake report) {
	for _, list := range []struct {
		field  string
		values []string
		wrong  func(string) bool
		want   string
	}{
		{"BearerMethods", c.BearerMethods, func(s string) bool { return s != "header" && s != "body" && s != "query" }, "header, body or query"},
		{"SigningAlgorithms", c.SigningAlgorithms, unsigned, "the name of a JWS signature algorithm"},
		{"DPoPAlgorithms", c.DPoPAlgorithms, func(s string) bool { return unsigned(s) || strings.HasPrefix(s, "HS") }, "the name of an asymmetric JWS algorithm (RFC 9449, Section 4.2)"},
		{"AuthorizationDetailsTypes", c.AuthorizationDetailsTypes, unreadable, "the name of a type"},
	} {
		for i, value := range list.values {
			if list.wrong(value) {
				mistake("%s[%d] is %q; want %s", list.field, i, value, list.want)
			} else if slices.Contains(list.values[:i], value) {
				mistake("%s[%d]: duplicate value %q", list.field, i, value)
			}
		}
	}
}

// languageTag matches the general form of a tag (RFC 5646, Section 2.1).
var languageTag = regexp.MustCompile(`^[A-Za-z]{1,8}(-[A-Za-z0-9]{1,8})*$`)

func (c *Config) checkTexts(mistake report) {
	if c.Name != "" && unreadable(c.Name) {
		mistake("Name %q is not valid UTF-8", c.Name)
	}
	for _, tag := range slices.Sorted(maps.Keys(c.NameByLanguage)) {
		if !languageTag.MatchString(tag) {
			mistake("NameByLanguage[%q]: want a language tag such as de or pt-BR", tag)
		}
		if name := c.NameByLanguage[tag]; unreadable(name) {
			mistake("NameByLanguage[%q] is %q; want a name in valid UTF-8", tag, name)
		}
	}
	for _, page := range []struct{ field, url string }{
		{"Documentation", c.Documentation}, {"PolicyURI", c.PolicyURI}, {"TOSURI", c.TOSURI},
	} {
		u, err := url.Parse(page.url)
		if page.url == "" || err == nil && u.Host != "" && (u.Scheme == "https" || u.Scheme == "http") && strings.Trim(page.url, uriChars) == "" {
			continue
		}
		mistake("%s %q: want an https URL", page.field, fetch.Redact(page.url))
	}
}

func unreadable(s string) bool { return s == "" || !utf8.ValidString(s) }

// unsigned reports whether s is not the name of a signature algorithm (RFC
// 9728, Section 2: none MUST NOT be used).
func unsigned(s string) bool { return unreadable(s) || strings.EqualFold(s, "none") }
