package client_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"

	"golang.org/x/oauth2"

	"context"

	"github.com/bearerkit/bearerkit/client"
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
