package bearerredis_test

import (
	"log"
	"log/slog"

	"github.com/bearerkit/bearerkit/adapters/bearerredis"
	"github.com/bearerkit/bearerkit/dpop"
)

// Share the answers of an introspection endpoint. Close the client after the last
// request.
func ExampleNew() {
	shared, err := bearerredis.New(bearerredis.Config{
		Address: "redis://localhost:6379/0",
		Logger:  slog.Default(),
	})
	if err != nil {
		log.Fatal(err)
	}
	defer shared.Close()
}

// Accept each DPoP proof once across all instances of the API.
func ExampleClient_Replays() {
	shared, err := bearerredis.New(bearerredis.Config{
		Address: "redis://localhost:6379/0",
		Logger:  slog.Default(),
	})
	if err != nil {
		log.Fatal(err)
	}
	defer shared.Close()
	proofs, err := dpop.New(dpop.Config{
		Origin:  "https://api.example.com",
		Replays: shared.Replays(),
		Logger:  slog.Default(),
	})
	if err != nil {
		log.Fatal(err)
	}
	_ = proofs // for bearer.Config.Proofs
}
