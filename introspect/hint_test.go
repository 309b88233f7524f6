package introspect_test

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/introspect"
)

// Each refusal of a token says what an operator can do.
func TestHintsOfRefusals(t *testing.T) {
	for _, tt := range []struct{ check, token, members, want string }{
		{"form", "eyJhbGciOiJub25lIn0.e30.", "", "JWTs need a jwks.Verifier"},
		{"form", "junk", "", "Config.Accept says what opaque tokens look like"},
		{"active", "t-1", `"active":false`, "the token has expired, was revoked, or is another issuer's"},
		{"iss", "t-1", `"active":true,"iss":"https://other.example.com"`, "set Config.Issuer to the iss"},
		{"aud", "t-1", `"active":true,"aud":"other"`, "configure the issuer to put this API into the token's audience"},
		{"token_type", "t-1", `"active":true,"token_type":"refresh_token"`, "the client must send its access token"},
		{"token_use", "t-1", `"active":true,"token_use":"id"`, "the client must send its access token"},
		{"cnf", "t-1", `"active":true,"token_type":"DPoP"`, "the issuer must send cnf.jkt"},
		{"exp", "t-1", `"active":true,"aud":"` + audience + `","exp":1`, "the client must get a new token"},
		{"iat", "t-1", `"active":true,"aud":"` + audience + `","iat":9999999999`, "compare this machine's clock"},
		{"nbf", "t-1", `"active":true,"aud":"` + audience + `","nbf":9999999999`, "compare this machine's clock"},
	} {
		v := scripted(t, func(c *introspect.Config) {
			c.Accept = func(token string) bool { return token != "junk" }
		}, func(string) behaviour { return behaviour{"", answers(200, nil, "{"+tt.members+"}")} })
		_, err := v.Verify(t.Context(), tt.token)
		e, ok := errors.AsType[*bearer.Error](err)
		if !ok || e.Check != tt.check || !strings.Contains(e.Hint, tt.want) {
			t.Errorf("%s: %+v, want the check %s and the hint %q", tt.members, err, tt.check, tt.want)
		}
	}
}

// Each failure of the endpoint says what an operator can do.
func TestHintsOfFailures(t *testing.T) {
	document := func(body string) behaviour { return behaviour{"", answers(200, nil, body)} }
	status := func(status int, body string) behaviour { return behaviour{"", answers(status, nil, body)} }
	for _, tt := range []struct {
		name       string
		endpoint   behaviour
		discovered bool
		want       string
	}{
		{"a malformed member", document(`{"active":true,"exp":"1"}`), false, "this member of the issuer's answer is malformed"},
		{"not JSON", document("<!doctype html>"), false, "check that the URL is the issuer's introspection endpoint"},
		{"401", status(401, ""), false, "the endpoint rejects our credentials"},
		{"403", status(403, ""), false, "the endpoint rejects our credentials"},
		{"invalid_client", status(400, `{"error":"invalid_client"}`), false, "the endpoint rejects our credentials"},
		{"a reset", behaviour{"", resets}, false, "check that the endpoint can be reached from here"},
		{"429", status(429, ""), false, "the endpoint limits our rate"},
		{"400", status(400, ""), false, "check that the URL is the issuer's introspection endpoint, and why the endpoint rejects the request"},
		{"404", status(404, ""), false, "check the issuer's health, and that the URL is its introspection endpoint"},
		{"500", status(500, ""), false, "check the issuer's health, and that the URL is its introspection endpoint"},
		{"metadata by 404", status(404, ""), true, "check the spelling of the issuer's URL, or configure Config.Endpoint"},
		{"metadata by 499", status(499, ""), true, "check the spelling of the issuer's URL, or configure Config.Endpoint"},
		{"metadata by 500", status(500, ""), true, "check the issuer's health, and that the URL is its introspection endpoint"},
		{"metadata by 429", status(429, ""), true, "the endpoint limits our rate"},
		{"metadata that is not JSON", document("<!doctype html>"), true, "check the spelling of the issuer's URL, or configure Config.Endpoint"},
		{"metadata after a reset", behaviour{"", resets}, true, "check that the endpoint can be reached from here"},
	} {
		synctest.Test(t, func(t *testing.T) {
			v := scripted(t, func(c *introspect.Config) {
				if tt.discovered {
					c.Endpoint = ""
				}
			}, func(string) behaviour { return tt.endpoint })
			if got := hintOf(t, v, "t-1"); !strings.HasPrefix(got, tt.want) || strings.Contains(got, "and why") != strings.Contains(tt.want, "and why") {
				t.Errorf("%s: the hint is %q, want %q", tt.name, got, tt.want)
			}
			v.Close()
		})
	}
}

func hintOf(t *testing.T, v *introspect.Verifier, token string) string {
	t.Helper()
	_, err := v.Verify(t.Context(), token)
	e, ok := errors.AsType[*bearer.Error](err)
	if !ok || e.Code != bearer.CodeUnavailable || e.Check != "introspection" {
		t.Fatalf("%s: %v, want it to be unavailable", token, err)
	}
	return e.Hint
}

// The hint says when requests are paused, too many or overtaken.
func TestHintsOfRequestsNotSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := scripted(t, nil, func(string) behaviour { return broken })
		hintOf(t, v, "t-1")
		elapse(time.Second / 2)
		if got := hintOf(t, v, "t-2"); got != `see the log record "cannot introspect tokens" for the reason` {
			t.Errorf("an open circuit: %q", got)
		}
		v.Close()

		v = scripted(t, func(c *introspect.Config) { c.MaxConcurrent = 1 }, func(token string) behaviour {
			if token == "slow-1" {
				return never
			}
			return active
		})
		var wg sync.WaitGroup
		wg.Go(func() {
			if got := hintOf(t, v, "slow-1"); !strings.HasPrefix(got, "the endpoint does not answer about this token, but does about others") {
				t.Errorf("overtaken: %q", got)
			}
		})
		synctest.Wait()
		if got := hintOf(t, v, "t-1"); got != "raise Config.MaxConcurrent, or set Config.Accept and bearer.FailureLimit against junk" {
			t.Errorf("too many requests: %q", got)
		}
		// Once another question was answered, the slot is taken from the slow one.
		elapse(2 * time.Second)
		_, _ = v.Verify(t.Context(), "t-3")
		wg.Wait()
		v.Close()
	})
}
