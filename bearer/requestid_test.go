package bearer_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/bearerkit/bearerkit/bearer"
)

func TestRequestIDs(t *testing.T) {
	long := strings.Repeat("a", 128)
	for _, id := range []string{"a", "0af7651916cd43dd8448eb211c80319c", "A-._~:/+=@9", long} {
		rt := newRoute(t, bearer.Config{RequestID: func(*http.Request) string { return id }}, bearer.RouteConfig{})
		if got := serve(rt, get()).body; !strings.Contains(got, `"request_id":"`+id+`"}`) {
			t.Errorf("id %q: body %s", id, got)
		}
	}
	// An ID may come from a header field of the request, so it may be any text.
	for _, id := range []string{"", long + "a", `a"b`, `a\b`, "a b", "a\nb", "é", "a\x00", "<script>", "a,b"} {
		rt := newRoute(t, bearer.Config{RequestID: func(*http.Request) string { return id }}, bearer.RouteConfig{})
		first, second := serve(rt, get()).body, serve(rt, get()).body
		if id != "" && strings.Contains(first, id) || first == second {
			t.Errorf("id %q: bodies %s, %s; want random ids", id, first, second)
		}
		if _, random, _ := strings.Cut(first, `"request_id":"`); len(random) != len(`"}`+"\n")+128/4 {
			t.Errorf("id %q: body %s; want an id of 128 bits", id, first)
		}
	}
}
