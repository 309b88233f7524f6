package main

import (
	"net/http"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/labstack/echo/v4"
	echo5 "github.com/labstack/echo/v5"

	"github.com/bearerkit/bearerkit/adapters/bearerecho"
	"github.com/bearerkit/bearerkit/adapters/bearerecho5"
	"github.com/bearerkit/bearerkit/adapters/bearergin"
	"github.com/bearerkit/bearerkit/adapters/bearerhttp"
	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/bearer/bearertest"
	"github.com/bearerkit/bearerkit/compliance"
	"github.com/bearerkit/bearerkit/conformance/reference"
	"github.com/bearerkit/bearerkit/dpop"
	"github.com/bearerkit/bearerkit/introspect"
	"github.com/bearerkit/bearerkit/jwks"
	"github.com/bearerkit/bearerkit/resource"
	"github.com/bearerkit/bearerkit/scope"
)

// everything is what bearerkit and the reference support.
var everything = []string{"jwt", "introspection", "dpop", "mtls", "metadata", "mcp"}

// conformClients are the clients of the issuer: the API, which asks about tokens.
var conformClients = []bearertest.Client{{ID: "api", Secret: "secret"}}

var conformRoutes = map[string]string{
	"strict": reference.StrictPath, "step-up": reference.StepUpPath, "optional": reference.OptionalPath,
}

// conformRoute is a route that the corpus asks for.
type conformRoute struct {
	path         string
	optional     bool
	rule         scope.Rule
	requirements []bearer.Requirement
}

var routesOfCorpus = []conformRoute{
	{path: reference.Path, rule: scope.All(neededScope)},
	{path: reference.StrictPath, rule: scope.All(neededScope, "conform:strict")},
	{path: reference.OptionalPath, rule: scope.All(neededScope), optional: true},
	{path: reference.StepUpPath, rule: scope.All(neededScope), requirements: []bearer.Requirement{
		bearer.StepUp{ACR: []string{"phr"}, MaxAge: 5 * time.Minute},
	}},
}

// onFramework serves the routes of the corpus, and the metadata at a path.
type onFramework func(g *bearer.Guard, metadata http.Handler) http.Handler

// bearerkitOn returns bearerkit on a framework: everything that it offers, then
// DPoP with nonces, and the FAPI 2.0 profile with each way to bind tokens.
func bearerkitOn(name, link string, serve onFramework, modules ...string) entrant {
	open := func(nonces bool, profile *compliance.Profile) func(*bearertest.Issuer) (served, error) {
		return func(i *bearertest.Issuer) (served, error) { return openConforming(i, serve, nonces, profile) }
	}
	return entrant{name, link, append([]string{"github.com/bearerkit/bearerkit"}, modules...), trialsWith(open(false, nil), open(true, nil), open(false, &compliance.FAPI2))}
}

// trialsWith are the set-ups of an entrant that supports everything.
func trialsWith(usual, nonces, fapi func(*bearertest.Issuer) (served, error)) []trial {
	return []trial{
		{supports: everything, routes: conformRoutes, clients: conformClients, open: usual},
		{levels: []string{"dpop"}, supports: []string{"jwt", "dpop", "dpop-nonce"}, clients: conformClients, open: nonces},
		{levels: []string{"fapi"}, supports: []string{"jwt", "introspection", "mtls", "fapi"}, binding: "mtls", clients: conformClients, open: fapi},
		{levels: []string{"fapi"}, supports: []string{"jwt", "dpop", "mtls", "fapi"}, binding: "dpop", clients: conformClients, open: fapi},
	}
}

func openConforming(i *bearertest.Issuer, serve onFramework, nonces bool, profile *compliance.Profile) (served, error) {
	tokenConfig := jwks.Config{Issuers: []jwks.Issuer{{URL: i.URL(), Audience: []string{audience}}}}
	opaqueConfig := introspect.Config{
		Issuer: i.URL(), Endpoint: i.URL() + "/introspect", Audience: []string{audience},
		Auth: introspect.ClientSecretBasic("api", "secret"), Timeout: time.Second,
	}
	proofConfig := dpop.Config{Origin: audience}
	if nonces {
		var err error
		if proofConfig.Nonces, err = dpop.NewNonces(dpop.NoncesConfig{}); err != nil {
			return served{}, err
		}
	}
	guardConfig := bearer.Config{Certificates: &bearer.Certificates{}, ResourceMetadata: audience + resource.WellKnownPath}
	if profile != nil {
		// A revoked token must die within seconds, which the corpus waits for.
		opaqueConfig.MaxAge = -1
		if err := profile.Apply(compliance.Settings{
			Guard: &guardConfig, Tokens: &tokenConfig, Opaque: &opaqueConfig, Proofs: &proofConfig,
		}); err != nil {
			return served{}, err
		}
	}
	tokens, err := jwks.New(tokenConfig)
	if err != nil {
		return served{}, err
	}
	opaque, err := introspect.New(opaqueConfig)
	if err != nil {
		return served{}, err
	}
	guardConfig.Verifiers = []bearer.Verifier{tokens, opaque}
	if guardConfig.Proofs, err = dpop.New(proofConfig); err != nil {
		return served{}, err
	}
	guard, err := bearer.New(guardConfig)
	if err != nil {
		return served{}, err
	}
	metadata, err := resource.New(resource.Config{
		Resource: audience, AuthorizationServers: []string{i.URL()}, Rules: []scope.Rule{scope.All(neededScope)}, Name: "Orders",
	})
	if err != nil {
		return served{}, err
	}
	published, err := resource.Handler(metadata)
	return served{handler: serve(guard, published), close: tokens.Close}, err
}

func onNetHTTP(g *bearer.Guard, metadata http.Handler) http.Handler {
	mux := http.NewServeMux()
	for _, r := range routesOfCorpus {
		protect := bearerhttp.Require(g, r.rule, r.requirements...)
		if r.optional {
			protect = bearerhttp.Optional(g, r.rule, r.requirements...)
		}
		mux.Handle(r.path, protect(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { reply(w, "anyone") })))
	}
	mux.Handle(resource.WellKnownPath, metadata)
	return mux
}

func onEcho4(g *bearer.Guard, metadata http.Handler) http.Handler {
	e := echo.New()
	for _, r := range routesOfCorpus {
		protect := bearerecho.Require(g, r.rule, r.requirements...)
		if r.optional {
			protect = bearerecho.Optional(g, r.rule, r.requirements...)
		}
		e.Any(r.path, func(c echo.Context) error { return c.NoContent(http.StatusNoContent) }, protect)
	}
	e.Any(resource.WellKnownPath, echo.WrapHandler(metadata))
	return e
}

func onEcho5(g *bearer.Guard, metadata http.Handler) http.Handler {
	e := echo5.New()
	for _, r := range routesOfCorpus {
		protect := bearerecho5.Require(g, r.rule, r.requirements...)
		if r.optional {
			protect = bearerecho5.Optional(g, r.rule, r.requirements...)
		}
		e.Any(r.path, func(c *echo5.Context) error { return c.NoContent(http.StatusNoContent) }, protect)
	}
	e.Any(resource.WellKnownPath, echo5.WrapHandler(metadata))
	return e
}

func onGin(g *bearer.Guard, metadata http.Handler) http.Handler {
	engine := newGin()
	for _, r := range routesOfCorpus {
		protect := bearergin.Require(g, r.rule, r.requirements...)
		if r.optional {
			protect = bearergin.Optional(g, r.rule, r.requirements...)
		}
		engine.Any(r.path, protect, func(c *gin.Context) { c.Status(http.StatusNoContent) })
	}
	engine.Any(resource.WellKnownPath, gin.WrapH(metadata))
	return engine
}

// openReference opens the strict reference.
func openReference(nonces, fapi bool) func(*bearertest.Issuer) (served, error) {
	return func(i *bearertest.Issuer) (served, error) {
		handler, err := reference.New(reference.Config{
			Resource: audience, Origin: audience, Issuer: i.URL(), KeySet: i.URL() + "/jwks", Scope: neededScope,
			Introspection: i.URL() + "/introspect", ClientID: "api", ClientSecret: "secret", Nonces: nonces, FAPI: fapi,
		})
		return served{handler: handler, close: func() {}}, err
	}
}
