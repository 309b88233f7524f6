package bearer_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/scope"
)

type denyList func(*bearer.Principal) (bool, error)

func (d denyList) Denied(_ context.Context, p *bearer.Principal) (bool, error) { return d(p) }

const (
	invalidToken = `Bearer realm="api", error="invalid_token", error_description="The access token is invalid."`
	secretCause  = "dial tcp 10.0.0.7"
)

// A client that has gone is no reason to refuse, if the deny list answers.
func TestDenyListAfterTheClientHasGone(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, denied := range []bool{false, true} {
		rt := newRoute(t, bearer.Config{DenyList: denyList(func(*bearer.Principal) (bool, error) { return denied, nil })}, bearer.RouteConfig{})
		d := rt.Decide(get("Bearer good").WithContext(ctx))
		if e, ok := errors.AsType[*bearer.Error](d.Err()); d.Allowed() == denied || denied && (!ok || e.Code != bearer.CodeInvalidToken) {
			t.Errorf("denied %t: %v", denied, d.Err())
		}
	}
}

// RFC 6750, Section 3.1: invalid_token means "expired, revoked, malformed, or
// invalid for other reasons". C7: a deny list that is out of reach is answered
// 503.
func TestDenyList(t *testing.T) {
	tests := []struct {
		name       string
		denied     bool
		err        error
		status     int
		challenge  string
		retryAfter string
		code       bearer.Code
	}{
		{name: "not denied", status: 200},
		{name: "denied", denied: true, status: 401, challenge: invalidToken, code: bearer.CodeInvalidToken},
		{name: "an error", err: errors.New(secretCause), status: 503, retryAfter: "5", code: bearer.CodeUnavailable},
		{name: "an error, and denied", denied: true, err: errors.New(secretCause), status: 503, retryAfter: "5", code: bearer.CodeUnavailable},
		{name: "an outage with a time", err: bearer.Unavailable(errors.New(secretCause), 1500*time.Millisecond), status: 503, retryAfter: "2", code: bearer.CodeUnavailable},
		{name: "an error that says invalid", err: bearer.Invalid("session", "a live one", secretCause), status: 401, challenge: invalidToken, code: bearer.CodeInvalidToken},
		{name: "an error that no list may give", err: bearer.Forbid(secretCause), status: 503, retryAfter: "5", code: bearer.CodeUnavailable},
		{name: "a nil *Error in an error", err: (*bearer.Error)(nil), status: 503, retryAfter: "5", code: bearer.CodeUnavailable},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var log eventLog
			asked := 0
			rt := newRoute(t, log.config(bearer.Config{DenyList: denyList(func(p *bearer.Principal) (bool, error) {
				asked++
				if p.Issuer != alice.Issuer || p.TokenID != alice.TokenID || p.Subject != "alice" || p.ClientID != "shop" {
					t.Errorf("asked about %+v", p)
				}
				return tt.denied, tt.err
			})}), bearer.RouteConfig{Rule: scope.All("orders:read")})
			got := serve(rt, get("Bearer good"))
			challenge := tt.challenge
			if challenge != "" {
				challenge += `, scope="orders:read"`
			}
			if got.status != tt.status || got.challenge() != challenge || got.header.Get("Retry-After") != tt.retryAfter || asked != 1 {
				t.Errorf("%d %v, asked %d times; want %d %q", got.status, got.header, asked, tt.status, challenge)
			}
			if strings.Contains(got.body+fmt.Sprint(got.header), secretCause) {
				t.Errorf("the client reads %s", secretCause)
			}
			if tt.status != 200 {
				if _, event := log.only(t); event.Check != "deny list" || event.Code != tt.code || event.Subject != "alice" {
					t.Errorf("event %+v", event)
				}
			}
			// The deny list is not asked about a bad token.
			asked = 0
			for _, token := range []string{"expired", "forged", "down", "unknown"} {
				serve(rt, get("Bearer "+token))
			}
			if serve(rt, get()); asked != 0 {
				t.Error("asked about a token that no verifier accepts")
			}
		})
	}
}

// A deny list that fails because the client disconnected is not an outage.
func TestDenyListAfterTheClientDisconnected(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	rt := newRoute(t, bearer.Config{DenyList: denyList(func(*bearer.Principal) (bool, error) {
		cancel()
		return false, ctx.Err()
	})}, bearer.RouteConfig{})
	var e *bearer.Error
	if err := rt.Decide(get("Bearer good").WithContext(ctx)).Err(); !errors.As(err, &e) || e.Code != bearer.CodeCanceled {
		t.Errorf("got %v, want %s", err, bearer.CodeCanceled)
	}
}

// The deny list comes before the binding.
func TestDenyListIsAskedBeforeTheProof(t *testing.T) {
	checker := &proofs{}
	rt := newRoute(t, bearer.Config{
		Verifiers: []bearer.Verifier{boundVerifier}, Proofs: checker,
		DenyList: denyList(func(*bearer.Principal) (bool, error) { return true, nil }),
	}, bearer.RouteConfig{})
	got := serve(rt, get("DPoP key"))
	want := `Bearer realm="api"` + "\n" +
		`DPoP realm="api", error="invalid_token", error_description="The access token is invalid.", algs="ES256 EdDSA"`
	if got.status != 401 || got.challenge() != want || checker.asked != 0 {
		t.Errorf("%d %q, %d proofs checked", got.status, got.challenge(), checker.asked)
	}
}
