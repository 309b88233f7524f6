package main

import (
	"bytes"
	"cmp"
	"context"
	"flag"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/MicahParks/keyfunc/v3"
	ginjwt "github.com/appleboy/gin-jwt/v2"
	jwtmiddleware "github.com/auth0/go-jwt-middleware/v3"
	auth0jwks "github.com/auth0/go-jwt-middleware/v3/jwks"
	"github.com/auth0/go-jwt-middleware/v3/validator"
	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/gin-gonic/gin"
	jwt4 "github.com/golang-jwt/jwt/v4"
	"github.com/golang-jwt/jwt/v5"
	echojwt "github.com/labstack/echo-jwt/v4"
	"github.com/labstack/echo/v4"

	"github.com/bearerkit/bearerkit/adapters/bearerecho"
	"github.com/bearerkit/bearerkit/adapters/bearergin"
	"github.com/bearerkit/bearerkit/adapters/bearerhttp"
	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/bearer/bearertest"
	"github.com/bearerkit/bearerkit/jwks"
	"github.com/bearerkit/bearerkit/scope"
)

// docs/migrating.md contains the functions of this file that return a handler,
// and what they need.

const api = "https://api.example.com"

func newGuard(issuer string) (*bearer.Guard, error) {
	tokens, err := jwks.New(jwks.Config{Issuers: []jwks.Issuer{{
		URL:      issuer,
		Audience: []string{"https://api.example.com"},
	}}})
	if err != nil {
		return nil, err
	}
	return bearer.New(bearer.Config{Verifiers: []bearer.Verifier{tokens}, Logger: slog.Default()})
}

type orderClaims struct {
	Scope string `json:"scope"`
	jwt.RegisteredClaims
}

func withGolangJWT(issuer string) (http.Handler, error) {
	keys, err := keyfunc.NewDefault([]string{issuer + "/jwks"})
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /orders", func(w http.ResponseWriter, r *http.Request) {
		token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		var claims orderClaims
		_, err := jwt.ParseWithClaims(token, &claims, keys.Keyfunc, jwt.WithValidMethods([]string{"RS256"}),
			jwt.WithIssuer(issuer), jwt.WithAudience("https://api.example.com"), jwt.WithExpirationRequired())
		if err != nil {
			http.Error(w, "unauthorized", http.StatusUnauthorized)
			return
		}
		if !slices.Contains(strings.Fields(claims.Scope), "orders:read") {
			http.Error(w, "forbidden", http.StatusForbidden)
			return
		}
		fmt.Fprintln(w, "The orders, for", claims.Subject)
	})
	return mux, nil
}

func withBearer(issuer string) (http.Handler, error) {
	guard, err := newGuard(issuer)
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("GET /orders", bearerhttp.Require(guard, scope.All("orders:read"))(http.HandlerFunc(
		func(w http.ResponseWriter, r *http.Request) {
			p, _ := bearer.FromContext(r.Context())
			fmt.Fprintln(w, "The orders, for", p.Subject)
		})))
	return mux, nil
}

type scopeClaim struct {
	Scope string `json:"scope"`
}

func (scopeClaim) Validate(context.Context) error { return nil }

func withJWTMiddleware(issuer string) (http.Handler, error) {
	address, err := url.Parse(issuer)
	if err != nil {
		return nil, err
	}
	keys, err := auth0jwks.NewCachingProvider(auth0jwks.WithIssuerURL(address))
	if err != nil {
		return nil, err
	}
	tokens, err := validator.New(
		validator.WithKeyFunc(keys.KeyFunc),
		validator.WithAlgorithm(validator.RS256),
		validator.WithIssuer(issuer),
		validator.WithAudience("https://api.example.com"),
		validator.WithCustomClaims(func() *scopeClaim { return &scopeClaim{} }),
	)
	if err != nil {
		return nil, err
	}
	middleware, err := jwtmiddleware.New(jwtmiddleware.WithValidator(tokens))
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("GET /orders", middleware.CheckJWT(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		claims, err := jwtmiddleware.GetClaims[*validator.ValidatedClaims](r.Context())
		if err != nil {
			http.Error(w, "no claims", http.StatusInternalServerError)
			return
		}
		custom, ok := claims.CustomClaims.(*scopeClaim)
		if !ok || !slices.Contains(strings.Fields(custom.Scope), "orders:read") {
			http.Error(w, "forbidden", http.StatusForbidden)
			return
		}
		fmt.Fprintln(w, "The orders, for", claims.RegisteredClaims.Subject)
	})))
	return mux, nil
}

func withEchoJWT(issuer string) (http.Handler, error) {
	keys, err := keyfunc.NewDefault([]string{issuer + "/jwks"})
	if err != nil {
		return nil, err
	}
	e := echo.New()
	e.Use(echojwt.WithConfig(echojwt.Config{
		ParseTokenFunc: func(c echo.Context, token string) (any, error) {
			return jwt.ParseWithClaims(token, &orderClaims{}, keys.Keyfunc, jwt.WithValidMethods([]string{"RS256"}),
				jwt.WithIssuer(issuer), jwt.WithAudience("https://api.example.com"), jwt.WithExpirationRequired())
		},
	}))
	e.GET("/orders", func(c echo.Context) error {
		claims := c.Get("user").(*jwt.Token).Claims.(*orderClaims)
		if !slices.Contains(strings.Fields(claims.Scope), "orders:read") {
			return echo.ErrForbidden
		}
		return c.String(http.StatusOK, "The orders, for "+claims.Subject+"\n")
	})
	return e, nil
}

func withBearerEcho(issuer string) (http.Handler, error) {
	guard, err := newGuard(issuer)
	if err != nil {
		return nil, err
	}
	e := echo.New()
	e.GET("/orders", func(c echo.Context) error {
		p, _ := bearer.FromContext(c.Request().Context())
		return c.String(http.StatusOK, "The orders, for "+p.Subject+"\n")
	}, bearerecho.Require(guard, scope.All("orders:read")))
	return e, nil
}

func withGinJWT(issuer string) (http.Handler, error) {
	keys, err := keyfunc.NewDefault([]string{issuer + "/jwks"})
	if err != nil {
		return nil, err
	}
	middleware, err := ginjwt.New(&ginjwt.GinJWTMiddleware{
		KeyFunc:      func(token *jwt4.Token) (any, error) { return keys.Keyfunc(&jwt.Token{Header: token.Header}) },
		ParseOptions: []jwt4.ParserOption{jwt4.WithValidMethods([]string{"RS256"})},
		IdentityKey:  "sub",
		Authorizator: func(_ any, c *gin.Context) bool {
			claims := jwt4.MapClaims(ginjwt.ExtractClaims(c))
			granted, _ := claims["scope"].(string)
			return claims.VerifyIssuer(issuer, true) && claims.VerifyAudience("https://api.example.com", true) &&
				slices.Contains(strings.Fields(granted), "orders:read")
		},
	})
	if err != nil {
		return nil, err
	}
	r := gin.New()
	r.GET("/orders", middleware.MiddlewareFunc(), func(c *gin.Context) {
		c.String(http.StatusOK, "The orders, for %s\n", c.GetString("sub"))
	})
	return r, nil
}

func withBearerGin(issuer string) (http.Handler, error) {
	guard, err := newGuard(issuer)
	if err != nil {
		return nil, err
	}
	r := gin.New()
	r.GET("/orders", bearergin.Require(guard, scope.All("orders:read")), func(c *gin.Context) {
		p, _ := bearer.FromContext(c.Request.Context())
		c.String(http.StatusOK, "The orders, for %s\n", p.Subject)
	})
	return r, nil
}

func withGoOIDC(issuer string) (http.Handler, error) {
	provider, err := oidc.NewProvider(context.Background(), issuer)
	if err != nil {
		return nil, err
	}
	tokens := provider.Verifier(&oidc.Config{ClientID: "https://api.example.com"})
	mux := http.NewServeMux()
	mux.HandleFunc("GET /orders", func(w http.ResponseWriter, r *http.Request) {
		token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		verified, err := tokens.Verify(r.Context(), token)
		if err != nil {
			http.Error(w, "unauthorized", http.StatusUnauthorized)
			return
		}
		var claims struct {
			Scope string `json:"scope"`
		}
		if err := verified.Claims(&claims); err != nil || !slices.Contains(strings.Fields(claims.Scope), "orders:read") {
			http.Error(w, "forbidden", http.StatusForbidden)
			return
		}
		fmt.Fprintln(w, "The orders, for", verified.Subject)
	})
	return mux, nil
}

var updatePages = flag.Bool("update", false, "rewrite the table of docs/migrating.md")

// docs/migrating.md shows what the programs before and after really answer. After
// a change:
//
//	GOWORK=off go test -C bench -run TestMigrating . -update
func TestMigrating(t *testing.T) {
	gin.SetMode(gin.ReleaseMode)
	programs := []struct {
		name string
		open func(issuer string) (http.Handler, error)
	}{
		{"golang-jwt", withGolangJWT}, {"go-jwt-middleware", withJWTMiddleware}, {"echo-jwt", withEchoJWT},
		{"gin-jwt", withGinJWT}, {"go-oidc", withGoOIDC},
		{"bearerkit", withBearer}, {"bearerkit, Echo", withBearerEcho}, {"bearerkit, Gin", withBearerGin},
	}
	requests := migratingRequests()
	answers := make([][]string, len(requests)+1)
	for _, program := range programs {
		issuer, err := bearertest.NewIssuer(bearertest.IssuerConfig{Audience: []string{api}})
		if err != nil {
			t.Fatal(err)
		}
		defer issuer.Close()
		// go-jwt-middleware needs alg in the key, which most issuers publish.
		keys := bytes.ReplaceAll(issuer.KeySet(), []byte(`"kty":"RSA"`), []byte(`"kty":"RSA","alg":"RS256"`))
		issuer.SetFault(bearertest.JWKS, bearertest.Fault{Body: keys})
		handler, err := program.open(issuer.URL())
		if err != nil {
			t.Fatal(program.name, err)
		}
		server := httptest.NewServer(handler)
		defer server.Close()
		for n, r := range requests {
			answers[n] = append(answers[n], answerTo(t, server.URL, r.credentials(issuer)))
		}
		issuer.Stop()
		answers[len(requests)] = append(answers[len(requests)], startedWithout(t, issuer, program.open))
	}
	requests = append(requests, migratingRequest{name: "a good token, started while the issuer is down", want: "503"})
	var table strings.Builder
	table.WriteString("| request |")
	for _, program := range programs[:6] {
		fmt.Fprintf(&table, " %s |", program.name)
	}
	table.WriteString("\n|" + strings.Repeat(" --- |", 7) + "\n")
	for n, r := range requests {
		fmt.Fprintf(&table, "| %s | %s |\n", r.name, strings.Join(answers[n][:6], " | "))
		for at, got := range answers[n][5:] {
			if got != r.want {
				t.Errorf("%s, %s: %s; want %s", programs[5+at].name, r.name, got, r.want)
			}
		}
		for at, got := range answers[n][:5] { // a comparison with programs that do not work says nothing
			if good := n == 0; n < 4 && good != (got == "200") {
				t.Errorf("%s, %s: %s", programs[at].name, r.name, got)
			}
		}
	}
	showOnPage(t, table.String())
}

type migratingRequest struct {
	name, want  string
	credentials func(*bearertest.Issuer) []string // the lines of Authorization
}

func migratingRequests() []migratingRequest {
	bearing := func(token bearertest.Token) func(*bearertest.Issuer) []string {
		return func(i *bearertest.Issuer) []string {
			token.Algorithm, token.Scope = "RS256", cmp.Or(token.Scope, "orders:read")
			return []string{"Bearer " + i.Mint(token)}
		}
	}
	return []migratingRequest{
		{"a good token", "200", bearing(bearertest.Token{})},
		{"no token", "401", func(*bearertest.Issuer) []string { return nil }},
		{"an expired token", "401, challenge", bearing(bearertest.Token{TTL: -time.Hour})},
		{"a token without the scope", "403, challenge", bearing(bearertest.Token{Scope: "profile"})},
		{"`bearer` in lower case", "200", func(i *bearertest.Issuer) []string {
			return []string{"bearer " + i.Mint(bearertest.Token{Algorithm: "RS256", Scope: "orders:read"})}
		}},
		{"two `Authorization` lines", "400, challenge", func(i *bearertest.Issuer) []string {
			good := "Bearer " + i.Mint(bearertest.Token{Algorithm: "RS256", Scope: "orders:read"})
			return []string{good, good}
		}},
		{"an ID token for this audience", "401, challenge", bearing(bearertest.Token{
			Header: map[string]any{"typ": "JWT"}, Claims: map[string]any{"nonce": "n", "at_hash": "77QmUPtjPfzWtF2AnpK9RQ"},
		})},
		{"a token that is bound to a key", "401, challenge", bearing(bearertest.Token{
			Claims: map[string]any{"cnf": map[string]any{"jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"}},
		})},
	}
}

// startedWithout returns the answer to a good token of a program that starts while
// its issuer is down.
func startedWithout(t *testing.T, issuer *bearertest.Issuer, open func(string) (http.Handler, error)) string {
	t.Helper()
	handler, err := open(issuer.URL())
	if err != nil {
		return "does not start"
	}
	server := httptest.NewServer(handler)
	defer server.Close()
	return answerTo(t, server.URL, migratingRequests()[0].credentials(issuer))
}

// answerTo returns the status of the answer, and whether it has a challenge that
// says what was wrong.
func answerTo(t *testing.T, server string, credentials []string) string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server+"/orders", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header["Authorization"] = credentials
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text := fmt.Sprint(response.StatusCode)
	if strings.Contains(response.Header.Get("WWW-Authenticate"), "error=") {
		text += ", challenge"
	}
	return text
}

// showOnPage compares docs/migrating.md with the table.
func showOnPage(t *testing.T, table string) {
	t.Helper()
	const path, begin, end = "../docs/migrating.md", "<!-- answers -->\n", "<!-- end of answers -->\n"
	page, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok1 := strings.Cut(string(page), begin)
	shown, after, ok2 := strings.Cut(rest, end)
	switch {
	case !ok1 || !ok2:
		t.Errorf("%s has no place for the table:\n%s", path, table)
	case *updatePages:
		if err := os.WriteFile(path, []byte(before+begin+table+end+after), 0o644); err != nil {
			t.Fatal(err)
		}
	case shown != table:
		t.Errorf("%s does not show what happens:\n%s", path, table)
	}
}
