package client_test

import (
	"context"
	"net/http"
	"testing"

	"golang.org/x/oauth2"

	"github.com/bearerkit/bearerkit/client"
)

// answered is a transport that answers at once, so that the rest is overhead.
func answered(r *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: 200, Body: http.NoBody, Request: r, Header: http.Header{}}, nil
}

// BenchmarkRoundTrip measures what a known token costs: with no token, with the
// Transport of package oauth2 and with this one.
func BenchmarkRoundTrip(b *testing.B) {
	token := &oauth2.Token{AccessToken: "token-1", TokenType: "Bearer"}
	bearer, err := client.New(client.Config{
		Tokens: client.FromTokenSource(oauth2.StaticTokenSource(token)), Resource: "https://api.example.com", Base: roundTripFunc(answered),
	})
	if err != nil {
		b.Fatal(err)
	}
	bound, err := client.New(client.Config{
		Tokens: sourceFunc(func(context.Context, client.Want) (*oauth2.Token, error) {
			return &oauth2.Token{AccessToken: "token-1", TokenType: "DPoP"}, nil
		}),
		Resource: "https://api.example.com", Base: roundTripFunc(answered), Key: newKey(b),
	})
	if err != nil {
		b.Fatal(err)
	}
	for _, bb := range []struct {
		name      string
		transport http.RoundTripper
	}{
		{"none", roundTripFunc(answered)},
		{"oauth2", &oauth2.Transport{Source: oauth2.StaticTokenSource(token), Base: roundTripFunc(answered)}},
		{"client", bearer},
		{"client, DPoP", bound},
	} {
		b.Run(bb.name, func(b *testing.B) {
			r, err := http.NewRequestWithContext(b.Context(), "GET", orders, nil)
			if err != nil {
				b.Fatal(err)
			}
			r.Header.Set("Accept", "application/json")
			r.Header.Set("User-Agent", "benchmark")
			b.ReportAllocs()
			for b.Loop() {
				if _, err := bb.transport.RoundTrip(r); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// A known token costs a shallow copy of the request and of its header.
func TestKnownTokenAllocatesLittle(t *testing.T) {
	transport := newTransport(t, roundTripFunc(answered), client.Config{Tokens: new(counter)})
	r := get(t, orders)
	count := func(transport http.RoundTripper) float64 {
		return testing.AllocsPerRun(100, func() {
			if _, err := transport.RoundTrip(r); err != nil {
				t.Fatal(err)
			}
		})
	}
	if over := count(transport) - count(roundTripFunc(answered)); over > 8 {
		t.Errorf("%.0f allocations more than without a token, want at most 8", over)
	}
}

func BenchmarkParseChallenges(b *testing.B) {
	lines := []string{`Bearer realm="api", error="insufficient_scope", error_description="The access token lacks a scope that the request needs.", scope="orders:write", resource_metadata="https://api.example.com/.well-known/oauth-protected-resource"`, `DPoP realm="api", algs="ES256 EdDSA"`}
	b.ReportAllocs()
	for b.Loop() {
		if list, err := client.ParseChallenges(lines); err != nil || len(list) != 2 {
			b.Fatal(list, err)
		}
	}
}
