package denylist_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/bearer/bearertest"
	"github.com/bearerkit/bearerkit/denylist"
)

// BCL9, SE6, Back-Channel Logout, Section 2.6; RFC 8935, Section 2: an issuer that
// sends an event again, for example after a timeout, is told that it succeeded.
// The repeated event has no effect. Another event with the same jti is refused.
func TestRepeatedEvents(t *testing.T) {
	session := bearer.Principal{SessionID: "s-1"}
	for name, tt := range map[string]struct {
		mint    func(s *site, claims members) string
		deliver func(s *site, token string) *httptest.ResponseRecorder
		status  int
	}{
		"logout token": {(*site).logoutToken, (*site).post, http.StatusOK},
		"security event token": {func(s *site, claims members) string {
			return s.securityEvent(members{"format": "opaque", "id": "s-1"}, claims)
		}, (*site).push, http.StatusAccepted},
	} {
		s := newSite(t, nil)
		iat := time.Now().Unix()
		claims := members{"jti": "j", "sid": "s-1", "iat": iat, "exp": iat + 120}
		token := tt.mint(s, claims)
		check(t, name, tt.deliver(s, token), tt.status, "")
		s.logged(t, token)
		if err := s.list.Lift(t.Context(), denylist.Entry{Issuer: s.issuer.URL(), SessionID: "s-1"}); err != nil {
			t.Fatal(err)
		}
		signedAgain := tt.mint(s, claims) // ES256 is randomized
		if signedAgain == token {
			t.Fatal("the same token")
		}
		for _, again := range []string{token, signedAgain} {
			check(t, name+" again", tt.deliver(s, again), tt.status, "")
			if s.denied(t, session) {
				t.Errorf("%s: a repeated event has an effect", name)
			}
			if log := s.logged(t, again); !strings.Contains(log, `result="repeated: the event was accepted before"`) {
				t.Errorf("%s again: the log is %s", name, log)
			}
		}
		claims["iat"] = iat + 1
		w := tt.deliver(s, tt.mint(s, claims))
		if w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), `"invalid_request"`) || s.denied(t, session) {
			t.Errorf("%s, the jti of another event: %d %s", name, w.Code, w.Body)
		}
		if log := s.logged(t, ""); !strings.Contains(log, "check=jti") {
			t.Errorf("%s, the jti of another event: the log is %s", name, log)
		}
		claims["jti"] = "another"
		check(t, name+", another jti", tt.deliver(s, tt.mint(s, claims)), tt.status, "")
		if !s.denied(t, session) {
			t.Errorf("%s: another event has no effect", name)
		}
	}
}

// SE6: an event without exp is remembered too.
func TestRepeatedEventWithoutEnd(t *testing.T) {
	s := newSite(t, nil)
	token := s.securityEvent(members{"format": "opaque", "id": "s-1"}, members{"jti": "j"})
	for _, repeated := range []bool{false, true, true} {
		check(t, "pushed", s.push(token), http.StatusAccepted, "")
		if log := s.logged(t, token); strings.Contains(log, "repeated") != repeated {
			t.Errorf("repeated %t: the log is %s", repeated, log)
		}
	}
}

// BCL9: the list remembers an event while it could have an effect: a logout token
// until it has expired, and any event until the tokens from before it have expired.
// The entries need the leeway of two clocks.
func TestWhatTheListRemembers(t *testing.T) {
	synctest.Test(t, whatTheListRemembers) // exact to the second
}

func whatTheListRemembers(t *testing.T) {
	const life = time.Hour
	now := time.Now().Truncate(time.Second)
	for name, tt := range map[string]struct {
		exp  time.Time
		want time.Time
	}{
		"exp is soon": {now.Add(2 * time.Minute), now.Add(2*time.Minute + denylist.MaxLeeway)},
		"exp is late": {now.Add(1000 * time.Hour), now.Add(life + 2*denylist.MaxLeeway)},
	} {
		list := &failing{after: -1}
		s := newSite(t, func(c *denylist.ReceiverConfig) { list.List, c.List, c.MaxTokenLife = c.List, list, life })
		check(t, name, s.post(s.logoutToken(members{"sid": "s-1", "iat": now.Unix(), "exp": tt.exp.Unix()})), http.StatusOK, "")
		if len(list.denied) != 3 || list.denied[0].SessionID != "s-1" || list.denied[0].Until.Before(now.Add(life+denylist.MaxLeeway)) {
			t.Fatalf("%s: %+v", name, list.denied)
		}
		for _, e := range list.denied[1:] {
			if e.TokenID == "" || strings.Contains(e.TokenID, "s-1") || !e.Until.Equal(tt.want) || !e.IssuedBefore.IsZero() || e.Issuer != s.issuer.URL() {
				t.Errorf("%s: %+v, want it until %v", name, e, tt.want)
			}
		}
	}
}

// An old event must not end a new session of the user, however often and however
// late it is delivered.
func TestReplayedEventSparesTheNextSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, nil)
		user := members{"format": "iss_sub", "iss": s.issuer.URL(), "sub": "alice"}
		logout, event := s.logoutToken(members{"sub": "alice"}), s.securityEvent(user, nil)
		old := bearer.Principal{Subject: "alice", IssuedAt: time.Now()}
		deliver := func(when string, logoutStatus int) {
			t.Helper()
			if w := s.post(logout); w.Code != logoutStatus {
				t.Errorf("%s: the logout token: %d", when, w.Code)
			}
			if w := s.push(event); w.Code != http.StatusAccepted {
				t.Errorf("%s: the security event: %d", when, w.Code)
			}
		}
		deliver("at once", http.StatusOK)
		if !s.denied(t, old) {
			t.Fatal("the old token is not denied")
		}
		for _, tt := range []struct {
			when         string
			wait         time.Duration
			logoutStatus int
		}{
			{"within a minute", time.Minute, http.StatusOK},
			{"after the logout token has expired", 5 * time.Minute, http.StatusBadRequest},
			{"after the old tokens have expired", time.Hour, http.StatusBadRequest},
			{"after the event is forgotten", time.Hour, http.StatusBadRequest},
			{"after a month", 30 * 24 * time.Hour, http.StatusBadRequest},
		} {
			<-time.After(tt.wait)
			next := bearer.Principal{Subject: "alice", IssuedAt: time.Now()}
			deliver(tt.when, tt.logoutStatus)
			if s.denied(t, next) {
				t.Errorf("%s: the token of the next sign-in is denied", tt.when)
			}
		}
	})
}

// C9: an entry lasts until the last token from before the event has expired, with
// the leeway of each clock.
func TestEntryOutlivesTheTokens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const life = time.Hour
		s := newSite(t, func(c *denylist.ReceiverConfig) {
			c.MaxTokenLife, c.List = life, newMemory(t, denylist.MemoryConfig{Leeway: denylist.MaxLeeway})
		})
		last := bearer.Principal{Subject: "alice", SessionID: "s-1", IssuedAt: time.Now().Add(denylist.MaxLeeway)} // by a fast clock
		check(t, "sub", s.post(s.logoutToken(members{"sub": "alice"})), http.StatusOK, "")
		check(t, "sid", s.post(s.logoutToken(members{"sid": "s-1"})), http.StatusOK, "")
		<-time.After(denylist.MaxLeeway + life + denylist.MaxLeeway - time.Second)
		if !s.denied(t, last) {
			t.Error("the last token is accepted although its verifier does not find it expired")
		}
	})
}

// C9: an event counts until the last token from before it has expired, with the
// maximum leeway. Then it has no effect.
func TestOldEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const life = time.Hour + denylist.MaxLeeway
		for age, result := range map[time.Duration]string{0: "denied", life: "denied", life + 1: "nothing to do: all tokens from before the event have expired"} {
			record := recordOf(t, eventVerifier{event: &bearer.SecurityEvent{
				Issuer: "i", TokenID: "j", Type: "secevent+jwt", Audience: []string{client}, IssuedAt: time.Now().Add(-age),
				Claims: `{"events":{"` + sessionRevoked + `":{}},"sub_id":{"format":"opaque","id":"s-1"}}`,
			}}, "head.payload.signature")
			if record["result"] != result {
				t.Errorf("an event of %v ago: %v, want %q", age, record["result"], result)
			}
		}
	})
}

// C7, BCL8: while the keys or the list are out of reach, the issuer is told to
// send the event again, and it then succeeds. No failed deny is a success.
func TestCannotTell(t *testing.T) {
	list := &failing{after: -1}
	s := newSite(t, func(c *denylist.ReceiverConfig) { list.List, c.List = c.List, list })
	token := s.logoutToken(members{"sid": "s-1"})
	lost := func(name, retryAfter string) {
		t.Helper()
		w := s.post(token)
		check(t, name, w, http.StatusServiceUnavailable, "")
		if got := w.Header().Get("Retry-After"); got != retryAfter {
			t.Errorf("%s: Retry-After is %q", name, got)
		}
		if log := s.logged(t, token); !strings.Contains(log, `level=WARN msg="sign-out event refused" status=503`) || !strings.Contains(log, "cause=") {
			t.Errorf("%s: the log is %s", name, log)
		}
	}
	list.lookups = true
	lost("lookups fail", "5")
	list.lookups = false
	for n := range 3 { // the entry, and the two that remember the event
		list.calls, list.after = 0, n
		lost("a change fails", "5")
		if n == 0 && s.denied(t, bearer.Principal{SessionID: "s-1"}) {
			t.Error("denied without an entry")
		}
	}
	// A change that fails alone is not lost either: what follows does not hide it.
	list.once = true
	for n := range 3 {
		s := newSite(t, func(c *denylist.ReceiverConfig) { list.List, c.List = c.List, list })
		list.calls, list.after = 0, n
		check(t, "one change fails", s.post(token), http.StatusServiceUnavailable, "")
		list.after = -1
		check(t, "sent again", s.post(token), http.StatusOK, "")
		if !s.denied(t, bearer.Principal{SessionID: "s-1"}) {
			t.Errorf("change %d failed once, and the session is not denied after a success", n)
		}
	}
	s = newSite(t, func(c *denylist.ReceiverConfig) { list.List, c.List = c.List, list })
	list.after = -1
	check(t, "sent again", s.post(token), http.StatusOK, "")
	if !s.denied(t, bearer.Principal{SessionID: "s-1"}) {
		t.Error("not denied after a success")
	}
	full := newSite(t, func(c *denylist.ReceiverConfig) { c.List = newMemory(t, denylist.MemoryConfig{Capacity: 1}) })
	check(t, "full", full.post(full.logoutToken(members{"sid": "s-1"})), http.StatusServiceUnavailable, "")
	if log := full.logged(t, ""); !strings.Contains(log, denylist.ErrFull.Error()) {
		t.Errorf("full: the log is %s", log)
	}
}

// C7: without keys nobody can tell, in either protocol.
func TestKeysOutOfReach(t *testing.T) {
	issuer, err := bearertest.NewIssuer(bearertest.IssuerConfig{})
	if err != nil {
		t.Fatal(err)
	}
	defer issuer.Close()
	s := newSite(t, nil)
	s.issuer = issuer
	logout, event := s.logoutToken(members{"sid": "s-1"}), s.securityEvent(members{"format": "opaque", "id": "s-1"}, nil)
	issuer.SetFault(bearertest.JWKS, bearertest.Fault{Status: 503})
	s.Receiver = receiverFor(t, issuer, s)
	check(t, "logout token", s.post(logout), http.StatusServiceUnavailable, "")
	check(t, "security event token", s.push(event), http.StatusServiceUnavailable, "")
	if log := s.logged(t, logout); strings.Count(log, "check=keys") != 2 || !strings.Contains(log, "claimed_iss="+issuer.URL()) {
		t.Errorf("the log is %s", log)
	}
}
