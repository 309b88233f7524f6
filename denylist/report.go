package denylist

import (
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/internal/strictjson"
)

// report is what an event asks for.
type report struct {
	kind    string  // the event's URI, for the log
	entries []Entry // without Issuer and Until; empty: nothing to do
}

const backChannelLogout = "http://schemas.openid.net/event/backchannel-logout"

// signOuts are the events of a push that end sessions (CAEP 1.0, Section 3.1; RISC
// 1.0, Sections 2.2, 2.3 and 2.9).
var signOuts = map[string]bool{
	"https://schemas.openid.net/secevent/caep/event-type/session-revoked":  true,
	"https://schemas.openid.net/secevent/risc/event-type/sessions-revoked": true,
	"https://schemas.openid.net/secevent/risc/event-type/account-disabled": true,
	"https://schemas.openid.net/secevent/risc/event-type/account-purged":   true,
}

// reader reads the claims of one event.
type reader struct {
	event   *bearer.SecurityEvent
	withSID bool // the issuer's access tokens have sid

	// The claims that are read; nil if absent.
	sub, sid, nonce, events, subject, toe strictjson.Value
}

// read returns what the event reports.
func (r *reader) read(p protocol) (report, *bearer.Error) {
	err := strictjson.Object([]byte(r.event.Claims), func(name []byte, value strictjson.Value) error {
		switch string(name) {
		case "sub":
			r.sub = value
		case "sid":
			r.sid = value
		case "nonce":
			r.nonce = value
		case "events":
			r.events = value
		case "sub_id": // RFC 9493, Section 4.1
			r.subject = value
		case "toe": // RFC 8417, Section 2.2
			r.toe = value
		}
		return nil
	})
	if err != nil {
		return report{}, bearer.Invalid("claims", "a JSON object", err.Error())
	}
	if p == push {
		return r.push()
	}
	return r.logout()
}

// logout reads a logout token (Back-Channel Logout, Section 2.6).
func (r *reader) logout() (report, *bearer.Error) {
	named := false
	err := strictjson.Object(r.events, func(name []byte, value strictjson.Value) error {
		named = named || string(name) == backChannelLogout && value.Kind() == '{'
		return nil
	})
	switch {
	case err != nil || !named:
		return report{}, bearer.Invalid("events", "an object with the member "+backChannelLogout+", an object", "another")
	case r.nonce != nil:
		return report{}, bearer.Invalid("nonce", "no nonce, so that a logout token is no ID token", "a nonce")
	case r.event.Expires.IsZero():
		return report{}, bearer.Invalid("exp", "the claim exp", "none")
	}
	sub, err := optionalText(r.sub)
	if err != nil {
		return report{}, bearer.Invalid("sub", "a string", err.Error())
	}
	sid, err := optionalText(r.sid)
	if err != nil {
		return report{}, bearer.Invalid("sid", "a string", err.Error())
	}
	entries, reason := r.entriesFor(subject{user: sub, session: sid}, r.event.IssuedAt)
	return report{backChannelLogout, entries}, reason
}

// push reads a security event token (RFC 8417). It ignores events that it does not
// know, as RFC 8417, Section 2.2, allows.
func (r *reader) push() (report, *bearer.Error) {
	found := report{}
	var reason *bearer.Error
	err := strictjson.Object(r.events, func(name []byte, value strictjson.Value) error {
		kind := string(name)
		if found.kind == "" {
			found.kind = kind
		}
		if reason != nil || !signOuts[kind] {
			return nil
		}
		found.kind = kind
		var entries []Entry
		entries, reason = r.signOut(value)
		found.entries = append(found.entries, entries...)
		return nil
	})
	switch {
	case err != nil:
		return report{}, bearer.Invalid("events", "an object", err.Error())
	case found.kind == "":
		return report{}, bearer.Invalid("events", "at least one event (RFC 8417, Section 2.2)", "none")
	case reason != nil:
		return report{}, reason
	}
	return found, nil
}

// signOut reads one event of a push.
func (r *reader) signOut(payload strictjson.Value) ([]Entry, *bearer.Error) {
	named, when := r.subject, r.toe
	err := strictjson.Object(payload, func(name []byte, value strictjson.Value) error {
		switch string(name) {
		case "subject": // before RFC 9493, the subject was a member of the event
			if named == nil {
				named = value
			}
		case "event_timestamp": // CAEP 1.0, Section 2
			when = value
		}
		return nil
	})
	if err != nil {
		return nil, bearer.Invalid("events", "events that are objects (RFC 8417, Section 2.2)", err.Error())
	}
	if named == nil {
		return nil, bearer.Invalid("sub_id", "a subject (RFC 9493)", "none")
	}
	s, reason := readSubject(r.event.Issuer, named)
	if reason != nil {
		return nil, reason
	}
	return r.entriesFor(s, r.time(when))
}

// time returns when the event occurred: the time that it states, or its iat. A
// stated time that is malformed, zero or later than iat does not count.
func (r *reader) time(stated strictjson.Value) time.Time {
	seconds, err := strconv.ParseFloat(string(stated), 64)
	if err != nil || seconds < 1 || seconds > float64(r.event.IssuedAt.Unix()) {
		return r.event.IssuedAt
	}
	return time.Unix(int64(math.Ceil(seconds)), 0)
}

// entriesFor returns the entries for a subject. A session is more precise than its
// user, so it alone counts.
func (r *reader) entriesFor(s subject, at time.Time) ([]Entry, *bearer.Error) {
	if s.token != "" {
		return []Entry{{TokenID: s.token}}, nil
	}
	var entries []Entry
	if s.session != "" && r.withSID {
		entries = append(entries, Entry{SessionID: s.session})
	}
	if s.user != "" && (len(entries) == 0 || s.either) {
		entries = append(entries, Entry{Subject: s.user, IssuedBefore: at})
	}
	if len(entries) == 0 {
		expected := "a sub or a sid"
		if !r.withSID {
			expected = fmt.Sprintf("a sub, since the access tokens of %s have no sid (ReceiverConfig.IssuersWithoutSID)", r.event.Issuer)
		}
		return nil, bearer.Invalid("subject", expected, "none")
	}
	return entries, nil
}

// optionalText returns a string. Absent, null and empty are the same.
func optionalText(v strictjson.Value) (string, error) {
	if v == nil || v.Kind() == 'n' {
		return "", nil
	}
	return strictjson.String(v)
}
