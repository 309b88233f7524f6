package main

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/MicahParks/keyfunc/v3"
	ginjwt "github.com/appleboy/gin-jwt/v2"
	auth0 "github.com/auth0/go-jwt-middleware/v3"
	auth0jwks "github.com/auth0/go-jwt-middleware/v3/jwks"
	"github.com/auth0/go-jwt-middleware/v3/validator"
	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/gin-gonic/gin"
	jwt4 "github.com/golang-jwt/jwt/v4"
	"github.com/golang-jwt/jwt/v5"
	echojwt "github.com/labstack/echo-jwt/v4"
	"github.com/labstack/echo/v4"
	"github.com/lestrrat-go/jwx/v2/jwk"
	jwxjwt "github.com/lestrrat-go/jwx/v2/jwt"
	"github.com/modelcontextprotocol/go-sdk/auth"
	"github.com/zitadel/oidc/v3/pkg/client/rp"
	zitadel "github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

// accessClaims are golang-jwt's claims and those that a resource server reads. The
// struct is faster than golang-jwt's map.
type accessClaims struct {
	Scope    string `json:"scope"`
	ClientID string `json:"client_id"`
	jwt.RegisteredClaims
}

// openKeyfunc uses the defaults of keyfunc.NewDefaultCtx without a log.
func openKeyfunc(s setup) (keyfunc.Keyfunc, func(), error) {
	ctx, cancel := context.WithCancel(context.Background())
	keys, err := keyfunc.NewDefaultOverrideCtx(ctx, []string{s.jwks}, keyfunc.Override{
		Client:                  s.client,
		RefreshErrorHandlerFunc: func(string) func(context.Context, error) { return func(context.Context, error) {} },
	})
	if err != nil {
		cancel()
		return nil, nil, err
	}
	return keys, cancel, nil
}

// checks are golang-jwt's options for the checks of every contender.
func checks(s setup) []jwt.ParserOption {
	return []jwt.ParserOption{
		jwt.WithValidMethods(algorithms), jwt.WithIssuer(s.issuer), jwt.WithAudience(audience), jwt.WithExpirationRequired(),
	}
}

func openGolangJWT(s setup) (http.Handler, func(), error) {
	keys, closeKeys, err := openKeyfunc(s)
	if err != nil {
		return nil, nil, err
	}
	parser := jwt.NewParser(checks(s)...)
	return byHand(func(ctx context.Context, token string) (caller, error) {
		claims := accessClaims{}
		if _, err := parser.ParseWithClaims(token, &claims, keys.KeyfuncCtx(ctx)); err != nil {
			return caller{}, err
		}
		return caller{claims.Subject, claims.Scope}, nil
	}), closeKeys, nil
}

// openEchoJWT uses ParseTokenFunc, because the middleware has no option for issuer
// and audience. The route's own middleware checks the scope.
func openEchoJWT(s setup) (http.Handler, func(), error) {
	keys, closeKeys, err := openKeyfunc(s)
	if err != nil {
		return nil, nil, err
	}
	parser := jwt.NewParser(checks(s)...)
	claimsOf := func(c echo.Context) *accessClaims {
		token, ok := c.Get("user").(*jwt.Token)
		if !ok {
			return &accessClaims{}
		}
		return token.Claims.(*accessClaims)
	}
	authenticate := echojwt.WithConfig(echojwt.Config{ParseTokenFunc: func(c echo.Context, token string) (any, error) {
		return parser.ParseWithClaims(token, &accessClaims{}, keys.KeyfuncCtx(c.Request().Context()))
	}})
	authorize := func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			if !hasScope(claimsOf(c).Scope) {
				c.Response().Header().Set("WWW-Authenticate", missingScope)
				return echo.ErrForbidden
			}
			return next(c)
		}
	}
	e := echo.New()
	e.GET("/orders", answerEcho(func(c echo.Context) string { return claimsOf(c).Subject }), authenticate, authorize)
	return e, closeKeys, nil
}

// openGinJWT passes the header to keyfunc, because gin-jwt v2 uses golang-jwt v4.
// Its parser checks neither issuer nor audience, so the authorizer does.
func openGinJWT(s setup) (http.Handler, func(), error) {
	keys, closeKeys, err := openKeyfunc(s)
	if err != nil {
		return nil, nil, err
	}
	middleware, err := ginjwt.New(&ginjwt.GinJWTMiddleware{
		KeyFunc: func(token *jwt4.Token) (any, error) {
			return keys.Keyfunc(&jwt.Token{Header: token.Header})
		},
		ParseOptions: []jwt4.ParserOption{jwt4.WithValidMethods(algorithms)},
		IdentityKey:  "sub",
		Authorizator: func(_ any, c *gin.Context) bool {
			claims := jwt4.MapClaims(ginjwt.ExtractClaims(c))
			granted, _ := claims["scope"].(string)
			return claims.VerifyIssuer(s.issuer, true) && claims.VerifyAudience(audience, true) && hasScope(granted)
		},
	})
	if err != nil {
		closeKeys()
		return nil, nil, err
	}
	engine := newGin()
	engine.GET("/orders", middleware.MiddlewareFunc(), func(c *gin.Context) {
		reply(c.Writer, c.GetString("sub"))
	})
	return engine, closeKeys, nil
}

func newGin() *gin.Engine {
	gin.SetMode(gin.ReleaseMode)
	return gin.New()
}

func openMCP(s setup) (http.Handler, func(), error) {
	keys, closeKeys, err := openKeyfunc(s)
	if err != nil {
		return nil, nil, err
	}
	parser := jwt.NewParser(checks(s)...)
	verify := func(ctx context.Context, token string, _ *http.Request) (*auth.TokenInfo, error) {
		claims := accessClaims{}
		if _, err := parser.ParseWithClaims(token, &claims, keys.KeyfuncCtx(ctx)); err != nil {
			return nil, fmt.Errorf("%w: %w", auth.ErrInvalidToken, err)
		}
		return &auth.TokenInfo{Scopes: strings.Fields(claims.Scope), Expiration: claims.ExpiresAt.Time, UserID: claims.Subject}, nil
	}
	protect := auth.RequireBearerToken(verify, &auth.RequireBearerTokenOptions{
		Scopes: []string{neededScope}, ResourceMetadataURL: audience + "/.well-known/oauth-protected-resource",
	})
	return protect(answer(func(r *http.Request) string { return auth.TokenInfoFromContext(r.Context()).UserID })), closeKeys, nil
}

func openGoOIDC(s setup) (http.Handler, func(), error) {
	ctx := context.Background()
	if s.client != nil {
		ctx = oidc.ClientContext(ctx, s.client)
	}
	verifier := oidc.NewVerifier(s.issuer, oidc.NewRemoteKeySet(ctx, s.jwks), &oidc.Config{
		ClientID: audience, SupportedSigningAlgs: algorithms,
	})
	return byHand(func(ctx context.Context, token string) (caller, error) {
		verified, err := verifier.Verify(ctx, token)
		if err != nil {
			return caller{}, err
		}
		var claims struct {
			Scope string `json:"scope"`
		}
		if err := verified.Claims(&claims); err != nil {
			return caller{}, err
		}
		return caller{verified.Subject, claims.Scope}, nil
	}), func() {}, nil
}

// openZitadel checks aud itself, because VerifyAccessToken does not.
func openZitadel(s setup) (http.Handler, func(), error) {
	client := s.client
	if client == nil {
		client = http.DefaultClient
	}
	verifier := op.NewAccessTokenVerifier(s.issuer, rp.NewRemoteKeySet(client, s.jwks), op.WithSupportedAccessTokenSigningAlgorithms(algorithms...))
	return byHand(func(ctx context.Context, token string) (caller, error) {
		claims, err := op.VerifyAccessToken[*zitadel.AccessTokenClaims](ctx, token, verifier)
		if err != nil {
			return caller{}, err
		}
		if err := zitadel.CheckAudience(claims, audience); err != nil {
			return caller{}, err
		}
		return caller{claims.Subject, strings.Join(claims.Scopes, " ")}, nil
	}), func() {}, nil
}

// openJWX distinguishes an outage from a bad token, as its cache allows.
func openJWX(s setup) (http.Handler, func(), error) {
	ctx, cancel := context.WithCancel(context.Background())
	cache := jwk.NewCache(ctx)
	var client jwk.HTTPClient = http.DefaultClient
	if s.client != nil {
		client = s.client
	}
	if err := cache.Register(s.jwks, jwk.WithHTTPClient(client)); err != nil {
		cancel()
		return nil, nil, err
	}
	return byHand(func(ctx context.Context, token string) (caller, error) {
		set, err := cache.Get(ctx, s.jwks)
		if err != nil || set == nil {
			return caller{}, errNoKeys
		}
		parsed, err := jwxjwt.ParseString(token, jwxjwt.WithKeySet(set), jwxjwt.WithIssuer(s.issuer), jwxjwt.WithAudience(audience), jwxjwt.WithRequiredClaim("exp"))
		if err != nil {
			return caller{}, err
		}
		granted, _ := parsed.Get("scope")
		claim, _ := granted.(string)
		return caller{parsed.Subject(), claim}, nil
	}), cancel, nil
}

// auth0Claims are read in addition to the registered claims. The handler checks the
// scope and that there is an exp, which the validator does not require.
type auth0Claims struct {
	Scope string `json:"scope"`
}

func (c *auth0Claims) Validate(context.Context) error { return nil }

func openAuth0(s setup) (http.Handler, func(), error) {
	issuerURL, err := url.Parse(s.issuer)
	if err != nil {
		return nil, nil, err
	}
	jwksURL, err := url.Parse(s.jwks)
	if err != nil {
		return nil, nil, err
	}
	options := []any{auth0jwks.WithIssuerURL(issuerURL), auth0jwks.WithCustomJWKSURI(jwksURL)}
	if s.client != nil {
		options = append(options, auth0jwks.WithCustomClient(s.client))
	}
	keys, err := auth0jwks.NewCachingProvider(options...)
	if err != nil {
		return nil, nil, err
	}
	var accepted []validator.SignatureAlgorithm
	for _, name := range algorithms {
		accepted = append(accepted, validator.SignatureAlgorithm(name))
	}
	verifier, err := validator.New(
		validator.WithKeyFunc(keys.KeyFunc),
		validator.WithAlgorithms(accepted),
		validator.WithIssuer(s.issuer),
		validator.WithAudience(audience),
		validator.WithCustomClaims(func() *auth0Claims { return &auth0Claims{} }),
	)
	if err != nil {
		return nil, nil, err
	}
	middleware, err := auth0.New(auth0.WithValidator(verifier))
	if err != nil {
		return nil, nil, err
	}
	next := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		claims, err := auth0.GetClaims[*validator.ValidatedClaims](r.Context())
		if err != nil {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
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
	return middleware.CheckJWT(next), func() {}, nil
}
