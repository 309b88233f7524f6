package bearer

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"
)

// Event is the record of a refusal: the answer that the client received, and the
// reason, which the client does not see. It never contains the token. For a
// verified token it has the issuer, subject, client and token ID. For any token it
// has a short hash and, in Got, the value that a check rejected.
type Event struct {
	RequestID string // the request_id in the answer's body
	Status    int    // the answer's status
	Code      Code

	// Check names the check that failed. Expected and Got are what the check
	// wanted and what it found.
	Check, Expected, Got string

	// Cause is the text of the underlying error, if any. Hint says what an
	// operator can do; docs/checks.md lists the hints.
	Cause, Hint string

	// Method, Path and RemoteAddr describe the request. The query is left out,
	// since it may contain secrets.
	Method, Path, RemoteAddr string

	// Issuer, Subject, ClientID and TokenID come from a token whose signature
	// is valid, or for which its issuer vouched; empty otherwise.
	Issuer, Subject, ClientID, TokenID string

	// ClaimedIssuer and ClaimedKeyID come from an unverified token: anybody may
	// have written them.
	ClaimedIssuer, ClaimedKeyID string

	// TokenHash is the first 8 bytes of the token's SHA-256 in hexadecimal. It
	// links the records of one token. It is empty without a token, and for a
	// token that was rejected for its length.
	TokenHash string
}

const (
	maxEventText = 256 // for each text of an Event that a request can influence
	maxCauseText = 768 // for the cause, which may name several URLs
)

func (g *Guard) event(r *http.Request, e *Error, token, requestID string, status int) Event {
	if len(token) > g.maxToken {
		token = "" // no code has read it, and hashing a megabyte is expensive
	}
	// A third-party verifier may put the token into its texts.
	cleanUpTo := func(s string, most int) string {
		s = scrub(s[:min(len(s), 16*maxEventText)], token, most)
		if len(s) > most {
			s = s[:most] + "…"
		}
		return strings.ToValidUTF8(s, "\uFFFD")
	}
	clean := func(s string) string { return cleanUpTo(s, maxEventText) }
	event := Event{
		RequestID:  requestID,
		Status:     status,
		Code:       e.Code,
		Check:      clean(e.Check),
		Expected:   clean(e.Expected),
		Got:        clean(e.Got),
		Hint:       clean(cmp.Or(e.Hint, hintFor(e))),
		Method:     clean(r.Method),
		Path:       clean(r.URL.Path),
		RemoteAddr: r.RemoteAddr,
	}
	if e.Err != nil {
		event.Cause = cleanUpTo(fmt.Sprint(e.Err), maxCauseText) // Sprint survives a nil pointer in an error
	}
	event.ClaimedIssuer, event.ClaimedKeyID = clean(e.ClaimedIssuer), clean(e.ClaimedKeyID)
	if p := e.Principal; p != nil {
		event.Issuer, event.Subject = clean(p.Issuer), clean(p.Subject)
		event.ClientID, event.TokenID = clean(p.ClientID), clean(p.TokenID)
	}
	if token != "" {
		event.TokenHash = shortHash(token)
	}
	return event
}

// record logs a refusal, stores it in the outcome and calls OnRefusal.
func (g *Guard) record(r *http.Request, e *Error, token string, a *answer, requestID []byte, retryAfter time.Duration) {
	outcome := outcomeOf(r.Context())
	if g.logger == nil && g.onRefusal == nil && outcome == nil {
		return
	}
	event := g.event(r, e, token, string(requestID), a.status)
	if outcome != nil {
		outcome.set(&lastDecision{refused: true, refusal: event, public: a.public(requestID, retryAfter)})
	}
	if g.logger != nil {
		level := slog.LevelInfo
		switch e.Code {
		case CodeUnavailable:
			level = slog.LevelWarn
		case CodeMisconfigured:
			level = slog.LevelError
		}
		event.log(r.Context(), g.logger, level)
	}
	if g.onRefusal != nil {
		g.onRefusal(r, event)
	}
}

func (e *Event) log(ctx context.Context, logger *slog.Logger, level slog.Level) {
	attrs := make([]slog.Attr, 0, 20)
	attrs = append(attrs, slog.Int("status", e.Status))
	for _, a := range [...]struct{ key, value string }{
		{"code", string(e.Code)},
		{"check", e.Check},
		{"expected", e.Expected},
		{"got", e.Got},
		{"cause", e.Cause},
		{"hint", e.Hint},
		{"request_id", e.RequestID},
		{"method", e.Method},
		{"path", e.Path},
		{"remote_addr", e.RemoteAddr},
		{"iss", e.Issuer},
		{"sub", e.Subject},
		{"client_id", e.ClientID},
		{"jti", e.TokenID},
		{"claimed_iss", e.ClaimedIssuer},
		{"claimed_kid", e.ClaimedKeyID},
		{"token_sha256", e.TokenHash},
	} {
		if a.value != "" {
			attrs = append(attrs, slog.String(a.key, a.value))
		}
	}
	logger.LogAttrs(ctx, level, "request refused", attrs...)
}
