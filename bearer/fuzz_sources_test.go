package bearer_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/bearerkit/bearerkit/bearer"
)

// No subprotocol with the token's prefix is left after a handshake, all others
// are, and exactly one well-formed token is admitted. A cookie is admitted if its
// name occurs once, with a well-formed value.
func FuzzTokenSources(f *testing.F) {
	for _, seed := range []string{"", "t.good", "chat, t.good", "t.a,t.b", ",,t.,", "t.go od", "\tt.good\t,chat.v1", "__Host-t=good; a=b", "__Host-t=a;__Host-t=b", "=__Host-t=a", "__Host-t", "__Host-t= a"} {
		f.Add(seed)
	}
	verifiers := []bearer.Verifier{answering(&alice, nil)}
	protocol := newRoute(f, bearer.Config{Verifiers: verifiers, Sources: []bearer.TokenSource{bearer.FromWebSocketProtocol("t.")}}, bearer.RouteConfig{})
	cookie := newRoute(f, bearer.Config{Verifiers: verifiers, Sources: []bearer.TokenSource{bearer.FromCookie("__Host-t")}}, bearer.RouteConfig{})
	isToken := func(s string) bool {
		return !strings.HasPrefix(s, " ") && credentialsGrammar.MatchString("Bearer "+s) && len(s) <= 16<<10
	}
	f.Fuzz(func(t *testing.T, value string) {
		var tokens, others []string
		for part := range strings.SplitSeq(value, ",") {
			part = strings.Trim(part, " \t")
			if token, ok := strings.CutPrefix(part, "t."); ok {
				tokens = append(tokens, token)
			} else if part != "" {
				others = append(others, part)
			}
		}
		r := handshake(value)
		if got := serve(protocol, r); got.handedOn != (len(tokens) == 1 && isToken(tokens[0])) {
			t.Fatalf("%q: %d", value, got.status)
		}
		var left []string
		if tokens == nil { // then the field is not changed
			left = []string{value}
		} else if others != nil {
			left = []string{strings.Join(others, ", ")}
		}
		if !slices.Equal(r.Header[offered], left) {
			t.Fatalf("%q: %q is left, want %q", value, r.Header[offered], left)
		}

		var cookies []string
		for pair := range strings.SplitSeq(value, ";") {
			if name, token, _ := strings.Cut(strings.Trim(pair, " \t"), "="); name == "__Host-t" {
				cookies = append(cookies, token)
			}
		}
		r = requestWith("GET")
		r.Header = http.Header{"Cookie": {value}}
		if got := serve(cookie, r); got.handedOn != (len(cookies) == 1 && isToken(cookies[0])) {
			t.Fatalf("cookie %q: %d", value, got.status)
		}
	})
}
