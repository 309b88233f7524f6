package denylist_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/bearer/bearertest"
	"github.com/bearerkit/bearerkit/denylist"
	"github.com/bearerkit/bearerkit/scope"
)

// BCL6 to BCL8, OpenID Connect Back-Channel Logout, Sections 2.6 to 2.8: a logout
// token ends its session or, without one, all sessions that the user has had.
func TestLogoutToken(t *testing.T) {
	before, after := time.Now().Add(-time.Minute), time.Now().Add(time.Minute)
	session := bearer.Principal{SessionID: "s-1", Subject: "alice", IssuedAt: before}
	otherSession := bearer.Principal{SessionID: "s-2", Subject: "alice", IssuedAt: before}
	next := bearer.Principal{SessionID: "s-3", Subject: "alice", IssuedAt: after}
	bob := bearer.Principal{SessionID: "s-4", Subject: "bob", IssuedAt: before}
	elsewhere := bearer.Principal{Issuer: "https://other.example.com", SessionID: "s-1", Subject: "alice", IssuedAt: before}
	tests := []struct {
		name   string
		claims members
		denied []bearer.Principal
		spared []bearer.Principal
		log    string
	}{
		{"a session", members{"sid": "s-1"}, []bearer.Principal{session}, []bearer.Principal{otherSession, next, bob, elsewhere}, " sid=s-1 "},
		{"a session and its user", members{"sid": "s-1", "sub": "alice"}, []bearer.Principal{session}, []bearer.Principal{otherSession, next, bob, elsewhere}, " sid=s-1 "},
		{"a user", members{"sub": "alice"}, []bearer.Principal{session, otherSession}, []bearer.Principal{next, bob, elsewhere}, " sub=alice "},
		{"a user, and sid is empty", members{"sub": "alice", "sid": ""}, []bearer.Principal{session, otherSession}, []bearer.Principal{next, bob}, " sub=alice "},
		{"a user, and sid is null", members{"sub": "alice", "sid": (*string)(nil)}, []bearer.Principal{session, otherSession}, []bearer.Principal{next, bob}, " sub=alice "},
		{"a session, and sub is null", members{"sub": (*string)(nil), "sid": "s-1"}, []bearer.Principal{session}, []bearer.Principal{otherSession, next, bob}, " sid=s-1 "},
		{"more events and claims", members{"sid": "s-1", "other": members{"a": []int{1}}, "events": members{backChannelLogout: members{"a": 1}, "urn:other": 7}},
			[]bearer.Principal{session}, []bearer.Principal{otherSession}, " sid=s-1 "},
		{"several audiences", members{"sid": "s-1", "aud": []string{"a", client}}, []bearer.Principal{session}, nil, " sid=s-1 "},
		{"one audience as a string", members{"sid": "s-1", "aud": client}, []bearer.Principal{session}, nil, " sid=s-1 "},
	}
	for _, tt := range tests {
		for _, typ := range []string{"logout+jwt", "JWT"} {
			s := newSite(t, nil)
			claims := members{"events": members{backChannelLogout: members{}}}
			for name, value := range tt.claims {
				claims[name] = value
			}
			token := s.event(typ, claims)
			check(t, tt.name, s.post(token), http.StatusOK, "")
			for _, p := range tt.denied {
				if !s.denied(t, p) {
					t.Errorf("%s: %s is not denied", tt.name, p.SessionID)
				}
			}
			for _, p := range tt.spared {
				if s.denied(t, p) {
					t.Errorf("%s: %s is denied", tt.name, p.SessionID)
				}
			}
			log := s.logged(t, token)
			if strings.Count(log, "\n") != 1 || !strings.Contains(log, "level=INFO msg=\"sign-out event accepted\"") || !strings.Contains(log, tt.log) ||
				!strings.Contains(log, "result=denied") || !strings.Contains(log, " jti=") || !strings.Contains(log, " token_sha256=") {
				t.Errorf("%s: the log is %s", tt.name, log)
			}
		}
	}
}

const malformedToken = `{"error":"invalid_request","error_description":"The request or its token is malformed or not acceptable."}` + "\n"

// BCL1 to BCL7, Sections 2.4 and 2.6: each rule of the validation refuses a token
// that breaks it, with 400, and denies nothing.
func TestLogoutTokenRefusals(t *testing.T) {
	s := newSite(t, func(c *denylist.ReceiverConfig) { c.List = neverChanged{t} })
	stranger, err := bearertest.NewIssuer(bearertest.IssuerConfig{})
	if err != nil {
		t.Fatal(err)
	}
	defer stranger.Close()
	events := members{backChannelLogout: members{}}
	good := members{"sid": "s-1", "sub": "alice"}
	with := func(more members) members {
		all := members{"sid": "s-1", "sub": "alice"}
		for name, value := range more {
			all[name] = value
		}
		return all
	}
	const (
		badKey      = `{"error":"invalid_key","error_description":"The signature or the key of the token is not acceptable."}` + "\n"
		badIssuer   = `{"error":"invalid_issuer","error_description":"The issuer of the token is not accepted here."}` + "\n"
		badAudience = `{"error":"invalid_audience","error_description":"The token is not meant for this receiver."}` + "\n"
	)
	tests := []struct {
		name, token, check, body string
	}{
		{"neither sub nor sid", s.logoutToken(nil), "subject", malformedToken},
		{"sub and sid are empty", s.logoutToken(members{"sub": "", "sid": ""}), "subject", malformedToken},
		{"sid is a number", s.logoutToken(with(members{"sid": 7})), "sid", malformedToken},
		{"sub is an array", s.logoutToken(with(members{"sub": []string{"alice"}})), "sub", malformedToken},
		{"a nonce", s.logoutToken(with(members{"nonce": "n"})), "nonce", malformedToken},
		{"an empty nonce", s.logoutToken(with(members{"nonce": ""})), "nonce", malformedToken},
		{"no events", s.logoutToken(with(members{"events": nil})), "kind", malformedToken},
		{"another event", s.logoutToken(with(members{"events": members{sessionRevoked: members{}}})), "events", malformedToken},
		{"the event is null", s.logoutToken(with(members{"events": members{backChannelLogout: (*int)(nil)}})), "events", malformedToken},
		{"the event is true", s.logoutToken(with(members{"events": members{backChannelLogout: true}})), "events", malformedToken},
		{"the event is an array", s.logoutToken(with(members{"events": members{backChannelLogout: []int{}}})), "events", malformedToken},
		{"no exp", s.logoutToken(with(members{"exp": nil})), "exp", malformedToken},
		{"expired", s.logoutToken(with(members{"exp": time.Now().Add(-time.Minute).Unix()})), "exp", malformedToken},
		{"no iat", s.logoutToken(with(members{"iat": nil})), "claims", malformedToken},
		{"iat in the future", s.logoutToken(with(members{"iat": time.Now().Add(time.Minute).Unix()})), "iat", malformedToken},
		{"no jti", s.logoutToken(with(members{"jti": nil})), "claims", malformedToken},
		{"no aud", s.logoutToken(with(members{"aud": nil})), "aud", badAudience},
		{"the API's aud", s.logoutToken(with(members{"aud": audience})), "aud", badAudience},
		{"another aud", s.logoutToken(with(members{"aud": []string{"shop2", "SHOP"}})), "aud", badAudience},
		{"no iss", s.logoutToken(with(members{"iss": nil})), "claims", malformedToken},
		{"another iss", s.logoutToken(with(members{"iss": "https://other.example.com"})), "iss", badIssuer},
		{"a stranger's key", stranger.Mint(bearertest.Token{Audience: []string{client}, Header: members{"typ": "logout+jwt", "kid": "x"},
			Claims: members{"iss": s.issuer.URL(), "events": events, "sid": "s-1"}}), "kid", badKey},
		{"an altered signature", altered(s.logoutToken(good)), "signature", badKey},
		{"alg none", unsigned(s.logoutToken(good)) + "AAAA", "alg", malformedToken},
		{"no signature", unsigned(s.logoutToken(good)), "signature", badKey},
		{"an access token", s.issuer.Mint(bearertest.Token{Audience: []string{client}, Claims: members{"events": events, "sid": "s-1"}}), "typ", malformedToken},
		{"an ID token", s.issuer.Mint(bearertest.Token{Audience: []string{client}, Header: members{"typ": "JWT"}, Claims: members{"nonce": "n", "sid": "s-1"}}), "kind", malformedToken},
		{"a security event token", s.event("secevent+jwt", with(members{"events": events})), "typ", malformedToken},
		{"an opaque token", "opaque", "form", malformedToken},
		{"an empty token", "", "form", malformedToken},
	}
	for _, tt := range tests {
		check(t, tt.name, s.post(tt.token), http.StatusBadRequest, tt.body)
		log := s.logged(t, tt.token)
		if strings.Count(log, "\n") != 1 || !strings.Contains(log, `level=INFO msg="sign-out event refused" status=400 check=`+tt.check+" ") || !strings.Contains(log, "hint=") && tt.check != "nonce" && tt.check != "events" && tt.check != "sid" && tt.check != "sub" {
			t.Errorf("%s: the log is %s; want check=%s", tt.name, log, tt.check)
		}
	}
}

// altered changes one character of a token's signature.
func altered(token string) string {
	at := strings.LastIndexByte(token, '.') + 5
	c := byte('A')
	if token[at] == c {
		c = 'B'
	}
	return token[:at] + string(c) + token[at+1:]
}

// unsigned replaces a token's header and signature by those of alg none.
func unsigned(token string) string {
	parts := strings.Split(token, ".")
	return "eyJhbGciOiJub25lIiwidHlwIjoibG9nb3V0K2p3dCJ9." + parts[1] + "." // {"alg":"none","typ":"logout+jwt"}
}

// Okta's and Auth0's access tokens have no sid: a denied session would deny
// nothing.
func TestIssuerWithoutSID(t *testing.T) {
	url := newSite(t, nil).issuer.URL()
	s := newSite(t, func(c *denylist.ReceiverConfig) { c.IssuersWithoutSID = []string{url} })
	alice := bearer.Principal{Subject: "alice", IssuedAt: time.Now().Add(-time.Minute)}
	token := s.logoutToken(members{"sid": "s-1", "sub": "alice"})
	check(t, "with sub", s.post(token), http.StatusOK, "")
	if !s.denied(t, alice) {
		t.Error("alice's token is not denied")
	}
	s.logged(t, token)
	token = s.logoutToken(members{"sid": "s-1"})
	check(t, "without sub", s.post(token), http.StatusBadRequest, malformedToken)
	if log := s.logged(t, token); !strings.Contains(log, "check=subject") || !strings.Contains(log, "IssuersWithoutSID") {
		t.Errorf("the log is %s", log)
	}
}

// A signed-out user gets 401 invalid_token at the API, and can sign in again.
func TestSignOutReachesTheAPI(t *testing.T) {
	s := newSite(t, nil)
	guard, err := bearer.New(bearer.Config{Verifiers: []bearer.Verifier{s.verifier}, DenyList: s.list})
	if err != nil {
		t.Fatal(err)
	}
	route := guard.MustRoute(bearer.RouteConfig{Rule: scope.None})
	call := func(token string) *httptest.ResponseRecorder {
		r, w := httptest.NewRequest("GET", "/", nil), httptest.NewRecorder()
		r.Header.Set("Authorization", "Bearer "+token)
		if _, ok := route.Admit(w, r); ok {
			w.WriteHeader(http.StatusNoContent)
		}
		return w
	}
	one := s.issuer.Mint(bearertest.Token{Claims: members{"sid": "s-1"}})
	two := s.issuer.Mint(bearertest.Token{Claims: members{"sid": "s-2"}})
	for _, token := range []string{one, two} {
		if w := call(token); w.Code != http.StatusNoContent {
			t.Fatalf("before: %d", w.Code)
		}
	}
	check(t, "sign-out", s.post(s.logoutToken(members{"sid": "s-1"})), http.StatusOK, "")
	w := call(one)
	if want := `Bearer realm="api", error="invalid_token", error_description="The access token is invalid."`; w.Code != 401 || w.Header().Get("Www-Authenticate") != want {
		t.Errorf("after: %d %q, want %q", w.Code, w.Header().Get("Www-Authenticate"), want)
	}
	if w := call(two); w.Code != http.StatusNoContent {
		t.Errorf("another session: %d", w.Code)
	}
}
