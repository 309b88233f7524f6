package console

import (
	"net/http"
	"strings"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/bearer/bearertest"
	"github.com/bearerkit/bearerkit/examples/protectedapi/internal/router"
	"github.com/bearerkit/bearerkit/scope"
)

// person is somebody who calls the API: a column of the matrix.
type person struct {
	ID     string   `json:"id"`
	Name   string   `json:"name"`
	About  string   `json:"about"`
	User   string   `json:"user"`   // sub; empty: a client for itself, or nobody
	Client string   `json:"client"` // client_id; empty: nobody
	Scopes []string `json:"scopes"`
}

// nobody is the column of requests without a token.
const nobody = "nobody"

// people returns the columns of the matrix.
func people() []person {
	return []person{
		{ID: nobody, Name: "nobody", About: "has not logged in", Scopes: []string{}},
		{ID: "alice", Name: "alice", About: "a customer of the shop", User: "alice", Client: "shop",
			Scopes: []string{"orders:read", "orders:write", "profile", "transfers:write"}},
		{ID: "bob", Name: "bob", About: "an editor of the site", User: "bob", Client: "cms", Scopes: []string{"posts:write", "profile"}},
		{ID: "client", Name: "back-office", About: "a client that acts for itself", Client: "back-office",
			Scopes: []string{"admin", "reports:read", "settings:write"}},
	}
}

// row is a route, and who may enter.
type row struct {
	Method  string         `json:"method"`
	Path    string         `json:"path"`
	Token   string         `json:"token"`  // whether the route looks at tokens: no, optional or required
	Scopes  [][]string     `json:"scopes"` // alternatives; each lists scopes of which all are needed
	Also    string         `json:"also"`   // what the route needs beyond scopes, in words
	Answers map[string]int `json:"answers"`
}

// matrixOf returns a row for each route. A guard with the route's own rule decides
// who may enter, so the matrix cannot differ from the API.
func matrixOf(routes []router.Route) ([]row, error) {
	columns := people()
	principals := bearertest.Principals{}
	for _, p := range columns {
		if p.ID != nobody {
			subject := p.User
			if subject == "" {
				subject = p.Client
			}
			principals[p.ID] = bearer.Principal{Subject: subject, ClientID: p.Client, Scopes: scope.Of(p.Scopes...)}
		}
	}
	guard, err := bearer.New(bearer.Config{Verifiers: []bearer.Verifier{principals}})
	if err != nil {
		return nil, err
	}
	var matrix []row
	for _, rt := range routes {
		r := row{Method: rt.Method, Path: rt.Path, Also: rt.Also, Token: tokenUse[rt.Access], Scopes: [][]string{}, Answers: map[string]int{}}
		if rt.Access == router.Open {
			for _, p := range columns {
				r.Answers[p.ID] = http.StatusOK
			}
			matrix = append(matrix, r)
			continue
		}
		route, err := guard.Route(bearer.RouteConfig{Rule: rt.Rule, Requirements: rt.Requirements, Optional: rt.Access == router.Optional})
		if err != nil {
			return nil, err
		}
		for _, alternative := range route.OpenAPISecurity("scopes") {
			if names := alternative["scopes"]; len(names) > 0 {
				r.Scopes = append(r.Scopes, names)
			}
		}
		for _, p := range columns {
			r.Answers[p.ID] = route.Decide(requestOf(rt, p)).Status()
		}
		matrix = append(matrix, r)
	}
	return matrix, nil
}

var tokenUse = map[router.Access]string{router.Open: "no", router.Optional: "optional", router.Protected: "required"}

// requestOf returns a person's request of a route. The page asks for alice where
// the path has a user.
func requestOf(rt router.Route, p person) *http.Request {
	r, err := http.NewRequest(rt.Method, strings.ReplaceAll(rt.Path, "{id}", "alice"), nil)
	if err != nil { // never: the table has methods and paths
		panic(err)
	}
	r.SetPathValue("id", "alice")
	if p.ID != nobody {
		r.Header.Set("Authorization", "Bearer "+p.ID)
	}
	return r
}
