package dev

import (
	"cmp"
	"crypto/rand"
	"crypto/subtle"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/bearerkit/bearerkit/internal/weburl"
	"github.com/bearerkit/bearerkit/scope"
)

// client returns a configured or registered client, or nil.
func (i *issuer) client(id string) *Client {
	for n := range i.server.config.Clients {
		if c := &i.server.config.Clients[n]; c.ID == id {
			return c
		}
	}
	c, _ := i.registered.get(id)
	return c
}

// ownClient returns the client of a request for client credentials that names none: the
// first one that may use them, or the first one.
func (s *Server) ownClient() *Client {
	at := slices.IndexFunc(s.config.Clients, func(c Client) bool { return c.may(clientGrant) })
	return &s.config.Clients[max(at, 0)]
}

func (c *Client) may(grant string) bool { return slices.Contains(c.Grants, grant) }

func (c *Client) name() string { return cmp.Or(c.Name, c.ID) }

// redirectsTo reports whether a redirect URI is the client's.
func (c *Client) redirectsTo(uri string) bool {
	if c.AnyLoopback && isLoopbackHTTP(uri) {
		return true
	}
	return slices.ContainsFunc(c.RedirectURIs, func(known string) bool { return sameRedirect(known, uri) })
}

func isLoopbackHTTP(uri string) bool {
	u, err := url.Parse(uri)
	return err == nil && u.Scheme == "http" && weburl.IsLoopback(u.Hostname()) && u.User == nil && !strings.Contains(uri, "#")
}

// sameRedirect compares redirect URIs exactly (RFC 9700, Section 2.1), except for
// the port of a loopback URI, which the system gives to a native app (RFC 8252,
// Section 7.3).
func sameRedirect(known, uri string) bool {
	if known == uri {
		return true
	}
	if !isLoopbackHTTP(known) || !isLoopbackHTTP(uri) {
		return false
	}
	return withoutPort(known) == withoutPort(uri)
}

func withoutPort(uri string) string {
	u, err := url.Parse(uri)
	if err != nil {
		return uri
	}
	host := u.Host
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	return strings.Replace(uri, u.Host, strings.Trim(host, "[]"), 1)
}

// authenticate returns the client that sent a form: by client_secret_basic, by
// client_secret_post, or, if it is a public client, by its ID alone (RFC 6749,
// Section 2.3). It returns nil for a request that names no client.
func (i *issuer) authenticate(r *http.Request) (*Client, *refusal) {
	form := r.PostForm
	fields := r.Header.Values("Authorization")
	if len(fields) > 1 || len(fields) == 1 && form.Has("client_secret") {
		return nil, invalidRequest("more than one way of client authentication")
	}
	id, secret := form.Get("client_id"), form.Get("client_secret")
	if len(fields) == 1 {
		basic, password, ok := basicCredentials(r)
		if !ok || id != "" && id != basic {
			return nil, invalidClient("Authorization must be Basic, with the ID and the secret form-encoded, and the ID that of client_id")
		}
		id, secret = basic, password
	}
	if id == "" {
		return nil, nil
	}
	c := i.client(id)
	switch {
	case c == nil:
		return nil, invalidClient("the client is unknown")
	case c.Secret == "" && secret != "":
		return nil, invalidClient("the client is public: it has no secret")
	case subtle.ConstantTimeCompare([]byte(c.Secret), []byte(secret)) != 1:
		return nil, invalidClient("the client's secret is missing or wrong")
	}
	note(r, c)
	return c, nil
}

// basicCredentials returns the ID and the secret of client_secret_basic, both
// form-urlencoded (RFC 6749, Section 2.3.1).
func basicCredentials(r *http.Request) (id, secret string, ok bool) {
	id, secret, ok = r.BasicAuth()
	if !ok {
		return "", "", false
	}
	id, errID := url.QueryUnescape(id)
	secret, errSecret := url.QueryUnescape(secret)
	return id, secret, errID == nil && errSecret == nil && id != ""
}

// limit returns the scopes that the client gets of those it asks for.
func (c *Client) limit(asked string) (string, *refusal) {
	set, err := scope.Parse(asked)
	if err != nil {
		return "", badRequest("invalid_scope", "scope must be names with spaces between (RFC 6749, Section 3.3)")
	}
	if c.Scope == "" {
		return set.String(), nil
	}
	allowed := strings.Fields(c.Scope)
	for _, name := range strings.Fields(set.String()) {
		if !slices.Contains(allowed, name) {
			return "", badRequest("invalid_scope", "the client may not get all of these scopes")
		}
	}
	return set.String(), nil
}

// randomText returns a secret.
func randomText() string { return rand.Text() + rand.Text() }
