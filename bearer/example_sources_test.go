package bearer_test

import (
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/scope"
)

// A page of the API's own origin sends its token in a cookie, and programs send
// theirs in Authorization. A request of another site's page is refused, although
// the browser sends the cookie.
func ExampleFromCookie() {
	origins := http.NewCrossOriginProtection()
	if err := origins.AddTrustedOrigin("https://app.example.com"); err != nil {
		log.Fatal(err)
	}
	guard, err := bearer.New(bearer.Config{
		Verifiers:   []bearer.Verifier{exampleVerifier()},
		Sources:     []bearer.TokenSource{bearer.FromAuthorization(), bearer.FromCookie("__Host-token")},
		CrossOrigin: origins,
	})
	if err != nil {
		log.Fatal(err)
	}
	route := guard.MustRoute(bearer.RouteConfig{Rule: scope.None})
	for _, origin := range []string{"https://app.example.com", "https://evil.example"} {
		r := httptest.NewRequest("POST", "https://api.example.com/orders", nil)
		r.AddCookie(&http.Cookie{Name: "__Host-token", Value: "valid"})
		r.Header.Set("Origin", origin)
		fmt.Println(origin, route.Decide(r).Status())
	}
	// Output:
	// https://app.example.com 200
	// https://evil.example 403
}

// The guard removes the token from the subprotocols that the handler sees.
func ExampleFromWebSocketProtocol() {
	guard, err := bearer.New(bearer.Config{
		Verifiers: []bearer.Verifier{exampleVerifier()},
		Sources:   []bearer.TokenSource{bearer.FromAuthorization(), bearer.FromWebSocketProtocol("bearer.token.")},
	})
	if err != nil {
		log.Fatal(err)
	}
	route := guard.MustRoute(bearer.RouteConfig{Rule: scope.None})
	r := httptest.NewRequest("GET", "https://api.example.com/chat", nil)
	r.Header.Set("Upgrade", "websocket")
	r.Header.Set("Sec-WebSocket-Protocol", "chat.v1, bearer.token.valid")
	_, ok := route.Admit(httptest.NewRecorder(), r)
	fmt.Println(ok, r.Header.Get("Sec-WebSocket-Protocol"))
	// Output: true chat.v1
}
