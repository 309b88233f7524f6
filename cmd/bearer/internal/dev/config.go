// Package dev is an authorization server for development: several issuers on one
// loopback address, with users, clients, a login page and every flow that an API or
// its clients need. It asks for no password, so it must never be reachable by
// others. A [bearertest.Issuer] mints the tokens of each issuer and simulates faults.
package dev

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/bearerkit/bearerkit/bearer/bearertest"
	"github.com/bearerkit/bearerkit/internal/weburl"
	"github.com/bearerkit/bearerkit/scope"
)

// Config configures a [Server].
type Config struct {
	// URL is where clients reach the server: an http URL on a loopback host,
	// without a path. Required.
	URL string

	// Issuers are the issuers. Default: one at the root, with tokens by RFC 9068.
	Issuers []Issuer

	// Users may sign in at every issuer. Default: alice with the role admin, and
	// bob.
	Users []User

	// Clients may use every issuer. Default: the public client app with any
	// loopback redirect URI, and the confidential client service with the secret
	// "secret".
	Clients []Client

	// Log is called after each request. Default: nothing is called.
	Log func(Entry)
}

// Issuer configures one issuer.
type Issuer struct {
	// Path is the path of the issuer's URL, such as /staff. Default: the root.
	Path string

	// Profile is the shape of the tokens. Default: RFC 9068.
	Profile bearertest.Shape

	// Audience is the aud of tokens for which the client names no resource.
	// Default: https://api.example.com.
	Audience []string

	// Opaque makes access tokens opaque. Default: they are JWTs.
	Opaque bool

	// AccessTTL and RefreshTTL are the lifetimes of tokens. Default: an hour and a
	// day.
	AccessTTL, RefreshTTL time.Duration

	// Nonces requires a nonce in the DPoP proofs of token requests (RFC 9449,
	// Section 8). Default: proofs need none.
	Nonces bool
}

// User is somebody who may sign in.
type User struct {
	Name   string         // the subject. Required.
	Email  string         // default: the name at example.com
	Roles  []string       // where the profile has roles
	Claims map[string]any // more claims of all tokens
}

// Client is an OAuth client. The names in JSON are those of RFC 7591.
type Client struct {
	ID     string `json:"client_id"`
	Secret string `json:"client_secret,omitempty"` // empty: a public client
	Name   string `json:"client_name,omitempty"`

	// RedirectURIs are compared exactly, except for the port of a loopback URI
	// (RFC 8252, Section 7.3). AnyLoopback allows all http URIs of loopback hosts.
	RedirectURIs []string `json:"redirect_uris,omitempty"`
	AnyLoopback  bool     `json:"-"`

	PostLogoutRedirectURIs []string `json:"post_logout_redirect_uris,omitempty"`
	BackchannelLogoutURI   string   `json:"backchannel_logout_uri,omitempty"` // on a loopback host

	// Grants are the grant types. Default: all; a public client may use client
	// credentials too, since this server is for development.
	Grants []string `json:"grant_types,omitempty"`

	// Scope has the scopes that the client may get. Default: any.
	Scope string `json:"scope,omitempty"`

	// Roles are the roles in the client's own tokens.
	Roles []string `json:"-"`
}

// The grant types.
const (
	codeGrant    = "authorization_code"
	refreshGrant = "refresh_token"
	clientGrant  = "client_credentials"
	deviceGrant  = "urn:ietf:params:oauth:grant-type:device_code"
)

var grantTypes = []string{codeGrant, refreshGrant, clientGrant, deviceGrant}

const defaultAudience = "https://api.example.com"

// withDefaults returns c with the defaults of fields that are not set.
func (c Config) withDefaults() Config {
	if c.Issuers == nil {
		c.Issuers = []Issuer{{}}
	}
	if c.Users == nil {
		c.Users = []User{{Name: "alice", Roles: []string{"admin"}}, {Name: "bob"}}
	}
	if c.Clients == nil {
		c.Clients = []Client{{ID: "app", AnyLoopback: true}, {ID: "service", Secret: "secret"}}
	}
	c.Issuers, c.Users, c.Clients = slices.Clone(c.Issuers), slices.Clone(c.Users), slices.Clone(c.Clients)
	for n := range c.Issuers {
		i := &c.Issuers[n]
		i.Path = strings.TrimSuffix(i.Path, "/")
		if i.Audience == nil {
			i.Audience = []string{defaultAudience}
		}
		if i.AccessTTL == 0 {
			i.AccessTTL = time.Hour
		}
		if i.RefreshTTL == 0 {
			i.RefreshTTL = 24 * time.Hour
		}
	}
	for n := range c.Users {
		if c.Users[n].Email == "" {
			c.Users[n].Email = c.Users[n].Name + "@example.com"
		}
	}
	for n := range c.Clients {
		if c.Clients[n].Grants == nil {
			c.Clients[n].Grants = grantTypes
		}
	}
	return c
}

// issuerPath is the form of a path of an issuer.
var issuerPath = regexp.MustCompile(`^(/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)*$`)

// check returns all mistakes in c.
func (c Config) check() error {
	var errs []error
	mistake := func(format string, args ...any) { errs = append(errs, fmt.Errorf("dev: "+format, args...)) }

	if u, err := url.Parse(c.URL); err != nil || u.Scheme != "http" || !weburl.IsLoopback(u.Hostname()) || u.Path != "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		mistake("URL %q; want http, a loopback host and a port, and no path", c.URL)
	}
	paths, names, ids := map[string]bool{}, map[string]bool{}, map[string]bool{}
	for n, i := range c.Issuers {
		at := fmt.Sprintf("issuers[%d]", n)
		if !issuerPath.MatchString(i.Path) {
			mistake("%s.path %q; want a path such as /staff, of letters, digits and - . _ ~", at, i.Path)
		}
		if paths[i.Path] {
			mistake("%s.path %q is the path of another issuer; give each its own", at, i.Path)
		}
		paths[i.Path] = true
		if !slices.Contains(bearertest.Shapes(), i.Profile) {
			mistake("%s.profile %q is unknown; want one of %s", at, i.Profile, strings.Join(ProfileNames(), ", "))
		}
		if len(i.Audience) == 0 || slices.Contains(i.Audience, "") {
			mistake("%s.audience is empty; name your API, or leave audience out for %s", at, defaultAudience)
		}
		if i.AccessTTL < time.Second || i.RefreshTTL < time.Second {
			mistake("%s has a lifetime below a second; want for example \"15m\"", at)
		}
	}
	if len(c.Issuers) == 0 || len(c.Users) == 0 || len(c.Clients) == 0 {
		mistake("one of issuers, users and clients is empty; name some, or leave it out for the default")
	}
	for n, u := range c.Users {
		if u.Name == "" {
			mistake("users[%d].name is missing; it is the sub of tokens", n)
		} else if names[u.Name] {
			mistake("users[%d].name %q is the name of another user; give each its own", n, u.Name)
		}
		names[u.Name] = true
	}
	for n, client := range c.Clients {
		at := fmt.Sprintf("clients[%d]", n)
		if ids[client.ID] && client.ID != "" {
			mistake("%s.client_id %q is the ID of another client; give each its own", at, client.ID)
		}
		ids[client.ID] = true
		if client.ID == "" {
			mistake("%s.client_id is missing", at)
		}
		for _, err := range client.mistakes() {
			mistake("%s.%w", at, err)
		}
	}
	return errors.Join(errs...)
}

// fault is a mistake in the metadata of a client, with the error code of RFC 7591,
// Section 3.2.2.
type fault struct{ code, text string }

func (f fault) Error() string { return f.text }

// mistakes returns what is wrong with a client, without its ID.
func (c Client) mistakes() (errs []error) {
	mistake := func(code, format string, args ...any) {
		errs = append(errs, fault{code, fmt.Sprintf(format, args...)})
	}
	const redirect, metadata = "invalid_redirect_uri", "invalid_client_metadata"
	for _, list := range []struct {
		name string
		uris []string
	}{{"redirect_uris", c.RedirectURIs}, {"post_logout_redirect_uris", c.PostLogoutRedirectURIs}} {
		for n, uri := range list.uris {
			if !redirectable(uri) {
				mistake(redirect, "%s[%d] %q; want https, http on a loopback host, or an app's scheme with a dot such as com.example.app:/callback; and no fragment", list.name, n, uri)
			}
		}
	}
	if u, err := url.Parse(c.BackchannelLogoutURI); c.BackchannelLogoutURI != "" && (err != nil || u.Scheme != "http" && u.Scheme != "https" || !weburl.IsLoopback(u.Hostname()) || u.Fragment != "") {
		mistake(metadata, "backchannel_logout_uri %q; want a URL on a loopback host, since this server sends nothing to other hosts", c.BackchannelLogoutURI)
	}
	for n, grant := range c.Grants {
		if !slices.Contains(grantTypes, grant) {
			mistake(metadata, "grant_types[%d] %q; want one of %s", n, grant, strings.Join(grantTypes, ", "))
		}
	}
	if _, err := scope.Parse(c.Scope); err != nil {
		mistake(metadata, "scope %q; want names with spaces between", c.Scope)
	}
	return errs
}

// redirectable reports whether a browser may be sent to a URI with a code.
func redirectable(uri string) bool {
	u, err := url.Parse(uri)
	if err != nil || strings.Contains(uri, "#") || u.User != nil {
		return false
	}
	switch u.Scheme {
	case "https":
		return u.Hostname() != ""
	case "http":
		return weburl.IsLoopback(u.Hostname())
	}
	return strings.Contains(u.Scheme, ".") // RFC 8252, Section 7.1
}
