package bearer_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/scope"
)

// envelope is the error format of an imaginary company.
func envelope(r *http.Request, e bearer.PublicError) (string, []byte) {
	body, err := json.Marshal(map[string]any{
		"path": r.URL.Path, "status": e.Status, "code": e.Code, "message": e.Text,
		"scope": e.Scope.String(), "trace": e.RequestID, "retry": e.RetryAfter,
	})
	if err != nil {
		return "", nil
	}
	return "application/vnd.example+json", body
}

// The hook writes the body. Status, challenges and all other header fields stay
// those of the guard.
func TestErrorBodyReplacesTheBodyAlone(t *testing.T) {
	tests := []struct {
		name          string
		authorization string
		method        string
		requirement   bearer.Requirement
		want          string
	}{
		{"no token", "", "GET", nil,
			`{"code":"","message":"The request carries no access token.","path":"/orders","retry":0,"scope":"","status":401,"trace":"id-1"}`},
		{"an expired token", "Bearer expired", "GET", nil,
			`{"code":"invalid_token","message":"The access token has expired.","path":"/orders","retry":0,"scope":"","status":401,"trace":"id-1"}`},
		{"too little scope", "Bearer good", "GET", nil,
			`{"code":"insufficient_scope","message":"The access token lacks a scope that the request needs.","path":"/orders","retry":0,"scope":"orders:write","status":403,"trace":"id-1"}`},
		{"an outage", "Bearer down", "GET", nil,
			`{"code":"","message":"The access token cannot be checked at the moment.","path":"/orders","retry":2,"scope":"","status":503,"trace":"id-1"}`},
		{"a malformed header", "Bearer", "GET", nil,
			`{"code":"invalid_request","message":"The request must carry one well-formed access token, in one way.","path":"/orders","retry":0,"scope":"","status":400,"trace":"id-1"}`},
		{"HEAD", "Bearer expired", "HEAD", nil, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			request := func() *http.Request {
				r := httptest.NewRequest(tt.method, "/orders", nil)
				if tt.authorization != "" {
					r.Header.Set("Authorization", tt.authorization)
				}
				return r
			}
			var log, plainLog eventLog
			config := bearer.Config{RetryAfter: 1500 * time.Millisecond}
			route := bearer.RouteConfig{Rule: scope.All("orders:write")}
			plain := serve(newRoute(t, plainLog.config(config), route), request())
			config.ErrorBody = envelope
			own := serve(newRoute(t, log.config(config), route), request())

			if own.body != tt.want {
				t.Errorf("body %s, want %s", own.body, tt.want)
			}
			if got := own.header.Get("Content-Type"); got != "application/vnd.example+json" {
				t.Errorf("Content-Type %q", got)
			}
			if got := own.header.Get("Content-Length"); tt.method != "HEAD" && got != fmt.Sprint(len(own.body)) {
				t.Errorf("Content-Length %q of a body of %d bytes", got, len(own.body))
			}
			for _, a := range []answer{plain, own} {
				a.header.Del("Content-Type")
				a.header.Del("Content-Length")
			}
			if own.status != plain.status || fmt.Sprint(own.header) != fmt.Sprint(plain.header) {
				t.Errorf("%d %v, want %d %v", own.status, own.header, plain.status, plain.header)
			}
			_, event := log.only(t)
			if _, want := plainLog.only(t); event != want {
				t.Errorf("event %+v, want %+v", event, want)
			}
		})
	}
}

// The hook gets nothing of a refusal that is not public.
func TestErrorBodyGetsWhatIsPublic(t *testing.T) {
	var got []string
	config := bearer.Config{ErrorBody: func(_ *http.Request, e bearer.PublicError) (string, []byte) {
		got = append(got, fmt.Sprintf("%+v", e))
		return "text/plain", nil
	}}
	secret := bearer.RequirementFunc(func(*http.Request, *bearer.Principal) error { return fmt.Errorf("row 4711 belongs to bob") })
	public := bearer.RequirementFunc(func(*http.Request, *bearer.Principal) error { return bearer.Forbid("The shop is closed.") })
	for _, r := range []bearer.Requirement{secret, public, bearer.Hidden(secret)} {
		serve(newRoute(t, config, bearer.RouteConfig{Requirements: []bearer.Requirement{r}}), get("Bearer good"))
	}
	serve(newRoute(t, config, bearer.RouteConfig{}), get("Bearer down"))
	all := strings.Join(got, "\n")
	for _, private := range []string{"4711", "10.0.0.7", "alice", "good"} {
		if strings.Contains(all, private) {
			t.Errorf("the hook was told %q: %s", private, all)
		}
	}
	if len(got) != 4 || !strings.Contains(got[1], "The shop is closed.") {
		t.Errorf("the hook was told %q", got)
	}
}

func TestErrorBodyMayKeepTheGuardsBody(t *testing.T) {
	config := bearer.Config{ErrorBody: func(*http.Request, bearer.PublicError) (string, []byte) { return "", []byte("ignored") }}
	got := serve(newRoute(t, config, bearer.RouteConfig{}), get())
	want := serve(newRoute(t, bearer.Config{}, bearer.RouteConfig{}), get())
	if got.body != want.body || fmt.Sprint(got.header) != fmt.Sprint(want.header) {
		t.Errorf("%s %v, want %s %v", got.body, got.header, want.body, want.header)
	}
}

// A client sees a body of no bytes as such, also for HEAD.
func TestErrorBodyMayBeEmpty(t *testing.T) {
	route := newRoute(t, bearer.Config{ErrorBody: func(*http.Request, bearer.PublicError) (string, []byte) { return "text/plain", nil }}, bearer.RouteConfig{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { route.Admit(w, r) }))
	defer server.Close()
	for _, method := range []string{"GET", "HEAD"} {
		r, err := http.NewRequest(method, server.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		got, err := server.Client().Do(r)
		if err != nil {
			t.Errorf("%s: %v", method, err)
			continue
		}
		_ = got.Body.Close()
		if got.StatusCode != 401 || got.ContentLength != 0 {
			t.Errorf("%s: status %d, Content-Length %d; want 401 and 0", method, got.StatusCode, got.ContentLength)
		}
	}
}

// Clients drop an answer with such a field, and others might read two fields.
func TestErrorBodyCannotBreakTheHeader(t *testing.T) {
	for _, mediaType := range []string{"a/b\r\nX-Evil: 1", "a/b\n", "a/b\x00", "a/\u00e9"} {
		config := bearer.Config{ErrorBody: func(*http.Request, bearer.PublicError) (string, []byte) { return mediaType, []byte("own") }}
		got := serve(newRoute(t, config, bearer.RouteConfig{}), get())
		if got.header.Get("Content-Type") != "application/json" || got.body == "own" {
			t.Errorf("%q: %v %s", mediaType, got.header, got.body)
		}
	}
}
