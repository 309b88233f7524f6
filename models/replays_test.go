package models_test

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"
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

// burnTogether uses proofs concurrently and returns the states that explain the
// answers.
func burnTogether(t *rapid.T, world models.Possible[*models.Replays], stores []dpop.ReplayStore, proofs []models.Proof) models.Possible[*models.Replays] {
	now, answers := time.Now(), make([]models.Burned, len(proofs))
	var operations []func(*models.Replays) bool
	var texts []string
	together(len(proofs), func(i int) { answers[i] = burn(t, stores[i%len(stores)], proofs[i]) })
	for i, p := range proofs {
		texts = append(texts, fmt.Sprintf("%s of %q: %s", p.ID, p.Owner, answers[i]))
		operations = append(operations, func(m *models.Replays) bool { return m.Burn(now, p, answers[i]) })
	}
	if world = world.AfterAll(operations); len(world) == 0 {
		slices.Sort(texts) // the order of the calls is not repeatable
		t.Fatalf("no order explains these answers:\n%s", strings.Join(texts, "\n"))
	}
	return world
}

// RFC 9449, Section 11.1: dpop.MemoryReplays remembers each proof until its time has
// come, keeps its bounds, and refuses rather than forgets.
func TestReplays(t *testing.T) {
	check(t, replaysInMemory(func(s memoryReplays) memoryReplays { return s }))
}

// memoryReplays is the part of *dpop.MemoryReplays that the model describes.
type memoryReplays interface {
	dpop.ReplayStore
	Stats() dpop.MemoryStats
}

// replaysInMemory compares what wrap makes of a store with the model.
func replaysInMemory(wrap func(memoryReplays) memoryReplays) machine {
	return bubbled(func(t *rapid.T, concurrent bool) {
		model := &models.Replays{
			Capacity: rapid.IntRange(1, 8).Draw(t, "capacity"), Late: lateInMemory,
		}
		config := dpop.MemoryConfig{Capacity: model.Capacity, PerKey: -1, PerOwner: -1}
		if rapid.Bool().Draw(t, "quotas") {
			model.PerKey = rapid.IntRange(1, model.Capacity).Draw(t, "perKey")
			model.PerOwner = rapid.IntRange(1, model.Capacity).Draw(t, "perOwner")
			config.PerKey, config.PerOwner = model.PerKey, model.PerOwner
		}
		real, err := dpop.NewMemoryReplays(config)
		if err != nil {
			t.Fatal(err)
		}
		store := wrap(real)
		world := models.Possible[*models.Replays]{model}
		until := func(t *rapid.T) time.Time {
			return time.Now().Add(time.Duration(rapid.IntRange(-5, 80).Draw(t, "seconds")) * time.Second)
		}
		operations := map[string]func(*rapid.T){
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
		}
		if concurrent {
			operations["burn together"] = func(t *rapid.T) {
				proofs := make([]models.Proof, rapid.IntRange(2, 4).Draw(t, "n"))
				for i := range proofs {
					proofs[i] = drawProof(t, until(t))
				}
				world = burnTogether(t, world, []dpop.ReplayStore{store}, proofs)
			}
		}
		t.Repeat(operations)
	})
}
