package introspect_test

import (
	"encoding/base64"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bearerkit/bearerkit/introspect"
)

// RFC 7515, Section 7.1: a token with two dots or more whose first segment is a JSON
// object may be a JWT of another server, and is not sent. RFC 7516, Section 7.1: one
// with four dots is encrypted, and opaque.
func TestWhatLooksLikeAJWT(t *testing.T) {
	encode := base64.RawURLEncoding.EncodeToString
	header := encode([]byte(`{"alg":"none"}`))
	for token, sent := range map[string]bool{
		"opaque": true, header: true, header + ".a": true, "a.b.c": true, "..": true, encode([]byte(`["a"]`)) + ".a.b": true,
		header + ".a.b": false, header + "..": false, header + ".a.b.c": false, header + ".a.b.c.d": true, header + ".a.b.c.d.e": false,
		encode([]byte(" \t\r\n{}")) + ".a.b": false, encode([]byte("\v{}")) + ".a.b": true,
		encode([]byte(`{"alg":"none"}`)) + "!.a.b": true,
	} {
		var asked atomic.Int32
		v := scripted(t, nil, func(string) behaviour { asked.Add(1); return inactive })
		if _, err := v.Verify(t.Context(), token); codeOf(err) != "unrecognized" || asked.Load() > 0 != sent {
			t.Errorf("%q: %d requests, want one: %t (%v)", token, asked.Load(), sent, err)
		}
	}
}

// bearer.New reports a nil verifier.
func TestNilTakesNoJWTs(t *testing.T) {
	if v := (*introspect.Verifier)(nil).TakingJWTs(); v != nil {
		t.Errorf("%v, want nil", v)
	}
}

// A renewal that failed pauses the renewals of its token, as any failure does.
func TestFailedRenewalsPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var failing atomic.Bool
		var asked atomic.Int32
		v := scripted(t, func(c *introspect.Config) { c.MaxAge = 10 * time.Second }, func(token string) behaviour {
			if token != "hot-1" {
				return inactive
			}
			if asked.Add(1); failing.Load() {
				return broken
			}
			return active
		})
		_, _ = v.Verify(t.Context(), "hot-1")
		failing.Store(true)
		for start := time.Now(); time.Since(start) < 9900*time.Millisecond; elapse(10 * time.Millisecond) {
			if _, err := v.Verify(t.Context(), "hot-1"); err != nil {
				t.Fatal(err)
			}
		}
		// A renewal is due after 7.5 s, and then once a second. The first fails.
		if n := asked.Load() - 1; n != 1 {
			t.Errorf("%d renewals, want 1", n)
		}
		v.Close()
	})
}

// A client is told to retry in a minute at most.
func TestRetryAfterIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for given, want := range map[string]string{"59": "59", "60": "60", "61": "60", "3600": "60", "1": "2"} {
			v := scripted(t, nil, func(token string) behaviour {
				if isProbe(token) {
					return inactive
				}
				return behaviour{"", answers(503, http.Header{"Retry-After": {given}}, "")}
			})
			if r := get(guarded(t, v), "t-1"); r.Header().Get("Retry-After") != want {
				t.Errorf("Retry-After %s: the client gets %q, want %s", given, r.Header().Get("Retry-After"), want)
			}
			v.Close()
		}
	})
}
