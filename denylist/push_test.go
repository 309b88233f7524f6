package denylist_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/denylist"
)

// SE3 to SE5, RFC 8417, RFC 8935, RFC 9493, CAEP 1.0: the subjects of a pushed
// event, and the tokens that it denies.
func TestPush(t *testing.T) {
	before, after := time.Now().Add(-time.Minute), time.Now().Add(time.Minute)
	s := newSite(t, nil)
	issuer := s.issuer.URL()
	userID := members{"format": "iss_sub", "iss": issuer, "sub": "alice"}
	opaque := func(id string) members { return members{"format": "opaque", "id": id} }
	event := func(kind string, payload any) members { return members{"events": members{kind: payload}} }
	const risc = "https://schemas.openid.net/secevent/risc/event-type/"
	session := bearer.Principal{SessionID: "s-1", Subject: "alice", TokenID: "t-1", IssuedAt: before}
	otherSession := bearer.Principal{SessionID: "s-2", Subject: "alice", IssuedAt: before}
	next := bearer.Principal{SessionID: "s-3", Subject: "alice", IssuedAt: after}
	bob := bearer.Principal{SessionID: "s-4", Subject: "bob", IssuedAt: before}
	user, one, none := []bearer.Principal{session, otherSession}, []bearer.Principal{session}, []bearer.Principal(nil)
	tests := []struct {
		name    string
		subject any
		claims  members
		denied  []bearer.Principal
		result  string
	}{
		{"a user", userID, nil, user, "result=denied"},
		{"an opaque user", opaque("alice"), nil, user, "result=denied"},
		{"an opaque session", opaque("s-1"), nil, one, "result=denied"},
		{"a token", members{"format": "jwt_id", "iss": issuer, "jti": "t-1"}, nil, one, "denied_jti=t-1 result=denied"},
		{"a session of a user", members{"format": "complex", "session": opaque("s-1"), "user": userID, "tenant": opaque("t")}, nil, one, "result=denied"},
		{"a user on a device", members{"format": "complex", "user": userID, "device": opaque("d")}, nil, user, "result=denied"},
		{"a user, and a session in another format", members{"format": "complex", "session": members{"format": "x"}, "user": userID}, nil, user, "result=denied"},
		{"a session, and a user in another format", members{"format": "complex", "session": opaque("s-1"), "user": members{"format": "email", "email": "a@example.com"}}, nil, one, "result=denied"},
		{"as Okta sends it", nil, event(sessionRevoked, members{"subject": members{"user": userID}, "event_timestamp": before.UnixMilli()}), user, "result=denied"},
		{"a session of an older draft", members{"session": opaque("s-1"), "user": userID}, nil, one, "result=denied"},
		{"only a session, as in an older draft", members{"session": opaque("s-1")}, nil, one, "result=denied"},
		{"a user with another member user", members{"format": "iss_sub", "iss": issuer, "sub": "alice", "user": opaque("bob")}, nil, user, "result=denied"},
		{"the subject in the event", nil, event(sessionRevoked, members{"subject": userID, "event_timestamp": before.Unix()}), user, "result=denied"},
		{"a disabled account", userID, event(risc+"account-disabled", members{"reason": "hijacking"}), user, "result=denied"},
		{"a purged account", userID, event(risc+"account-purged", members{}), user, "result=denied"},
		{"revoked sessions", userID, event(risc+"sessions-revoked", members{}), user, "result=denied"},
		{"with exp", userID, members{"exp": after.Unix()}, user, "result=denied"},
		{"another event", userID, event("https://schemas.openid.net/secevent/caep/event-type/credential-change", members{}), none, `result="nothing to do: the receiver knows none`},
		{"a verification without a known subject", members{"format": "opaque", "id": "stream"}, event("https://schemas.openid.net/secevent/ssf/event-type/verification", members{"state": "x"}), none, `result="nothing to do: the receiver knows none`},
		{"old", userID, members{"iat": time.Now().Add(-2 * time.Hour).Unix()}, none, `result="nothing to do: all tokens`},
	}
	for _, tt := range tests {
		s := newSite(t, nil)
		token := s.securityEvent(tt.subject, tt.claims)
		check(t, tt.name, s.push(token), http.StatusAccepted, "")
		for _, p := range []bearer.Principal{session, otherSession, next, bob} {
			want := false
			for _, q := range tt.denied {
				want = want || q.SessionID == p.SessionID
			}
			if got := s.denied(t, p); got != want {
				t.Errorf("%s: the token of %s is denied: %t", tt.name, p.SessionID, got)
			}
		}
		if log := s.logged(t, token); strings.Count(log, "\n") != 1 || !strings.Contains(log, tt.result) {
			t.Errorf("%s: the log is %s; want %s", tt.name, log, tt.result)
		}
	}
}

// CAEP 1.0, Section 2: a user who has signed in since the event keeps the new
// tokens, even if the event is delivered late.
func TestTimeOfAnEvent(t *testing.T) {
	now := time.Now()
	at := func(d time.Duration) int64 { return now.Add(d).Unix() }
	for name, tt := range map[string]struct {
		claims  members
		payload members
		spared  bool // the token of half an hour ago
	}{
		"event_timestamp":           {nil, members{"event_timestamp": at(-50 * time.Minute)}, true},
		"event_timestamp and toe":   {members{"toe": at(0)}, members{"event_timestamp": at(-50 * time.Minute)}, true},
		"toe":                       {members{"toe": at(-50 * time.Minute)}, nil, true},
		"a fraction":                {members{"toe": float64(at(-50*time.Minute)) + 0.5}, nil, true},
		"only iat":                  {nil, nil, false},
		"a time after iat":          {nil, members{"event_timestamp": at(time.Hour)}, false},
		"milliseconds":              {nil, members{"event_timestamp": now.UnixMilli()}, false},
		"a string":                  {nil, members{"event_timestamp": "2026-01-01"}, false},
		"zero":                      {nil, members{"event_timestamp": 0}, false},
		"negative":                  {nil, members{"event_timestamp": -1}, false},
		"a number beyond a float64": {nil, members{"event_timestamp": huge{}}, false},
	} {
		s := newSite(t, nil)
		claims := members{"events": members{sessionRevoked: tt.payload}}
		if tt.payload == nil {
			claims["events"] = members{sessionRevoked: members{}}
		}
		if tt.claims != nil {
			claims["toe"] = tt.claims["toe"]
		}
		token := s.securityEvent(members{"format": "iss_sub", "iss": s.issuer.URL(), "sub": "alice"}, claims)
		check(t, name, s.push(token), http.StatusAccepted, "")
		if s.denied(t, bearer.Principal{Subject: "alice", IssuedAt: now.Add(-30 * time.Minute)}) == tt.spared {
			t.Errorf("%s: denied %t", name, !tt.spared)
		}
		if s.denied(t, bearer.Principal{Subject: "alice", IssuedAt: now.Add(time.Minute)}) {
			t.Errorf("%s: the token of the next sign-in is denied", name)
		}
		if !s.denied(t, bearer.Principal{Subject: "alice", IssuedAt: now.Add(-55 * time.Minute)}) {
			t.Errorf("%s: an older token is not denied", name)
		}
	}
}

// SE5, CAEP 1.0, Section 2: a stated time counts if it is after the epoch and not after
// iat. Otherwise iat counts. The entry spares tokens that were issued later.
func TestStatedTimes(t *testing.T) {
	second := time.Now().Truncate(time.Second).Add(-time.Minute)
	iat := second.Add(time.Second / 2)
	for _, tt := range []struct {
		stated string
		want   time.Time
	}{
		{"0", iat}, {"0.5", iat}, {"1", time.Unix(1, 0)}, {"1.5", time.Unix(2, 0)},
		{fmt.Sprint(second.Unix()), second}, {fmt.Sprintf("%d.5", second.Unix()-1), second},
		{fmt.Sprint(second.Unix() + 1), iat}, {fmt.Sprintf("%d.7", second.Unix()), iat},
		{"1e999", iat}, {"-1e999", iat}, {"null", iat}, {"{}", iat}, {`"1"`, iat}, {"true", iat},
	} {
		list := &failing{after: -1}
		s := newSite(t, func(c *denylist.ReceiverConfig) {
			list.List, c.List = c.List, list
			c.Verifier = eventVerifier{event: &bearer.SecurityEvent{
				Issuer: "i", TokenID: "j", Type: "secevent+jwt", Audience: []string{client}, IssuedAt: iat,
				Claims: `{"events":{"` + sessionRevoked + `":{}},"toe":` + tt.stated + `,"sub_id":{"format":"iss_sub","iss":"i","sub":"alice"}}`,
			}}
		})
		check(t, tt.stated, s.push("x"), http.StatusAccepted, "")
		if len(list.denied) == 0 || !list.denied[0].IssuedBefore.Equal(tt.want) {
			t.Errorf("%s: %+v, want an entry for tokens issued before %v", tt.stated, list.denied, tt.want)
		}
	}
}

// huge is a JSON number that no float64 holds.
type huge struct{}

func (huge) MarshalJSON() ([]byte, error) { return []byte("1e999"), nil }

// SE2 to SE4, RFC 8935, Sections 2.3 and 2.4: the errors of a push.
func TestPushRefusals(t *testing.T) {
	s := newSite(t, func(c *denylist.ReceiverConfig) { c.List = neverChanged{t} })
	user := members{"format": "iss_sub", "iss": s.issuer.URL(), "sub": "alice"}
	const (
		malformed   = `{"err":"invalid_request","description":"The request or its token is malformed or not acceptable."}` + "\n"
		badKey      = `{"err":"invalid_key","description":"The signature or the key of the token is not acceptable."}` + "\n"
		badIssuer   = `{"err":"invalid_issuer","description":"The issuer of the token is not accepted here."}` + "\n"
		badAudience = `{"err":"invalid_audience","description":"The token is not meant for this receiver."}` + "\n"
	)
	tests := []struct {
		name, token, check, body string
	}{
		{"a logout token", s.logoutToken(members{"sid": "s-1"}), "typ", malformed},
		{"no typ", s.event("", members{"events": members{sessionRevoked: members{}}, "sub_id": user}), "typ", malformed},
		{"type JWT", s.event("JWT", members{"events": members{sessionRevoked: members{}}, "sub_id": user}), "typ", malformed},
		{"another aud", s.securityEvent(user, members{"aud": "shop2"}), "aud", badAudience},
		{"another iss", s.securityEvent(user, members{"iss": "https://other.example.com"}), "iss", badIssuer},
		{"an altered signature", altered(s.securityEvent(user, nil)), "signature", badKey},
		{"no events", s.securityEvent(user, members{"events": members{}}), "events", malformed},
		{"an event that is no object", s.securityEvent(user, members{"events": members{sessionRevoked: true}}), "events", malformed},
		{"no subject", s.securityEvent(nil, nil), "sub_id", malformed},
		{"a subject that is a string", s.securityEvent("alice", nil), "sub_id", malformed},
		{"no format", s.securityEvent(members{"iss": s.issuer.URL(), "sub": "alice"}, nil), "sub_id", malformed},
		{"a format that is a number", s.securityEvent(members{"format": 7}, nil), "sub_id", malformed},
		{"an email", s.securityEvent(members{"format": "email", "email": "a@example.com"}, nil), "sub_id", malformed},
		{"an account", s.securityEvent(members{"format": "account", "uri": "acct:a@example.com"}, nil), "sub_id", malformed},
		{"another issuer's user", s.securityEvent(members{"format": "iss_sub", "iss": "https://other.example.com", "sub": "alice"}, nil), "sub_id", malformed},
		{"another issuer's token", s.securityEvent(members{"format": "jwt_id", "iss": "https://other.example.com", "jti": "1"}, nil), "sub_id", malformed},
		{"an empty sub", s.securityEvent(members{"format": "iss_sub", "iss": s.issuer.URL(), "sub": ""}, nil), "sub_id", malformed},
		{"no iss", s.securityEvent(members{"format": "iss_sub", "sub": "alice"}, nil), "sub_id", malformed},
		{"an empty id", s.securityEvent(members{"format": "opaque", "id": ""}, nil), "sub_id", malformed},
		{"a device", s.securityEvent(members{"format": "complex", "device": members{"format": "opaque", "id": "d"}}, nil), "sub_id", malformed},
		{"complex in complex", s.securityEvent(members{"format": "complex", "user": members{"format": "complex", "user": user}}, nil), "sub_id", malformed},
		{"one good and one bad event", s.securityEvent(nil, members{"events": members{
			"https://schemas.openid.net/secevent/risc/event-type/account-disabled": members{}, sessionRevoked: members{"subject": user}}}), "sub_id", malformed},
		{"expired", s.securityEvent(user, members{"exp": time.Now().Add(-time.Minute).Unix()}), "exp", malformed},
		{"opaque", "opaque", "form", malformed},
		{"empty", "", "form", malformed},
	}
	for _, tt := range tests {
		check(t, tt.name, s.push(tt.token), http.StatusBadRequest, tt.body)
		if log := s.logged(t, tt.token); strings.Count(log, "\n") != 1 || !strings.Contains(log, "status=400 check="+tt.check+" ") {
			t.Errorf("%s: the log is %s; want check=%s", tt.name, log, tt.check)
		}
	}
}

// RFC 8935, Sections 2.4 and 4: a transmitter must authenticate if the receiver
// has a token for it. A logout token needs no more than its signature.
func TestTransmitterToken(t *testing.T) {
	const secret = "correct-horse-battery-staple"
	s := newSite(t, func(c *denylist.ReceiverConfig) { c.TransmitterToken = secret })
	token := s.securityEvent(members{"format": "opaque", "id": "s-1"}, nil)
	const refused = `{"err":"authentication_failed","description":"The credentials of the transmitter are missing or wrong."}` + "\n"
	for name, authorization := range map[string][]string{
		"none": nil, "another": {"Bearer other"}, "another scheme": {"Basic " + secret}, "no token": {"Bearer"},
		"a prefix": {"Bearer " + secret[:5]}, "two": {"Bearer " + secret, "Bearer " + secret}, "no scheme": {secret}, "longer": {"Bearer " + secret + "x"},
	} {
		r := request("application/secevent+jwt", token)
		r.Header["Authorization"] = authorization
		check(t, name, s.do(r), http.StatusBadRequest, refused)
		if log := s.logged(t, token); !strings.Contains(log, "check=transmitter") || strings.Contains(log, secret) {
			t.Errorf("%s: the log is %s", name, log)
		}
	}
	if s.denied(t, bearer.Principal{SessionID: "s-1"}) {
		t.Error("denied without authentication")
	}
	for _, scheme := range []string{"Bearer ", "bearer  "} {
		r := request("application/secevent+jwt", token)
		r.Header.Set("Authorization", scheme+secret)
		check(t, scheme, s.do(r), http.StatusAccepted, "")
	}
	check(t, "a logout token", s.post(s.logoutToken(members{"sid": "s-1"})), http.StatusOK, "")
}

// A malformed event refuses the whole push, although another event is good, and the
// claim sub_id counts before the subject in an event.
func TestPushOfSeveralEvents(t *testing.T) {
	const purged = "https://schemas.openid.net/secevent/risc/event-type/account-purged"
	subject := func(id string) members { return members{"format": "opaque", "id": id} }
	for _, tt := range []struct {
		name   string
		subID  any
		events members
		status int
		denied map[string]bool
		log    string
	}{
		{"two good ones", nil, members{sessionRevoked: members{"subject": subject("a")}, purged: members{"subject": subject("b")}}, http.StatusAccepted, map[string]bool{"a": true, "b": true}, " event=" + purged + " "},
		{"the first malformed", nil, members{purged: members{"subject": members{}}, sessionRevoked: members{"subject": subject("a")}}, http.StatusBadRequest, map[string]bool{"a": false}, " check=sub_id "},
		{"the second malformed", nil, members{purged: members{"subject": subject("a")}, sessionRevoked: members{"subject": 1}}, http.StatusBadRequest, map[string]bool{"a": false}, " check=sub_id "},
		{"two subjects", subject("a"), members{sessionRevoked: members{"subject": subject("b")}}, http.StatusAccepted, map[string]bool{"a": true, "b": false}, " event=" + sessionRevoked + " "},
		{"an unknown event beside", subject("a"), members{"https://example.com/other": members{}, sessionRevoked: members{}}, http.StatusAccepted, map[string]bool{"a": true}, " event=" + sessionRevoked + " "},
		{"an unknown event behind", subject("a"), members{sessionRevoked: members{}, "https://z.example.com/other": members{}}, http.StatusAccepted, map[string]bool{"a": true}, " event=" + sessionRevoked + " "},
		{"two unknown events", subject("a"), members{"https://example.com/one": 1, "https://example.com/two": 2}, http.StatusAccepted, map[string]bool{"a": false}, " event=https://example.com/one "},
	} {
		s := newSite(t, nil)
		if w := s.push(s.securityEvent(tt.subID, members{"events": tt.events})); w.Code != tt.status {
			t.Errorf("%s: %d %s", tt.name, w.Code, w.Body)
		}
		if log := s.logged(t, ""); !strings.Contains(log, tt.log) {
			t.Errorf("%s: the log is %s; want %s", tt.name, log, tt.log)
		}
		for id, want := range tt.denied {
			if got := s.denied(t, bearer.Principal{Subject: id}); got != want {
				t.Errorf("%s: %s is denied: %t", tt.name, id, got)
			}
		}
	}
}
