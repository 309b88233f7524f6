package bearerhttp_test

import (
	"net/http"
	"testing"

	"github.com/bearerkit/bearerkit/adapters/bearerhttp"
	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/bearer/bearertest"
	"github.com/bearerkit/bearerkit/scope"
)

func TestAdapter(t *testing.T) {
	err := bearertest.CheckAdapter(func(mounts []bearertest.Mount) http.Handler {
		mux := http.NewServeMux()
		for _, m := range mounts {
			protect := bearerhttp.Require
			if m.Optional {
				protect = bearerhttp.Optional
			}
			mux.Handle(m.Method+" "+m.Path, protect(m.Guard, m.Rule, m.Requirements...)(m.Handler))
		}
		return mux
	})
	if err != nil {
		t.Error(err)
	}
}

// The suite must detect an adapter that runs the handler after a refusal.
func TestSuiteSeesAHandlerAfterARefusal(t *testing.T) {
	err := bearertest.CheckAdapter(func(mounts []bearertest.Mount) http.Handler {
		mux := http.NewServeMux()
		for _, m := range mounts {
			route := m.Route()
			mux.HandleFunc(m.Method+" "+m.Path, func(w http.ResponseWriter, r *http.Request) {
				if admitted, ok := route.Admit(w, r); ok {
					r = admitted
				}
				m.Handler(w, r)
			})
		}
		return mux
	})
	if err == nil {
		t.Error("the suite passed an adapter that ignores refusals")
	}
}

func TestInvalidRulePanics(t *testing.T) {
	guard, err := bearer.New(bearer.Config{Verifiers: []bearer.Verifier{bearertest.Principals{}}})
	if err != nil {
		t.Fatal(err)
	}
	for _, register := range map[string]func(){
		"Require":  func() { bearerhttp.Require(guard, scope.All()) },
		"Optional": func() { bearerhttp.Optional(guard, scope.Rule{}) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Error("no panic at registration")
				}
			}()
			register()
		}()
	}
}
