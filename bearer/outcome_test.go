package bearer_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/scope"
)

// Reports L12: a handler outside a guard learns who called or why the request
// was refused. OnAdmit is called for each admitted request.
func TestOutcome(t *testing.T) {
	preflight := get()
	preflight.Method = http.MethodOptions
	preflight.Header.Set("Origin", "https://app.example.com")
	preflight.Header.Set("Access-Control-Request-Method", "GET")
	tests := []struct {
		name    string
		request *http.Request
		route   bearer.RouteConfig
		status  int
		subject string // empty: no principal
		code    bearer.Code
	}{
		{"a good token", get("Bearer good"), bearer.RouteConfig{}, 200, "alice", ""},
		{"a good token where none is needed", get("Bearer good"), bearer.RouteConfig{Optional: true}, 200, "alice", ""},
		{"anonymous", get(), bearer.RouteConfig{Optional: true}, 200, "", ""},
		{"a preflight", preflight, bearer.RouteConfig{}, 200, "", ""},
		{"no credentials", get(), bearer.RouteConfig{}, 401, "", bearer.CodeMissingCredentials},
		{"a bad token", get("Bearer forged"), bearer.RouteConfig{Optional: true}, 401, "", bearer.CodeInvalidToken},
		{"too little scope", get("Bearer good"), bearer.RouteConfig{Rule: scope.All("admin")}, 403, "", bearer.CodeInsufficientScope},
		{"an outage", get("Bearer down"), bearer.RouteConfig{}, 503, "", bearer.CodeUnavailable},
	}
	for _, hooks := range []bool{false, true} {
		for _, tt := range tests {
			t.Run(tt.name, func(t *testing.T) {
				config := bearer.Config{InsecurePassPreflights: true}
				var told []string
				var told1 bearer.Event
				var public bearer.PublicError
				config.ErrorBody = func(_ *http.Request, e bearer.PublicError) (string, []byte) {
					public = e
					return "", nil
				}
				if hooks {
					config.OnAdmit = func(r *http.Request) {
						p, known := bearer.FromContext(r.Context())
						told = append(told, fmt.Sprintf("admit %v %s", known, p.Subject))
					}
					config.OnRefusal = func(_ *http.Request, e bearer.Event) {
						told, told1 = append(told, "refuse"), e
					}
				}
				ctx, outer := bearer.WithOutcome(tt.request.Context())
				ctx, inner := bearer.WithOutcome(ctx)
				if _, known := inner.Principal(); known || inner.Admitted() {
					t.Error("it is admitted before it is judged")
				}
				if _, refused := inner.Refusal(); refused {
					t.Error("it is refused before it is judged")
				}
				if _, refused := inner.PublicError(); refused {
					t.Error("it has an error before it is judged")
				}
				got := serve(newRoute(t, config, tt.route), tt.request.WithContext(ctx))
				if got.status != tt.status {
					t.Fatalf("status %d, want %d", got.status, tt.status)
				}
				for which, o := range map[string]*bearer.Outcome{"outer": outer, "inner": inner} {
					p, known := o.Principal()
					if o.Admitted() != (tt.status == 200) || known != (tt.subject != "") || p.Subject != tt.subject {
						t.Errorf("%s: admitted %v, principal %v %+v", which, o.Admitted(), known, p)
					}
					if known && (p.TokenType != "Bearer" || p.Scopes != alice.Scopes) {
						t.Errorf("%s: principal %+v", which, p)
					}
					e, refused := o.Refusal()
					if refused != (tt.status != 200) || e.Code != tt.code || refused && (e.Status != tt.status || e.RequestID != requestID) {
						t.Errorf("%s: refused %v, %+v", which, refused, e)
					}
					if e, ok := o.PublicError(); ok != refused || e != public || refused && e.Status != tt.status {
						t.Errorf("%s: public error %v %+v, ErrorBody received %+v", which, ok, e, public)
					}
					if hooks && refused && e != told1 {
						t.Errorf("%s: %+v, the hook got %+v", which, e, told1)
					}
					if tt.code == bearer.CodeInsufficientScope && e.Subject != "alice" {
						t.Errorf("%s: the record does not say who was refused: %+v", which, e)
					}
				}
				want := []string{fmt.Sprintf("admit %v %s", tt.subject != "", tt.subject)}
				if tt.status != 200 {
					want = []string{"refuse"}
				}
				if hooks && !reflect.DeepEqual(told, want) {
					t.Errorf("the hooks received %q, want %q", told, want)
				}
			})
		}
	}
}

// Decide writes nothing and logs nothing, so it sets no outcome either.
func TestDecideSetsNoOutcome(t *testing.T) {
	called := false
	rt := newRoute(t, bearer.Config{OnAdmit: func(*http.Request) { called = true }}, bearer.RouteConfig{})
	ctx, outcome := bearer.WithOutcome(t.Context())
	for _, token := range []string{"good", "forged"} {
		rt.Decide(get("Bearer " + token).WithContext(ctx))
	}
	_, refused := outcome.Refusal()
	if called || refused || outcome.Admitted() {
		t.Errorf("hook called %v, refused %v, admitted %v", called, refused, outcome.Admitted())
	}
}

// OnAdmit runs before the handler and before anything is written, with the same
// request as the handler.
func TestOnAdmitRunsBeforeTheHandler(t *testing.T) {
	w := &discardWriter{header: http.Header{}}
	var hooked *http.Request
	rt := newRoute(t, bearer.Config{OnAdmit: func(r *http.Request) {
		if w.status != 0 {
			t.Error("something was written")
		}
		hooked = r
	}}, bearer.RouteConfig{})
	if r, ok := rt.Admit(w, get("Bearer good")); !ok || r != hooked {
		t.Errorf("admitted %v, the handler gets another request: %v", ok, r != hooked)
	}
}

// Reports L12, checklist C21: if a request passes several routes, of one guard
// or of two, the last decision is the outcome.
func TestOutcomeOfNestedRoutes(t *testing.T) {
	tests := []struct {
		name            string
		token           string
		inner           bearer.RouteConfig
		status          int
		admitted, known bool
		code            bearer.Code
	}{
		{"both let it in", "Bearer good", bearer.RouteConfig{Rule: scope.None}, 200, true, true, ""},
		{"anonymous", "Basic eDp5", bearer.RouteConfig{Rule: scope.None, Optional: true}, 200, true, false, ""},
		{"the inner one refuses", "Bearer good", bearer.RouteConfig{Rule: scope.All("admin")}, 403, false, false, bearer.CodeInsufficientScope},
		{"the inner one wants a token", "Basic eDp5", bearer.RouteConfig{Rule: scope.None}, 401, false, false, bearer.CodeMissingCredentials},
	}
	guard := newGuard(t, bearer.Config{})
	for _, within := range []*bearer.Guard{guard, newGuard(t, bearer.Config{})} {
		for _, tt := range tests {
			t.Run(tt.name, func(t *testing.T) {
				outer, inner := guard.MustRoute(bearer.RouteConfig{Rule: scope.None, Optional: true}), within.MustRoute(tt.inner)
				ctx, outcome := bearer.WithOutcome(t.Context())
				r, ok := outer.Admit(httptest.NewRecorder(), get(tt.token).WithContext(ctx))
				if !ok || !outcome.Admitted() {
					t.Fatal("the outer route refuses")
				}
				got := serve(inner, r)
				_, known := outcome.Principal()
				refusal, refused := outcome.Refusal()
				if got.status != tt.status || outcome.Admitted() != tt.admitted || known != tt.known || refused == tt.admitted || refusal.Code != tt.code {
					t.Errorf("%d; admitted %v, a principal %v, %+v", got.status, outcome.Admitted(), known, refusal)
				}
			})
		}
	}
}

// Reports L12: the outer handler may read the outcome while the inner one is
// still running, as with http.TimeoutHandler.
func TestOutcomeConcurrently(t *testing.T) {
	rt := newRoute(t, bearer.Config{}, bearer.RouteConfig{})
	ctx, outcome := bearer.WithOutcome(context.Background())
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			token := "Bearer good"
			if i%2 == 0 {
				token = "Bearer forged"
			}
			for range 100 {
				serve(rt, get(token).WithContext(ctx))
			}
		})
		wg.Go(func() {
			for range 100 {
				p, known := outcome.Principal()
				if known && p.Subject != "alice" {
					t.Errorf("principal %+v", p)
				}
				if e, refused := outcome.Refusal(); refused && e.Code != bearer.CodeInvalidToken {
					t.Errorf("refusal %+v", e)
				}
			}
		})
	}
	wg.Wait()

	let := make(chan struct{})
	slow := http.TimeoutHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, ok := rt.Admit(w, r); ok {
			close(let)
			<-r.Context().Done()
		}
	}), time.Millisecond, "")
	w := httptest.NewRecorder()
	ctx, outcome = bearer.WithOutcome(context.Background())
	slow.ServeHTTP(w, get("Bearer good").WithContext(ctx))
	<-let
	if p, known := outcome.Principal(); w.Code != http.StatusServiceUnavailable || !known || p.Subject != "alice" {
		t.Errorf("status %d, principal %v %+v", w.Code, known, p)
	}
}
