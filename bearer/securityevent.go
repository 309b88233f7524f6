package bearer

import (
	"fmt"
	"log/slog"
	"time"

	"github.com/bearerkit/bearerkit/internal/redact"
)

// SecurityEvent has the claims of a verified security event token (RFC 8417).
// Logout tokens are such tokens (OpenID Connect Back-Channel Logout, Section
// 2.4). A jwks.Verifier verifies them, and a denylist.Receiver acts on them.
//
// The verifier has checked the signature, the issuer and the times. It has not
// checked the audience: an event is meant for a client of the issuer, and not for
// an API.
type SecurityEvent struct {
	// Type is the header's typ in lower case and without "application/", such as
	// "secevent+jwt" or "logout+jwt". It is empty if the header has none.
	Type string

	Issuer   string    // iss
	TokenID  string    // jti, never empty
	Audience []string  // aud
	IssuedAt time.Time // iat, never zero
	Expires  time.Time // exp; zero if the token has none

	// Claims is the JSON object of all claims. Its names are unique, and events
	// is an object.
	Claims string
}

// LogValue leaves out Audience and Claims.
func (e SecurityEvent) LogValue() slog.Value {
	return redact.Group(
		slog.String("typ", e.Type),
		slog.String("iss", e.Issuer),
		slog.String("jti", e.TokenID),
		slog.Time("iat", e.IssuedAt),
	)
}

// Format implements fmt.Formatter. It prints the text of LogValue for every verb.
func (e SecurityEvent) Format(f fmt.State, verb rune) { redact.Format(f, verb, e) }

// MarshalJSON returns LogValue as JSON.
func (e SecurityEvent) MarshalJSON() ([]byte, error) { return redact.JSON(e) }
