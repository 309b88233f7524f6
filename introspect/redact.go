package introspect

import (
	"fmt"
	"log/slog"

	"github.com/bearerkit/bearerkit/internal/redact"
)

// hidden is a secret behind a function: of one in an unexported field of another
// struct, fmt prints the address.
type hidden func() []byte

func hide(secret []byte) hidden { return func() []byte { return secret } }

// reveal returns the secret, nil if there is none.
func (h hidden) reveal() []byte {
	if h == nil {
		return nil
	}
	return h()
}

// String returns the method and the client's id, and never the secret, such as
// "client_secret_basic api".
func (a Auth) String() string {
	switch {
	case a.method != "":
		return a.method + " " + a.client
	case a.apply != nil:
		return "bearer token"
	}
	return "none"
}

// GoString returns what [Auth.String] does.
func (a Auth) GoString() string { return "introspect.Auth{" + a.String() + "}" }

// Format writes what [Auth.String] returns, for every verb.
func (a Auth) Format(f fmt.State, verb rune) { redact.Format(f, verb, a.String()) }

// LogValue shows what [Auth.String] does.
func (a Auth) LogValue() slog.Value { return slog.StringValue(a.String()) }

// MarshalJSON returns what [Auth.String] does.
func (a Auth) MarshalJSON() ([]byte, error) { return redact.JSON(a.LogValue()) }

// LogValue shows the settings that are set, and never a secret. All ways of
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
	)
}

// String returns what [Config.LogValue] shows.
func (c Config) String() string { return redact.Text("introspect.Config", c.LogValue()) }

// GoString returns what [Config.LogValue] shows.
func (c Config) GoString() string { return c.String() }

// Format writes what [Config.LogValue] shows, for every verb.
func (c Config) Format(f fmt.State, verb rune) { redact.Format(f, verb, c.String()) }

// MarshalJSON returns what [Config.LogValue] shows.
func (c Config) MarshalJSON() ([]byte, error) { return redact.JSON(c.LogValue()) }

// LogValue shows the settings that are set. All ways of printing a Signed show
// the same.
func (s Signed) LogValue() slog.Value {
	return redact.Group(
		slog.String("Audience", s.Audience),
		redact.URL("JWKSURI", s.JWKSURI),
		slog.Any("Algorithms", s.Algorithms),
	)
}

// String returns what [Signed.LogValue] shows.
func (s Signed) String() string { return redact.Text("introspect.Signed", s.LogValue()) }

// GoString returns what [Signed.LogValue] shows.
func (s Signed) GoString() string { return s.String() }

// Format writes what [Signed.LogValue] shows, for every verb.
func (s Signed) Format(f fmt.State, verb rune) { redact.Format(f, verb, s.String()) }

// MarshalJSON returns what [Signed.LogValue] shows.
func (s Signed) MarshalJSON() ([]byte, error) { return redact.JSON(s.LogValue()) }

// LogValue shows the settings of v, as [Config.LogValue] does. All ways of
// printing a Verifier show the same.
func (v *Verifier) LogValue() slog.Value { return v.config.LogValue() }

// String returns what [Verifier.LogValue] shows.
func (v *Verifier) String() string { return redact.Text("introspect.Verifier", v.LogValue()) }

// GoString returns what [Verifier.LogValue] shows.
func (v *Verifier) GoString() string { return v.String() }

// Format writes what [Verifier.LogValue] shows, for every verb.
func (v *Verifier) Format(f fmt.State, verb rune) { redact.Format(f, verb, v.String()) }

// MarshalJSON returns what [Verifier.LogValue] shows.
func (v *Verifier) MarshalJSON() ([]byte, error) { return redact.JSON(v.LogValue()) }
