package dpop

import (
	"fmt"
	"log/slog"

	"github.com/bearerkit/bearerkit/internal/redact"
)

// LogValue shows the settings that are set, and never the key of the nonces.
// All ways of printing a Config show the same.
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

// String returns what [Config.LogValue] shows.
func (c Config) String() string { return redact.Text("dpop.Config", c.LogValue()) }

// GoString returns what [Config.LogValue] shows.
func (c Config) GoString() string { return c.String() }

// Format writes what [Config.LogValue] shows, for every verb.
func (c Config) Format(f fmt.State, verb rune) { redact.Format(f, verb, c.String()) }

// MarshalJSON returns what [Config.LogValue] shows.
func (c Config) MarshalJSON() ([]byte, error) { return redact.JSON(c.LogValue()) }

// LogValue shows the settings that are set, and never the key or the access
// token. All ways of printing a ProofConfig show the same.
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

// Format writes what [ProofConfig.LogValue] shows, for every verb.
func (c ProofConfig) Format(f fmt.State, verb rune) {
	redact.Format(f, verb, redact.Text("dpop.ProofConfig", c.LogValue()))
}

// MarshalJSON returns what [ProofConfig.LogValue] shows.
func (c ProofConfig) MarshalJSON() ([]byte, error) { return redact.JSON(c.LogValue()) }

// LogValue shows Rotate, and whether there is a Key. All ways of printing a
// NoncesConfig show the same.
func (c NoncesConfig) LogValue() slog.Value {
	return redact.Group(redact.Set("Key", len(c.Key) > 0), slog.Duration("Rotate", c.Rotate))
}

// String returns what [NoncesConfig.LogValue] shows.
func (c NoncesConfig) String() string { return redact.Text("dpop.NoncesConfig", c.LogValue()) }

// GoString returns what [NoncesConfig.LogValue] shows.
func (c NoncesConfig) GoString() string { return c.String() }

// Format writes what [NoncesConfig.LogValue] shows, for every verb.
func (c NoncesConfig) Format(f fmt.State, verb rune) { redact.Format(f, verb, c.String()) }

// MarshalJSON returns what [NoncesConfig.LogValue] shows.
func (c NoncesConfig) MarshalJSON() ([]byte, error) { return redact.JSON(c.LogValue()) }

// LogValue shows how long a nonce is the current one, and neither the key nor a
// nonce. All ways of printing Nonces show the same.
func (n *Nonces) LogValue() slog.Value { return redact.Group(slog.Duration("Rotate", n.rotate)) }

// String returns what [Nonces.LogValue] shows.
func (n *Nonces) String() string { return redact.Text("dpop.Nonces", n.LogValue()) }

// GoString returns what [Nonces.LogValue] shows.
func (n *Nonces) GoString() string { return n.String() }

// Format writes what [Nonces.LogValue] shows, for every verb.
func (n *Nonces) Format(f fmt.State, verb rune) { redact.Format(f, verb, n.String()) }

// MarshalJSON returns what [Nonces.LogValue] shows.
func (n *Nonces) MarshalJSON() ([]byte, error) { return redact.JSON(n.LogValue()) }
