package main

import (
	"context"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/labstack/echo/v4"

	"github.com/bearerkit/bearerkit/adapters/bearerecho"
	"github.com/bearerkit/bearerkit/adapters/bearergin"
	"github.com/bearerkit/bearerkit/adapters/bearerhttp"
	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/scope"
)

// frameworks are the frameworks of the adapter case, with and without a guard.
var frameworks = []string{"net/http", "Echo", "Gin"}

func guardedBy(framework string) string { return framework + ", guarded" }

// adapters compares a route of each framework with and without a guard. The guard's
// verifier takes no time, so only the adapter makes a difference.
func adapters(h *harness) (result, error) {
	principal := bearer.Principal{
		Issuer: "https://login.example.com", Subject: "alice", Scopes: scope.Of(neededScope), Expires: time.Now().Add(time.Hour),
	}
	guard, err := bearer.New(bearer.Config{Verifiers: []bearer.Verifier{
		bearer.VerifierFunc(func(context.Context, string) (*bearer.Principal, error) { return &principal, nil }),
	}})
	if err != nil {
		return result{}, err
	}
	rule := scope.All(neededScope)
	plain := answer(func(*http.Request) string { return "anyone" })

	onEcho := func(middleware ...echo.MiddlewareFunc) http.Handler {
		e := echo.New()
		e.GET("/orders", answerEcho(func(echo.Context) string { return "anyone" }), middleware...)
		return e
	}
	onGin := func(handlers ...gin.HandlerFunc) http.Handler {
		engine := newGin()
		engine.GET("/orders", append(handlers, func(c *gin.Context) { reply(c.Writer, "anyone") })...)
		return engine
	}
	r := request(garbage)
	var entries []entry
	add := func(name string, handler http.Handler) {
		entries = append(entries, entry{name: name, run: serving(handler, accepted, r)})
	}
	add(frameworks[0], plain)
	add(guardedBy(frameworks[0]), bearerhttp.Require(guard, rule)(plain))
	add(frameworks[1], onEcho())
	add(guardedBy(frameworks[1]), onEcho(bearerecho.Require(guard, rule)))
	add(frameworks[2], onGin())
	add(guardedBy(frameworks[2]), onGin(bearergin.Require(guard, rule)))
	return h.measure("adapters", entries...)
}

// added returns the nanoseconds that the guard adds to a framework's route.
func added(r result, framework string) (guarded, bare series) {
	return r.of(guardedBy(framework)), r.of(framework)
}
