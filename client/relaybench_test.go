package client_test

import (
	"net/http"
	"testing"

	"github.com/bearerkit/bearerkit/client"
)

// BenchmarkOnBehalf measures what a call with a token that is handed on costs, and
// one with a token that was exchanged before.
func BenchmarkOnBehalf(b *testing.B) {
	handed, err := client.NewRelay(client.RelayConfig{Issuers: []string{alice.Issuer}})
	if err != nil {
		b.Fatal(err)
	}
	ctx := admit(b, alice.WithAudience(stockAPI), "inbound")
	for _, bb := range []struct {
		name   string
		source client.Source
	}{{"relay", handed}, {"exchange", newExchange(b, &server{answer: exchanged("Bearer", 3600)}, client.ExchangeConfig{})}} {
		transport, err := client.New(client.Config{Tokens: bb.source, Resource: stockAPI, Base: roundTripFunc(answered)})
		if err != nil {
			b.Fatal(err)
		}
		b.Run(bb.name, func(b *testing.B) {
			r, err := http.NewRequestWithContext(ctx, "GET", stockAPI+"/items", nil)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := transport.RoundTrip(r); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
