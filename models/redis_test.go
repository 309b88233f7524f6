package models_test

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/bearerkit/bearerkit/adapters/bearerredis"
	"github.com/bearerkit/bearerkit/adapters/bearerredis/redistest"
	"github.com/bearerkit/bearerkit/dpop"
	"github.com/bearerkit/bearerkit/models"
)

// bearerredis.Replays is a store of used proofs by the same model, for all instances
// that share a Redis. Redis has its own clock, so no time passes here.
func TestReplaysInRedis(t *testing.T) {
	server := redistest.New(t, redistest.Config{})
	cases := 0
	check(t, func(t *rapid.T, concurrent bool) {
		cases++
		model := &models.Replays{PerOwner: rapid.IntRange(1, 4).Draw(t, "perOwner")}
		var instances []dpop.ReplayStore
		for range 2 {
			client, err := bearerredis.New(bearerredis.Config{
				Address: server.Address(), Prefix: fmt.Sprint("case-", cases, ":"),
				ProofsPerOwner: model.PerOwner, Timeout: 10 * time.Second,
			})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = client.Close() })
			instances = append(instances, client.Replays())
		}
		world, until := models.Possible[*models.Replays]{model}, time.Now().Add(time.Hour)
		draw := func(t *rapid.T) models.Proof {
			p := drawProof(t, until)
			if p.Owner == "" {
				p.Owner = p.Key // a proof without an owner counts for its key
			}
			return p
		}
		operations := map[string]func(*rapid.T){
			"burn": func(t *rapid.T) {
				p := draw(t)
				got := burn(t, instances[rapid.IntRange(0, 1).Draw(t, "instance")], p)
				if world = world.After(func(m *models.Replays) bool { return m.Burn(time.Now(), p, got) }); len(world) == 0 {
					t.Fatalf("%+v: %s", p, got)
				}
			},
		}
		if concurrent {
			operations["burn together"] = func(t *rapid.T) {
				proofs := make([]models.Proof, rapid.IntRange(2, 4).Draw(t, "n"))
				for i := range proofs {
					proofs[i] = draw(t)
				}
				world = burnTogether(t, world, instances, proofs)
			}
		}
		t.Repeat(operations)
	})
}
