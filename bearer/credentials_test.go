package bearer_test

import (
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/scope"
)

// Checklist B2, B12, B14, H2, H7, C2, C3, C13; peers.md, section 1; part 2.7.
func TestAuthorization(t *testing.T) {
	const missing, malformed, invalid, tooLong, accepted = "missing", "malformed", "invalid", "too long", "accepted"
	longest := strings.Repeat("a", 16<<10)
	tests := []struct {
		name  string
		lines []string
		want  string
	}{
		{"one space", []string{"Bearer good"}, accepted},
		{"scheme in lower case", []string{"bearer good"}, accepted},
		{"scheme in upper case", []string{"BEARER good"}, accepted},
		{"scheme in mixed case", []string{"bEaReR good"}, accepted},
		{"two spaces", []string{"Bearer  good"}, accepted},
		{"many spaces", []string{"Bearer" + strings.Repeat(" ", 1000) + "good"}, accepted},

		{"no line", nil, missing},
		{"an empty line", []string{""}, missing},
		{"only spaces", []string{"  "}, missing},
		{"Basic", []string{"Basic YWxpY2U6c2VjcmV0"}, missing},
		{"Negotiate", []string{"Negotiate YII="}, missing},
		{"DPoP, which is not on", []string{"DPoP good"}, missing},
		{"Digest with parameters", []string{`Digest username="a", realm="b"`}, missing},
		{"a token alone", []string{"good"}, missing},
		{"a scheme that begins with Bearer", []string{"BearerX good"}, missing},
		{"Token, an unknown scheme", []string{"Token good"}, missing},
		{"another scheme, then ours behind a comma", []string{"Basic eDp5, Bearer good"}, missing},
		{"a letter of another alphabet in the scheme", []string{"Вearer good"}, missing},
		{"a long s in the scheme", []string{"Bearer\u017f good"}, malformed},

		{"no token", []string{"Bearer"}, malformed},
		{"a space and no token", []string{"Bearer "}, malformed},
		{"a tab", []string{"Bearer\tgood"}, malformed},
		{"a space and a tab", []string{"Bearer \tgood"}, malformed},
		{"a comma after the scheme", []string{"Bearer,good"}, malformed},
		{"a colon after the scheme", []string{"Bearer: good"}, malformed},
		{"an equals sign after the scheme", []string{"Bearer=good"}, malformed},
		{"a space within", []string{"Bearer go od"}, malformed},
		{"a space behind", []string{"Bearer good "}, malformed},
		{"the scheme twice", []string{"Bearer Bearer good"}, malformed},
		{"joined by a comma", []string{"Bearer good,Bearer good"}, malformed},
		{"joined by a comma and a space", []string{"Bearer good, Bearer good"}, malformed},
		{"ours, then another scheme behind a comma", []string{"Bearer good, Basic eDp5"}, malformed},
		{"a parameter", []string{`Bearer token="good"`}, malformed},
		{"in quotes", []string{`Bearer "good"`}, malformed},
		{"padding within", []string{"Bearer go=od"}, malformed},
		{"only padding", []string{"Bearer =="}, malformed},
		{"letters that are not ASCII", []string{"Bearer gööd"}, malformed},
		{"invalid UTF-8", []string{"Bearer good\xff"}, malformed},
		{"NUL", []string{"Bearer good\x00"}, malformed},
		{"DEL", []string{"Bearer good\x7f"}, malformed},
		{"a line break", []string{"Bearer good\r\nX: y"}, malformed},
		{"percent encoding", []string{"Bearer good%20"}, malformed},
		{"a no-break space", []string{"Bearer\u00a0good"}, malformed},

		{"two lines", []string{"Bearer good", "Bearer good"}, malformed},
		{"two lines, one of another scheme", []string{"Basic eDp5", "Bearer good"}, malformed},
		{"two lines, the second of another scheme", []string{"Bearer good", "Basic eDp5"}, malformed},
		{"two lines, one empty", []string{"", "Bearer good"}, malformed},
		{"two lines of another scheme", []string{"Basic eDp5", "Basic eDp5"}, malformed},
		{"three lines", []string{"Bearer good", "Bearer good", "Bearer good"}, malformed},

		{"every character of token68", []string{"Bearer azAZ09-._~+/=="}, invalid},
		{"padding at the end", []string{"Bearer good="}, invalid},
		{"dots", []string{"Bearer ......"}, invalid},
		{"8 KiB of dots", []string{"Bearer " + strings.Repeat(".", 8<<10)}, invalid},
		{"16 KiB", []string{"Bearer " + longest}, invalid},
		{"16 KiB and one byte", []string{"Bearer " + longest + "a"}, tooLong},
		{"16 KiB and one byte of padding", []string{"Bearer " + longest + "="}, tooLong},
		{"1 MiB", []string{"Bearer " + strings.Repeat("a", 1<<20)}, tooLong},
		{"1 MiB of illegal characters", []string{"Bearer " + strings.Repeat("\"", 1<<20)}, tooLong},
	}
	guard := newGuard(t, bearer.Config{})
	for _, optional := range []bool{false, true} {
		rt := guard.MustRoute(bearer.RouteConfig{Rule: scope.None, Optional: optional})
		for _, tt := range tests {
			t.Run(tt.name, func(t *testing.T) {
				got := serve(rt, get(tt.lines...))
				status, code := 401, ""
				switch tt.want {
				case accepted:
					status = 200
				case malformed:
					status, code = 400, "invalid_request"
				case invalid:
					code = "invalid_token"
				case tooLong:
					status = 431
				case missing:
					if optional { // C15
						status = 200
					}
				}
				if got.status != status || got.handedOn != (status == 200) {
					t.Errorf("optional %t: got %d, want %d", optional, got.status, status)
				}
				if got.known != (tt.want == accepted) {
					t.Errorf("optional %t: a principal is known: %t", optional, got.known)
				}
				if hasCode := strings.Contains(got.challenge(), `error="`+code+`"`); hasCode != (code != "") {
					t.Errorf("challenge %q, want error %q", got.challenge(), code)
				}
			})
		}
	}
}

// Part 2.4, checklist C13: a token that is too long is rejected before any code
// copies it.
func TestLongTokensAllocateLittle(t *testing.T) {
	var log eventLog
	rt := newRoute(t, log.config(bearer.Config{}), bearer.RouteConfig{})
	for name, tt := range map[string]struct {
		token  string
		status int
	}{
		"1 MiB":                       {strings.Repeat("a", 1<<20), 431},
		"1 MiB of dots":               {strings.Repeat(".", 1<<20), 431},
		"1 MiB of illegal characters": {strings.Repeat("\"", 1<<20), 431},
		"8 KiB of dots":               {strings.Repeat(".", 8<<10), 401},
	} {
		r, w := get("Bearer "+tt.token), &discardWriter{header: http.Header{}}
		rt.Admit(w, r)
		log.reset()
		if got := allocated(func() { rt.Admit(w, r) }); got > 20<<10 || w.status != tt.status {
			t.Errorf("%s: %d, %d bytes allocated", name, w.status, got)
		}
	}
}

// allocated returns how many bytes f allocates.
func allocated(f func()) uint64 {
	const runs = 10
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range runs {
		f()
	}
	runtime.ReadMemStats(&after)
	return (after.TotalAlloc - before.TotalAlloc) / runs
}

// discardWriter is a reusable ResponseWriter that discards the answer.
type discardWriter struct {
	header http.Header
	status int
}

func (w *discardWriter) Header() http.Header         { return w.header }
func (w *discardWriter) WriteHeader(status int)      { w.status = status }
func (w *discardWriter) Write(b []byte) (int, error) { return len(b), nil }

// Part 2.7: the guard reads no token from fields other than Authorization.
func TestOtherHeadersCarryNoToken(t *testing.T) {
	for _, rt := range []*bearer.Route{
		newRoute(t, bearer.Config{Sources: headerFormQuery}, bearer.RouteConfig{}),
		newRoute(t, bearer.Config{Verifiers: []bearer.Verifier{boundVerifier}, Proofs: &proofs{}}, bearer.RouteConfig{}),
	} {
		for _, name := range []string{"Proxy-Authorization", "X-Forwarded-Authorization", "X-Authorization", "Authorization_", "X-Access-Token", "Cookie", "Dpop"} {
			for _, value := range []string{"Bearer good", "Bearer plain", "DPoP key"} {
				r := httptest.NewRequest("GET", "/orders", nil)
				r.Header.Set(name, value)
				got := serve(rt, r)
				if got.status != 401 || strings.Contains(strings.Join(got.header["Www-Authenticate"], " "), "error=") || got.header["Proxy-Authenticate"] != nil {
					t.Errorf("%s: %s: got %d %v", name, value, got.status, got.header)
				}
			}
		}
	}
}
