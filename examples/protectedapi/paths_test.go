package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/bearerkit/bearerkit/bearer/bearertest"
)

// onEach runs a test against the program with an issuer, on each framework.
func onEach(t *testing.T, issuer *bearertest.Issuer, test func(t *testing.T, url string)) {
	for _, framework := range frameworks {
		t.Run(framework, func(t *testing.T) {
			test(t, start(t, "-framework", framework, "-issuer", issuer.URL(), "-audience", audience))
		})
	}
}

// mutants returns other spellings of a path.
func mutants(path string) []string {
	segments := strings.Split(path[1:], "/")
	last := segments[len(segments)-1]
	first := fmt.Sprintf("/%%%02x", path[1])
	spellings := []string{
		"/" + path, "//" + path[1:], path + "/", path + "//", "/." + path, path + "/.", "/x/.." + path,
		path + "/..", path + "/../" + last, "/%2e" + path, "/%2E%2e" + path, "/x/%2e%2e" + path, "/x/%2e%2e%2f" + path[1:],
		"/%2f" + path[1:], "/%2F" + path, path + "%2f", path + "%2F", path + "%00", path + "%20", path + "%0a", path + "%09",
		path + ";", path + ";x=y", path + ";/x", path + ".json", path + "%3b", path + "%3f", path + "%23", path + "?x", path + "?/../public",
		strings.ToUpper(path), "/" + strings.ToUpper(path[1:2]) + path[2:], first + path[2:], strings.ToUpper(first) + path[2:],
		"/%25" + first[2:] + path[2:], `/\` + path[1:], `\` + path[1:], path + `\`, strings.ReplaceAll(path, "/", `\`),
		"/public/.." + path, "/public/%2e%2e" + path, "/public//.." + path, "/public;/.." + path, "/public/..;" + path, "/..;" + path,
		"/.;" + path, "/*" + path, "/:id" + path, "/%ff" + path, path + "%c0%af", "/%c0%ae%c0%ae" + path, "/\u0130" + path,
		"http://x" + path, "http://127.0.0.1:1" + path, "http://x/" + path, "HTTP://x" + path, "*", "", "x:80",
	}
	if len(segments) > 1 {
		spellings = append(spellings, "/"+strings.Join(segments, "//"), "/"+strings.Join(segments, "%2f"),
			"/"+strings.Join(segments, "/./"), "/"+strings.Join(segments, "/x/../"), "/"+strings.Join(segments, "/%2e/"))
	}
	return spellings
}

func TestNoSpellingOfAPathOpensARoute(t *testing.T) {
	t.Parallel()
	issuer := newIssuer(t)
	paths := []string{"/transfers"}
	for _, rt := range protectedRoutes {
		_, path, _ := strings.Cut(rt.request, " ")
		paths = append(paths, path)
	}
	first := map[string]string{}
	onEach(t, issuer, func(t *testing.T, url string) {
		for _, path := range paths {
			for _, spelling := range mutants(path) {
				for _, method := range []string{"GET", "HEAD", "POST", "PUT", "OPTIONS"} {
					request := method + " " + spelling
					got := send(t, url, request)
					if got.status < 400 {
						t.Errorf("%q: %d", request, got.status)
					}
					if got.status >= 500 {
						t.Errorf("%q: %d", request, got.status)
					}
					all := fmt.Sprint(got.status, got.challenges(url), got.header["Allow"], got.body)
					if before, ok := first[request]; ok && before != all {
						t.Errorf("%q: not the same on each framework: %s; want %s", request, all, before)
					}
					first[request] = all
				}
			}
		}
	})
	t.Logf("%d requests on each framework", len(first))
}

// A path with unnecessary encoding and an absolute-form target are equivalent to
// the path itself. Other spellings are not.
func TestEquivalentSpellings(t *testing.T) {
	t.Parallel()
	issuer := newIssuer(t)
	token := "\nAuthorization: Bearer " + issuer.Mint(bearertest.Token{Scope: "orders:read"})
	onEach(t, issuer, func(t *testing.T, url string) {
		for path, want := range map[string]int{
			"/orders": 200, "/%6frders": 200, "/%6Frder%73": 200, "/orders?x=/": 200, "http://elsewhere.example.com/orders": 200,
			"/orders/": 404, "//orders": 404, "/ORDERS": 404, "/x/../orders": 404, "/./orders": 404, "/orders%2f": 404, "/orders;x": 404,
			"/orders%": 400, "/": 404, "/nothing": 404,
		} {
			if got := send(t, url, "GET "+path+token); got.status != want {
				t.Errorf("GET %s: %d; want %d", path, got.status, want)
			}
		}
	})
}

func TestSubjectsInPaths(t *testing.T) {
	t.Parallel()
	issuer := newIssuer(t)
	onEach(t, issuer, func(t *testing.T, url string) {
		for _, tt := range []struct {
			escaped, subject string
			want             int
		}{
			{"auth0%7Calice", "auth0|alice", 200},
			{"auth0%7calice", "auth0|alice", 200},
			{"auth0%7calice", "auth0%7calice", 403},
			{"auth0|alice", "auth0|alice", 200},
			{"auth0%257calice", "auth0%7calice", 200},
			{"auth0%257Calice", "auth0|alice", 403},
			{"a%2Fb", "a/b", 200},
			{"a%2fb", "a/b", 200},
			{"a%252Fb", "a/b", 403},
			{"a%252Fb", "a%2Fb", 200},
			{"a%2Fb", "a%2Fb", 403},
			{"a+b", "a+b", 200},
			{"a+b", "a b", 403},
			{"a%2Bb", "a+b", 200},
			{"a%20b", "a b", 200},
			{"a%20b", "a+b", 403},
			{"a%20b", "a%20b", 403},
			{"%61lice", "alice", 200},
			{"Alice", "alice", 403},
			{"alice%00", "alice", 403},
			{"alice;x", "alice", 403},
			{"alice;x", "alice;x", 200},
			{"alice%3Bx", "alice;x", 200},
			{"alice,x", "alice,x", 200},
			{"a:b@c$&=d", "a:b@c$&=d", 200},
			{"..%2Fx", "../x", 200},
			{":id", "alice", 403},
			{"*", "*", 200},
			{"%C3%A4", "ä", 200},
			{"ä", "ä", 200},
			{"", "alice", 404},
			{"..", "alice", 404},
			{"%2e", "alice", 404},
			{"a/b", "a/b", 404},
		} {
			for _, method := range []string{"GET", "HEAD", "PUT"} {
				got := send(t, url, method+" /users/"+tt.escaped+"/profile\nAuthorization: Bearer "+
					issuer.Mint(bearertest.Token{Subject: tt.subject, Scope: "profile"}))
				if got.status != tt.want {
					t.Errorf("%s, %q for %q: %d; want %d", method, tt.escaped, tt.subject, got.status, tt.want)
				}
				if method == "GET" && got.status == 200 && !strings.Contains(got.body, `"id":`+quoteJSON(tt.subject)) {
					t.Errorf("%q: the handler sees another id: %s", tt.escaped, got.body)
				}
			}
		}
	})
}

func quoteJSON(s string) string {
	return `"` + strings.NewReplacer("&", `\u0026`).Replace(s) + `"`
}

func TestMethods(t *testing.T) {
	t.Parallel()
	issuer := newIssuer(t)
	allow := map[string]string{
		"/public": "GET, HEAD", "/healthz": "GET, HEAD", "/readyz": "GET, HEAD", "/me": "GET, HEAD", "/orders": "GET, HEAD, POST",
		"/admin/dashboard": "GET, HEAD", "/admin/settings": "GET, HEAD", "/reports": "GET, HEAD",
		"/users/alice/profile": "GET, HEAD, PUT", "/transfers": "POST", "/greeting": "GET, HEAD", "/%6frders": "GET, HEAD, POST",
	}
	token := "\nAuthorization: Bearer " + issuer.Mint(bearertest.Token{Scope: "orders:read orders:write profile admin"})
	onEach(t, issuer, func(t *testing.T, url string) {
		for path, want := range allow {
			for _, method := range []string{
				"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PROPFIND", "REPORT", "QUERY", "get", "Post", "echo_route_not_found",
			} {
				if strings.Contains(", "+want+", ", ", "+method+", ") {
					continue
				}
				got := send(t, url, method+" "+path+token)
				if got.status != 405 || got.header.Get("Allow") != want || got.header.Get("Content-Type") != "application/json" {
					t.Errorf("%s %s: %d, Allow %q; want 405 and %q", method, path, got.status, got.header.Get("Allow"), want)
				}
				if body := `{"status":405,"error_description":"The path has no such method."}`; got.body != body && method != "HEAD" {
					t.Errorf("%s %s: body %q", method, path, got.body)
				}
			}
		}
		for _, request := range []string{"OPTIONS *", "CONNECT example.com:443", "TRACE /nothing", "OPTIONS /nothing", "DELETE /orders/", "GET /"} {
			got := send(t, url, request+token)
			if got.status != 404 || got.body != `{"status":404,"error_description":"There is no such path."}` {
				t.Errorf("%s: %d %s; want 404", request, got.status, got.body)
			}
		}
	})
}
