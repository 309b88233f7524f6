package tokenendpoint_test

import (
	"net/http"
	"regexp"
	"testing"

	"github.com/bearerkit/bearerkit/internal/tokenendpoint"
)

// b64token is the syntax of a token in the Authorization field (RFC 6750, Section
// 2.1).
var b64token = regexp.MustCompile(`^[A-Za-z0-9._~+/-]+=*$`)

// What the endpoint accepts can be sent in a header field. What it quotes in an error
// is printable.
func FuzzToken(f *testing.F) {
	for _, body := range []string{
		`{"access_token":"a","token_type":"Bearer","expires_in":60,"refresh_token":"r","scope":"x"}`,
		`{"access_token":"a","access_token":"b","token_type":"bearer"}`,
		`{"access_token":"\u000d\u000a","token_type":"Bearer","expires_in":"1e9"}`,
		`{"error":"invalid_grant","error_description":"\u001b[31m"}`,
	} {
		f.Add(200, body)
		f.Add(400, body)
	}
	printable := regexp.MustCompile(`^[ -~…]*$`)
	f.Fuzz(func(t *testing.T, status int, body string) {
		if status < 200 || status > 599 || status/100 == 3 {
			return
		}
		e := endpoint(func(*http.Request) (*http.Response, error) { return answer(status, body), nil }, tokenendpoint.Config{})
		token, err := e.Token(t.Context(), form)
		switch {
		case err == nil && (status != 200 || !b64token.MatchString(token.AccessToken) || token.TokenType != "Bearer"):
			t.Errorf("accepted %q as %+v", body, token)
		case err != nil && (token != nil || !printable.MatchString(err.Error())):
			t.Errorf("%+v with the error %q", token, err)
		}
	})
}
