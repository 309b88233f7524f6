package bearerhttp_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/bearerkit/bearerkit/adapters/bearerhttp"
	"github.com/bearerkit/bearerkit/bearer/bearertest"
)

// Reports L13, checklist C21: a mux inside another mux.
func TestNesting(t *testing.T) {
	protect := func(m bearertest.Mount) func(http.Handler) http.Handler {
		if m.Optional {
			return bearerhttp.Optional(m.Guard, m.Rule, m.Requirements...)
		}
		return bearerhttp.Require(m.Guard, m.Rule, m.Requirements...)
	}
	for name, inside := range map[string]func(bearertest.Nest) (pattern string, h http.Handler){
		"whole paths": func(n bearertest.Nest) (string, http.Handler) {
			mux := http.NewServeMux()
			mux.Handle(n.Route.Method+" "+n.Group.Path+n.Route.Path, protect(n.Route)(n.Route.Handler))
			return n.Group.Path + "/", mux
		},
		"a stripped prefix": func(n bearertest.Nest) (string, http.Handler) {
			mux := http.NewServeMux()
			mux.Handle(n.Route.Method+" "+n.Route.Path, protect(n.Route)(n.Route.Handler))
			return n.Group.Path + "/", http.StripPrefix(n.Group.Path, mux)
		},
	} {
		t.Run(name, func(t *testing.T) {
			err := bearertest.CheckNesting(func(n bearertest.Nest) http.Handler {
				pattern, h := inside(n)
				mux := http.NewServeMux()
				mux.Handle(pattern, protect(n.Group)(h))
				return mux
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
}

// The suite must detect a route that judges the request again, for example
// because it replaces the context.
func TestSuiteSeesASecondJudgement(t *testing.T) {
	err := bearertest.CheckNesting(func(n bearertest.Nest) http.Handler {
		mux, inner := http.NewServeMux(), n.Route.Route()
		mux.HandleFunc(n.Group.Path+n.Route.Path, func(w http.ResponseWriter, r *http.Request) {
			if r, ok := inner.Admit(w, r.WithContext(context.Background())); ok {
				n.Route.Handler(w, r)
			}
		})
		outer := bearerhttp.Protect(n.Group.Route())
		return outer(mux)
	})
	if err == nil || !strings.Contains(err.Error(), "verified 2 times") || !strings.Contains(err.Error(), "a fresh proof: the answer is\n401") {
		t.Errorf("the suite does not see a second judgement: %v", err)
	}
}
