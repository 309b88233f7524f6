package models_test

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/bearerkit/bearerkit/internal/fetch"
	"github.com/bearerkit/bearerkit/internal/jose"
	"github.com/bearerkit/bearerkit/internal/keysource"
	"github.com/bearerkit/bearerkit/models"
)

// keySource is the part of *keysource.Source that the model describes.
type keySource interface {
	At(now time.Time, q keysource.Query) (keysource.Candidates, error)
	Lookup(ctx context.Context, q keysource.Query) (keysource.Candidates, error)
	Generation() uint64
	Ready() error
	Close()
}

// keys is a key source, its issuer and its model.
type keys struct {
	source      keySource
	issuer      *keyIssuer
	model       *models.KeyFetches
	generations map[uint64]string // the keys of each generation
}

var keyIDs = []string{"a", "b", "c", "d"}

func newKeys(t *rapid.T, wrap func(keySource) keySource) *keys {
	model := &models.KeyFetches{Keys: &models.Keys{
		Budget:   time.Duration(rapid.IntRange(1, 30).Draw(t, "budget")) * time.Second,
		MaxStale: rapid.SampledFrom([]time.Duration{24 * time.Hour, time.Hour, 5 * time.Minute}).Draw(t, "maxStale"),
	}}
	s := &keys{
		model: model, generations: map[uint64]string{},
		issuer: &keyIssuer{model: model, mode: "works", fresh: -1, keys: map[string]string{"a": "m1"}},
	}
	random := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
	s.source = wrap(keysource.New(keysource.Config{
		Issuer: "https://login.example.com", JWKSURI: keysURL, RefreshBudget: model.Budget, MaxStale: model.MaxStale,
		Client: fetch.New(&http.Client{Transport: s.issuer}, false),
		Random: func(n time.Duration) time.Duration { return time.Duration(random.Int64N(int64(n))) },
	}))
	t.Cleanup(s.source.Close)
	return s
}

// check compares what needs no lookup.
func (s *keys) check(t *rapid.T) {
	synctest.Wait()
	s.issuer.mu.Lock() // a fetch changes the model
	defer s.issuer.mu.Unlock()
	if s.issuer.wrong != "" {
		t.Fatal(s.issuer.wrong)
	}
	now := time.Now()
	if s.issuer.flying == 0 && !s.issuer.closed && s.model.Overdue(now) {
		t.Fatal("no fetch began although one is overdue")
	}
	usable := s.model.Usable(now)
	for _, kid := range keyIDs {
		want, ok := usable[kid]
		if got := foundIn(s.source.At(now, keyQuery(kid))); ok && got != models.Found(want) || !ok && got != models.Unknown {
			t.Fatalf("At(%s) = %s, want %q", kid, got, want)
		}
	}
	if ready := s.source.Ready() == nil; ready != (usable != nil) {
		t.Fatalf("ready: %t, want %t", ready, usable != nil)
	}
	generation, text := s.source.Generation(), fmt.Sprint(usable)
	if generation == 0 != (usable == nil) {
		t.Fatalf("generation %d with the keys %v", generation, usable)
	}
	if known, ok := s.generations[generation]; ok && known != text && generation != 0 {
		t.Fatalf("generation %d stands for %s and for %s", generation, known, text)
	}
	s.generations[generation] = text
}

func keyQuery(kid string) keysource.Query {
	return keysource.Query{KeyID: kid, HasKeyID: true, Algorithm: jose.EdDSA}
}

const keyLeeway = 5 * time.Second

// drawLookup draws a key ID, and an iat.
func drawLookup(t *rapid.T) keysource.Query {
	q := keyQuery(rapid.SampledFrom(keyIDs).Draw(t, "kid"))
	if rapid.Bool().Draw(t, "iat") {
		q.Issued, q.Leeway = time.Now().Add(time.Duration(rapid.IntRange(-60, 60).Draw(t, "age"))*time.Second), keyLeeway
	}
	return q
}

// lookup looks a key up. It returns the answer, and whether it is right.
func (s *keys) lookup(t *rapid.T, q keysource.Query, noticed string) (got models.Found, right func() bool) {
	l := models.Lookup{KeyID: q.KeyID, Issued: q.Issued, Leeway: q.Leeway, From: time.Now()}
	got = foundIn(s.source.Lookup(t.Context(), q))
	l.To = time.Now()
	t.Logf("lookup of %s, iat %v, from %v to %v: %s", q.KeyID, q.Issued, l.From, l.To, got)
	return got, func() bool {
		s.issuer.mu.Lock()
		defer s.issuer.mu.Unlock()
		return s.model.Lookup(l, got, noticed)
	}
}

// change changes what the issuer does.
func (s *keys) change(t *rapid.T) {
	is := s.issuer
	is.mu.Lock()
	defer is.mu.Unlock()
	if len(is.keys) == 0 {
		is.keys["a"] = "m1"
	}
	switch rapid.SampledFrom([]string{"add", "withdraw", "mode"}).Draw(t, "change") {
	case "add":
		is.keys[rapid.SampledFrom(keyIDs).Draw(t, "kid")] = rapid.SampledFrom(keyMaterials).Draw(t, "material")
	case "withdraw":
		delete(is.keys, rapid.SampledFrom(slices.Sorted(maps.Keys(is.keys))).Draw(t, "kid"))
	case "mode":
		is.mode = rapid.SampledFrom(keyModes).Draw(t, "mode")
		is.fresh = rapid.SampledFrom([]time.Duration{-1, 0, 2 * time.Minute, 100 * time.Hour}).Draw(t, "fresh")
		is.retry = rapid.SampledFrom([]time.Duration{0, 30 * time.Second, time.Hour}).Draw(t, "retry")
	}
}

// The key source answers by the newest keys, never says "unknown" when it cannot
// know, never uses a key for too long, and fetches neither too rarely nor too often,
// while keys come and go and the issuer works and fails.
func TestKeys(t *testing.T) {
	check(t, lookups(func(s keySource) keySource { return s }))
}

// lookups compares what wrap makes of a key source with the model.
func lookups(wrap func(keySource) keySource) machine {
	return bubbled(func(t *rapid.T, concurrent bool) {
		s := newKeys(t, wrap)
		operations := map[string]func(*rapid.T){
			"":       s.check,
			"elapse": func(t *rapid.T) { elapse(drawStep(t, 2*time.Hour)) },
			"wait":   func(t *rapid.T) { elapse(drawStep(t, 2*time.Second)) },
			"change": s.change,
			"lookup": func(t *rapid.T) {
				q := drawLookup(t)
				if got, right := s.lookup(t, q, s.issuer.noticed(q.KeyID)); !right() {
					t.Fatalf("the answer to the lookup of %s is wrong: %s", q.KeyID, got)
				}
			},
		}
		if concurrent {
			operations["lookups"] = func(t *rapid.T) {
				n := rapid.IntRange(2, 4).Draw(t, "n")
				queries, answers, rights := make([]keysource.Query, n), make([]models.Found, n), make([]func() bool, n)
				for i := range queries {
					queries[i] = drawLookup(t)
				}
				together(n, func(i int) { answers[i], rights[i] = s.lookup(t, queries[i], "") })
				for i, right := range rights {
					if !right() {
						t.Fatalf("the answer to the lookup of %s is wrong: %s", queries[i].KeyID, answers[i])
					}
				}
			}
		}
		t.Repeat(operations)
		s.source.Close()
		s.issuer.mu.Lock()
		s.issuer.closed = true
		s.issuer.mu.Unlock()
		elapse(drawStep(t, 2*time.Hour))
		s.check(t)
	})
}
