package bearerredis_test

import (
	"log"
	"log/slog"

	"github.com/bearerkit/bearerkit/adapters/bearerredis"
)

// The cache is given to introspect.Config.Shared, and is closed after the last
// request was answered.
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
