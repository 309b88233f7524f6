package bearer_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/scope"
)

const problemType = "application/problem+json"

// RFC 9457, Section 3; RFC 9110, Section 12.5.1.
func TestProblemJSONIsChosenByAccept(t *testing.T) {
	tests := []struct {
		name   string
		accept []string
		want   string
	}{
		{"no Accept", nil, "application/json"},
		{"an empty Accept", []string{""}, "application/json"},
		{"by name", []string{"application/problem+json"}, problemType},
		{"in another case", []string{"Application/Problem+JSON"}, problemType},
		{"with a parameter", []string{"application/problem+json; charset=utf-8"}, problemType},
		{"as much as JSON", []string{"application/json, application/problem+json"}, problemType},
		{"more than JSON", []string{"application/json;q=0.5, application/problem+json;q=0.9"}, problemType},
		{"less than JSON", []string{"application/problem+json;q=0.5, application/json"}, "application/json"},
		{"in another line", []string{"text/html", "application/problem+json"}, problemType},
		{"less, in another line", []string{"application/problem+json;q=0.1", "application/json;q=0.2"}, "application/json"},
		{"refused", []string{"application/problem+json;q=0"}, "application/json"},
		{"refused with digits", []string{"application/problem+json;q=0.000"}, "application/json"},
		{"a weight that is not a number", []string{"application/problem+json;q=much"}, "application/json"},
		{"a weight that is NaN", []string{"application/problem+json;q=NaN"}, "application/json"},
		{"a weight beyond every number", []string{"application/problem+json;q=1e999"}, "application/json"},
		{"a parameter without a value", []string{"application/problem+json;q"}, "application/json"},
		{"twice, the second time refused", []string{"application/problem+json, application/problem+json;q=0"}, problemType},
		{"JSON twice, the second time refused", []string{"application/json, application/json;q=0, application/problem+json;q=0.5"}, "application/json"},
		{"a line as long as it may be", []string{"application/problem+json," + strings.Repeat("a", 1<<10-26)}, problemType},
		{"a line too long by one", []string{"application/problem+json," + strings.Repeat("a", 1<<10-25)}, "application/json"},
		{"everything", []string{"*/*"}, "application/json"},
		{"every application type", []string{"application/*"}, "application/json"},
		{"a browser", []string{"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}, "application/json"},
		{"a longer name", []string{"application/problem+json-seq"}, "application/json"},
		{"another type", []string{"text/problem+json"}, "application/json"},
		{"too many lines", append(slices.Repeat([]string{"text/html"}, 200), "application/problem+json"), "application/json"},
		{"a line that is too long", []string{strings.Repeat("text/html,", 200) + "application/problem+json"}, "application/json"},
	}
	rt := newRoute(t, bearer.Config{}, bearer.RouteConfig{})
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := get()
			if tt.accept != nil {
				r.Header["Accept"] = tt.accept
			}
			if got := serve(rt, r); got.header.Get("Content-Type") != tt.want || got.status != 401 {
				t.Errorf("got %d %q, want %q", got.status, got.header.Get("Content-Type"), tt.want)
			}
		})
	}
}

// Part 2.4: the guard does not read a megabyte of Accept lines, which net/http
// accepts.
func TestManyAcceptLinesAllocateLittle(t *testing.T) {
	rt := newRoute(t, bearer.Config{}, bearer.RouteConfig{})
	r, w := get(), &discardWriter{header: http.Header{}}
	r.Header["Accept"] = slices.Repeat([]string{strings.Repeat("a/b;c=d,", 126)}, 900)
	if got := allocated(func() { rt.Admit(w, r) }); got > 64<<10 || w.status != 401 {
		t.Errorf("%d, %d bytes allocated", w.status, got)
	}
}

func TestProblemJSONBodies(t *testing.T) {
	tests := []struct {
		name, authorization string
		route               bearer.RouteConfig
		want                string
	}{
		{"no credentials", "", bearer.RouteConfig{},
			`{"type":"about:blank","title":"Unauthorized","status":401,"detail":"The request carries no access token.","request_id":"id-1"}`},
		{"malformed", "Bearer", bearer.RouteConfig{},
			`{"type":"about:blank","title":"Bad Request","status":400,"error":"invalid_request","detail":"The request must carry one well-formed access token, in one way.","request_id":"id-1"}`},
		{"invalid", "Bearer forged", bearer.RouteConfig{},
			`{"type":"about:blank","title":"Unauthorized","status":401,"error":"invalid_token","detail":"The access token is invalid.","request_id":"id-1"}`},
		{"scope", "Bearer good", bearer.RouteConfig{Rule: scope.All("admin", "b")},
			`{"type":"about:blank","title":"Forbidden","status":403,"error":"insufficient_scope","detail":"The access token lacks a scope that the request needs.","scope":"admin b","request_id":"id-1"}`},
		{"policy", "Bearer good", bearer.RouteConfig{Requirements: []bearer.Requirement{refusing(bearer.Forbid("Closed."))}},
			`{"type":"about:blank","title":"Forbidden","status":403,"detail":"Closed.","request_id":"id-1"}`},
		{"hidden", "Bearer good", bearer.RouteConfig{Requirements: []bearer.Requirement{bearer.Hidden(refusing(bearer.Forbid("Closed.")))}},
			`{"type":"about:blank","title":"Not Found","status":404,"detail":"The resource does not exist.","request_id":"id-1"}`},
		{"outage", "Bearer down", bearer.RouteConfig{},
			`{"type":"about:blank","title":"Service Unavailable","status":503,"detail":"The access token cannot be checked at the moment.","request_id":"id-1"}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			request := func() *http.Request {
				r := get()
				if tt.authorization != "" {
					r.Header.Set("Authorization", tt.authorization)
				}
				return r
			}
			byChoice := serve(newRoute(t, bearer.Config{ProblemJSON: true}, tt.route), request())
			asking := request()
			asking.Header.Set("Accept", problemType)
			byAccept := serve(newRoute(t, bearer.Config{}, tt.route), asking)
			plain := serve(newRoute(t, bearer.Config{}, tt.route), request())
			for how, got := range map[string]answer{"by choice": byChoice, "by Accept": byAccept} {
				if got.body != tt.want+"\n" || got.header.Get("Content-Type") != problemType {
					t.Errorf("%s: got %s\n%s\nwant\n%s", how, got.header.Get("Content-Type"), got.body, tt.want)
				}
				if got.status != plain.status || got.challenge() != plain.challenge() || got.header.Get("Cache-Control") != "no-store" {
					t.Errorf("%s: got %d %s, as JSON %d %s", how, got.status, got.challenge(), plain.status, plain.challenge())
				}
			}
		})
	}
}
