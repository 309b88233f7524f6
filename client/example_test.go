package client_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"

	"golang.org/x/oauth2"

	"github.com/bearerkit/bearerkit/adapters/bearerhttp"
	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/client"
	"github.com/bearerkit/bearerkit/scope"
)

// numbered returns token-1, token-2 and so on.
type numbered struct{ n int }

func (s *numbered) Token(context.Context, client.Want) (*oauth2.Token, error) {
	s.n++
	return &oauth2.Token{AccessToken: fmt.Sprintf("token-%d", s.n)}, nil
}

func ExampleNew() {
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.Header.Get("Authorization") {
		case "Bearer token-1": // has been revoked
			w.Header().Set("WWW-Authenticate", `Bearer realm="api", error="invalid_token"`)
			w.WriteHeader(http.StatusUnauthorized)
		case "Bearer token-2":
			fmt.Fprint(w, "orders")
		}
	}))
	defer api.Close()

	transport, err := client.New(client.Config{Tokens: &numbered{}, Resource: api.URL})
	if err != nil {
		panic(err)
	}
	resp, err := (&http.Client{Transport: transport}).Get(api.URL + "/orders")
	if refused, ok := errors.AsType[*client.Error](err); ok {
		fmt.Println(refused.Remedy.Text())
		return
	}
	if err != nil {
		panic(err)
	}
	defer resp.Body.Close()
	fmt.Println(resp.Status)
	// Output: 200 OK
}

func ExampleNewClientCredentials() {
	source, err := client.NewClientCredentials(client.ClientCredentialsConfig{
		Endpoint: client.Endpoint{URL: "https://login.example.com/token", ClientID: "reports", ClientSecret: "from the environment"},
		Scope:    scope.Of("orders:read"),
	})
	if err != nil {
		panic(err)
	}
	transport, err := client.New(client.Config{Tokens: source, Resource: "https://api.example.com"})
	if err != nil {
		panic(err)
	}
	orders := &http.Client{Transport: transport}
	_ = orders // orders.Get("https://api.example.com/orders")
	// Output:
}

func ExampleNewRefreshToken() {
	source, err := client.NewRefreshToken(client.RefreshTokenConfig{
		Endpoint: client.Endpoint{URL: "https://login.example.com/token", ClientID: "cli"},
		Token:    "from the keychain",
		Save: func(refreshToken string) {
			// Write it to the keychain. The server may have revoked the old one.
		},
	})
	if err != nil {
		panic(err)
	}
	transport, err := client.New(client.Config{Tokens: source, Resource: "https://api.example.com"})
	fmt.Println(transport != nil, err)
	// Output: true <nil>
}

func ExampleFromTokenSource() {
	fixed := client.FromTokenSource(oauth2.StaticTokenSource(&oauth2.Token{AccessToken: "from an operator"}))
	transport, err := client.New(client.Config{Tokens: fixed, Resource: "https://api.example.com"})
	fmt.Println(transport != nil, err)
	// Output: true <nil>
}

func ExampleNewExchange() {
	exchange, err := client.NewExchange(client.ExchangeConfig{
		Endpoint: client.Endpoint{
			URL: "https://login.example.com/token", Issuer: "https://login.example.com",
			ClientID: "orders-api", ClientSecret: "from the environment",
		},
		Scope: scope.Of("stock:read"),
	})
	if err != nil {
		panic(err)
	}
	transport, err := client.New(client.Config{Tokens: exchange, Resource: "https://stock.example.com"})
	if err != nil {
		panic(err)
	}
	stock := &http.Client{Transport: transport}

	// Outside a handler there is no token to exchange. In one, pass r.Context().
	_, err = stock.Get("https://stock.example.com/items")
	fmt.Println(errors.Is(err, client.ErrNoSubject))
	// Output: true
}

func ExampleNewRelay() {
	relay, err := client.NewRelay(client.RelayConfig{
		Issuers:  []string{"https://login.example.com"},
		Audience: "stock", // what the aud of a token must contain
	})
	if err != nil {
		panic(err)
	}
	transport, err := client.New(client.Config{Tokens: relay, Resource: "https://stock.example.com"})
	fmt.Println(transport != nil, err)
	// Output: true <nil>
}

func ExampleNewRefusals() {
	// A verifier of a real API is a jwks.Verifier or an introspect.Verifier.
	verifier := bearer.VerifierFunc(func(context.Context, string) (*bearer.Principal, error) {
		return &bearer.Principal{Subject: "alice"}, nil
	})
	guard, err := bearer.New(bearer.Config{Verifiers: []bearer.Verifier{verifier}})
	if err != nil {
		panic(err)
	}
	refusals, err := client.NewRefusals(guard, scope.Of("orders:read"))
	if err != nil {
		panic(err)
	}
	orders := bearerhttp.Require(guard, scope.None)(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// The error of a call to another API.
		err := &client.Error{Remedy: client.StepUpLogin, StepUp: &client.StepUp{ACRValues: []string{"mfa"}, MaxAge: -1}}
		refusals.Answer(w, r, err)
	}))

	r := httptest.NewRequest("GET", "/orders", nil)
	r.Header.Set("Authorization", "Bearer token")
	w := httptest.NewRecorder()
	orders.ServeHTTP(w, r)
	fmt.Println(w.Code)
	challenges, err := client.ParseChallenges(w.Result().Header.Values("WWW-Authenticate"))
	if err != nil {
		panic(err)
	}
	fmt.Println(challenges[0].Param("acr_values"))
	// Output:
	// 401
	// mfa true
}
