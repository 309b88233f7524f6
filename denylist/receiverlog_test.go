package denylist_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/denylist"
)

// eventVerifier answers with one event, or with one error.
type eventVerifier struct {
	event *bearer.SecurityEvent
	err   error
}

func (v eventVerifier) VerifyEvent(context.Context, string) (*bearer.SecurityEvent, error) {
	return v.event, v.err
}

// recordOf delivers a token, and returns the only log record.
func recordOf(t *testing.T, v eventVerifier, token string) map[string]any {
	t.Helper()
	var log bytes.Buffer
	s := newSite(t, func(c *denylist.ReceiverConfig) {
		c.Verifier, c.Logger = v, slog.New(slog.NewJSONHandler(&log, nil))
	})
	if v.event != nil && v.event.Type == "secevent+jwt" {
		s.push(token)
	} else {
		s.post(token)
	}
	var record map[string]any
	if err := json.Unmarshal(log.Bytes(), &record); err != nil {
		t.Fatalf("%s: %v", log.Bytes(), err)
	}
	for name, value := range record {
		if value == "" {
			t.Errorf("the record has an empty %s", name)
		}
	}
	delete(record, "time")
	return record
}

// cut is how a record shows a text of n bytes.
func cut(n, most int) string {
	if n > most {
		return strings.Repeat("x", most) + "…"
	}
	return strings.Repeat("x", n)
}

// Part 2.8, C17: a record shows texts of the event up to 256 bytes, causes up to 768,
// and never the token.
func TestRecordsOfEvents(t *testing.T) {
	const token = "head.payload.signature"
	sum := sha256.Sum256([]byte(token))
	hash := hex.EncodeToString(sum[:8])
	for _, n := range []int{1, 255, 256, 257, 768, 769} {
		text := strings.Repeat("x", n)
		now := time.Now()
		accepted := recordOf(t, eventVerifier{event: &bearer.SecurityEvent{
			Issuer: text, TokenID: text, Type: "logout+jwt", Audience: []string{client}, IssuedAt: now, Expires: now.Add(time.Minute),
			Claims: `{"events":{"` + backChannelLogout + `":{}},"sid":"` + text + `"}`,
		}}, token)
		for _, name := range []string{"iss", "jti", "sid"} {
			if accepted[name] != cut(n, 256) {
				t.Errorf("%s of %d bytes: %v", name, n, accepted[name])
			}
		}
		if accepted["msg"] != "sign-out event accepted" || accepted["level"] != "INFO" || accepted["event"] != backChannelLogout ||
			accepted["result"] != "denied" || accepted["remote_addr"] != "192.0.2.1:1234" || accepted["token_sha256"] != hash || len(accepted) != 9 {
			t.Errorf("accepted: %v", accepted)
		}
		record := recordOf(t, eventVerifier{event: &bearer.SecurityEvent{
			Issuer: text, TokenID: text, Type: "logout+jwt", Audience: []string{client}, IssuedAt: now, Expires: now.Add(time.Minute),
			Claims: `{"events":{"` + backChannelLogout + `":{}},"sub":"` + text + `"}`,
		}}, token)
		if record["sub"] != cut(n, 256) {
			t.Errorf("sub of %d bytes: %v", n, record["sub"])
		}
		record = recordOf(t, eventVerifier{event: &bearer.SecurityEvent{
			Issuer: text, TokenID: text, Type: "secevent+jwt", Audience: []string{client}, IssuedAt: now,
			Claims: `{"events":{"` + sessionRevoked + `":{}},"sub_id":{"format":"jwt_id","iss":"` + text + `","jti":"` + text + `"}}`,
		}}, token)
		if record["denied_jti"] != cut(n, 256) {
			t.Errorf("denied_jti of %d bytes: %v", n, record["denied_jti"])
		}

		e := bearer.Invalid("signature", text, text)
		e.Hint, e.ClaimedIssuer, e.ClaimedKeyID = text, text, text
		e.Err = errors.New(text)
		refused := recordOf(t, eventVerifier{err: e}, token)
		for _, name := range []string{"expected", "got", "hint", "claimed_iss", "claimed_kid"} {
			if refused[name] != cut(n, 256) {
				t.Errorf("%s of %d bytes: %v", name, n, refused[name])
			}
		}
		if refused["cause"] != cut(n, 768) || refused["check"] != "signature" || refused["status"] != float64(http.StatusBadRequest) ||
			refused["remote_addr"] != "192.0.2.1:1234" || refused["token_sha256"] != hash {
			t.Errorf("refused: %v", refused)
		}
	}
	if record := recordOf(t, eventVerifier{err: bearer.Invalid("signature", "a", "the token "+token)}, token); record["got"] != "the token [token]" {
		t.Errorf("a verifier that quotes the token: %v", record)
	}
	if record := recordOf(t, eventVerifier{err: bearer.Invalid("signature", "a", "b")}, ""); record["got"] != "b" || record["token_sha256"] != nil {
		t.Errorf("no token: %v", record)
	}
	if record := recordOf(t, eventVerifier{err: bearer.Invalid("signature", "a\xff", "b")}, "t"); record["expected"] != "a\ufffd" {
		t.Errorf("a text that is not UTF-8: %v", record)
	}
}

// A refusal of a proven event names the event, and each check has a hint.
func TestRecordsOfRefusals(t *testing.T) {
	now := time.Now()
	for _, n := range []int{1, 256, 257} {
		text := strings.Repeat("x", n)
		record := recordOf(t, eventVerifier{event: &bearer.SecurityEvent{
			Issuer: text, TokenID: text, Type: "logout+jwt", Audience: []string{"nobody"}, IssuedAt: now, Expires: now.Add(time.Minute), Claims: "{}",
		}}, "t")
		if record["check"] != "aud" || record["iss"] != cut(n, 256) || record["jti"] != cut(n, 256) || record["cause"] != nil {
			t.Errorf("%v", record)
		}
	}
	hints := map[any]bool{}
	for _, check := range []string{"content type", "body", "typ", "aud", "exp", "jti", "subject", "sub_id", "transmitter", "deny list"} {
		hint := recordOf(t, eventVerifier{err: bearer.Invalid(check, "a", "b")}, "t")["hint"]
		if hint == nil {
			t.Errorf("%s has no hint", check)
		}
		hints[hint] = true
	}
	if len(hints) != 7 {
		t.Errorf("%d different hints, want 7", len(hints))
	}
	if record := recordOf(t, eventVerifier{err: bearer.Invalid("signature", "a", "b")}, "t"); record["hint"] != nil {
		t.Errorf("%v", record)
	}
}

// The log says what was wrong with the claims of an event.
func TestWhatWasWrong(t *testing.T) {
	logout := func(members string) string { return `{"events":{"` + backChannelLogout + `":{}}` + members + `}` }
	revoked := func(members string) string { return `{"events":{"` + sessionRevoked + `":{}}` + members + `}` }
	const subject = "an object with a format (RFC 9493, Section 3)"
	for _, tt := range []struct{ name, typ, claims, check, expected, got string }{
		{"data after the claims", "logout+jwt", logout(`,"sid":"s-1"`) + "x", "claims", "a JSON object", "data after the JSON object"},
		{"neither sub nor sid", "logout+jwt", logout(""), "subject", "a sub or a sid", "none"},
		{"events are a number", "secevent+jwt", `{"events":7}`, "events", "an object", "not a JSON object"},
		{"no event", "secevent+jwt", `{"events":{}}`, "events", "at least one event (RFC 8417, Section 2.2)", "none"},
		{"no subject", "secevent+jwt", revoked(""), "sub_id", "a subject (RFC 9493)", "none"},
		{"a subject that is a string", "secevent+jwt", revoked(`,"sub_id":"alice"`), "sub_id", subject, "not a JSON object"},
		{"no format", "secevent+jwt", revoked(`,"sub_id":{"iss":"i","sub":"alice"}`), "sub_id", subject, "a JSON value instead of a string"},
		{"an unknown format", "secevent+jwt", revoked(`,"sub_id":{"format":"x"}`), "sub_id", "a subject of the format iss_sub, opaque, jwt_id, or complex with a session or a user of these formats", `"x"`},
		{"another issuer", "secevent+jwt", revoked(`,"sub_id":{"format":"iss_sub","iss":"other","sub":"alice"}`), "sub_id", "a subject of the event's issuer, i", `"other"`},
		{"no sub", "secevent+jwt", revoked(`,"sub_id":{"format":"iss_sub","iss":"i"}`), "sub_id", "a subject of the format iss_sub with a sub", "none"},
	} {
		now := time.Now()
		record := recordOf(t, eventVerifier{event: &bearer.SecurityEvent{
			Issuer: "i", TokenID: "j", Type: tt.typ, Audience: []string{client}, IssuedAt: now, Expires: now.Add(time.Minute), Claims: tt.claims,
		}}, "head.payload.signature")
		if record["msg"] != "sign-out event refused" || record["check"] != tt.check || record["expected"] != tt.expected || record["got"] != tt.got {
			t.Errorf("%s: %v; want %s, expected %q, got %q", tt.name, record, tt.check, tt.expected, tt.got)
		}
	}
}

// Reports G8: fmt and JSON print the settings, and of the transmitter's token only
// that it is set.
func TestPrintedReceiver(t *testing.T) {
	for _, secret := range []string{"", "correct-horse-battery-staple"} {
		var c denylist.ReceiverConfig
		s := newSite(t, func(config *denylist.ReceiverConfig) {
			config.TransmitterToken = secret
			c = *config
		})
		for _, v := range []any{c, s.Receiver} {
			text, err := json.Marshal(v)
			if err != nil {
				t.Error(err)
			}
			for _, text := range []string{fmt.Sprint(v), fmt.Sprintf("%#v", v), string(text)} {
				set, printed := strings.Contains(text, "[set]"), secret != "" && strings.Contains(text, secret)
				if !strings.Contains(text, client) || set != (secret != "") || printed {
					t.Errorf("a %T with the token %q is printed as %s", v, secret, text)
				}
			}
		}
	}
}

// A receiver without a logger is silent.
func TestReceiverWithoutALogger(t *testing.T) {
	s := newSite(t, func(c *denylist.ReceiverConfig) { c.Logger = nil })
	check(t, "accepted", s.post(s.logoutToken(members{"sid": "s-1"})), http.StatusOK, "")
	if w := s.post("x"); w.Code != http.StatusBadRequest {
		t.Errorf("refused: %d", w.Code)
	}
}

// A transmitter's token has characters that a header field can carry.
func TestTransmitterTokenCharacters(t *testing.T) {
	for c := range 256 {
		good := c > ' ' && c <= '~'
		_, err := denylist.NewReceiver(denylist.ReceiverConfig{
			Verifier: eventVerifier{}, List: newMemory(t, denylist.MemoryConfig{}), Audience: []string{client}, MaxTokenLife: time.Hour,
			TransmitterToken: "a" + string(rune(c)) + "b",
		})
		if (err == nil) != good {
			t.Errorf("%#x: %v", c, err)
		}
	}
}
