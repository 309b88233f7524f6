package bearer_test

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/bearer/bearertest"
	"github.com/bearerkit/bearerkit/scope"
)

const metadata = "https://api.example.com/.well-known/oauth-protected-resource"

// answerTests has every row of the table of answers, with whole answers.
var answerTests = []struct {
	name          string
	checklist     string
	authorization []string
	route         bearer.RouteConfig
	status        int
	challenge     string
	body          string // up to the request id
}{
	{
		name: "no credentials", checklist: "B5 B6 B7 B8 B12 H1 H8 C3 C5",
		route:     bearer.RouteConfig{Rule: scope.All("orders:read", "admin")},
		status:    401,
		challenge: `Bearer realm="shop", scope="admin orders:read", resource_metadata="` + metadata + `"`,
		body:      `{"status":401,"error_description":"The request carries no access token.",`,
	},
	{
		name: "no credentials for a route that needs no scope", checklist: "B5 B6 C5",
		route:     bearer.RouteConfig{Rule: scope.None},
		status:    401,
		challenge: `Bearer realm="shop", resource_metadata="` + metadata + `"`,
		body:      `{"status":401,"error_description":"The request carries no access token.",`,
	},
	{
		name: "another scheme", checklist: "B12 C3", authorization: []string{"Basic YWxpY2U6c2VjcmV0"},
		route:     bearer.RouteConfig{Rule: scope.Any("reports:read", "admin")},
		status:    401,
		challenge: `Bearer realm="shop", scope="reports:read", resource_metadata="` + metadata + `"`,
		body:      `{"status":401,"error_description":"The request carries no access token.",`,
	},
	{
		name: "malformed: no token", checklist: "B2 B9 B10 B14 C2 H13", authorization: []string{"Bearer"},
		route:     bearer.RouteConfig{Rule: scope.All("orders:read")},
		status:    400,
		challenge: `Bearer realm="shop", error="invalid_request", error_description="The request must carry one well-formed access token, in one way.", resource_metadata="` + metadata + `"`,
		body:      `{"status":400,"error":"invalid_request","error_description":"The request must carry one well-formed access token, in one way.",`,
	},
	{
		name: "malformed: two Authorization lines", checklist: "B1 B14 H7 C1", authorization: []string{"Bearer good", "Bearer good"},
		route:     bearer.RouteConfig{Rule: scope.All("orders:read")},
		status:    400,
		challenge: `Bearer realm="shop", error="invalid_request", error_description="The request must carry one well-formed access token, in one way.", resource_metadata="` + metadata + `"`,
		body:      `{"status":400,"error":"invalid_request","error_description":"The request must carry one well-formed access token, in one way.",`,
	},
	{
		name: "forged", checklist: "B9 B13 C16", authorization: []string{"Bearer forged"},
		route:     bearer.RouteConfig{Rule: scope.All("orders:read")},
		status:    401,
		challenge: `Bearer realm="shop", error="invalid_token", error_description="The access token is invalid.", scope="orders:read", resource_metadata="` + metadata + `"`,
		body:      `{"status":401,"error":"invalid_token","error_description":"The access token is invalid.",`,
	},
	{
		name: "unrecognized by every verifier", checklist: "B13 C2 C16", authorization: []string{"Bearer unknown"},
		route:     bearer.RouteConfig{Rule: scope.All("orders:read")},
		status:    401,
		challenge: `Bearer realm="shop", error="invalid_token", error_description="The access token is invalid.", scope="orders:read", resource_metadata="` + metadata + `"`,
		body:      `{"status":401,"error":"invalid_token","error_description":"The access token is invalid.",`,
	},
	{
		name: "expired", checklist: "B13 C16", authorization: []string{"Bearer expired"},
		route:     bearer.RouteConfig{Rule: scope.None},
		status:    401,
		challenge: `Bearer realm="shop", error="invalid_token", error_description="The access token has expired.", resource_metadata="` + metadata + `"`,
		body:      `{"status":401,"error":"invalid_token","error_description":"The access token has expired.",`,
	},
	{
		name: "for another audience", checklist: "B13 C16", authorization: []string{"Bearer good"},
		route:     bearer.RouteConfig{Rule: scope.All("orders:read"), Audience: "https://third.example.com"},
		status:    401,
		challenge: `Bearer realm="shop", error="invalid_token", error_description="The access token is invalid.", scope="orders:read", resource_metadata="` + metadata + `"`,
		body:      `{"status":401,"error":"invalid_token","error_description":"The access token is invalid.",`,
	},
	{
		name: "bound, and no binding can be checked", checklist: "B13 C10", authorization: []string{"Bearer key-bound"},
		route:     bearer.RouteConfig{Rule: scope.All("orders:read")},
		status:    401,
		challenge: `Bearer realm="shop", error="invalid_token", error_description="The access token is invalid.", scope="orders:read", resource_metadata="` + metadata + `"`,
		body:      `{"status":401,"error":"invalid_token","error_description":"The access token is invalid.",`,
	},
	{
		name: "scope missing", checklist: "B8 B15 H8", authorization: []string{"Bearer good"},
		route:     bearer.RouteConfig{Rule: scope.All("settings:write", "admin")},
		status:    403,
		challenge: `Bearer realm="shop", error="insufficient_scope", error_description="The access token lacks a scope that the request needs.", scope="admin settings:write", resource_metadata="` + metadata + `"`,
		body:      `{"status":403,"error":"insufficient_scope","error_description":"The access token lacks a scope that the request needs.","scope":"admin settings:write",`,
	},
	{
		name: "scope missing of alternatives", checklist: "B8 B15", authorization: []string{"Bearer good"},
		route:     bearer.RouteConfig{Rule: scope.Any("reports:read", "admin")},
		status:    403,
		challenge: `Bearer realm="shop", error="insufficient_scope", error_description="The access token lacks a scope that the request needs.", scope="reports:read", resource_metadata="` + metadata + `"`,
		body:      `{"status":403,"error":"insufficient_scope","error_description":"The access token lacks a scope that the request needs.","scope":"reports:read",`,
	},
	{
		name: "authentication too weak and too old", checklist: "S1 S2 S3", authorization: []string{"Bearer good"},
		route: bearer.RouteConfig{Rule: scope.All("orders:read"), Requirements: []bearer.Requirement{
			bearer.StepUp{ACR: []string{"urn:example:mfa", "urn:example:key"}, MaxAge: 5 * time.Minute}}},
		status: 401,
		challenge: `Bearer realm="shop", error="insufficient_user_authentication", error_description="The request needs a stronger or more recent authentication of the user.", ` +
			`scope="orders:read", acr_values="urn:example:mfa urn:example:key", max_age="300", resource_metadata="` + metadata + `"`,
		body: `{"status":401,"error":"insufficient_user_authentication","error_description":"The request needs a stronger or more recent authentication of the user.",`,
	},
	{
		name: "refused by policy", checklist: "C6", authorization: []string{"Bearer good"},
		route:  bearer.RouteConfig{Rule: scope.None, Requirements: []bearer.Requirement{bearer.SubjectInPath("id")}},
		status: 403,
		body:   `{"status":403,"error_description":"The request is not allowed.",`,
	},
	{
		name: "refused by policy and hidden", checklist: "C6 H9", authorization: []string{"Bearer good"},
		route:  bearer.RouteConfig{Rule: scope.None, Requirements: []bearer.Requirement{bearer.Hidden(bearer.SubjectInPath("id"))}},
		status: 404,
		body:   `{"status":404,"error_description":"The resource does not exist.",`,
	},
	{
		name: "too long", checklist: "C13, reports L10", authorization: []string{"Bearer " + strings.Repeat("a", 16<<10+1)},
		route:  bearer.RouteConfig{Rule: scope.All("orders:read")},
		status: 431,
		body:   `{"status":431,"error_description":"The access token is longer than the server accepts.",`,
	},
	{
		name: "cannot tell", checklist: "H10 C7", authorization: []string{"Bearer down"},
		route:  bearer.RouteConfig{Rule: scope.All("orders:read")},
		status: 503,
		body:   `{"status":503,"error_description":"The access token cannot be checked at the moment.",`,
	},
}

func TestAnswers(t *testing.T) {
	config := bearer.Config{Realm: "shop", ResourceMetadata: metadata, RetryAfter: 7 * time.Second}
	for _, tt := range answerTests {
		t.Run(tt.name, func(t *testing.T) {
			rt := newRoute(t, config, tt.route)
			got := serve(rt, get(tt.authorization...))
			if got.status != tt.status || got.challenge() != tt.challenge {
				t.Errorf("%s: got %d\n%s\nwant %d\n%s", tt.checklist, got.status, got.challenge(), tt.status, tt.challenge)
			}
			if want := tt.body + `"request_id":"` + requestID + `"}` + "\n"; got.body != want {
				t.Errorf("%s: got body\n%s\nwant\n%s", tt.checklist, got.body, want)
			}
			if got.handedOn {
				t.Errorf("the handler ran")
			}
			checkRefusalHeader(t, got)
			head := get(tt.authorization...)
			head.Method = http.MethodHead
			checkHead(t, got, serve(rt, head)) // H11
		})
	}
}

// checkRefusalHeader checks the header fields of every refusal.
func checkRefusalHeader(t *testing.T, got answer) {
	t.Helper()
	want := map[string]string{
		"Cache-Control":  "no-store", // H12
		"Content-Type":   "application/json",
		"Content-Length": strconv.Itoa(len(got.body)),
	}
	if got.status == 503 {
		want["Retry-After"] = "7" // H10
	}
	challenges, err := bearertest.ParseChallenges(got.header.Values("WWW-Authenticate"))
	if err != nil {
		t.Error(err) // H3, H5
	}
	if len(challenges) > 0 {
		want["Www-Authenticate"] = got.challenge()
		if len(challenges) != 1 || challenges[0].Scheme != "Bearer" || len(challenges[0].Params) == 0 { // B6
			t.Errorf("challenges %v", challenges)
		}
		if code, inBody := challenges[0].Params["error"], strings.Contains(got.body, `"error":`); inBody != (code != "") ||
			inBody && !strings.Contains(got.body, `"error":"`+code+`"`) {
			t.Errorf("the challenge's error is %q, the body %s", code, got.body)
		}
	} else if strings.Contains(got.body, `"error":`) {
		t.Errorf("no challenge, and an error in the body %s", got.body)
	}
	for name := range got.header {
		if len(got.header[name]) != 1 || got.header.Get(name) != want[name] {
			t.Errorf("header %s: %q, want %q", name, got.header[name], want[name])
		}
	}
	if len(got.header) != len(want) {
		t.Errorf("header %v, want %v", got.header, want)
	}
}

func checkHead(t *testing.T, got, head answer) {
	t.Helper()
	if head.body != "" || head.status != got.status || head.handedOn {
		t.Errorf("HEAD: status %d, body %q", head.status, head.body)
	}
	for name := range got.header {
		if head.header.Get(name) != got.header.Get(name) {
			t.Errorf("HEAD: header %s is %q, GET has %q", name, head.header.Get(name), got.header.Get(name))
		}
	}
}

// Checklist C16: no answer tells what is wrong with a bad token.
func TestAnswersToBadTokensAreTheSameBytes(t *testing.T) {
	rt := newRoute(t, bearer.Config{}, bearer.RouteConfig{Rule: scope.All("orders:read"), Audience: "https://api.example.com"})
	other := newRoute(t, bearer.Config{}, bearer.RouteConfig{Rule: scope.All("orders:read"), Audience: "https://third.example.com"})
	want := serve(rt, get("Bearer forged"))
	for name, got := range map[string]answer{
		"unrecognized": serve(rt, get("Bearer unknown")), "bound": serve(rt, get("Bearer key-bound")),
		"audience": serve(other, get("Bearer good")),
	} {
		if got.status != want.status || got.body != want.body || got.challenge() != want.challenge() {
			t.Errorf("%s: %d %s %s", name, got.status, got.challenge(), got.body)
		}
	}
}

// Header fields that outer middleware set for a body that is not sent are
// removed. The fields of a writer that compresses are kept.
func TestHeadersOfOuterMiddleware(t *testing.T) {
	rt := newRoute(t, bearer.Config{}, bearer.RouteConfig{})
	w := httptest.NewRecorder()
	outer := map[string]string{
		"Content-Length": "7", "Content-Type": "text/html", "Cache-Control": "public, max-age=600", "ETag": `"a"`,
		"Last-Modified": "Mon, 02 Jan 2006 15:04:05 GMT", "WWW-Authenticate": "Basic realm=\"x\"", "Vary": "Origin",
	}
	for name, value := range outer {
		w.Header().Set(name, value)
	}
	if _, ok := rt.Admit(w, get()); ok {
		t.Fatal("admitted")
	}
	for name, want := range map[string]string{
		"Content-Length": strconv.Itoa(w.Body.Len()), "Content-Type": "application/json", "Cache-Control": "no-store", "ETag": "",
		"Last-Modified": "", "WWW-Authenticate": `Basic realm="x"`, "Vary": "Origin", // reports L11: ours comes after
	} {
		if got := w.Header().Get(name); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
	w = httptest.NewRecorder()
	w.Header().Set("Content-Encoding", "gzip")
	w.Header().Set("Content-Length", "7")
	rt.Admit(w, get())
	if w.Header().Get("Content-Encoding") != "gzip" || w.Header().Get("Content-Length") != "" {
		t.Errorf("behind a compressing writer: header %v", w.Header())
	}
}

// spoiler is middleware that changes every header value in place, and appends
// to the values of each field, before they are sent.
type spoiler struct{ *httptest.ResponseRecorder }

func (w spoiler) WriteHeader(status int) {
	h := w.Header()
	for name, values := range h {
		values[0] += ", changed"
		h[name] = append(values, "added to "+name)
	}
	w.ResponseRecorder.WriteHeader(status)
}

// A change that middleware makes to one field of an answer affects neither
// another field nor another answer.
func TestAnswersShareNoHeaderValues(t *testing.T) {
	rt := newRoute(t, bearer.Config{Verifiers: []bearer.Verifier{boundVerifier}, Proofs: &proofs{}}, bearer.RouteConfig{Rule: scope.All("orders:read")})
	clean := serve(rt, get()).header.Clone()
	w := spoiler{httptest.NewRecorder()}
	if _, ok := rt.Admit(w, get()); ok {
		t.Fatal("admitted")
	}
	for name, values := range clean {
		want := slices.Concat(values, []string{"added to " + name})
		want[0] += ", changed"
		if got := w.Header()[name]; !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if again := serve(rt, get()).header; !maps.EqualFunc(again, clean, slices.Equal[[]string]) {
		t.Errorf("the next answer has %v, want %v", again, clean)
	}
}

func TestRetryAfterIsRoundedUp(t *testing.T) {
	tests := []struct {
		guard, verifier time.Duration
		want            string
	}{
		{0, 0, "5"},
		{time.Minute, 0, "60"},
		{time.Minute, 2 * time.Second, "2"},
		{0, 1, "1"},
		{0, time.Second, "1"},
		{0, time.Second + 1, "2"},
		{1500 * time.Millisecond, 0, "2"},
		{0, -time.Second, "5"},
		{0, 1<<63 - 1, "9223372037"},
	}
	for _, tt := range tests {
		rt := newRoute(t, bearer.Config{RetryAfter: tt.guard, Verifiers: []bearer.Verifier{answering(nil, bearer.Unavailable(nil, tt.verifier))}}, bearer.RouteConfig{})
		if got := serve(rt, get("Bearer x")); got.status != 503 || got.header.Get("Retry-After") != tt.want {
			t.Errorf("guard %v, verifier %v: %d, Retry-After %q, want %q", tt.guard, tt.verifier, got.status, got.header.Get("Retry-After"), tt.want)
		}
	}
}
