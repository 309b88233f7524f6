package bearer_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/bearerkit/bearerkit/bearer"
)

// Checklist part 2.8: a refusal removes the token, also if no check has read it.
func TestWebSocketTokenInEveryRefusal(t *testing.T) {
	var log eventLog
	c := log.config(fromSources(bearer.FromWebSocketProtocol("t.")))
	var seen []string
	c.OnRefusal = func(r *http.Request, _ bearer.Event) { seen = append(seen, r.Header[offered]...) }
	c.ErrorBody = func(r *http.Request, _ bearer.PublicError) (string, []byte) {
		seen = append(seen, r.Header[offered]...)
		return "", nil
	}
	guard := newGuard(t, c)
	rt, routes := newRoute(t, c, bearer.RouteConfig{}), bearer.NewRoutes(guard)
	for name, refuse := range map[string]func(http.ResponseWriter, *http.Request) bool{
		"two parameters of one name": func(w http.ResponseWriter, r *http.Request) bool {
			_, ok := rt.AdmitPath(w, r, []string{"id", "id"}, []string{"a", "b"})
			return !ok
		},
		"a route without a rule": func(w http.ResponseWriter, r *http.Request) bool {
			return routes.Refuse(w, r, "GET", "/chat")
		},
		"Authenticate": func(w http.ResponseWriter, r *http.Request) bool {
			_, _, ok := rt.Authenticate(w, r)
			return !ok
		},
	} {
		seen = nil
		r := handshake("chat.v1, t.forged")
		if !refuse(httptest.NewRecorder(), r) || len(seen) != 2 || r.Header.Get(offered) != "chat.v1" {
			t.Errorf("%s: the hooks see %q, and %q is left", name, seen, r.Header[offered])
		}
		if text := strings.Join(seen, " ") + log.buf.String(); strings.Contains(text, "forged") {
			t.Errorf("%s: a hook or the log sees the token: %s", name, text)
		}
	}
}
