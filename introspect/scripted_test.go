package introspect_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/bearerkit/bearerkit/introspect"
)

const activeBody = `{"active":true,"aud":"` + audience + `"}`

// scripted returns a verifier whose endpoint answers by a function of the token.
func scripted(t testing.TB, change func(*introspect.Config), answer func(token string) behaviour) *introspect.Verifier {
	t.Helper()
	return asking(t, nil, func(c *introspect.Config) {
		c.Client = &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
			if err := r.ParseForm(); err != nil {
				return nil, err
			}
			return answer(r.PostForm.Get("token")).do(r)
		})}
		if change != nil {
			change(c)
		}
	})
}

var (
	active   = behaviour{"active", answers(200, nil, activeBody)}
	inactive = behaviour{"inactive", answers(200, nil, `{"active":false}`)}
	broken   = behaviour{"500", answers(500, nil, "")}
	never    = behaviour{"never", hangs}
)

// isProbe reports whether a token is that of a probe. Those of the tests have a
// hyphen.
func isProbe(token string) bool { return !strings.Contains(token, "-") }
