package client

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"time"

	"github.com/bearerkit/bearerkit/internal/fetch"
	"github.com/bearerkit/bearerkit/internal/redact"
	"github.com/bearerkit/bearerkit/internal/setting"
	"github.com/bearerkit/bearerkit/internal/weburl"
	"github.com/bearerkit/bearerkit/scope"
)

// LoginConfig configures a [Login]. The client is known at the authorization server
// in one of three ways, of which the first possible one is used: by its ClientID, by
// its ClientMetadataURL, or by a registration under its ClientName. At least one of
// these fields is required.
type LoginConfig struct {
	// Open shows a page of the authorization server to the person, such as by
	// opening a browser or printing the URL, and returns without waiting for the
	// person. An error ends the login. Required.
	Open func(ctx context.Context, page string) error

	// RedirectURL is where the authorization server sends the person afterwards. For
	// an http URL with a loopback host, the Login listens there while a person logs
	// in, at a free port if the URL has none. For an https URL, the program serves
	// the Login there: see [Login.ServeHTTP]. Default: http://127.0.0.1/callback.
	RedirectURL string

	// ClientID is the ID of a client that is registered at the authorization server.
	// ClientSecret or PrivateKey authenticates it, if it is not a public client. A key
	// is PEM or a private JWK (RFC 7523). The secret is sent to the authorization
	// server, so it needs Discovery.Issuers.
	ClientID     string
	ClientSecret string
	PrivateKey   []byte

	// ClientMetadataURL is the https URL of the client's metadata document
	// (draft-ietf-oauth-client-id-metadata-document). It is used as client ID if the
	// authorization server supports that. PrivateKey may authenticate the client.
	ClientMetadataURL string

	// ClientName is the name under which the client registers itself (RFC 7591), if
	// the authorization server supports that. It is shown to the person.
	ClientName string

	// Scope is requested in addition to the scopes that the API needs, such as
	// openid. Default: none, except for offline_access, which is requested if the
	// server supports it and the API names scopes.
	Scope scope.Set

	// Key binds the tokens (RFC 9449); the [Config.Key] of the Transport must be the
	// same. Default: nil, the tokens are not bound.
	Key crypto.Signer

	// Save is called with the session after each login, after each refresh, and with
	// nil when the refresh token is of no use any more. A later program passes the
	// last value as Session, and nobody needs to log in while the refresh token is
	// good. A session has the refresh token, and the secret of a client that
	// registered itself: store it like a password. Only one call runs at a time.
	// Default: nil, and everybody logs in anew.
	Save    func(session []byte)
	Session []byte

	// OmitResource leaves the parameter resource (RFC 8707) out, for servers that
	// refuse it, such as Entra ID.
	OmitResource bool

	// Timeout is how long a person may take to log in. Default: 5 minutes.
	Timeout time.Duration

	// Discovery says which authorization servers are trusted, and how requests are
	// made.
	Discovery DiscoveryConfig

	// InsecureAnyIssuer allows ClientSecret without Discovery.Issuers. The API then
	// chooses which server gets the secret.
	InsecureAnyIssuer bool

	// InsecureAssumePKCE accepts authorization servers whose metadata does not list
	// the PKCE method S256, such as Entra ID, which supports it nevertheless. With a
	// server that ignores PKCE, a stolen code is a token for the thief.
	InsecureAssumePKCE bool
}

const (
	defaultLoginTimeout = 5 * time.Minute
	defaultRedirect     = "http://127.0.0.1/callback"
)

// check returns all mistakes, and the redirect URL.
func (c LoginConfig) check() (redirect *url.URL, listens bool, err error) {
	var errs []error
	mistake := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("client: LoginConfig."+format, args...))
	}
	if c.Open == nil {
		mistake("Open is nil; want a function that shows a page to the person")
	}
	redirect, listens, err = c.redirect()
	if err != nil {
		mistake("RedirectURL: %w", err)
	}
	if c.ClientID == "" && c.ClientMetadataURL == "" && c.ClientName == "" {
		mistake("ClientID, ClientMetadataURL and ClientName are empty; want one of them")
	}
	if c.ClientSecret != "" && c.ClientID == "" {
		mistake("ClientSecret is set without ClientID")
	}
	if c.ClientSecret != "" && len(c.PrivateKey) > 0 {
		mistake("ClientSecret and PrivateKey are set; want one of them")
	}
	if len(c.PrivateKey) > 0 && c.ClientID == "" && c.ClientMetadataURL == "" {
		mistake("PrivateKey is set without ClientID or ClientMetadataURL")
	}
	if c.ClientSecret != "" && len(c.Discovery.Issuers) == 0 && !c.InsecureAnyIssuer {
		mistake("Discovery.Issuers is empty; name the authorization server that the ClientSecret is for, since otherwise the API chooses who gets the secret")
	}
	if c.ClientMetadataURL != "" {
		if u, err := fetch.CheckURL(c.ClientMetadataURL, false); err != nil {
			mistake("ClientMetadataURL: %w", err)
		} else if u.Scheme != "https" || strings.Trim(u.Path, "/") == "" {
			mistake("ClientMetadataURL %q: want an https URL with a path", fetch.Redact(c.ClientMetadataURL))
		}
	}
	if err := weburl.Unfilled(c.ClientID); err != nil {
		mistake("ClientID %q: %w", c.ClientID, err)
	}
	if err := c.Discovery.check("LoginConfig.Discovery"); err != nil {
		errs = append(errs, err)
	}
	return redirect, listens, errors.Join(errs...)
}

// redirect returns the redirect URL, and whether the Login listens there.
func (c LoginConfig) redirect() (u *url.URL, listens bool, err error) {
	raw := c.RedirectURL
	if raw == "" {
		raw = defaultRedirect
	}
	if u, err = fetch.CheckURL(raw, false); err != nil {
		return nil, false, err
	}
	if u.RawQuery != "" || u.ForceQuery {
		return nil, false, errors.New("the URL has a query, want none")
	}
	if u.Path == "" {
		u.Path = "/"
	}
	return u, u.Scheme == "http", nil
}

func (c LoginConfig) timeout() time.Duration {
	if c.Timeout < 0 {
		return defaultLoginTimeout
	}
	return setting.OrDefault(c.Timeout, defaultLoginTimeout)
}

// LogValue shows the fields that are set, and never a secret. All ways of printing
// a LoginConfig show the same.
func (c LoginConfig) LogValue() slog.Value {
	return redact.Group(
		redact.Set("Open", c.Open != nil),
		redact.URL("RedirectURL", c.RedirectURL),
		slog.String("ClientID", c.ClientID),
		redact.Set("ClientSecret", c.ClientSecret != ""),
		redact.Set("PrivateKey", len(c.PrivateKey) > 0),
		redact.URL("ClientMetadataURL", c.ClientMetadataURL),
		slog.String("ClientName", c.ClientName),
		slog.String("Scope", c.Scope.String()),
		redact.Set("Key", c.Key != nil),
		redact.Set("Save", c.Save != nil),
		redact.Set("Session", len(c.Session) > 0),
		slog.Bool("OmitResource", c.OmitResource),
		slog.Duration("Timeout", c.Timeout),
		slog.Attr{Key: "Discovery", Value: c.Discovery.LogValue()},
		slog.Bool("InsecureAnyIssuer", c.InsecureAnyIssuer),
		slog.Bool("InsecureAssumePKCE", c.InsecureAssumePKCE),
	)
}

// Format writes the values of [LoginConfig.LogValue] for every verb.
func (c LoginConfig) Format(f fmt.State, verb rune) { redact.Format(f, verb, c) }

// MarshalJSON returns the values of [LoginConfig.LogValue].
func (c LoginConfig) MarshalJSON() ([]byte, error) { return redact.JSON(c) }
