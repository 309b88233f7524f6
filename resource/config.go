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

// Config is what a protected resource says of itself (RFC 9728, Section 2).
type Config struct {
	// Resource is the resource identifier: the URL by which clients know the
	// API, and best the audience of its tokens. Required: an https URL, or
	// http on a loopback host, without fragment and query. Scheme and host are
	// published in lower case, as clients spell them; a path is published as
	// it stands here. MCP prefers no slash at the end.
	Resource string

	// AuthorizationServers are the issuers whose tokens the API accepts,
	// spelled as in their own metadata: authorization_servers. Default: the
	// document names none, which RFC 9728 allows and MCP does not.
	AuthorizationServers []string

	// Rules are rules of the API, whose names all go into scopes_supported,
	// alternatives included. Default: none.
	Rules []scope.Rule

	// Scopes go into scopes_supported beside the names of Rules. Neither may
	// hold offline_access, which asks for a refresh token and is no scope of a
	// resource. Default: none.
	Scopes scope.Set

	// BearerMethods are the ways in which the API accepts a token, of header,
	// body (bearer.Config.FormBodyTokens) and query (InsecureQueryTokens
	// there): bearer_methods_supported. Default: header.
	BearerMethods []string

	// Name is for people to read: resource_name. Default: none.
	Name string

	// NameByLanguage holds names in further languages, by language tag (RFC
	// 5646), such as "de" or "pt-BR": resource_name#de. Default: none.
	NameByLanguage map[string]string

	// Documentation, PolicyURI and TOSURI are http or https URLs of pages for
	// developers, about the use of data, and of the terms of service:
	// resource_documentation, resource_policy_uri and resource_tos_uri.
	// Default: none.
	Documentation, PolicyURI, TOSURI string

	// JWKSURI is the https URL of the resource's own public keys, by which it
	// signs responses: jwks_uri. Default: none.
	JWKSURI string

	// SigningAlgorithms are the JWS algorithms by which the resource signs
	// responses: resource_signing_alg_values_supported. Default: none.
	SigningAlgorithms []string

	// AuthorizationDetailsTypes are the types of authorization details (RFC
	// 9396) that the API understands: authorization_details_types_supported.
	// Default: none.
	AuthorizationDetailsTypes []string

	// MTLSBound says that the API checks tokens that are bound to a client's
	// certificate (RFC 8705; bearer.Config.Certificates is set):
	// tls_client_certificate_bound_access_tokens. Default: it does not.
	MTLSBound bool

	// DPoPAlgorithms are the JWS algorithms of the DPoP proofs that the API
	// accepts (RFC 9449), as bearer.Config.Proofs lists them:
	// dpop_signing_alg_values_supported. Default: none.
	DPoPAlgorithms []string

	// DPoPRequired says that the API accepts no token without a proof (as
	// bearer.Config.ProofsRequired does): dpop_bound_access_tokens_required.
	// It needs DPoPAlgorithms. Default: proofs are up to the token.
	DPoPRequired bool

	// ServeAtRoot answers a resource whose identifier has a path at the well-known
	// URL of its host too, where MCP clients look second. A client that holds
	// the document against the root of the host (RFC 9728, Section 3.3)
	// refuses it there. Default: at the URL of the identifier alone.
	ServeAtRoot bool

	// MaxAge is how long caches may keep the document, rounded up to whole
	// seconds. Default: 1 h; negative: not without asking again.
	MaxAge time.Duration

	// InsecureAllowHTTP lets Resource, AuthorizationServers and JWKSURI be
	// http URLs of any host. Default: of loopback hosts alone.
	InsecureAllowHTTP bool
}

// New compiles the document. It never touches the network, and reports all
// mistakes of the configuration at once.
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
		mistake("DPoPRequired without DPoPAlgorithms; want those that proofs may be signed with")
	}
	if c.MaxAge == 0 {
		c.MaxAge = time.Hour
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

// checkScopes returns what scopes_supported holds.
func (c *Config) checkScopes(mistake report) scope.Set {
	all := c.Scopes
	for i, rule := range c.Rules {
		if err := rule.Err(); err != nil {
			mistake("Rules[%d]: %w", i, err)
		}
		all = all.Union(rule.Names())
	}
	// MCP authorization 2026-07-28 says SHOULD NOT.
	if all.Has("offline_access") {
		mistake(`Scopes: they, or those of Rules, hold "offline_access", which clients ask the authorization server for by themselves; want scopes of the resource alone`)
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
		{"SigningAlgorithms", c.SigningAlgorithms, unsigned, "the name of a JWS algorithm that signs"},
		{"DPoPAlgorithms", c.DPoPAlgorithms, func(s string) bool { return unsigned(s) || strings.HasPrefix(s, "HS") }, "the name of an asymmetric JWS algorithm (RFC 9449, Section 4.2)"},
		{"AuthorizationDetailsTypes", c.AuthorizationDetailsTypes, unreadable, "a type"},
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

// languageTag is the outer form of RFC 5646, Section 2.1.
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

// unsigned reports whether s names no algorithm that signs (RFC 9728, Section
// 2: none MUST NOT be used).
func unsigned(s string) bool { return unreadable(s) || strings.EqualFold(s, "none") }
