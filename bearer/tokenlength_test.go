package bearer_test

import (
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/bearer/bearertest"
	"github.com/bearerkit/bearerkit/jwks"
	"github.com/bearerkit/bearerkit/scope"
)

// Reports L10; RFC 6585, Section 5: 431 "can be used both when the set of request
// header fields in total is too large, and when a single header field is at
// fault", and "Responses with the 431 status code MUST NOT be stored by a cache".
func TestMaxTokenBytes(t *testing.T) {
	accepting := bearer.Config{Verifiers: []bearer.Verifier{answering(&alice, nil)}, Proofs: &proofs{}, Sources: headerFormQuery}
	for _, tt := range []struct{ set, bound int }{{0, 16 << 10}, {64, 64}, {100 << 10, 100 << 10}} {
		var log eventLog
		config := log.config(accepting)
		config.MaxTokenBytes = tt.set
		config.FailureLimit = &bearer.FailureLimit{Burst: 1}
		rt := newRoute(t, config, bearer.RouteConfig{})
		longest := strings.Repeat("a", tt.bound)
		if got := serve(rt, get("Bearer "+longest)); !got.handedOn {
			t.Errorf("%d bytes of %d: %d", tt.bound, tt.bound, got.status)
		}
		for range 3 { // FailureLimit does not count it
			log.reset()
			got := serve(rt, get("Bearer "+longest+"a"))
			if want := `{"status":431,"error_description":"The access token is longer than the server accepts.","request_id":"id-1"}` + "\n"; got.status != 431 || got.body != want {
				t.Errorf("%d bytes of %d: %d %s", tt.bound+1, tt.bound, got.status, got.body)
			}
			if len(got.header) != 3 || got.header.Get("Cache-Control") != "no-store" || got.header.Get("Content-Type") != "application/json" {
				t.Errorf("header %v", got.header)
			}
			_, event := log.only(t)
			want := bearer.Event{
				RequestID: "id-1", Status: 431, Code: bearer.CodeTokenTooLong, Check: "token length",
				Expected: "at most " + strconv.Itoa(tt.bound) + " bytes (Config.MaxTokenBytes)", Got: strconv.Itoa(tt.bound + 1),
				Hint:   "raise Config.MaxTokenBytes, or have the issuer put less into the token, such as fewer groups",
				Method: "GET", Path: "/orders", RemoteAddr: event.RemoteAddr,
			}
			if event != want {
				t.Errorf("event %+v, want %+v", event, want)
			}
			if strings.Contains(log.buf.String(), "aaaaaaaa") {
				t.Error("the token is in the log")
			}
		}
		inQuery := get()
		inQuery.URL.RawQuery = "access_token=" + longest + "a"
		for name, r := range map[string]*http.Request{
			"DPoP": get("DPoP " + longest + "a"), "form": post(formType, "access_token="+longest+"a"), "query": inQuery,
		} {
			if got := serve(rt, r); got.status != 431 || got.challenge() != "" {
				t.Errorf("%s, %d bytes of %d: %d %s", name, tt.bound+1, tt.bound, got.status, got.challenge())
			}
		}
	}
	// A record has the hash of a refused token up to the configured length.
	var log eventLog
	rt := newRoute(t, log.config(bearer.Config{MaxTokenBytes: 40 << 10}), bearer.RouteConfig{})
	serve(rt, get("Bearer "+strings.Repeat("a", 40<<10)))
	if _, event := log.only(t); event.Code != bearer.CodeInvalidToken || len(event.TokenHash) != 16 {
		t.Errorf("event %+v", event)
	}
	if _, err := bearer.New(bearer.Config{Verifiers: accepting.Verifiers, MaxTokenBytes: -1}); err == nil ||
		err.Error() != "bearer: Config.MaxTokenBytes is -1; want a positive number of bytes, or zero for 16384" {
		t.Errorf("a negative bound: %v", err)
	}
}

// Reports L10: a genuine token with many groups is accepted if the limit allows
// it.
func TestTokenOfManyGroups(t *testing.T) {
	issuer, err := bearertest.NewIssuer(bearertest.IssuerConfig{})
	if err != nil {
		t.Fatal(err)
	}
	defer issuer.Close()
	tokens, err := jwks.New(jwks.Config{Issuers: []jwks.Issuer{{URL: issuer.URL(), Audience: []string{"https://api.example.com"}}}})
	if err != nil {
		t.Fatal(err)
	}
	defer tokens.Close()
	groups := make([]string, 1000)
	for i := range groups {
		groups[i] = "a-group-with-a-long-name-of-its-own-" + strconv.Itoa(i)
	}
	token := issuer.Mint(bearertest.Token{Scope: "orders:read", Claims: map[string]any{"groups": groups}})
	if len(token) < 40<<10 {
		t.Fatalf("the token has %d bytes only", len(token))
	}
	for bound, want := range map[int]int{0: 431, len(token) - 1: 431, len(token): 200} {
		rt := newRoute(t, bearer.Config{Verifiers: []bearer.Verifier{tokens}, MaxTokenBytes: bound}, bearer.RouteConfig{Rule: scope.All("orders:read")})
		for range 2 { // proven, and from the cache
			got := serve(rt, get("Bearer "+token))
			if got.status != want {
				t.Errorf("a bound of %d: %d, want %d", bound, got.status, want)
			}
			var claims struct {
				Groups []string `json:"groups"`
			}
			if want == 200 && (got.principal.Claims(&claims) != nil || len(claims.Groups) != len(groups)) {
				t.Errorf("%d groups, want %d", len(claims.Groups), len(groups))
			}
		}
	}
}
