package client_test

import (
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/bearerkit/bearerkit/client"
)

// FuzzAnswers: whatever an API answers, a request ends after few attempts, with the
// API's own answer or with an Error that contains no token and nothing that could
// harm a terminal.
func FuzzAnswers(f *testing.F) {
	for _, tt := range shapes {
		if len(tt.line) < 1<<10 {
			f.Add(uint16(401), tt.line, "", "", `{"request_id":"a"}`)
			f.Add(uint16(403), tt.line, `Bearer error="insufficient_scope", scope="a"`, "0", "")
		}
	}
	f.Add(uint16(503), "", "", "0", "")
	f.Add(uint16(429), "", "", "Mon, 02 Jan 2006 15:04:05 GMT", "")
	f.Add(uint16(401), `Bearer error="invalid_token"`, `DPoP error="use_dpop_nonce"`, "1", `{"request_id":"\u001b"}`)
	f.Fuzz(func(t *testing.T, status uint16, first, second, retryAfter, body string) {
		sent := 0
		api := roundTripFunc(func(r *http.Request) (*http.Response, error) {
			if sent++; sent > 7 {
				t.Fatal("the request is sent again and again")
			}
			lines := []string{first, second}
			if sent%2 == 0 {
				lines = []string{second, first}
			}
			return &http.Response{
				StatusCode: int(status), Request: r, Body: io.NopCloser(strings.NewReader(body)),
				Header: http.Header{"Www-Authenticate": lines, "Retry-After": {retryAfter}, "Content-Type": {"application/json"}, "Dpop-Nonce": {first}},
			}, nil
		})
		source := new(counter)
		transport, err := client.New(client.Config{Tokens: source, Resource: "https://api.example.com", Base: api, MaxWait: 1})
		if err != nil {
			t.Fatal(err)
		}
		resp, err := transport.RoundTrip((&http.Request{Method: "GET", URL: &url.URL{Scheme: "https", Host: "api.example.com", Path: "/orders"}, Header: http.Header{}}).WithContext(t.Context()))
		if err == nil {
			rest, err := io.ReadAll(resp.Body)
			if err != nil || string(rest) != body || resp.StatusCode != int(status) {
				t.Fatalf("the caller's answer is not the API's: %v, %q, %v", resp, rest, err)
			}
			return
		}
		refused, ok := errors.AsType[*client.Error](err)
		if !ok || refused.Remedy.Text() == "" || refused.Status != int(status) {
			t.Fatalf("%#v", err)
		}
		text := err.Error()
		if strings.Contains(text, "token-1") || len(text) > 8<<10 || strings.ContainsFunc(text, func(c rune) bool { return c < ' ' || c > '~' }) {
			t.Fatalf("%q", text)
		}
		for _, want := range source.wants {
			if want.Scope.Len() > 64 {
				t.Fatalf("%d scopes", want.Scope.Len())
			}
		}
	})
}
