package client

import (
	"fmt"
	"log/slog"
	"strings"

	"github.com/bearerkit/bearerkit/internal/redact"
)

// LogValue returns the settings that are not zero, without secrets. fmt and JSON
// print the same.
func (c RelayConfig) LogValue() slog.Value {
	attrs := []slog.Attr{
		slog.String("Issuers", strings.Join(c.Issuers, " ")),
		slog.String("Audience", c.Audience),
	}
	if c.Exchange != nil {
		attrs = append(attrs, slog.Attr{Key: "Exchange", Value: c.Exchange.LogValue()})
	}
	return redact.Group(attrs...)
}

// LogValue returns the settings that are not zero, without secrets. fmt and JSON
// print the same.
func (c ExchangeConfig) LogValue() slog.Value {
	return redact.Group(
		slog.Attr{Key: "Endpoint", Value: c.Endpoint.LogValue()},
		slog.String("Issuers", strings.Join(c.Issuers, " ")),
		slog.String("Scope", c.Scope.String()),
		redact.URL("Resource", c.Resource),
		slog.Bool("OmitResource", c.OmitResource),
		slog.String("Audience", strings.Join(c.Audience, " ")),
		redact.Types("Actor", sourcesOf(c.Actor)),
		slog.Int("CacheEntries", c.CacheEntries),
		slog.Int("CacheBytes", c.CacheBytes),
	)
}

// LogValue returns the settings of [RelayConfig.LogValue]. fmt and JSON print the
// same.
func (s *Relay) LogValue() slog.Value { return s.config.LogValue() }

// LogValue returns the settings of [ExchangeConfig.LogValue]. fmt and JSON print the
// same.
func (s *Exchange) LogValue() slog.Value { return s.config.LogValue() }

// The methods below print the values of LogValue, so that no way of printing shows
// a secret.

// Format writes the values of [RelayConfig.LogValue] for every verb.
func (c RelayConfig) Format(f fmt.State, verb rune) { redact.Format(f, verb, c) }

// MarshalJSON returns the values of [RelayConfig.LogValue].
func (c RelayConfig) MarshalJSON() ([]byte, error) { return redact.JSON(c) }

// Format writes the values of [ExchangeConfig.LogValue] for every verb.
func (c ExchangeConfig) Format(f fmt.State, verb rune) { redact.Format(f, verb, c) }

// MarshalJSON returns the values of [ExchangeConfig.LogValue].
func (c ExchangeConfig) MarshalJSON() ([]byte, error) { return redact.JSON(c) }

// Format writes the values of [Relay.LogValue] for every verb.
func (s *Relay) Format(f fmt.State, verb rune) { redact.Format(f, verb, s) }

// MarshalJSON returns the values of [Relay.LogValue].
func (s *Relay) MarshalJSON() ([]byte, error) { return redact.JSON(s) }

// Format writes the values of [Exchange.LogValue] for every verb.
func (s *Exchange) Format(f fmt.State, verb rune) { redact.Format(f, verb, s) }

// MarshalJSON returns the values of [Exchange.LogValue].
func (s *Exchange) MarshalJSON() ([]byte, error) { return redact.JSON(s) }
