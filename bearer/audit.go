package bearer

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
)

// Event is the record of a refusal: what the client was told, and what it was
// not told. It holds nothing of a token but the identities that a proven one
// states, and a short hash.
type Event struct {
	RequestID string // as in the answer's body
	Status    int    // of the answer
	Code      Code

	// Check names the check that failed; Expected and Got are what it wanted
	// and what it found.
	Check, Expected, Got string

	// Cause is the text of the underlying error, if there is one.
	Cause string

	Method, Path, RemoteAddr string // of the request; no query, it may hold secrets

	// Issuer, Subject, ClientID and TokenID are those of a token whose
	// signature holds, or that its issuer vouched for; empty otherwise.
	Issuer, Subject, ClientID, TokenID string

	// TokenHash is the first 8 bytes of the token's SHA-256 in hexadecimal, by
	// which records of one token can be matched; empty without a token, and
	// for one that was refused for its length.
	TokenHash string
}

// maxEventText bounds each text of an Event that a request can influence.
const maxEventText = 256

func (g *Guard) event(r *http.Request, e *Error, token, requestID string, status int) Event {
	if len(token) > maxTokenLen {
		token = "" // nobody has seen it, and hashing a megabyte is work
	}
	// A verifier that somebody else wrote may put the token into its texts.
	clean := func(s string) string {
		s = scrub(s[:min(len(s), 16*maxEventText)], token)
		if len(s) > maxEventText {
			s = s[:maxEventText] + "…"
		}
		return strings.ToValidUTF8(s, "\uFFFD")
	}
	event := Event{
		RequestID:  requestID,
		Status:     status,
		Code:       e.Code,
		Check:      clean(e.Check),
		Expected:   clean(e.Expected),
		Got:        clean(e.Got),
		Method:     clean(r.Method),
		Path:       clean(r.URL.Path),
		RemoteAddr: r.RemoteAddr,
	}
	if e.Err != nil {
		event.Cause = clean(fmt.Sprint(e.Err)) // Sprint survives a nil pointer in an error
	}
	if p := e.Principal; p != nil {
		event.Issuer, event.Subject = clean(p.Issuer), clean(p.Subject)
		event.ClientID, event.TokenID = clean(p.ClientID), clean(p.ID)
	}
	if token != "" {
		sum := sha256.Sum256([]byte(token))
		event.TokenHash = hex.EncodeToString(sum[:8])
	}
	return event
}

// minPart is the shortest piece of a token that is cut out of texts. A shorter
// one may be a common word, and tells next to nothing.
const minPart = 12

// scrub cuts the token and its parts out of s: all of it, and each word of s
// that stands in the token, such as its payload, its signature or a beginning.
func scrub(s, token string) string {
	if token == "" {
		return s
	}
	s = strings.ReplaceAll(s, token, "[token]")
	for _, separators := range []string{"", "."} { // with dots, then between them
		isPart := func(c byte) bool { return isToken68Char[c] && strings.IndexByte(separators, c) < 0 }
		clean, from := "", 0 // s up to from, scrubbed
		for i := 0; i < len(s); i++ {
			start := i
			for i < len(s) && isPart(s[i]) {
				i++
			}
			if i-start >= minPart && strings.Contains(token, s[start:i]) {
				clean += s[from:start] + "[token]"
				from = i
			}
		}
		s = clean + s[from:]
	}
	return s
}

// audit tells the log and the hook about a refusal.
func (g *Guard) audit(r *http.Request, e *Error, token, requestID string, status int) {
	if g.logger == nil && g.onRefusal == nil {
		return
	}
	event := g.event(r, e, token, requestID, status)
	if g.logger != nil {
		level := slog.LevelInfo
		if e.Code == CodeUnavailable {
			level = slog.LevelWarn
		}
		event.log(r.Context(), g.logger, level)
	}
	if g.onRefusal != nil {
		g.onRefusal(r, event)
	}
}

func (e *Event) log(ctx context.Context, logger *slog.Logger, level slog.Level) {
	attrs := make([]slog.Attr, 0, 16)
	attrs = append(attrs, slog.Int("status", e.Status))
	for _, a := range [...]struct{ key, value string }{
		{"code", string(e.Code)},
		{"check", e.Check},
		{"expected", e.Expected},
		{"got", e.Got},
		{"cause", e.Cause},
		{"request_id", e.RequestID},
		{"method", e.Method},
		{"path", e.Path},
		{"remote_addr", e.RemoteAddr},
		{"iss", e.Issuer},
		{"sub", e.Subject},
		{"client_id", e.ClientID},
		{"jti", e.TokenID},
		{"token_sha256", e.TokenHash},
	} {
		if a.value != "" {
			attrs = append(attrs, slog.String(a.key, a.value))
		}
	}
	logger.LogAttrs(ctx, level, "request refused", attrs...)
}
