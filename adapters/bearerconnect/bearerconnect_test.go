package bearerconnect_test

import (
	"net/http"
	"testing"

	"github.com/bearerkit/bearerkit/adapters/bearerconnect"
	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/bearer/bearertest"
	"github.com/bearerkit/bearerkit/scope"
)

// Requests in none of the three protocols get the guard's own answers.
func TestAdapter(t *testing.T) {
	err := bearertest.CheckAdapter(func(mounts []bearertest.Mount) http.Handler {
		mux := http.NewServeMux()
		for _, m := range mounts {
			protect := bearerconnect.Require
			if m.Optional {
				protect = bearerconnect.Optional
			}
			mux.Handle(m.Method+" "+m.Path, protect(m.Guard, m.Rule, m.Requirements...)(m.Handler))
		}
		return mux
	})
	if err != nil {
		t.Error(err)
	}
}

// Reports L13, checklist C21: a guarded route in a guarded group.
func TestNesting(t *testing.T) {
	protect := func(m bearertest.Mount) func(http.Handler) http.Handler {
		if m.Optional {
			return bearerconnect.Optional(m.Guard, m.Rule, m.Requirements...)
		}
		return bearerconnect.Require(m.Guard, m.Rule, m.Requirements...)
	}
	err := bearertest.CheckNesting(func(n bearertest.Nest) http.Handler {
		inner := http.NewServeMux()
		inner.Handle(n.Route.Method+" "+n.Group.Path+n.Route.Path, protect(n.Route)(n.Route.Handler))
		return protect(n.Group)(inner)
	})
	if err != nil {
		t.Error(err)
	}
}

func TestMistakesPanic(t *testing.T) {
	guard := newGuard(t, bearer.Config{})
	for name, register := range map[string]func(){
		"a rule without scopes": func() { bearerconnect.Require(guard, scope.All()) },
		"the zero rule":         func() { bearerconnect.Optional(guard, scope.Rule{}) },
		"a nil route":           func() { bearerconnect.Protect(nil) },
		"a nil handler":         func() { bearerconnect.Require(guard, scope.None)(nil) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			register()
		}()
	}
}
