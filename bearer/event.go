package bearer

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
)

// Event is the record of a refusal: what the client was told, and what it was
// not told. It never holds the token: of a proven one it has the identities
// that it states, of any a short hash and, in Got, the one value that a check
// refused.
type Event struct {
	RequestID string // as in the answer's body
	Status    int    // of the answer
	Code      Code

	// Check names the check that failed; Expected and Got are what it wanted
	// and what it found.
	Check, Expected, Got string

	// Cause is the text of the underlying error, if there is one, and Hint what
	// an operator can do; docs/checks.md lists them.
	Cause, Hint string

	Method, Path, RemoteAddr string // of the request; no query, it may hold secrets

	// Issuer, Subject, ClientID and TokenID are those of a token whose
	// signature holds, or that its issuer vouched for; empty otherwise.
	Issuer, Subject, ClientID, TokenID string

	// ClaimedIssuer and ClaimedKeyID are what a token that is not proven says of
	// itself: anybody may have written it.
	ClaimedIssuer, ClaimedKeyID string

	// TokenHash is the first 8 bytes of the token's SHA-256 in hexadecimal, by
	// which records of one token can be matched; empty without a token, and
	// for one that was refused for its length.
	TokenHash string
}

// maxEventText bounds each text of an Event that a request can influence.
const maxEventText = 256

// maxCauseText bounds the cause, which may tell about several URLs.
const maxCauseText = 768

func (g *Guard) event(r *http.Request, e *Error, token, requestID string, status int) Event {
	if len(token) > g.maxToken {
		token = "" // nobody has seen it, and hashing a megabyte is work
	}
	// A verifier that somebody else wrote may put the token into its texts.
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

// record logs a refusal, notes it in the outcome and calls the hook.
func (g *Guard) record(r *http.Request, e *Error, token string, requestID []byte, status int) {
	outcome := outcomeOf(r.Context())
	if g.logger == nil && g.onRefusal == nil && outcome == nil {
		return
	}
	event := g.event(r, e, token, string(requestID), status)
	if outcome != nil {
		outcome.note(&decided{refused: true, refusal: event})
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
