package client_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"

	"github.com/bearerkit/bearerkit/client"
)

// A program on a person's machine knows only the URL of an API.
func ExampleNewLogin() {
	login, err := client.NewLogin(client.LoginConfig{
		ClientName: "Orders",
		Open: func(_ context.Context, page string) error {
			_, err := fmt.Println("Open this page in a browser:", page)
			return err
		},
	})
	if err != nil {
		panic(err)
	}
	transport, err := client.New(client.Config{Resource: "https://api.example.com/v1", Tokens: login})
	if err != nil {
		panic(err)
	}
	api := &http.Client{Transport: transport} // api.Get("https://api.example.com/v1/orders")
	fmt.Println(api.Transport == transport)
	// Output: true
}

// A service finds the authorization server of an API by its challenge. Its secret is
// for one server only.
func ExampleNewDiscovering() {
	source, err := client.NewDiscovering(client.DiscoveringConfig{
		Discovery: client.DiscoveryConfig{Issuers: []string{"https://login.example.com"}},
		Source: func(found client.Discovery) (client.Source, error) {
			return client.NewClientCredentials(client.ClientCredentialsConfig{Endpoint: client.Endpoint{
				URL: found.TokenEndpoint, Issuer: found.Issuer,
				ClientID: "orders", ClientSecret: os.Getenv("CLIENT_SECRET"),
			}})
		},
	})
	if err != nil {
		panic(err)
	}
	_, err = source.Token(context.Background(), client.Want{Resource: "https://api.example.com/v1"})
	fmt.Println(errors.Is(err, client.ErrNeedChallenge))
	// Output: true
}

// An enterprise's identity provider decides who may use which API.
func ExampleNewCrossApp() {
	source, err := client.NewCrossApp(client.CrossAppConfig{
		IDToken:  func(context.Context) (string, error) { return os.Getenv("ID_TOKEN"), nil },
		Provider: client.Endpoint{URL: "https://idp.example.com/token", ClientID: "orders-at-idp"},
		Server: client.Endpoint{
			URL: "https://login.example.com/token", Issuer: "https://login.example.com",
			ClientID: "orders", ClientSecret: os.Getenv("CLIENT_SECRET"),
		},
	})
	if err != nil {
		panic(err)
	}
	_, err = client.New(client.Config{Resource: "https://api.example.com/v1", Tokens: source})
	fmt.Println(err)
	// Output: <nil>
}
