package interop_test

import (
	"net/http"
	"testing"
	"time"
)

// altered returns the token with another character in its last part, which is the
// signature of a JWT.
func altered(token string) string {
	b := []byte(token)
	i := len(b) - 8
	if b[i] == 'A' {
		b[i] = 'B'
	} else {
		b[i] = 'A'
	}
	return string(b)
}

// expires waits until the API refuses a token that lives for two seconds, and
// requires 401.
func (a *api) expires(t *testing.T, token string) {
	t.Helper()
	var got answer
	eventually(t, 5*time.Second, "the token is refused", func() bool {
		got = a.get(t, "/orders", token)
		return got.status != http.StatusOK
	})
	if got.status != http.StatusUnauthorized {
		t.Errorf("%d, check %q; want 401", got.status, got.event.Check)
	}
}
