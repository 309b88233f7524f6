package jwks_test

import (
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/bearerkit/bearerkit/bearer/bearertest"
	"github.com/bearerkit/bearerkit/jwks"
)

// Reports V7: at a cold start the issuer limits requests for its keys. The
// verifier asks it once per minute, whatever tokens arrive, and clients learn
// how long to wait.
func TestRetryAfterAtAColdStart(t *testing.T) {
	inFaultyBubble(t, func(issuer *bearertest.Issuer) {
		issuer.SetFault(bearertest.JWKS, bearertest.Fault{Status: 429, Header: http.Header{"Retry-After": {"60"}}})
	}, func(t *testing.T, issuer *bearertest.Issuer, v *jwks.Verifier) {
		h, token := guarded(t, v), issuer.Mint(bearertest.Token{Scope: "orders:read"})
		start := time.Now()
		for range 60 {
			elapse(500 * time.Millisecond)
			w := get(h, token)
			wait, err := strconv.Atoi(w.Header().Get("Retry-After"))
			left := 60 - int(time.Since(start).Seconds())
			if w.Code != http.StatusServiceUnavailable || err != nil || wait < left-1 || wait > left+9 || w.Header().Get("WWW-Authenticate") != "" {
				t.Fatalf("%d, Retry-After %q with %d s left, %v", w.Code, w.Header().Get("Retry-After"), left, w.Header())
			}
		}
		metadata := issuer.Requests(bearertest.OAuthMetadata) + issuer.Requests(bearertest.OIDCMetadata)
		if keys := issuer.Requests(bearertest.JWKS); keys != 1 || metadata != 1 {
			t.Errorf("%d requests for keys and %d for metadata in 30 s; want 1 and 1", keys, metadata)
		}
		issuer.SetFault(bearertest.JWKS, bearertest.Fault{})
		elapse(38 * time.Second)
		if w := get(h, token); w.Code != http.StatusOK {
			t.Errorf("after the minute: %d", w.Code)
		}
	})
}
