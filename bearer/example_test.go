package bearer_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/scope"
)

// exampleGuard stands for a guard with a jwks.Verifier.
func exampleGuard() *bearer.Guard {
	guard, err := bearer.New(bearer.Config{
		Verifiers: []bearer.Verifier{exampleVerifier()},
		RequestID: func(r *http.Request) string { return "7f3a" },
	})
	if err != nil {
		panic(err)
	}
	return guard
}

// exampleVerifier stands for a jwks.Verifier.
func exampleVerifier() bearer.Verifier {
	return bearer.VerifierFunc(func(context.Context, string) (*bearer.Principal, error) {
		return &bearer.Principal{Subject: "alice", ClientID: "shop", Scopes: scope.Of("orders:read")}, nil
	})
}

// exampleRequest returns GET /users/bob/profile, sent by alice.
func exampleRequest() *http.Request {
	r := httptest.NewRequest("GET", "/users/bob/profile", nil)
	r.SetPathValue("id", "bob")
	r.Header.Set("Authorization", "Bearer mF_9.B5f-4.1JqM")
	return r
}

func ExampleNew() {
	// Most programs use a jwks.Verifier here.
	verifier := bearer.VerifierFunc(func(ctx context.Context, token string) (*bearer.Principal, error) {
		return nil, bearer.ErrUnrecognized
	})
	guard, err := bearer.New(bearer.Config{Verifiers: []bearer.Verifier{verifier}, Realm: "shop"})
	fmt.Println(guard != nil, err)

	_, err = bearer.New(bearer.Config{Realm: "line\nbreak"})
	fmt.Println(err)
	// Output:
	// true <nil>
	// bearer: Config.Verifiers is empty; want at least one, such as a jwks.Verifier
	// bearer: Config.Realm "line\nbreak" contains a character that is not printable ASCII
}

func ExampleGuard_Route() {
	route, err := exampleGuard().Route(bearer.RouteConfig{Rule: scope.All("orders:write")})
	if err != nil {
		fmt.Println(err)
		return
	}
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r, ok := route.Admit(w, r)
		if !ok {
			return // answered
		}
		p, _ := bearer.FromContext(r.Context())
		fmt.Fprintln(w, "hello,", p.Subject)
	})
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, exampleRequest())
	fmt.Println(w.Code)
	fmt.Println(w.Header().Get("WWW-Authenticate"))
	fmt.Print(w.Body)
	// Output:
	// 403
	// Bearer realm="api", error="insufficient_scope", error_description="The access token lacks a scope that the request needs.", scope="orders:write"
	// {"status":403,"error":"insufficient_scope","error_description":"The access token lacks a scope that the request needs.","scope":"orders:write","request_id":"7f3a"}
}

// An invalid rule panics when the program registers the route, as an invalid
// pattern of http.ServeMux does.
func ExampleGuard_MustRoute() {
	defer func() { fmt.Println(recover()) }()
	var names []string // from a configuration that was forgotten
	exampleGuard().MustRoute(bearer.RouteConfig{Rule: scope.All(names...)})
	// Output: bearer: RouteConfig.Rule: scope.All: no names; use scope.None for a route that needs no scope
}

func ExampleRoute_Decide() {
	route := exampleGuard().MustRoute(bearer.RouteConfig{Rule: scope.All("orders:write")})
	d := route.Decide(exampleRequest())
	fmt.Println(d.Allowed(), d.Status(), d.Err())
	// Output: false 403 bearer: insufficient_scope: scope: expected all of orders:write, got orders:read
}

func ExampleStepUp() {
	route := exampleGuard().MustRoute(bearer.RouteConfig{
		Rule:         scope.None,
		Requirements: []bearer.Requirement{bearer.StepUp{ACR: []string{"urn:example:mfa"}, MaxAge: 5 * time.Minute}},
	})
	d := route.Decide(exampleRequest())
	fmt.Println(d.Status())
	fmt.Println(d.Challenges()[0])
	// Output:
	// 401
	// Bearer realm="api", error="insufficient_user_authentication", error_description="The request needs a stronger or more recent authentication of the user.", acr_values="urn:example:mfa", max_age="300"
}

// A RequirementFunc can require a StepUp that depends on the request.
func ExampleStepUp_Check() {
	large := bearer.RequirementFunc(func(r *http.Request, p *bearer.Principal) error {
		if r.URL.Query().Get("amount") < "1000" {
			return nil
		}
		return bearer.StepUp{ACR: []string{"urn:example:mfa"}}.Check(r, p)
	})
	fmt.Println(large.Check(httptest.NewRequest("POST", "/transfers?amount=5000", nil), &bearer.Principal{}))
	// Output: bearer: insufficient_user_authentication: acr: expected one of urn:example:mfa, got none
}

func ExampleForbid() {
	route := exampleGuard().MustRoute(bearer.RouteConfig{
		Rule: scope.None,
		Requirements: []bearer.Requirement{bearer.RequirementFunc(func(r *http.Request, p *bearer.Principal) error {
			return bearer.Forbid("Orders are closed on Sundays.")
		})},
	})
	w := httptest.NewRecorder()
	route.Admit(w, exampleRequest())
	fmt.Print(w.Code, " ", w.Body)
	// Output: 403 {"status":403,"error_description":"Orders are closed on Sundays.","request_id":"7f3a"}
}

func ExampleSubjectInPath() {
	route := exampleGuard().MustRoute(bearer.RouteConfig{
		Rule:         scope.None,
		Requirements: []bearer.Requirement{bearer.SubjectInPath("id")},
	})
	fmt.Println(route.Decide(exampleRequest()).Status())
	// Output: 403
}

func ExampleHidden() {
	route := exampleGuard().MustRoute(bearer.RouteConfig{
		Rule:         scope.None,
		Requirements: []bearer.Requirement{bearer.Hidden(bearer.SubjectInPath("id"))},
	})
	fmt.Println(route.Decide(exampleRequest()).Status())
	// Output: 404
}

func ExampleUnavailable() {
	err := bearer.Unavailable(context.DeadlineExceeded, 10*time.Second)
	fmt.Println(err)
	// Output: bearer: unavailable: context deadline exceeded
}

func ExampleInvalid() {
	fmt.Println(bearer.Invalid("typ", "at+jwt", `"JWT"`))
	// Output: bearer: invalid_token: typ: expected at+jwt, got "JWT"
}

// An access log outside the guard writes one line for each request, with the
// user.
func ExampleWithOutcome() {
	route := exampleGuard().MustRoute(bearer.RouteConfig{Rule: scope.All("orders:read"), Optional: true})
	strict := exampleGuard().MustRoute(bearer.RouteConfig{Rule: scope.All("orders:write")})
	mux := http.NewServeMux()
	mux.HandleFunc("GET /orders", func(w http.ResponseWriter, r *http.Request) {
		if _, ok := route.Admit(w, r); ok {
			fmt.Fprintln(w, "[]")
		}
	})
	mux.HandleFunc("DELETE /orders", func(w http.ResponseWriter, r *http.Request) {
		if _, ok := strict.Admit(w, r); ok {
			w.WriteHeader(http.StatusNoContent)
		}
	})

	accessLog := func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			ctx, outcome := bearer.WithOutcome(r.Context())
			next.ServeHTTP(w, r.WithContext(ctx))
			user := "-" // anonymous, or a path without a guard
			if p, known := outcome.Principal(); known {
				user = p.Subject
			} else if refusal, refused := outcome.Refusal(); refused {
				user = fmt.Sprintf("%q, refused %d %s", refusal.Subject, refusal.Status, refusal.Code)
			}
			fmt.Println(r.Method, r.URL.Path, user)
		})
	}
	api := accessLog(mux)
	for _, method := range []string{"GET", "DELETE"} {
		r := httptest.NewRequest(method, "/orders", nil)
		api.ServeHTTP(httptest.NewRecorder(), r)
		r.Header.Set("Authorization", "Bearer mF_9.B5f-4.1JqM")
		api.ServeHTTP(httptest.NewRecorder(), r)
	}
	// Output:
	// GET /orders -
	// GET /orders alice
	// DELETE /orders "", refused 401 missing_credentials
	// DELETE /orders "alice", refused 403 insufficient_scope
}

func ExampleFromContext() {
	handler := func(w http.ResponseWriter, r *http.Request) {
		if p, ok := bearer.FromContext(r.Context()); ok {
			fmt.Fprintln(w, "hello,", p.Subject)
		} else {
			fmt.Fprintln(w, "hello, stranger")
		}
	}
	r := httptest.NewRequest("GET", "/greeting", nil)
	w := httptest.NewRecorder()
	handler(w, r)
	handler(w, r.WithContext(bearer.NewContext(r.Context(), bearer.Principal{Subject: "alice"})))
	fmt.Print(w.Body)
	// Output:
	// hello, stranger
	// hello, alice
}

// All routes of a group need the scope api too. A challenge names the scopes of
// the group and of the route.
func ExampleGuard_With() {
	api := exampleGuard().With(scope.All("api"))
	route := api.MustRoute(bearer.RouteConfig{Rule: scope.All("orders:read")})
	d := route.Decide(exampleRequest())
	fmt.Println(d.Status(), d.Challenges())
	// Output:
	// 403 [Bearer realm="api", error="insufficient_scope", error_description="The access token lacks a scope that the request needs.", scope="api orders:read"]
}

// An API that has an error format of its own keeps the guard's status and
// challenges, and writes the body.
func ExampleConfig_errorBody() {
	envelope := func(_ *http.Request, e bearer.PublicError) (string, []byte) {
		body, err := json.Marshal(map[string]any{
			"error": map[string]any{"status": e.Status, "code": e.Code, "message": e.Text, "trace": e.RequestID},
		})
		if err != nil {
			return "", nil // the guard's own body
		}
		return "application/json", body
	}
	guard, err := bearer.New(bearer.Config{
		Verifiers: []bearer.Verifier{exampleVerifier()},
		RequestID: func(*http.Request) string { return "7f3a" },
		ErrorBody: envelope,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	w := httptest.NewRecorder()
	guard.MustRoute(bearer.RouteConfig{Rule: scope.All("orders:write")}).Admit(w, exampleRequest())
	fmt.Println(w.Code, w.Body)
	// Output:
	// 403 {"error":{"code":"insufficient_scope","message":"The access token lacks a scope that the request needs.","status":403,"trace":"7f3a"}}
}

// A program waits for the keys of its issuers, at most 10 s. It can serve while
// one of them is down.
func ExampleWaitReady() {
	staff := func() error { return errors.New("staff: no keys") } // stands for the Ready of a jwks.Verifier
	customers := func() error { return nil }
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	err := bearer.WaitReady(ctx, func() error { return bearer.AnyReady(staff(), customers()) })
	fmt.Println(err)
	// Output: <nil>
}

// An OpenAPI document says what each route requires: one of the listed objects.
func ExampleRoute_OpenAPISecurity() {
	route := exampleGuard().MustRoute(bearer.RouteConfig{Rule: scope.Any("reports:read", "admin")})
	security, err := json.Marshal(route.OpenAPISecurity("oauth2"))
	fmt.Println(string(security), err)
	fmt.Println(route.Scopes())
	// Output:
	// [{"oauth2":["reports:read"]},{"oauth2":["admin"]}] <nil>
	// reports:read
}
