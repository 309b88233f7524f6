package bearer_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/scope"
)

// Reports G5, G6: a policy reads the parameters that the framework found. A
// name that occurs twice reaches no policy.
func TestAdmitPath(t *testing.T) {
	tests := []struct {
		name          string
		names, values []string
		status        int
		read          []string // r.PathValue("id"), r.PathValue("*")
	}{
		{"none", nil, nil, 200, []string{"", ""}},
		{"one", []string{"id"}, []string{"%61"}, 200, []string{"%61", ""}},
		{"several", []string{"a", "id", "*"}, []string{"1", "2", "3/4"}, 200, []string{"2", "3/4"}},
		{"one twice", []string{"id", "id"}, []string{"mallory", "alice"}, 500, nil},
		{"one twice, with the same value", []string{"id", "id"}, []string{"alice", "alice"}, 500, nil},
		{"one twice, apart", []string{"a", "b", "*", "c", "d", "a"}, []string{"1", "2", "3", "4", "5", "6"}, 500, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var log eventLog
			var read []string
			rt := newRoute(t, log.config(bearer.Config{}), bearer.RouteConfig{Rule: scope.All("orders:read"), Requirements: []bearer.Requirement{
				bearer.RequirementFunc(func(r *http.Request, _ *bearer.Principal) error {
					read = []string{r.PathValue("id"), r.PathValue("*")}
					return nil
				}),
			}})
			w, r := httptest.NewRecorder(), get("Bearer good")
			_, ok := rt.AdmitPath(w, r, tt.names, tt.values)
			if ok != (tt.status == 200) || w.Code != tt.status || !slices.Equal(read, tt.read) {
				t.Fatalf("admitted %v, %d, the policy reads %q", ok, w.Code, read)
			}
			if ok {
				return
			}
			want := http.Header{"Cache-Control": {"no-store"}, "Content-Type": {"application/json"}, "Content-Length": {"105"}}
			body := `{"status":500,"error_description":"The server cannot handle requests of this kind.","request_id":"id-1"}` + "\n"
			if w.Body.String() != body || len(w.Header()) != len(want) {
				t.Errorf("%v %s", w.Header(), w.Body)
			}
			for name := range want {
				if w.Header().Get(name) != want.Get(name) {
					t.Errorf("%s: %q, want %q", name, w.Header().Get(name), want.Get(name))
				}
			}
			record, event := log.only(t)
			if event.Code != bearer.CodeMisconfigured || event.Check != "path parameters" || event.Got != `"`+tt.names[0]+`" twice` ||
				event.TokenHash != "" || event.Subject != "" || record["level"] != "ERROR" {
				t.Errorf("event %+v, record %v", event, record)
			}
		})
	}
}

func TestCheckPath(t *testing.T) {
	tests := map[string]string{ // the name that occurs twice
		"/": "", "": "", "/users/:id": "", "/users/:id/friends/:friend": "", "/files/*": "", "/files/*path": "", "/:a/:b/*": "",
		`/v1\:id/:id`: "", `/v1\:id/:x/y\:id`: "", "/a:id/b:other": "",
		"/users/:id/friends/:id": "id", "/:a/:b/:c/:b": "b", "/:path/*path": "path", "/v:id/x/:id/y": "id", "/a/*/b/*": "*",
	}
	for path, name := range tests {
		err := bearer.CheckPath("GET", path)
		if (err != nil) != (name != "") || err != nil && (!strings.Contains(err.Error(), `"`+name+`" twice`) || !strings.Contains(err.Error(), "GET "+path)) {
			t.Errorf("%s: %v, want %q", path, err, name)
		}
	}
}
