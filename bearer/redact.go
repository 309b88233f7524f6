package bearer

import (
	"fmt"
	"log/slog"

	"github.com/bearerkit/bearerkit/internal/redact"
)

// LogValue returns the caller's identity and scopes under the names of the
// claims: iss, sub, client_id, jti, sid and scope. Other claims stay out of logs;
// read them with [Principal.Claims]. fmt and JSON print the same values.
func (p Principal) LogValue() slog.Value {
	return redact.Group(
		slog.String("iss", p.Issuer),
		slog.String("sub", p.Subject),
		slog.String("client_id", p.ClientID),
		slog.String("jti", p.TokenID),
		slog.String("sid", p.SessionID),
		slog.String("scope", p.Scopes.String()),
	)
}

// LogValue returns the status and the caller or the refusal, never the token.
// fmt and JSON print the same values.
func (d Decision) LogValue() slog.Value {
	status := slog.Int("status", d.Status())
	if d.err != nil {
		return redact.Group(status, slog.String("code", string(d.err.Code)), slog.String("check", d.err.Check))
	}
	p, _ := d.Principal() // without one, Group leaves the attribute out
	return redact.Group(status, slog.Any("principal", p))
}

// LogValue returns the settings that are set. Verifiers may hold secrets, so
// only their types are shown. fmt and JSON print the same values.
func (c Config) LogValue() slog.Value {
	var sources []string
	for _, s := range c.Sources {
		sources = append(sources, s.String())
	}
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
		slog.Any("Sources", sources),
		slog.Bool("InsecurePassPreflights", c.InsecurePassPreflights),
		slog.Bool("ProblemJSON", c.ProblemJSON),
		slog.Duration("RetryAfter", c.RetryAfter),
	)
}

// LogValue returns the realm, the metadata URL and the types of the verifiers.
// fmt and JSON print the same values.
func (g *Guard) LogValue() slog.Value {
	return redact.Group(
		redact.Types("Verifiers", g.verifiers),
		slog.String("Realm", g.realm),
		redact.URL("ResourceMetadata", g.resourceMetadata),
	)
}

// The methods below print the values of LogValue, so that no way of printing
// shows a secret.

// Format writes the values of [Principal.LogValue] for every verb.
func (p Principal) Format(f fmt.State, verb rune) { redact.Format(f, verb, p) }

// MarshalJSON returns the values of [Principal.LogValue].
func (p Principal) MarshalJSON() ([]byte, error) { return redact.JSON(p) }

// Format writes the values of [Decision.LogValue] for every verb.
func (d Decision) Format(f fmt.State, verb rune) { redact.Format(f, verb, d) }

// MarshalJSON returns the values of [Decision.LogValue].
func (d Decision) MarshalJSON() ([]byte, error) { return redact.JSON(d) }

// Format writes the values of [Config.LogValue] for every verb.
func (c Config) Format(f fmt.State, verb rune) { redact.Format(f, verb, c) }

// MarshalJSON returns the values of [Config.LogValue].
func (c Config) MarshalJSON() ([]byte, error) { return redact.JSON(c) }

// Format writes the values of [Guard.LogValue] for every verb.
func (g *Guard) Format(f fmt.State, verb rune) { redact.Format(f, verb, g) }

// MarshalJSON returns the values of [Guard.LogValue].
func (g *Guard) MarshalJSON() ([]byte, error) { return redact.JSON(g) }
