package bearertest

import (
	"fmt"
	"log/slog"

	"github.com/bearerkit/bearerkit/internal/redact"
)

// LogValue returns the client's ID and whether the client has a secret and a
// public key. fmt and JSON print the same values.
func (c Client) LogValue() slog.Value {
	return redact.Group(
		slog.String("ID", c.ID),
		redact.Set("Secret", c.Secret != ""),
		redact.Set("PublicKey", c.PublicKey != nil),
	)
}

// LogValue returns the settings; each client is shown as by [Client.LogValue].
// fmt and JSON print the same values.
func (c IssuerConfig) LogValue() slog.Value {
	return redact.Group(
		slog.String("Addr", c.Addr),
		slog.String("Path", c.Path),
		slog.Any("Audience", c.Audience),
		slog.Any("Clients", c.Clients),
		slog.Bool("InMemory", c.InMemory),
	)
}

// LogValue returns the issuer's URL, but no keys, client secrets or tokens. fmt
// and JSON print the same values.
func (i *Issuer) LogValue() slog.Value { return redact.Group(slog.String("URL", i.url)) }

// The methods below print the values of LogValue, so that no way of printing
// shows a secret.

// Format writes the values of [Client.LogValue] for every verb.
func (c Client) Format(f fmt.State, verb rune) { redact.Format(f, verb, c) }

// MarshalJSON returns the values of [Client.LogValue].
func (c Client) MarshalJSON() ([]byte, error) { return redact.JSON(c) }

// Format writes the values of [IssuerConfig.LogValue] for every verb.
func (c IssuerConfig) Format(f fmt.State, verb rune) { redact.Format(f, verb, c) }

// MarshalJSON returns the values of [IssuerConfig.LogValue].
func (c IssuerConfig) MarshalJSON() ([]byte, error) { return redact.JSON(c) }

// Format writes the values of [Issuer.LogValue] for every verb.
func (i *Issuer) Format(f fmt.State, verb rune) { redact.Format(f, verb, i) }

// MarshalJSON returns the values of [Issuer.LogValue].
func (i *Issuer) MarshalJSON() ([]byte, error) { return redact.JSON(i) }
