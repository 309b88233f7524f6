package jwks_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/bearer/bearertest"
	"github.com/bearerkit/bearerkit/jwks"
)

var logoutEvents = map[string]any{"http://schemas.openid.net/event/backchannel-logout": map[string]any{}}

// eventToken returns a logout token with other members of header and claims.
func eventToken(header, claims map[string]any) bearertest.Token {
	t := bearertest.Token{
		Audience: []string{"shop"}, TTL: 2 * time.Minute,
		Header: map[string]any{"typ": "logout+jwt"},
		Claims: map[string]any{"events": logoutEvents, "sid": "s-1", "client_id": nil},
	}
	maps.Copy(t.Header, header)
	maps.Copy(t.Claims, claims)
	return t
}

type members = map[string]any

// SE1, SE2, RFC 8417, Section 2.2; BCL1, BCL2, OpenID Connect Back-Channel Logout,
// Section 2.6: what counts as an event, and what does not.
func TestVerifyEvent(t *testing.T) {
	issuer := newIssuer(t, bearertest.IssuerConfig{})
	v := trusting(t, issuer, nil)
	now := time.Now()
	tests := []struct {
		name           string
		header, claims members
		check          string // empty: accepted
	}{
		{"a logout token", nil, nil, ""},
		{"a logout token by media type", members{"typ": "application/Logout+JWT"}, nil, ""},
		{"a security event token", members{"typ": "secevent+jwt"}, members{"exp": nil, "toe": 1}, ""},
		{"an untyped logout token", members{"typ": nil}, nil, ""},
		{"a logout token of type JWT", members{"typ": "JWT"}, nil, ""},
		{"an iat within the leeway", nil, members{"iat": now.Add(3 * time.Second).Unix()}, ""},
		{"an access token with events", members{"typ": "at+jwt"}, nil, "typ"},
		{"an ID token's type", members{"typ": "id+jwt"}, nil, "typ"},
		{"a DPoP proof's type", members{"typ": "dpop+jwt"}, nil, "typ"},
		{"an introspection response", members{"typ": "token-introspection+jwt"}, nil, "typ"},
		{"a JWT without events", members{"typ": "JWT"}, members{"events": nil}, "kind"},
		{"a logout token without events", nil, members{"events": nil}, "kind"},
		{"events is an array", nil, members{"events": []string{"http://schemas.openid.net/event/backchannel-logout"}}, "kind"},
		{"events is a string", nil, members{"events": "x"}, "kind"},
		{"events is true", nil, members{"events": true}, "kind"},
		{"no iat", nil, members{"iat": nil}, "claims"},
		{"iat is a string", nil, members{"iat": "1"}, "iat"},
		{"an iat in the future", nil, members{"iat": now.Add(time.Minute).Unix()}, "iat"},
		{"an nbf in the future", nil, members{"nbf": now.Add(time.Minute).Unix()}, "nbf"},
		{"expired", nil, members{"exp": now.Add(-time.Minute).Unix()}, "exp"},
		{"exp is a string", nil, members{"exp": "4000000000"}, "exp"},
		{"no jti", nil, members{"jti": nil}, "claims"},
		{"an empty jti", nil, members{"jti": ""}, "claims"},
		{"jti is a number", nil, members{"jti": 7}, "claims"},
		{"aud is a number", nil, members{"aud": 7}, "aud"},
		{"iss is an array", nil, members{"iss": []string{issuer.URL()}}, "claims"},
		{"another issuer", nil, members{"iss": "https://other.example.com"}, "iss"},
		{"an unknown key", members{"kid": "other"}, nil, "kid"},
	}
	for _, tt := range tests {
		token := issuer.Mint(eventToken(tt.header, tt.claims))
		event, err := v.VerifyEvent(t.Context(), token)
		if tt.check == "" {
			if err != nil || event.Issuer != issuer.URL() || event.TokenID == "" || event.IssuedAt.IsZero() || !slices.Equal(event.Audience, []string{"shop"}) ||
				!strings.Contains(event.Claims, `"sid":"s-1"`) {
				t.Errorf("%s: %+v, %v", tt.name, event, err)
			}
			// It is no access token.
			if p, err := v.Verify(t.Context(), token); err == nil {
				t.Errorf("%s is an access token: %v", tt.name, p)
			}
			continue
		}
		refused, ok := errors.AsType[*bearer.Error](err)
		if !ok || event != nil || refused.Check != tt.check || refused.Hint == "" || refused.Code == bearer.CodeUnavailable {
			t.Errorf("%s: %v, %+v; want a refusal by %s with a hint", tt.name, event, err, tt.check)
		}
		if ok && strings.Contains(refused.Hint, "delivered late") != (tt.name == "expired") {
			t.Errorf("%s: the hint is %s", tt.name, refused.Hint)
		}
		if ok && strings.Contains(fmt.Sprintf("%#v", *refused), token[strings.LastIndexByte(token, '.')+1:]) {
			t.Errorf("%s: the refusal has the signature", tt.name)
		}
	}
	good := issuer.Mint(eventToken(nil, nil))
	dot := strings.LastIndexByte(good, '.')
	for text, check := range map[string]string{
		"": "form", "opaque": "form", "a.b.c": "form", "eyJ.eyJ.x": "form", strings.Repeat(".", 1000): "form",
		good[:dot-1] + good[dot:]: "payload", good + "!": "signature",
	} {
		event, err := v.VerifyEvent(t.Context(), text)
		e := refusedWith(err)
		if event != nil || e == nil || e.Check != check || errors.Is(err, bearer.ErrUnrecognized) != (check == "form") {
			t.Errorf("%q: %+v, %v; want a refusal by %s", text, event, err, check)
		}
	}
}

// rulesOfAccessTokens are the rules of hostile access tokens that events need not
// obey, with the reason.
var rulesOfAccessTokens = map[string]string{
	"RFC 9068, Section 4: typ is at+jwt":                   "events have types of their own",
	"RFC 9068, Section 4: aud contains the API":            "the receiver checks aud",
	"RFC 7519, Section 4.1.4: exp is in the future":        "an event needs no exp (RFC 8417, Section 2.2); TestVerifyEvent has those that expired",
	"RFC 9068, Section 2.2: required":                      "an event has no client_id; TestVerifyEvent has iat and jti",
	"RFC 9449, Section 7.2: a bound token needs its proof": "nobody presents an event as a credential",
	"RFC 7519, Section 4: names are case-sensitive":        "it has the claims of an event in lower case, too",
	"tokens are bounded":                                   "the receiver bounds the body",
}

// Part 2.1 to 2.4: each hostile access token is refused, and so is a logout token
// with the same fault.
func TestVerifyEventRefusesHostileTokens(t *testing.T) {
	issuer := newIssuer(t, bearertest.IssuerConfig{})
	v := trusting(t, issuer, nil)
	const event = "the issuer's " + string(bearertest.LogoutToken)
	for _, hostile := range issuer.Hostile(bearertest.Token{}) {
		if hostile.Name == event {
			continue
		}
		if event, err := v.VerifyEvent(t.Context(), hostile.Token); err == nil {
			t.Errorf("access token, %s: %+v", hostile.Name, event)
		}
	}
	tried := 0
	for _, hostile := range issuer.Hostile(eventToken(nil, nil)) {
		if rulesOfAccessTokens[hostile.Rule] != "" || hostile.Name == event {
			continue
		}
		tried++
		if _, err := v.VerifyEvent(t.Context(), hostile.Token); err == nil {
			t.Errorf("%s (%s) is accepted", hostile.Name, hostile.Rule)
		}
	}
	if tried < 60 {
		t.Errorf("only %d tokens were tried", tried)
	}
}

// J1, SE2: an event obeys the issuer's settings of algorithms and key IDs, as an
// access token does, and a refusal names the key that the event claims.
func TestVerifyEventChoosesKeysAsForTokens(t *testing.T) {
	issuer := newIssuer(t, bearertest.IssuerConfig{})
	event := func(algorithm string, header members) string {
		token := eventToken(header, nil)
		token.Algorithm = algorithm
		return issuer.Mint(token)
	}
	for _, tt := range []struct {
		name   string
		change func(*jwks.Issuer)
		token  string
		check  string // empty: accepted
	}{
		{"every algorithm", nil, event("RS256", nil), ""},
		{"an algorithm that is configured", func(i *jwks.Issuer) { i.Algorithms = []string{"ES256"} }, event("ES256", nil), ""},
		{"an algorithm that is not configured", func(i *jwks.Issuer) { i.Algorithms = []string{"ES256"} }, event("RS256", nil), "alg"},
		{"no kid", nil, event("RS256", members{"kid": nil}), ""},
		{"no kid, and it is required", func(i *jwks.Issuer) { i.RequireKeyID = true }, event("RS256", members{"kid": nil}), "kid"},
	} {
		v := trusting(t, issuer, tt.change)
		_, err := v.VerifyEvent(t.Context(), tt.token)
		e, refused := errors.AsType[*bearer.Error](err)
		if refused != (tt.check != "") || refused && e.Check != tt.check {
			t.Errorf("%s: %v, want a refusal by %q", tt.name, err, tt.check)
		}
	}
	v := trusting(t, issuer, nil)
	for _, verify := range []func(string) error{
		func(token string) error { _, err := v.VerifyEvent(t.Context(), token); return err },
		func(token string) error { _, err := v.Verify(t.Context(), token); return err },
	} {
		for _, kid := range []any{"some key", nil} {
			err := verify(event("ES256", members{"typ": "other", "kid": kid}))
			want, _ := kid.(string)
			if e, ok := errors.AsType[*bearer.Error](err); !ok || e.ClaimedKeyID != want || e.ClaimedIssuer != issuer.URL() {
				t.Errorf("kid %v: %+v", kid, e)
			}
		}
	}
}

// An event that waits for keys while the configuration changes is judged by the new
// one.
func TestVerifyEventWhileReconfiguring(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFarm()
		v := newVerifier(t, jwks.Config{Client: f.client, Issuers: f.issuers("stays", "goes")})
		if _, err := v.VerifyEvent(t.Context(), f.event("goes", "1")); err != nil {
			t.Fatal(err)
		}
		f.setHang(true)
		v = newVerifier(t, jwks.Config{Client: f.client, Issuers: f.issuers("stays", "goes")})
		answers := map[string]chan error{"stays": make(chan error, 1), "goes": make(chan error, 1)}
		for name, answer := range answers {
			go func() {
				_, err := v.VerifyEvent(context.Background(), f.event(name, "1"))
				answer <- err
			}()
		}
		synctest.Wait()
		f.setHang(false)
		next := jwks.Config{Client: &http.Client{Transport: f}, Issuers: f.issuers("stays")}
		reconfigure(t, v, next)
		if err := <-answers["goes"]; !errors.Is(err, bearer.ErrUnrecognized) {
			t.Errorf("%v, want unrecognized", err)
		}
		if err := <-answers["stays"]; err != nil {
			t.Error(err)
		}
	})
}

// C7, C16: while the issuer's keys are out of reach, nobody can tell: an event is
// neither good nor bad.
func TestVerifyEventWithoutKeys(t *testing.T) {
	issuer := newIssuer(t, bearertest.IssuerConfig{})
	token := issuer.Mint(eventToken(nil, nil))
	issuer.Stop()
	v := trusting(t, issuer, nil)
	event, err := v.VerifyEvent(t.Context(), token)
	if refused, ok := errors.AsType[*bearer.Error](err); !ok || refused.Code != bearer.CodeUnavailable || event != nil {
		t.Errorf("%+v, %v; want that nobody can tell", event, err)
	}
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := v.VerifyEvent(canceled, token); err == nil {
		t.Error("accepted without keys")
	}
}

// Events are verified anew each time, share no state with access tokens, and may
// be verified concurrently.
func TestVerifyEventConcurrently(t *testing.T) {
	issuer := newIssuer(t, bearertest.IssuerConfig{})
	v, _ := caching(t, issuer, nil)
	access := issuer.Mint(bearertest.Token{})
	events := make([]string, 8)
	for n := range events {
		events[n] = issuer.Mint(eventToken(nil, members{"jti": fmt.Sprint(n)}))
	}
	var wait sync.WaitGroup
	for n, token := range events {
		wait.Go(func() {
			for range 20 {
				if event, err := v.VerifyEvent(t.Context(), token); err != nil || event.TokenID != fmt.Sprint(n) {
					t.Errorf("%v, %v", event, err)
				}
				if p, err := v.Verify(t.Context(), access); err != nil || p.Subject != "alice" {
					t.Errorf("%v, %v", p, err)
				}
			}
		})
	}
	wait.Wait()
	if n := v.Stats().Signatures; n < 161 {
		t.Errorf("%d signature checks, want one for each event", n)
	}
	if n := v.Stats().Cache.Entries; n != 1 {
		t.Errorf("%d tokens are cached, want the access token", n)
	}
}

var _ interface {
	VerifyEvent(context.Context, string) (*bearer.SecurityEvent, error)
} = (*jwks.Verifier)(nil)
