package denylist

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/internal/nilcheck"
	"github.com/bearerkit/bearerkit/internal/weburl"
)

// EventVerifier verifies security event tokens. *jwks.Verifier is one.
type EventVerifier interface {
	// VerifyEvent verifies a token as *jwks.Verifier does. An error that is
	// not a *bearer.Error means "cannot tell", as bearer.CodeUnavailable does.
	VerifyEvent(ctx context.Context, token string) (*bearer.SecurityEvent, error)
}

// ReceiverConfig configures a [Receiver].
type ReceiverConfig struct {
	// Verifier verifies the events: the *jwks.Verifier of the access tokens, so
	// that an issuer's events need its keys. Required.
	Verifier EventVerifier

	// List gets the entries. Required. Give the same list to
	// bearer.Config.DenyList.
	List List

	// Audience lists the values that the issuers put into the aud of their
	// events: the client IDs that have this receiver as their
	// backchannel_logout_uri, and the audiences of the event streams. An event's
	// aud must contain one of them exactly. Required: at least one.
	Audience []string

	// MaxTokenLife is the longest time from an access token's iat to its exp
	// that the issuers configure. It is how long an entry lasts: a token that
	// lives longer is accepted again after that time. Required, from 1 s to ten
	// years.
	MaxTokenLife time.Duration

	// IssuersWithoutSID lists the issuers whose access tokens have no sid, so
	// that an entry for a session would deny nothing. For them, the receiver
	// denies all tokens that the user got before the sign-out, and refuses an
	// event that does not name the user. Default: none; see docs/sign-out.md.
	IssuersWithoutSID []string

	// TransmitterToken is the bearer token that the transmitter of security
	// event tokens must send in the Authorization field (RFC 8935, Section 4).
	// It does not apply to logout tokens, which have no credentials but their
	// signature. Default: the signature is enough there too.
	TransmitterToken string

	// Logger gets one record for each request: at level INFO for an accepted or
	// refused event, and at level WARN if nobody can tell or the list fails. No
	// record contains a token. Default: no log.
	Logger *slog.Logger
}

// Receiver is an http.Handler that denies tokens when an issuer reports a
// sign-out. It accepts:
//
//   - logout tokens, as an OpenID provider posts them in a form (OpenID Connect
//     Back-Channel Logout 1.0, Section 2.5);
//   - security event tokens by push (RFC 8417, RFC 8935): session-revoked of
//     CAEP, and sessions-revoked, account-disabled and account-purged of RISC.
//     It acknowledges other events and ignores them.
//
// An event that names a session denies the tokens with that sid. Any other denies
// the user's tokens that were issued before the event, so that the user can sign
// in again.
//
// A success (200 for a logout token, 202 for a push) means that List has the
// entry, or that the same event was accepted before. Such a repeated event has no
// effect. A different event with the same jti is refused. If the keys or the list
// are unavailable, the answer is 503 with Retry-After; the event then counts as
// new when it is sent again. Other refusals are 400, as the specifications ask.
//
// Anybody may call a Receiver: the events' signatures protect it. It limits a body
// to 64 KiB and the time to read it to 10 s. It is safe for concurrent use. Use [NewReceiver] to build one.
type Receiver struct {
	config      ReceiverConfig
	transmitter [sha256.Size]byte // of TransmitterToken
}

var _ http.Handler = (*Receiver)(nil)

// The limits of MaxTokenLife: one below is a number without its unit, and one above
// cannot be added to a time.
const (
	minTokenLife = time.Second
	maxTokenLife = 10 * 365 * 24 * time.Hour
)

// NewReceiver returns a Receiver. The error reports all mistakes in the
// configuration.
func NewReceiver(c ReceiverConfig) (*Receiver, error) {
	var errs []error
	mistake := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("denylist: ReceiverConfig."+format, args...))
	}
	if nilcheck.IsNil(c.Verifier) {
		mistake("Verifier is nil; want the *jwks.Verifier of the access tokens")
	}
	if nilcheck.IsNil(c.List) {
		mistake("List is nil; want the list in bearer.Config.DenyList")
	}
	if len(c.Audience) == 0 {
		mistake("Audience is empty; want the client IDs for which the issuer sends logout tokens")
	}
	for n, audience := range c.Audience {
		if err := weburl.CheckAudience(audience); err != nil {
			mistake("Audience[%d] %q: %w", n, audience, err)
		}
	}
	if c.MaxTokenLife < minTokenLife || c.MaxTokenLife > maxTokenLife {
		mistake("MaxTokenLife is %v; want the longest life of the issuers' access tokens, from 1s to ten years (87600h)", c.MaxTokenLife)
	}
	if slices.Contains(c.IssuersWithoutSID, "") {
		mistake("IssuersWithoutSID has an empty value; want the iss of the tokens")
	}
	if strings.ContainsFunc(c.TransmitterToken, func(r rune) bool { return r <= ' ' || r > '~' }) {
		mistake("TransmitterToken has characters that no header field can carry; want visible ASCII")
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	c.Audience, c.IssuersWithoutSID = slices.Clone(c.Audience), slices.Clone(c.IssuersWithoutSID)
	return &Receiver{config: c, transmitter: sha256.Sum256([]byte(c.TransmitterToken))}, nil
}
