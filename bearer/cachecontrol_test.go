package bearer_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/scope"
)

// RFC 6750, Section 2.3, and RFC 9111, Section 5.2.2: what outer middleware has
// set never lets a shared cache store the response, and never becomes weaker.
func TestCacheControlOfOuterMiddleware(t *testing.T) {
	rt := newGuard(t, fromSources(bearer.FromAuthorization(), bearer.FromCookie(hostCookie))).MustRoute(bearer.RouteConfig{Rule: scope.None})
	for _, tt := range []struct{ set, want []string }{
		{nil, []string{"private"}},
		{[]string{"public, max-age=60"}, []string{"private"}},
		{[]string{"max-age=60", "s-maxage=60"}, []string{"private"}},
		{[]string{"No-Store"}, []string{"No-Store"}},
		{[]string{"max-age=0", "no-cache,no-store"}, []string{"max-age=0", "no-cache,no-store"}},
		{[]string{"private, max-age=60"}, []string{"private, max-age=60"}},
		{[]string{"private, public"}, []string{"private"}},
		{[]string{"no-cache"}, []string{"private, no-cache"}},
		{[]string{"public, No-Cache"}, []string{"private, no-cache"}},
		{[]string{`private="Set-Cookie"`}, []string{"private"}},
		{[]string{`foo="no-store-at-all"`}, []string{"private"}},
	} {
		for _, token := range [][]string{{"Cookie", "__Host-token=good"}, {"Authorization", "Bearer good"}} {
			w := httptest.NewRecorder()
			w.Header()["Cache-Control"] = slices.Clone(tt.set)
			want := tt.want
			if token[0] == "Authorization" { // caches know
				want = tt.set
			}
			if _, ok := rt.Admit(w, requestWith(http.MethodGet, token...)); !ok || !slices.Equal(w.Header()["Cache-Control"], want) {
				t.Errorf("%q with %s: %v, Cache-Control %q, want %q", tt.set, token[0], ok, w.Header()["Cache-Control"], want)
			}
		}
	}
}
