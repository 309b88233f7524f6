package models_test

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/bearerkit/bearerkit/dpop"
	"github.com/bearerkit/bearerkit/models"
)

// lateInMemory is how long dpop.MemoryReplays may keep an expired proof.
const lateInMemory = 10 * time.Second

// drawProof draws one of few proofs, so that most of them are used again.
func drawProof(t *rapid.T, until time.Time) models.Proof {
	key := rapid.SampledFrom([]string{"k1", "k2", "k3"}).Draw(t, "key")
	return models.Proof{
		ID: fmt.Sprint(key, "/", rapid.IntRange(0, 5).Draw(t, "jti")), Key: key,
		Owner: rapid.SampledFrom([]string{"", "alice", "bob"}).Draw(t, "owner"),
		Until: until,
	}
}

// burn uses a proof and returns the answer.
func burn(t *rapid.T, store dpop.ReplayStore, p models.Proof) models.Burned {
	used := dpop.UsedProof{ID: sha256.Sum256([]byte(p.ID)), JKT: p.Key, Until: p.Until}
	if p.Owner != "" && p.Owner != p.Key {
		used.Owner = sha256.Sum256([]byte(p.Owner))
	}
	fresh, err := store.Burn(t.Context(), used)
	switch {
	case err == nil && fresh:
		return models.Fresh
	case err == nil:
		return models.Used
	case !fresh && errors.Is(err, dpop.ErrQuota):
		return models.Quota
	case !fresh && errors.Is(err, dpop.ErrFull):
		return models.Full
	}
	return models.Burned(fmt.Sprint(fresh, " ", err))
}

// burnTogether uses proofs concurrently and returns the operations on the model.
func burnTogether(t *rapid.T, now time.Time, stores []dpop.ReplayStore, proofs []models.Proof) (operations []func(*models.Replays) bool, text string) {
	answers := make([]models.Burned, len(proofs))
	together(len(proofs), func(i int) { answers[i] = burn(t, stores[i%len(stores)], proofs[i]) })
	for i, p := range proofs {
		text += fmt.Sprintf("\n%s of %s: %s", p.ID, p.Owner, answers[i])
		operations = append(operations, func(m *models.Replays) bool { return m.Burn(now, p, answers[i]) })
	}
	return operations, text
}

// RFC 9449, Section 11.1: dpop.MemoryReplays remembers each proof until its time has
// come, keeps its bounds, and refuses rather than forgets.
func TestReplays(t *testing.T) {
	check(t, func(t *rapid.T) {
		model := &models.Replays{
			Capacity: rapid.IntRange(1, 8).Draw(t, "capacity"), Late: lateInMemory,
		}
		config := dpop.MemoryConfig{Capacity: model.Capacity, PerKey: -1, PerOwner: -1}
		if rapid.Bool().Draw(t, "quotas") {
			model.PerKey = rapid.IntRange(1, model.Capacity).Draw(t, "perKey")
			model.PerOwner = rapid.IntRange(1, model.Capacity).Draw(t, "perOwner")
			config.PerKey, config.PerOwner = model.PerKey, model.PerOwner
		}
		store, err := dpop.NewMemoryReplays(config)
		if err != nil {
			t.Fatal(err)
		}
		world := models.Possible[*models.Replays]{model}
		until := func(t *rapid.T) time.Time {
			return time.Now().Add(time.Duration(rapid.IntRange(-5, 80).Draw(t, "seconds")) * time.Second)
		}
		repeat(t, map[string]func(*rapid.T){
			"": func(t *rapid.T) {
				n := store.Stats().Live
				now := time.Now()
				if world = world.After(func(m *models.Replays) bool { return m.Live(now, n) }); len(world) == 0 {
					t.Fatalf("%d proofs are in the store", n)
				}
			},
			"elapse": func(t *rapid.T) { elapse(drawStep(t, 2*time.Minute)) },
			"burn": func(t *rapid.T) {
				p := drawProof(t, until(t))
				got, now := burn(t, store, p), time.Now()
				if world = world.After(func(m *models.Replays) bool { return m.Burn(now, p, got) }); len(world) == 0 {
					t.Fatalf("%+v: %s", p, got)
				}
			},
		}, map[string]func(*rapid.T){
			"burn together": func(t *rapid.T) {
				proofs := make([]models.Proof, rapid.IntRange(2, 4).Draw(t, "n"))
				for i := range proofs {
					proofs[i] = drawProof(t, until(t))
				}
				operations, text := burnTogether(t, time.Now(), []dpop.ReplayStore{store}, proofs)
				if world = world.AfterAll(operations); len(world) == 0 {
					t.Fatalf("no order explains these answers: %s", text)
				}
			},
		})
	})
}
