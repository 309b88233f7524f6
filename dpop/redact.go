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

// Format writes what [Config.LogValue] returns, for every verb.
func (c Config) Format(f fmt.State, verb rune) {
	redact.Format(f, verb, redact.Text("dpop.Config", c.LogValue()))
}

// MarshalJSON returns what [Config.LogValue] returns, as JSON.
func (c Config) MarshalJSON() ([]byte, error) { return redact.JSON(c.LogValue()) }

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

// Format writes what [ProofConfig.LogValue] returns, for every verb.
func (c ProofConfig) Format(f fmt.State, verb rune) {
	redact.Format(f, verb, redact.Text("dpop.ProofConfig", c.LogValue()))
}

// MarshalJSON returns what [ProofConfig.LogValue] returns, as JSON.
func (c ProofConfig) MarshalJSON() ([]byte, error) { return redact.JSON(c.LogValue()) }

// LogValue returns Rotate and whether Key is set. fmt and JSON print the same.
func (c NoncesConfig) LogValue() slog.Value {
	return redact.Group(redact.Set("Key", len(c.Key) > 0), slog.Duration("Rotate", c.Rotate))
}

// Format writes what [NoncesConfig.LogValue] returns, for every verb.
func (c NoncesConfig) Format(f fmt.State, verb rune) {
	redact.Format(f, verb, redact.Text("dpop.NoncesConfig", c.LogValue()))
}

// MarshalJSON returns what [NoncesConfig.LogValue] returns, as JSON.
func (c NoncesConfig) MarshalJSON() ([]byte, error) { return redact.JSON(c.LogValue()) }

// LogValue returns NoncesConfig.Rotate, and neither the key nor a nonce. fmt
// and JSON print the same.
func (n *Nonces) LogValue() slog.Value { return redact.Group(slog.Duration("Rotate", n.rotate)) }

// Format writes what [Nonces.LogValue] returns, for every verb.
func (n *Nonces) Format(f fmt.State, verb rune) {
	redact.Format(f, verb, redact.Text("dpop.Nonces", n.LogValue()))
}

// MarshalJSON returns what [Nonces.LogValue] returns, as JSON.
func (n *Nonces) MarshalJSON() ([]byte, error) { return redact.JSON(n.LogValue()) }
