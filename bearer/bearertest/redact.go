package bearertest

import (
	"fmt"
	"log/slog"

	"github.com/bearerkit/bearerkit/internal/redact"
)

// LogValue shows the client's ID, and whether there are a secret and a key. All
// ways of printing a Client show the same.
func (c Client) LogValue() slog.Value {
	return redact.Group(
		slog.String("ID", c.ID),
		redact.Set("Secret", c.Secret != ""),
		redact.Set("PublicKey", c.PublicKey != nil),
	)
}

// String returns what [Client.LogValue] shows.
func (c Client) String() string { return redact.Text("bearertest.Client", c.LogValue()) }

// GoString returns what [Client.LogValue] shows.
func (c Client) GoString() string { return c.String() }

// Format writes what [Client.LogValue] shows, for every verb.
func (c Client) Format(f fmt.State, verb rune) { redact.Format(f, verb, c.String()) }

// MarshalJSON returns what [Client.LogValue] shows.
func (c Client) MarshalJSON() ([]byte, error) { return redact.JSON(c.LogValue()) }

// LogValue shows the settings, of clients as [Client.LogValue] does. All ways of
// printing an IssuerConfig show the same.
func (c IssuerConfig) LogValue() slog.Value {
	return redact.Group(
		slog.String("Addr", c.Addr),
		slog.String("Path", c.Path),
		slog.Any("Audience", c.Audience),
		slog.Any("Clients", c.Clients),
		slog.Bool("InMemory", c.InMemory),
	)
}

// String returns what [IssuerConfig.LogValue] shows.
func (c IssuerConfig) String() string { return redact.Text("bearertest.IssuerConfig", c.LogValue()) }

// GoString returns what [IssuerConfig.LogValue] shows.
func (c IssuerConfig) GoString() string { return c.String() }

// Format writes what [IssuerConfig.LogValue] shows, for every verb.
func (c IssuerConfig) Format(f fmt.State, verb rune) { redact.Format(f, verb, c.String()) }

// MarshalJSON returns what [IssuerConfig.LogValue] shows.
func (c IssuerConfig) MarshalJSON() ([]byte, error) { return redact.JSON(c.LogValue()) }

// LogValue shows the issuer's URL, and neither its keys nor its clients' secrets
// nor the tokens that it knows. All ways of printing an Issuer show the same.
func (i *Issuer) LogValue() slog.Value { return redact.Group(slog.String("URL", i.url)) }

// String returns what [Issuer.LogValue] shows.
func (i *Issuer) String() string { return redact.Text("bearertest.Issuer", i.LogValue()) }

// GoString returns what [Issuer.LogValue] shows.
func (i *Issuer) GoString() string { return i.String() }

// Format writes what [Issuer.LogValue] shows, for every verb.
func (i *Issuer) Format(f fmt.State, verb rune) { redact.Format(f, verb, i.String()) }

// MarshalJSON returns what [Issuer.LogValue] shows.
func (i *Issuer) MarshalJSON() ([]byte, error) { return redact.JSON(i.LogValue()) }
