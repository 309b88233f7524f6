package main

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/bearerkit/bearerkit/adapters/bearerhttp"
	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/jwks"
	"github.com/bearerkit/bearerkit/scope"
)

// contender is a library that protects a route. Each is configured as its
// documentation recommends, checks iss, aud, exp and the scope, and passes the
// subject to the handler.
type contender struct {
	name    string
	modules []string // the report lists their versions

	// open builds the handler and returns a function that stops it. It may fetch keys.
	open func(setup) (http.Handler, func(), error)
}

// setup is the configuration that a contender gets.
type setup struct {
	issuer, jwks string
	client       *http.Client // nil: the library's default
}

func (i *issuer) setup() setup { return setup{issuer: i.url, jwks: i.jwks(), client: i.client} }

// contenders lists all contenders in the order of the tables.
var contenders = []contender{
	{"bearerkit", []string{"github.com/bearerkit/bearerkit"}, openBearerkit},
	{"golang-jwt + keyfunc", []string{"github.com/golang-jwt/jwt/v5", "github.com/MicahParks/keyfunc/v3"}, openGolangJWT},
	{"echo-jwt + keyfunc", []string{"github.com/labstack/echo-jwt/v4", "github.com/labstack/echo/v4"}, openEchoJWT},
	{"gin-jwt + keyfunc", []string{"github.com/appleboy/gin-jwt/v2", "github.com/gin-gonic/gin"}, openGinJWT},
	{"MCP Go SDK + keyfunc", []string{"github.com/modelcontextprotocol/go-sdk"}, openMCP},
	{"go-oidc", []string{"github.com/coreos/go-oidc/v3"}, openGoOIDC},
	{"zitadel/oidc", []string{"github.com/zitadel/oidc/v3"}, openZitadel},
	{"jwx v2", []string{"github.com/lestrrat-go/jwx/v2"}, openJWX},
	{"auth0", []string{"github.com/auth0/go-jwt-middleware/v3"}, openAuth0},
}

// named returns the contenders with the given names, in the order of the tables.
func named(names ...string) []contender {
	var some []contender
	for _, c := range contenders {
		for _, name := range names {
			if c.name == name {
				some = append(some, c)
			}
		}
	}
	return some
}

func openBearerkit(s setup) (http.Handler, func(), error) {
	guard, end, err := openGuard(s)
	if err != nil {
		return nil, nil, err
	}
	handler := answer(func(r *http.Request) string {
		p, _ := bearer.FromContext(r.Context())
		return p.Subject
	})
	return bearerhttp.Require(guard, scope.All(neededScope))(handler), end, nil
}

// admit calls only Route.Admit. The budgets apply to it.
var admit = contender{"Route.Admit", []string{"github.com/bearerkit/bearerkit"}, func(s setup) (http.Handler, func(), error) {
	guard, end, err := openGuard(s)
	if err != nil {
		return nil, nil, err
	}
	route := guard.MustRoute(bearer.RouteConfig{Rule: scope.All(neededScope)})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, ok := route.Admit(w, r); ok {
			w.WriteHeader(http.StatusNoContent)
		}
	}), end, nil
}}

func openGuard(s setup) (*bearer.Guard, func(), error) {
	tokens, err := jwks.New(jwks.Config{
		Issuers: []jwks.Issuer{{URL: s.issuer, Audience: []string{audience}, Keys: jwks.KeysFromURL(s.jwks)}},
		Client:  s.client,
	})
	if err != nil {
		return nil, nil, err
	}
	guard, err := bearer.New(bearer.Config{Verifiers: []bearer.Verifier{tokens}})
	return guard, tokens.Close, err
}

// answer is the handler of every net/http contender. It checks the caller and sends
// a short answer.
func answer(subject func(*http.Request) string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { reply(w, subject(r)) })
}

func reply(w http.ResponseWriter, subject string) {
	if subject == "" {
		w.WriteHeader(http.StatusForbidden)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// answerEcho is answer for Echo.
func answerEcho(subject func(echo.Context) string) echo.HandlerFunc {
	return func(c echo.Context) error {
		if subject(c) == "" {
			return c.NoContent(http.StatusForbidden)
		}
		return c.NoContent(http.StatusNoContent)
	}
}

// caller is the context key of the subject in handwritten middleware.
type caller struct{ subject, scope string }

type callerKey struct{}

// errNoKeys reports an outage. Some libraries let middleware distinguish it from a
// bad token.
var errNoKeys = errors.New("no keys")

// byHand is the middleware that users must write for a library without one.
func byHand(verify func(ctx context.Context, token string) (caller, error)) http.Handler {
	next := answer(func(r *http.Request) string {
		c, _ := r.Context().Value(callerKey{}).(caller)
		return c.subject
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		scheme, token, ok := strings.Cut(r.Header.Get("Authorization"), " ")
		if !ok || !strings.EqualFold(scheme, "Bearer") {
			refuseByHand(w, http.StatusUnauthorized, `Bearer realm="orders"`)
			return
		}
		c, err := verify(r.Context(), strings.TrimLeft(token, " "))
		if errors.Is(err, errNoKeys) {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		if err != nil {
			refuseByHand(w, http.StatusUnauthorized, `Bearer error="invalid_token"`)
			return
		}
		if !hasScope(c.scope) {
			refuseByHand(w, http.StatusForbidden, missingScope)
			return
		}
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), callerKey{}, c)))
	})
}

// missingScope is the challenge for a token without the scope.
const missingScope = `Bearer error="insufficient_scope", scope="` + neededScope + `"`

// refuseByHand answers as RFC 6750, Section 3 says.
func refuseByHand(w http.ResponseWriter, status int, challenge string) {
	w.Header().Set("WWW-Authenticate", challenge)
	w.WriteHeader(status)
}

// hasScope reports whether a scope claim contains the required scope.
func hasScope(claim string) bool {
	for name := range strings.SplitSeq(claim, " ") {
		if name == neededScope {
			return true
		}
	}
	return false
}
