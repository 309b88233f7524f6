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

// For a Cluster, name some of its nodes.
func ExampleNew_cluster() {
	shared, err := bearerredis.New(bearerredis.Config{
		Address: "rediss://app:secret@node1:6379?addr=node2:6379&addr=node3:6379",
		Logger:  slog.Default(),
	})
	if err != nil {
		log.Fatal(err)
	}
	defer shared.Close()
}

// With Sentinel, name all Sentinels and the master.
func ExampleNew_sentinel() {
	shared, err := bearerredis.New(bearerredis.Config{
		Address: "rediss://app:secret@sentinel1:26379/0?addr=sentinel2:26379&addr=sentinel3:26379&master_name=orders",
		Logger:  slog.Default(),
	})
	if err != nil {
		log.Fatal(err)
	}
	defer shared.Close()
}
