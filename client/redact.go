package client

import (
	"fmt"
	"log/slog"

	"github.com/bearerkit/bearerkit/internal/redact"
)

// LogValue returns the settings that are not zero, without the key. fmt and JSON
// print the same.
func (c Config) LogValue() slog.Value {
	return redact.Group(
		redact.Types("Tokens", sourcesOf(c.Tokens)),
		redact.URL("Resource", c.Resource),
		redact.Set("Base", c.Base != nil),
		redact.Set("Key", c.Key != nil),
		slog.Duration("MaxWait", c.MaxWait),
		redact.Set("AllowScope", c.AllowScope != nil),
		slog.Bool("InsecureAllowHTTP", c.InsecureAllowHTTP),
	)
}

func sourcesOf(s Source) []Source {
	if s == nil {
		return nil
	}
	return []Source{s}
}

// LogValue returns the settings that are not zero, without secrets and parameters.
// fmt and JSON print the same.
func (e Endpoint) LogValue() slog.Value {
	return redact.Group(
		redact.URL("URL", e.URL),
		slog.String("ClientID", e.ClientID),
		redact.Set("ClientSecret", e.ClientSecret != ""),
		slog.Bool("SecretInForm", e.SecretInForm),
		redact.Set("PrivateKey", len(e.PrivateKey) > 0),
		redact.URL("Issuer", e.Issuer),
		redact.Set("Key", e.Key != nil),
		redact.Set("Params", len(e.Params) > 0),
		redact.Set("HTTP", e.HTTP != nil),
		slog.Bool("InsecureAllowHTTP", e.InsecureAllowHTTP),
	)
}

// LogValue returns the settings that are not zero, without secrets. fmt and JSON
// print the same.
func (c ClientCredentialsConfig) LogValue() slog.Value {
	return redact.Group(
		slog.Attr{Key: "Endpoint", Value: c.Endpoint.LogValue()},
		slog.String("Scope", c.Scope.String()),
		redact.URL("Resource", c.Resource),
		slog.Bool("OmitResource", c.OmitResource),
	)
}

// LogValue returns the settings that are not zero, without the token and secrets.
// fmt and JSON print the same.
func (c RefreshTokenConfig) LogValue() slog.Value {
	return redact.Group(
		slog.Attr{Key: "Endpoint", Value: c.Endpoint.LogValue()},
		redact.Set("Token", c.Token != ""),
		redact.Set("Save", c.Save != nil),
		redact.URL("Resource", c.Resource),
		slog.Bool("OmitResource", c.OmitResource),
	)
}

// LogValue returns what is wanted, without the refused token. fmt and JSON print
// the same.
func (w Want) LogValue() slog.Value {
	return redact.Group(
		redact.URL("Resource", w.Resource),
		slog.String("Scope", w.Scope.String()),
		redact.Set("Refused", w.Refused != ""),
		redact.Set("AllowScope", w.AllowScope != nil),
		redact.Set("StepUp", w.StepUp != nil),
		slog.String("Challenge", w.Challenge.String()),
	)
}

// LogValue returns the settings of [Config.LogValue]. fmt and JSON print the same.
func (t *Transport) LogValue() slog.Value { return t.config.LogValue() }

// LogValue returns the settings of [ClientCredentialsConfig.LogValue]. fmt and JSON
// print the same.
func (s *ClientCredentials) LogValue() slog.Value { return s.config.LogValue() }

// LogValue returns the settings of [RefreshTokenConfig.LogValue]. fmt and JSON
// print the same.
func (s *RefreshToken) LogValue() slog.Value { return s.config.LogValue() }

// The methods below print the values of LogValue, so that no way of printing shows
// a secret.

// Format writes the values of [Config.LogValue] for every verb.
func (c Config) Format(f fmt.State, verb rune) { redact.Format(f, verb, c) }

// MarshalJSON returns the values of [Config.LogValue].
func (c Config) MarshalJSON() ([]byte, error) { return redact.JSON(c) }

// Format writes the values of [Endpoint.LogValue] for every verb.
func (e Endpoint) Format(f fmt.State, verb rune) { redact.Format(f, verb, e) }

// MarshalJSON returns the values of [Endpoint.LogValue].
func (e Endpoint) MarshalJSON() ([]byte, error) { return redact.JSON(e) }

// Format writes the values of [ClientCredentialsConfig.LogValue] for every verb.
func (c ClientCredentialsConfig) Format(f fmt.State, verb rune) { redact.Format(f, verb, c) }

// MarshalJSON returns the values of [ClientCredentialsConfig.LogValue].
func (c ClientCredentialsConfig) MarshalJSON() ([]byte, error) { return redact.JSON(c) }

// Format writes the values of [RefreshTokenConfig.LogValue] for every verb.
func (c RefreshTokenConfig) Format(f fmt.State, verb rune) { redact.Format(f, verb, c) }

// MarshalJSON returns the values of [RefreshTokenConfig.LogValue].
func (c RefreshTokenConfig) MarshalJSON() ([]byte, error) { return redact.JSON(c) }

// Format writes the values of [Want.LogValue] for every verb.
func (w Want) Format(f fmt.State, verb rune) { redact.Format(f, verb, w) }

// MarshalJSON returns the values of [Want.LogValue].
func (w Want) MarshalJSON() ([]byte, error) { return redact.JSON(w) }

// Format writes the values of [Transport.LogValue] for every verb.
func (t *Transport) Format(f fmt.State, verb rune) { redact.Format(f, verb, t) }

// MarshalJSON returns the values of [Transport.LogValue].
func (t *Transport) MarshalJSON() ([]byte, error) { return redact.JSON(t) }

// Format writes the values of [ClientCredentials.LogValue] for every verb.
func (s *ClientCredentials) Format(f fmt.State, verb rune) { redact.Format(f, verb, s) }

// MarshalJSON returns the values of [ClientCredentials.LogValue].
func (s *ClientCredentials) MarshalJSON() ([]byte, error) { return redact.JSON(s) }

// Format writes the values of [RefreshToken.LogValue] for every verb.
func (s *RefreshToken) Format(f fmt.State, verb rune) { redact.Format(f, verb, s) }

// MarshalJSON returns the values of [RefreshToken.LogValue].
func (s *RefreshToken) MarshalJSON() ([]byte, error) { return redact.JSON(s) }
