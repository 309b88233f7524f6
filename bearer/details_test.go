package bearer_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/scope"
)

// payment is an authorization details type of RFC 9396, Section 2.
type payment struct {
	Account string `json:"creditorAccount"`
	Limit   int    `json:"limit"`
}

const hushed = "DE40100100103307118608"

// withDetails returns a guard whose callers have these claims.
func withDetails(t *testing.T, claims string, log *bytes.Buffer) *bearer.Guard {
	t.Helper()
	return newGuard(t, bearer.Config{
		Logger: slog.New(slog.NewJSONHandler(log, nil)),
		Verifiers: []bearer.Verifier{bearer.VerifierFunc(func(context.Context, string) (*bearer.Principal, error) {
			p := bearer.Principal{Subject: "alice"}.WithClaims(claims)
			return &p, nil
		})},
	})
}

// RFC 9396, Sections 2, 9.1 and 9.2: authorization_details is an array of objects,
// each with a type. Checklist C18: a malformed claim is read as absent, so what
// asks for it fails closed.
func TestDetails(t *testing.T) {
	const (
		one   = `{"type":"payment","creditorAccount":"` + hushed + `","limit":5}`
		other = `{"type":"account","creditorAccount":7}`
	)
	tests := []struct {
		name, claims string
		want         []payment // what the function gets; nil: it is not called
		got          string    // in the log record
	}{
		{"one", `{"authorization_details":[` + one + `]}`, []payment{{hushed, 5}}, ""},
		{"two, and another type", `{"authorization_details":[` + one + `,` + other + `,{"type":"payment"}]}`, []payment{{hushed, 5}, {}}, ""},
		{"an escaped type, and unknown members", `{"authorization_details":[{"\u0074ype":"p\u0061yment","x":{"y":[1]}}]}`, []payment{{}}, ""},
		{"no claim", `{}`, nil, "none"},
		{"no claims", ``, nil, "none"},
		{"null", `{"authorization_details":null}`, nil, "none"},
		{"empty", `{"authorization_details":[]}`, nil, "none"},
		{"only another type", `{"authorization_details":[` + other + `]}`, nil, "none"},
		{"a type that begins alike", `{"authorization_details":[{"type":"payments"},{"type":"Payment"}]}`, nil, "none"},
		{"members of another case", `{"Authorization_Details":[` + one + `],"authorization_details":[{"Type":"payment","type":"x"}]}`, nil, "none"},
		{"one object without an array", `{"authorization_details":` + one + `}`, nil, "malformed details"},
		{"JSON in a string", `{"authorization_details":"[{\"type\":\"payment\"}]"}`, nil, "malformed details"},
		{"an element that is no object", `{"authorization_details":[` + one + `,"` + hushed + `"]}`, nil, "malformed details"},
		{"a null element", `{"authorization_details":[` + one + `,null]}`, nil, "malformed details"},
		{"an object without a type", `{"authorization_details":[` + one + `,{"limit":9}]}`, nil, "malformed details"},
		{"a null type", `{"authorization_details":[` + one + `,{"type":null}]}`, nil, "malformed details"},
		{"a type in an array", `{"authorization_details":[` + one + `,{"type":["payment"]}]}`, nil, "malformed details"},
		{"a member of the wrong type", `{"authorization_details":[` + one + `,{"type":"payment","limit":"` + hushed + `"}]}`, nil, "malformed details"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var log bytes.Buffer
			var got []payment
			route := withDetails(t, tt.claims, &log).MustRoute(bearer.RouteConfig{Rule: scope.None, Requirements: []bearer.Requirement{
				bearer.Details("payment", func(_ *http.Request, payments []payment) error {
					got = payments
					return nil
				}),
			}})
			w := httptest.NewRecorder()
			r, ok := route.Admit(w, get("Bearer token"))
			if !slices.Equal(got, tt.want) {
				t.Errorf("the function gets %v, want %v", got, tt.want)
			}
			if ok != (tt.want != nil) {
				t.Fatalf("admitted: %v", ok)
			}
			if ok {
				if got, err := bearer.DetailsOf[payment](r.Context(), "payment"); err != nil || !slices.Equal(got, tt.want) {
					t.Errorf("the handler gets %v, %v; want %v", got, err, tt.want)
				}
				return
			}
			const body = `{"status":403,"error_description":"The request is not allowed.","request_id":"` + requestID + `"}` + "\n"
			if w.Code != 403 || w.Body.String() != body || w.Header()["Www-Authenticate"] != nil {
				t.Errorf("%d %v %s", w.Code, w.Header(), w.Body)
			}
			for _, part := range []string{`"check":"authorization_details"`, `"expected":"details of the type \"payment\""`, `"got":"` + tt.got + `"`} {
				if !strings.Contains(log.String(), part) {
					t.Errorf("no %s in %s", part, log.String())
				}
			}
			if strings.Contains(log.String(), hushed) {
				t.Errorf("the log has a value of the token: %s", log.String())
			}
		})
	}
}

// The function decides as any requirement does.
func TestDetailsCheckDecides(t *testing.T) {
	for _, tt := range []struct {
		err    error
		status int
		text   string
	}{
		{nil, 200, ""},
		{bearer.Forbid("the amount exceeds the limit"), 403, "the amount exceeds the limit"},
		{errors.New("secret"), 403, "The request is not allowed."},
		{bearer.Unavailable(errors.New("secret"), 0), 503, "The access token cannot be checked at the moment."},
	} {
		requirement := bearer.Details("payment", func(*http.Request, []payment) error { return tt.err })
		route := withDetails(t, `{"authorization_details":[{"type":"payment"}]}`, new(bytes.Buffer)).
			MustRoute(bearer.RouteConfig{Rule: scope.None, Requirements: []bearer.Requirement{requirement}})
		got := serve(route, get("Bearer token"))
		if got.status != tt.status || !strings.Contains(got.body, tt.text) || strings.Contains(got.body, "secret") {
			t.Errorf("%v: %d %s", tt.err, got.status, got.body)
		}
	}
}

func TestDetailsReportsMistakes(t *testing.T) {
	_, err := newGuard(t, bearer.Config{}).Route(bearer.RouteConfig{
		Rule: scope.None, Requirements: []bearer.Requirement{bearer.Details[payment]("", nil)},
	})
	if err == nil || !strings.Contains(err.Error(), "Details without a type") || !strings.Contains(err.Error(), "Details without a function") {
		t.Errorf("%v", err)
	}
}

func TestDetailsOf(t *testing.T) {
	if got, err := bearer.DetailsOf[payment](t.Context(), "payment"); got != nil || err == nil {
		t.Errorf("without a principal: %v, %v", got, err)
	}
	of := func(claims string) ([]payment, error) {
		return bearer.DetailsOf[payment](bearer.NewContext(t.Context(), bearer.Principal{}.WithClaims(claims)), "payment")
	}
	if got, err := of(`{}`); got != nil || err != nil {
		t.Errorf("without the claim: %v, %v", got, err)
	}
	got, err := of(`{"authorization_details":[{"type":"payment"},{"type":"payment","limit":"` + hushed + `"}]}`)
	const want = "bearer: authorization_details: at 1: a value that does not fit into a bearer_test.payment"
	if got != nil || err == nil || err.Error() != want {
		t.Errorf("malformed: %v, %v; want %s", got, err, want)
	}
}

// Claims that cannot be read are an error, and not the absence of details.
func TestDetailsOfUnreadableClaims(t *testing.T) {
	for _, claims := range []string{"{", `"acme"`, `{"authorization_details":{}}`, `{"authorization_details":[1]}`, `{"authorization_details":[{}]}`,
		`{"authorization_details":[{"type":1}]}`, `{"authorization_details":["payment"]}`} {
		ctx := bearer.NewContext(t.Context(), alice.WithClaims(claims))
		if found, err := bearer.DetailsOf[payment](ctx, "payment"); err == nil || len(found) > 0 {
			t.Errorf("%s: %v, %v", claims, found, err)
		}
	}
	if found, err := bearer.DetailsOf[payment](bearer.NewContext(t.Context(), alice.WithClaims(`{}`)), "payment"); err != nil || len(found) > 0 {
		t.Errorf("no details: %v, %v", found, err)
	}
}
