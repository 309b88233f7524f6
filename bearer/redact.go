package bearer

import (
	"fmt"
	"log/slog"

	"github.com/bearerkit/bearerkit/internal/redact"
)

// LogValue shows who is calling and with which scopes, under the names of the
// claims: iss, sub, client_id, jti and scope. The other claims stay out of logs;
// [Principal.Claims] reads them. All ways of printing a Principal show the same.
func (p Principal) LogValue() slog.Value {
	return redact.Group(
		slog.String("iss", p.Issuer),
		slog.String("sub", p.Subject),
		slog.String("client_id", p.ClientID),
		slog.String("jti", p.TokenID),
		slog.String("scope", p.Scopes.String()),
	)
}

// String returns what [Principal.LogValue] shows.
func (p Principal) String() string { return redact.Text("bearer.Principal", p.LogValue()) }

// GoString returns what [Principal.LogValue] shows.
func (p Principal) GoString() string { return p.String() }

// Format writes what [Principal.LogValue] shows, for every verb.
func (p Principal) Format(f fmt.State, verb rune) { redact.Format(f, verb, p.String()) }

// MarshalJSON returns what [Principal.LogValue] shows.
func (p Principal) MarshalJSON() ([]byte, error) { return redact.JSON(p.LogValue()) }

// LogValue shows the judgement and who was calling, and never the token. All
// ways of printing a Decision show the same.
func (d Decision) LogValue() slog.Value {
	status := slog.Int("status", d.Status())
	if d.err != nil {
		return redact.Group(status, slog.String("code", string(d.err.Code)), slog.String("check", d.err.Check))
	}
	if p, ok := d.Principal(); ok {
		return redact.Group(status, slog.Any("principal", p))
	}
	return redact.Group(status)
}

// String returns what [Decision.LogValue] shows.
func (d Decision) String() string { return redact.Text("bearer.Decision", d.LogValue()) }

// GoString returns what [Decision.LogValue] shows.
func (d Decision) GoString() string { return d.String() }

// Format writes what [Decision.LogValue] shows, for every verb.
func (d Decision) Format(f fmt.State, verb rune) { redact.Format(f, verb, d.String()) }

// MarshalJSON returns what [Decision.LogValue] shows.
func (d Decision) MarshalJSON() ([]byte, error) { return redact.JSON(d.LogValue()) }

// LogValue shows the settings that are set. Of verifiers and stores, which may
// hold secrets, it shows the type. All ways of printing a Config show the same.
func (c Config) LogValue() slog.Value {
	return redact.Group(
		redact.Types("Verifiers", c.Verifiers),
		slog.String("Realm", c.Realm),
		redact.URL("ResourceMetadata", c.ResourceMetadata),
		slog.Bool("InsecureAllowHTTP", c.InsecureAllowHTTP),
		redact.Set("Proofs", c.Proofs != nil),
		slog.Bool("ProofsRequired", c.ProofsRequired),
		redact.Set("Certificates", c.Certificates != nil),
		slog.Bool("BoundTokensOnly", c.BoundTokensOnly),
		redact.Set("DenyList", c.DenyList != nil),
		slog.Int("MaxTokenBytes", c.MaxTokenBytes),
		slog.Duration("MaxTokenAge", c.MaxTokenAge),
		redact.Set("FailureLimit", c.FailureLimit != nil),
		slog.Bool("FormBodyTokens", c.FormBodyTokens),
		slog.Bool("InsecureQueryTokens", c.InsecureQueryTokens),
		slog.Bool("InsecurePassPreflights", c.InsecurePassPreflights),
		slog.Bool("ProblemJSON", c.ProblemJSON),
		slog.Duration("RetryAfter", c.RetryAfter),
	)
}

// String returns what [Config.LogValue] shows.
func (c Config) String() string { return redact.Text("bearer.Config", c.LogValue()) }

// GoString returns what [Config.LogValue] shows.
func (c Config) GoString() string { return c.String() }

// Format writes what [Config.LogValue] shows, for every verb.
func (c Config) Format(f fmt.State, verb rune) { redact.Format(f, verb, c.String()) }

// MarshalJSON returns what [Config.LogValue] shows.
func (c Config) MarshalJSON() ([]byte, error) { return redact.JSON(c.LogValue()) }

// LogValue shows the realm, the URL of the metadata, and the types of the
// verifiers. All ways of printing a Guard show the same.
func (g *Guard) LogValue() slog.Value {
	return redact.Group(
		redact.Types("Verifiers", g.verifiers),
		slog.String("Realm", g.realm),
		redact.URL("ResourceMetadata", g.resourceMetadata),
	)
}

// String returns what [Guard.LogValue] shows.
func (g *Guard) String() string { return redact.Text("bearer.Guard", g.LogValue()) }

// GoString returns what [Guard.LogValue] shows.
func (g *Guard) GoString() string { return g.String() }

// Format writes what [Guard.LogValue] shows, for every verb.
func (g *Guard) Format(f fmt.State, verb rune) { redact.Format(f, verb, g.String()) }

// MarshalJSON returns what [Guard.LogValue] shows.
func (g *Guard) MarshalJSON() ([]byte, error) { return redact.JSON(g.LogValue()) }
