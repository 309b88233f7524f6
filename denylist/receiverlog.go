package denylist

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log/slog"
	"net/http"
	"strings"

	"github.com/bearerkit/bearerkit/internal/redact"
)

const (
	maxLogText  = 256 // for each text that a request can influence
	maxLogCause = 768
)

// record collects the attributes of a log record. It leaves out empty texts.
type record struct {
	token string
	attrs []slog.Attr
}

func (l *record) add(key, text string, most int) {
	if l.token != "" { // a verifier of another package may put the token into its texts
		text = strings.ReplaceAll(text, l.token, "[token]")
	}
	if len(text) > most {
		text = text[:most] + "…"
	}
	if text = strings.ToValidUTF8(text, "\uFFFD"); text != "" {
		l.attrs = append(l.attrs, slog.String(key, text))
	}
}

// addRequest adds the attributes that each record ends with.
func (l *record) addRequest(r *http.Request) {
	l.add("remote_addr", r.RemoteAddr, maxLogText)
	if l.token != "" { // as in the records of a guard
		sum := sha256.Sum256([]byte(l.token))
		l.add("token_sha256", hex.EncodeToString(sum[:8]), maxLogText)
	}
}

func (rc *Receiver) logReceipt(r *http.Request, token string, done *receipt) {
	if rc.config.Logger == nil {
		return
	}
	l := record{token: token}
	l.add("iss", done.event.Issuer, maxLogText)
	l.add("jti", done.event.TokenID, maxLogText)
	l.add("event", done.report.kind, maxLogText)
	for _, e := range done.report.entries {
		l.add("sub", e.Subject, maxLogText)
		l.add("sid", e.SessionID, maxLogText)
		l.add("denied_jti", e.TokenID, maxLogText)
	}
	l.add("result", done.result, maxLogText)
	l.addRequest(r)
	rc.config.Logger.LogAttrs(r.Context(), slog.LevelInfo, "sign-out event accepted", l.attrs...)
}

func (rc *Receiver) logRefusal(r *http.Request, token string, f *refusal) {
	if rc.config.Logger == nil {
		return
	}
	level, e := slog.LevelInfo, f.reason
	if f.status == http.StatusServiceUnavailable {
		level = slog.LevelWarn
	}
	l := record{token: token, attrs: []slog.Attr{slog.Int("status", f.status)}}
	l.add("check", e.Check, maxLogText)
	l.add("expected", e.Expected, maxLogText)
	l.add("got", e.Got, maxLogText)
	if e.Err != nil {
		l.add("cause", fmt.Sprint(e.Err), maxLogCause)
	}
	l.add("hint", cmp.Or(e.Hint, hintFor(e.Check)), maxLogText)
	if p := e.Principal; p != nil {
		l.add("iss", p.Issuer, maxLogText)
		l.add("jti", p.TokenID, maxLogText)
	}
	l.add("claimed_iss", e.ClaimedIssuer, maxLogText)
	l.add("claimed_kid", e.ClaimedKeyID, maxLogText)
	l.addRequest(r)
	rc.config.Logger.LogAttrs(r.Context(), level, "sign-out event refused", l.attrs...)
}

// hintFor returns what an operator can do about a check of the receiver.
func hintFor(check string) string {
	switch check {
	case "content type", "body", "typ":
		return "a logout token comes in a form, as logout_token, and a security event token alone, as application/secevent+jwt"
	case "aud":
		return "if the event is meant for this receiver, add its aud to ReceiverConfig.Audience"
	case "exp":
		return "logout tokens need exp (OpenID Connect Back-Channel Logout, Section 2.4): update or configure the issuer"
	case "jti":
		return "the issuer uses a jti twice: fix it at the issuer"
	case "subject", "sub_id":
		return "have the issuer name the session or the user as the access tokens do, by sid or sub"
	case "transmitter":
		return "configure ReceiverConfig.TransmitterToken at the transmitter"
	case "deny list":
		return "the issuer must send the event again; check the list, and Redis if it is there"
	}
	return ""
}

// LogValue returns the settings that are set, without the transmitter's token. fmt
// and JSON print the same values.
func (c ReceiverConfig) LogValue() slog.Value {
	return redact.Group(
		redact.Types("Verifier", []EventVerifier{c.Verifier}),
		redact.Types("List", []List{c.List}),
		slog.Any("Audience", c.Audience),
		slog.Duration("MaxTokenLife", c.MaxTokenLife),
		slog.Any("IssuersWithoutSID", c.IssuersWithoutSID),
		redact.Set("TransmitterToken", c.TransmitterToken != ""),
	)
}

// Format writes the values of [ReceiverConfig.LogValue] for every verb.
func (c ReceiverConfig) Format(f fmt.State, verb rune) { redact.Format(f, verb, c) }

// MarshalJSON returns the values of [ReceiverConfig.LogValue].
func (c ReceiverConfig) MarshalJSON() ([]byte, error) { return redact.JSON(c) }

// LogValue returns the configuration as [ReceiverConfig.LogValue] does.
func (rc *Receiver) LogValue() slog.Value { return rc.config.LogValue() }

// Format writes the values of [Receiver.LogValue] for every verb.
func (rc *Receiver) Format(f fmt.State, verb rune) { redact.Format(f, verb, rc) }

// MarshalJSON returns the values of [Receiver.LogValue].
func (rc *Receiver) MarshalJSON() ([]byte, error) { return redact.JSON(rc) }
