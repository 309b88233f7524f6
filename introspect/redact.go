package introspect

import (
	"fmt"
	"log/slog"

	"github.com/bearerkit/bearerkit/internal/redact"
)

// hidden is a secret behind a function. fmt prints the unexported fields of other
// structs without calling methods; for a function it prints only the address.
type hidden func() []byte

func hide(secret []byte) hidden { return func() []byte { return secret } }

// reveal returns the secret, or nil if there is none.
func (h hidden) reveal() []byte {
	if h == nil {
		return nil
	}
	return h()
}

// LogValue shows the method and the client ID, such as "client_secret_basic
// api", and never the secret. All ways of printing an Auth show the same.
func (a Auth) LogValue() slog.Value {
	switch {
	case a.method != "":
		return slog.StringValue(a.method + " " + a.client)
	case a.apply != nil:
		return slog.StringValue("bearer token")
	}
	return slog.StringValue("none")
}

// LogValue shows the fields that are set, and never a secret. All ways of
// printing a Config show the same.
func (c Config) LogValue() slog.Value {
	var signed slog.Value
	if c.Signed != nil {
		signed = c.Signed.LogValue()
	}
	return redact.Group(
		redact.URL("Issuer", c.Issuer),
		slog.Bool("AllowNonHTTPSIdentifier", c.AllowNonHTTPSIdentifier),
		redact.URL("Endpoint", c.Endpoint),
		slog.Any("Auth", c.Auth),
		slog.Any("Audience", c.Audience),
		slog.Bool("InsecureAudienceNotSent", c.InsecureAudienceNotSent),
		slog.Any("Roles", c.Roles),
		slog.Bool("JWTs", c.JWTs),
		redact.Set("Accept", c.Accept != nil),
		slog.Attr{Key: "Signed", Value: signed},
		slog.Duration("Leeway", c.Leeway),
		slog.Duration("Timeout", c.Timeout),
		slog.Int("MaxConcurrent", c.MaxConcurrent),
		slog.Duration("MaxAge", c.MaxAge),
		slog.Duration("NegativeAge", c.NegativeAge),
		slog.Duration("ServeStale", c.ServeStale),
		slog.Int("CacheEntries", c.CacheEntries),
		slog.Int("CacheBytes", c.CacheBytes),
		redact.Set("Shared", c.Shared != nil),
		redact.Set("SharedSecret", c.SharedSecret != nil),
		redact.Set("Client", c.Client != nil),
		slog.Bool("InsecureAllowHTTP", c.InsecureAllowHTTP),
		redact.Set("OnRequest", c.OnRequest != nil),
	)
}

// LogValue shows the fields that are set. All ways of printing a Signed show the
// same.
func (s Signed) LogValue() slog.Value {
	return redact.Group(
		slog.String("Audience", s.Audience),
		redact.URL("JWKSURI", s.JWKSURI),
		slog.Any("Algorithms", s.Algorithms),
	)
}

// LogValue shows the configuration of v, as [Config.LogValue] does. All ways of
// printing a Verifier show the same.
func (v *Verifier) LogValue() slog.Value { return v.config.LogValue() }

// The methods below print the values of LogValue, so that no way of printing
// shows a secret.

// Format writes the values of [Auth.LogValue] for every verb.
func (a Auth) Format(f fmt.State, verb rune) { redact.Format(f, verb, a) }

// MarshalJSON returns the values of [Auth.LogValue].
func (a Auth) MarshalJSON() ([]byte, error) { return redact.JSON(a) }

// Format writes the values of [Config.LogValue] for every verb.
func (c Config) Format(f fmt.State, verb rune) { redact.Format(f, verb, c) }

// MarshalJSON returns the values of [Config.LogValue].
func (c Config) MarshalJSON() ([]byte, error) { return redact.JSON(c) }

// Format writes the values of [Signed.LogValue] for every verb.
func (s Signed) Format(f fmt.State, verb rune) { redact.Format(f, verb, s) }

// MarshalJSON returns the values of [Signed.LogValue].
func (s Signed) MarshalJSON() ([]byte, error) { return redact.JSON(s) }

// Format writes the values of [Verifier.LogValue] for every verb.
func (v *Verifier) Format(f fmt.State, verb rune) { redact.Format(f, verb, v) }

// MarshalJSON returns the values of [Verifier.LogValue].
func (v *Verifier) MarshalJSON() ([]byte, error) { return redact.JSON(v) }
