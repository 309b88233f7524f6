package dpop

import (
	"fmt"
	"log/slog"

	"github.com/bearerkit/bearerkit/internal/redact"
)

// LogValue returns the settings that are not zero, without the nonce key. fmt
// and JSON print the same.
func (c Config) LogValue() slog.Value {
	return redact.Group(
		redact.URL("Origin", c.Origin),
		slog.Any("Algorithms", c.Algorithms),
		slog.Duration("MaxAge", c.MaxAge),
		slog.Duration("MaxAhead", c.MaxAhead),
		redact.Set("Path", c.Path != nil),
		redact.Set("Replays", c.Replays != nil),
		redact.Set("Nonces", c.Nonces != nil),
		slog.Bool("InsecureAllowHTTP", c.InsecureAllowHTTP),
	)
}

// LogValue returns the settings that are not zero, without the key, the access
// token and the nonce. fmt and JSON print the same.
func (c ProofConfig) LogValue() slog.Value {
	return redact.Group(
		redact.Set("Key", c.Key != nil),
		slog.String("Algorithm", c.Algorithm),
		slog.String("Method", c.Method),
		redact.URL("URL", c.URL),
		redact.Set("AccessToken", c.AccessToken != ""),
		redact.Set("Nonce", c.Nonce != ""),
	)
}

// LogValue returns Rotate and whether Key is set. fmt and JSON print the same.
func (c NoncesConfig) LogValue() slog.Value {
	return redact.Group(redact.Set("Key", len(c.Key) > 0), slog.Duration("Rotate", c.Rotate))
}

// LogValue returns NoncesConfig.Rotate, and neither the key nor a nonce. fmt
// and JSON print the same.
func (n *Nonces) LogValue() slog.Value { return redact.Group(slog.Duration("Rotate", n.rotate)) }

// The methods below print the values of LogValue, so that no way of printing
// shows a secret.

// Format writes the values of [Config.LogValue] for every verb.
func (c Config) Format(f fmt.State, verb rune) { redact.Format(f, verb, c) }

// MarshalJSON returns the values of [Config.LogValue].
func (c Config) MarshalJSON() ([]byte, error) { return redact.JSON(c) }

// Format writes the values of [ProofConfig.LogValue] for every verb.
func (c ProofConfig) Format(f fmt.State, verb rune) { redact.Format(f, verb, c) }

// MarshalJSON returns the values of [ProofConfig.LogValue].
func (c ProofConfig) MarshalJSON() ([]byte, error) { return redact.JSON(c) }

// Format writes the values of [NoncesConfig.LogValue] for every verb.
func (c NoncesConfig) Format(f fmt.State, verb rune) { redact.Format(f, verb, c) }

// MarshalJSON returns the values of [NoncesConfig.LogValue].
func (c NoncesConfig) MarshalJSON() ([]byte, error) { return redact.JSON(c) }

// Format writes the values of [Nonces.LogValue] for every verb.
func (n *Nonces) Format(f fmt.State, verb rune) { redact.Format(f, verb, n) }

// MarshalJSON returns the values of [Nonces.LogValue].
func (n *Nonces) MarshalJSON() ([]byte, error) { return redact.JSON(n) }
