package denylist_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
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

// recordOf delivers a logout token, and returns the only log record.
func recordOf(t *testing.T, v denylist.EventVerifier, token string) map[string]any {
	t.Helper()
	var log bytes.Buffer
	s := newSite(t, func(c *denylist.ReceiverConfig) {
		c.Verifier, c.Logger = v, slog.New(slog.NewJSONHandler(&log, nil))
	})
	s.post(token)
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
