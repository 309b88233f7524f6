package main

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"

	auth0v2 "github.com/auth0/go-jwt-middleware/v2"
	auth0jwksv2 "github.com/auth0/go-jwt-middleware/v2/jwks"
	validatorv2 "github.com/auth0/go-jwt-middleware/v2/validator"
	"github.com/go-chi/jwtauth/v5"
	"github.com/lestrrat-go/jwx/v2/jwa"
	"github.com/lestrrat-go/jwx/v2/jwk"
	jwxjwt "github.com/lestrrat-go/jwx/v2/jwt"
	"github.com/modelcontextprotocol/go-sdk/auth"
	"github.com/modelcontextprotocol/go-sdk/oauthex"

	"github.com/bearerkit/bearerkit/bearer/bearertest"
)

// fieldEntrants lists all entrants in the order of the table. Each is set up as the
// linked page says, and offers only what that page offers. What a library leaves to
// its users is written as well as its page allows: see byHand.
var fieldEntrants = []entrant{
	bearerkitOn("bearerkit on net/http", "https://github.com/bearerkit/bearerkit", onNetHTTP),
	bearerkitOn("bearerkit on Echo v4", "https://github.com/bearerkit/bearerkit", onEcho4, "github.com/labstack/echo/v4"),
	bearerkitOn("bearerkit on Echo v5", "https://github.com/bearerkit/bearerkit", onEcho5, "github.com/labstack/echo/v5"),
	bearerkitOn("bearerkit on Gin", "https://github.com/bearerkit/bearerkit", onGin, "github.com/gin-gonic/gin"),
	strictReference,
	peer("golang-jwt + keyfunc", "https://github.com/MicahParks/keyfunc#basic-usage", openGolangJWT,
		"github.com/golang-jwt/jwt/v5", "github.com/MicahParks/keyfunc/v3"),
	peer("echo-jwt + keyfunc", "https://echo.labstack.com/docs/middleware/jwt", openEchoJWT,
		"github.com/labstack/echo-jwt/v4"),
	peer("gin-jwt + keyfunc", "https://github.com/appleboy/gin-jwt#usage", openGinJWT,
		"github.com/appleboy/gin-jwt/v2"),
	peer("jwtauth", "https://github.com/go-chi/jwtauth#usage", openJWTAuth,
		"github.com/go-chi/jwtauth/v5"),
	peer("go-oidc", "https://pkg.go.dev/github.com/coreos/go-oidc/v3/oidc#NewVerifier", openGoOIDC,
		"github.com/coreos/go-oidc/v3"),
	peer("jwx v2", "https://pkg.go.dev/github.com/lestrrat-go/jwx/v2/jwt", withAlgorithms(openJWX),
		"github.com/lestrrat-go/jwx/v2"),
	peer("zitadel/oidc op", "https://pkg.go.dev/github.com/zitadel/oidc/v3/pkg/op#VerifyAccessToken", openZitadel,
		"github.com/zitadel/oidc/v3"),
	peer("zitadel/oidc rs", "https://pkg.go.dev/github.com/zitadel/oidc/v3/pkg/client/rs", openZitadelRS,
		"github.com/zitadel/oidc/v3").offering("introspection"),
	peer("auth0 v2", "https://github.com/auth0/go-jwt-middleware/tree/v2#usage", openAuth0v2,
		"github.com/auth0/go-jwt-middleware/v2"),
	peer("auth0 v3", "https://github.com/auth0/go-jwt-middleware#dpop-demonstrating-proof-of-possession", withAlgorithms(openAuth0),
		"github.com/auth0/go-jwt-middleware/v3").offering("jwt", "dpop"),
	peer("MCP Go SDK + keyfunc", "https://github.com/modelcontextprotocol/go-sdk/blob/main/docs/protocol.md#authorization", openMCPServer,
		"github.com/modelcontextprotocol/go-sdk").offering("jwt", "metadata", "mcp"),
	nodeAPI("express-oauth2-jwt-bearer", "https://auth0.github.io/node-oauth2-jwt-bearer/interfaces/AuthOptions.html", "express-oauth2.mjs",
		"npm:express-oauth2-jwt-bearer", "npm:express").offering("jwt", "dpop"),
	nodeAPI("jose on Express", "https://github.com/panva/jose/blob/main/docs/jwks/remote/functions/createRemoteJWKSet.md", "jose.mjs",
		"npm:jose", "npm:express"),
}

// strictReference is the server that proves the corpus.
var strictReference = entrant{
	name: "the strict reference", link: "https://github.com/bearerkit/bearerkit/tree/main/conformance/reference",
	trials: trialsWith(openReference(false, false), openReference(true, false), openReference(false, true)),
}

// peer returns a contender as an entrant that takes JWTs.
func peer(name, link string, open func(setup) (http.Handler, func(), error), modules ...string) entrant {
	return entrant{name, link, modules, []trial{{open: func(i *bearertest.Issuer) (served, error) {
		handler, end, err := open(setup{issuer: i.URL(), jwks: i.URL() + "/jwks"})
		return served{handler: handler, close: end}, err
	}}}}
}

// offering says what an entrant offers in place of JWTs as bearer tokens alone.
func (e entrant) offering(needs ...string) entrant {
	e.trials[0].supports = needs
	e.trials[0].clients = []bearertest.Client{{ID: clientID, Secret: clientSecret}}
	return e
}

// openJWTAuth gives jwtauth the issuer's key. It takes one key and one algorithm, so
// it cannot follow a rotation.
func openJWTAuth(s setup) (http.Handler, func(), error) {
	set, err := jwk.Fetch(context.Background(), s.jwks)
	if err != nil {
		return nil, nil, err
	}
	for i := range set.Len() {
		key, _ := set.Key(i)
		if elliptic, ok := key.(jwk.ECDSAPublicKey); !ok || elliptic.Crv() != jwa.P256 {
			continue
		}
		tokens := jwtauth.New("ES256", nil, key, jwxjwt.WithIssuer(s.issuer), jwxjwt.WithAudience(audience), jwxjwt.WithRequiredClaim("exp"))
		handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			token, claims, _ := jwtauth.FromContext(r.Context())
			if granted, _ := claims["scope"].(string); !hasScope(granted) {
				refuseByHand(w, http.StatusForbidden, missingScope)
				return
			}
			reply(w, token.Subject())
		})
		return jwtauth.Verifier(tokens)(jwtauth.Authenticator(tokens)(handler)), func() {}, nil
	}
	return nil, nil, errors.New("the issuer has no ES256 key")
}

// openAuth0v2 takes one algorithm, and a clock skew of a minute as the examples.
func openAuth0v2(s setup) (http.Handler, func(), error) {
	issuer, err := url.Parse(s.issuer)
	if err != nil {
		return nil, nil, err
	}
	provider := auth0jwksv2.NewCachingProvider(issuer, 5*time.Minute)
	tokens, err := validatorv2.New(provider.KeyFunc, validatorv2.ES256, s.issuer, []string{audience},
		validatorv2.WithCustomClaims(func() validatorv2.CustomClaims { return &auth0Claims{} }),
		validatorv2.WithAllowedClockSkew(time.Minute))
	if err != nil {
		return nil, nil, err
	}
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		claims, _ := r.Context().Value(auth0v2.ContextKey{}).(*validatorv2.ValidatedClaims)
		if claims.RegisteredClaims.Expiry == 0 {
			refuseByHand(w, http.StatusUnauthorized, `Bearer error="invalid_token"`)
			return
		}
		if custom, ok := claims.CustomClaims.(*auth0Claims); !ok || !hasScope(custom.Scope) {
			refuseByHand(w, http.StatusForbidden, missingScope)
			return
		}
		reply(w, claims.RegisteredClaims.Subject)
	})
	return auth0v2.New(tokens.ValidateToken).CheckJWT(handler), func() {}, nil
}

// openMCPServer is openMCP with the metadata of RFC 9728, as the SDK's page shows.
func openMCPServer(s setup) (http.Handler, func(), error) {
	handler, end, err := openMCP(s)
	if err != nil {
		return nil, nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("/", handler)
	mux.Handle("/.well-known/oauth-protected-resource", auth.ProtectedResourceMetadataHandler(&oauthex.ProtectedResourceMetadata{
		Resource: audience, AuthorizationServers: []string{s.issuer}, ScopesSupported: []string{neededScope},
		BearerMethodsSupported: []string{"header"}, ResourceName: "Orders",
	}))
	return mux, end, nil
}
