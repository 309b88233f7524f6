package bearer_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/scope"
)

// The hint in the log says what an operator can do. It depends on the check, and
// on who has to act.
func TestHints(t *testing.T) {
	proof := func(check string) *bearer.Error {
		return &bearer.Error{Code: bearer.CodeInvalidDPoPProof, Check: check}
	}
	full := bearer.Unavailable(errors.New("the store is full"), 0)
	full.Check = "replay store"
	own := bearer.Invalid("aud", "", "")
	own.Hint = "ask the verifier's author"
	list := func(denied bool, err error) bearer.Config {
		return bearer.Config{DenyList: denyList(func(*bearer.Principal) (bool, error) { return denied, err })}
	}
	tests := []struct {
		name    string
		config  bearer.Config
		route   bearer.RouteConfig
		request *http.Request
		check   string
		want    string // a part of the hint; empty: no hint
	}{
		{"a proof of another time", bearer.Config{Proofs: &proofs{err: proof("iat")}}, bearer.RouteConfig{}, dpopRequest("key-bound"),
			"iat", "compare the client's clock with this machine's"},
		{"a token that is too old", bearer.Config{MaxTokenAge: time.Hour}, bearer.RouteConfig{}, get("Bearer good"),
			"iat", "the client must get a new token"},
		{"a malformed proof", bearer.Config{Proofs: &proofs{err: proof("typ")}}, bearer.RouteConfig{}, dpopRequest("key-bound"),
			"typ", "RFC 9449, Section 4.2"},
		{"a full store of proofs", bearer.Config{Proofs: &proofs{useErr: full}}, bearer.RouteConfig{}, dpopRequest("key-bound"),
			"replay store", "the store of used proofs is full or unreachable"},
		{"a token that no verifier knows", bearer.Config{}, bearer.RouteConfig{}, get("Bearer unknown"),
			"verifier", "add a verifier for tokens of this kind"},
		{"a verifier that cannot tell", bearer.Config{}, bearer.RouteConfig{}, get("Bearer down"), "verifier", ""},
		{"a denied token", list(true, nil), bearer.RouteConfig{}, get("Bearer good"), "deny list", "remove the entry to accept it again"},
		{"a deny list that cannot tell", list(false, errors.New("down")), bearer.RouteConfig{}, get("Bearer good"), "deny list", "the deny list is unreachable"},
		{"a missing scope", bearer.Config{}, bearer.RouteConfig{Rule: scope.All("admin")}, get("Bearer good"), "scope", "have the issuer grant the scope"},
		{"no token", bearer.Config{}, bearer.RouteConfig{}, get(), "credentials", ""},
		{"a hint of the verifier", bearer.Config{Verifiers: []bearer.Verifier{answering(nil, own)}}, bearer.RouteConfig{}, get("Bearer x"),
			"aud", "ask the verifier's author"},
	}
	for _, tt := range tests {
		var log eventLog
		serve(newRoute(t, log.config(tt.config), tt.route), tt.request)
		_, event := log.only(t)
		if event.Check != tt.check || !strings.Contains(event.Hint, tt.want) || (event.Hint == "") != (tt.want == "") {
			t.Errorf("%s: check %q, hint %q; want %q, %q", tt.name, event.Check, event.Hint, tt.check, tt.want)
		}
	}
}
