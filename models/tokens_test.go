package models_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/bearerkit/bearerkit/internal/tokencache"
	"github.com/bearerkit/bearerkit/models"
)

var (
	errRejected = errors.New("rejected")
	errOther    = errors.New("an error that is not shared")
)

type provenEntry = tokencache.Entry[models.Proven]

// tokenCache is the part of *tokencache.Cache that the model describes.
type tokenCache interface {
	Get(token string, now time.Time) *provenEntry
	Do(ctx context.Context, now time.Time, token string, version uint64, prove func() (*provenEntry, error)) (*provenEntry, error)
	Remove(e *provenEntry)
	Stats() tokencache.Stats
}

// tokens is a token cache, its model, and what they have in common.
type tokens struct {
	cache        tokenCache
	model        *models.Tokens
	serial       int
	hits, misses uint64
}

func newTokens(t *rapid.T, wrap func(tokenCache) tokenCache) *tokens {
	s := &tokens{model: &models.Tokens{
		Entries: rapid.IntRange(1, 12).Draw(t, "entries"), Bytes: rapid.IntRange(1, 40).Draw(t, "bytes"),
	}}
	s.cache = wrap(tokencache.New(tokencache.Config[models.Proven]{
		Entries: s.model.Entries, Bytes: s.model.Bytes, Rejected: errRejected,
		Version: func(p *models.Proven, _ time.Time) uint64 { return s.model.Version(p.Issuer) },
	}))
	return s
}

// drawToken draws a token and its issuer.
func drawToken(t *rapid.T) (token, issuer string) {
	issuer = rapid.SampledFrom([]string{"one", "two"}).Draw(t, "issuer")
	n := rapid.IntRange(0, 9).Draw(t, "token")
	if n%2 == 1 {
		issuer = "one" // the tokens of an issuer may end alike
		return fmt.Sprintf("%d.the-same-end-of-all", n), issuer
	}
	return fmt.Sprintf("%s.%d", issuer, n), issuer
}

// drawProven draws what the proof of an issuer's token would be now.
func (s *tokens) drawProven(t *rapid.T, issuer string) models.Proven {
	s.serial++
	return models.Proven{
		Issuer: issuer, Serial: s.serial, Version: s.model.Version(issuer),
		Weight:  rapid.IntRange(1, 9).Draw(t, "weight"),
		Expires: time.Now().Add(time.Duration(rapid.IntRange(0, 120).Draw(t, "life")) * time.Second).UnixNano(),
	}
}

func entryFor(token string, p models.Proven) *provenEntry {
	return &provenEntry{
		Value: p, Version: p.Version, Sum: tokencache.SumOf(token), Weight: p.Weight, Expires: p.Expires,
	}
}

func (s *tokens) get(t *rapid.T, token string) *provenEntry {
	e, serial := s.cache.Get(token, time.Now()), 0
	if e == nil {
		s.misses++
	} else {
		s.hits++
		serial = e.Value.Serial
	}
	if !s.model.Get(token, serial) {
		t.Fatalf("Get(%s): entry %d; the model is %+v", token, serial, s.model)
	}
	return e
}

// proving is a call of Do for one token by several goroutines. The first proves the
// token while the others wait. Some of them give up meanwhile.
type proving struct {
	token   string
	proven  models.Proven
	outcome string
	callers int
	leave   int // how many callers give up

	release chan struct{} // ends the proofs
	proofs  atomic.Int32
	entries []*provenEntry
	errs    []error
}

func (s *tokens) drawProving(t *rapid.T) *proving {
	token, issuer := drawToken(t)
	p := &proving{token: token, proven: s.drawProven(t, issuer), release: make(chan struct{})}
	p.outcome = rapid.SampledFrom([]string{"stored", "transient", "rejected", "other"}).Draw(t, "outcome")
	p.callers = rapid.IntRange(1, 4).Draw(t, "callers")
	p.leave = rapid.IntRange(0, p.callers-1).Draw(t, "leave")
	p.entries, p.errs = make([]*provenEntry, p.callers), make([]error, p.callers)
	return p
}

func (p *proving) prove() (*provenEntry, error) {
	p.proofs.Add(1)
	<-p.release
	switch p.outcome {
	case "rejected":
		return nil, errRejected
	case "other":
		return nil, errOther
	}
	e := entryFor(p.token, p.proven)
	e.Transient = p.outcome == "transient"
	return e, nil
}

// run makes the calls, and returns how many proofs were under way at once.
func (p *proving) run(cache tokenCache) (atOnce int) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var wg sync.WaitGroup
	for i := range p.callers {
		wg.Go(func() {
			own := context.Background()
			if i >= p.callers-p.leave {
				own = ctx
			}
			p.entries[i], p.errs[i] = cache.Do(own, time.Now(), p.token, p.proven.Version, p.prove)
		})
		if i == 0 {
			synctest.Wait() // the first leads
		}
	}
	synctest.Wait()
	atOnce = int(p.proofs.Load())
	cancel()
	synctest.Wait()
	close(p.release)
	wg.Wait()
	return atOnce
}

// prove looks a token up, and then proves it if it has no entry, as the owner of a
// cache does.
func (s *tokens) prove(t *rapid.T) {
	p := s.drawProving(t)
	known := s.get(t, p.token)
	size := s.cache.Stats()
	atOnce := p.run(s.cache)
	if known != nil {
		for i, e := range p.entries {
			if e != known || p.errs[i] != nil || p.proofs.Load() != 0 {
				t.Fatalf("%s has an entry, but Do returned %v, %v after %d proofs", p.token, e, p.errs[i], p.proofs.Load())
			}
		}
		return
	}
	proofs := 1
	if p.outcome == "other" {
		proofs = p.callers - p.leave
	}
	if n := int(p.proofs.Load()); atOnce != 1 || n != proofs {
		t.Fatalf("%s: %d proofs at once and %d in all, want 1 and %d", p.token, atOnce, n, proofs)
	}
	want := map[string]error{"rejected": errRejected, "other": errOther}[p.outcome]
	for i, e := range p.entries {
		if i >= p.callers-p.leave {
			want = context.Canceled
		}
		if !errors.Is(p.errs[i], want) || (e != nil) != (want == nil) || e != nil && e.Value != p.proven {
			t.Fatalf("%s: caller %d got %v, %v; want %v", p.token, i, e, p.errs[i], want)
		}
	}
	if p.outcome == "stored" {
		s.model.Add(p.token, p.proven, time.Now().UnixNano(), size.Entries, size.Bytes)
	}
}

// The token cache returns no wrong entry, keeps its bounds, evicts only when it is
// full, and proves a token once for all who wait.
func TestTokens(t *testing.T) {
	m := provenTokens(func(c tokenCache) tokenCache { return c })
	rapid.Check(t, func(t *rapid.T) { m(t, false) })
}

// provenTokens compares what wrap makes of a token cache with the model. The callers
// who wait for a proof run concurrently, but in an order that the case determines.
func provenTokens(wrap func(tokenCache) tokenCache) machine {
	return bubbled(func(t *rapid.T, _ bool) {
		s := newTokens(t, wrap)
		t.Repeat(map[string]func(*rapid.T){
			"": func(t *rapid.T) {
				if got := s.cache.Stats(); got.Hits != s.hits || got.Misses != s.misses || !s.model.Size(got.Entries, got.Bytes) {
					t.Fatalf("%+v; want %d hits and %d misses; the model is %+v", got, s.hits, s.misses, s.model)
				}
			},
			"elapse": func(t *rapid.T) { elapse(drawStep(t, time.Minute)) },
			"get": func(t *rapid.T) {
				token, _ := drawToken(t)
				s.get(t, token)
			},
			"prove": s.prove,
			"rotate": func(t *rapid.T) {
				_, issuer := drawToken(t)
				s.model.Rotate(issuer)
			},
			"remove": func(t *rapid.T) {
				token, _ := drawToken(t)
				if e := s.get(t, token); e != nil {
					s.cache.Remove(e)
					s.cache.Remove(e)
					s.model.Remove(token)
				}
			},
		})
	})
}

// One-off tokens, however many, do not evict tokens in use.
func TestTokensInUseStay(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		entries := rapid.IntRange(20, 200).Draw(t, "entries")
		inUse := rapid.IntRange(1, entries/2).Draw(t, "inUse")
		s := &tokens{model: &models.Tokens{Entries: entries, Bytes: entries}}
		s.cache = tokencache.New(tokencache.Config[models.Proven]{
			Entries: entries, Bytes: entries, Rejected: errRejected,
			Version: func(*models.Proven, time.Time) uint64 { return 1 },
		})
		add := func(token string) {
			proven := models.Proven{Version: 1, Weight: 1, Expires: time.Now().Add(time.Hour).UnixNano()}
			_, err := s.cache.Do(t.Context(), time.Now(), token, 1, func() (*provenEntry, error) {
				return entryFor(token, proven), nil
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		use := func(i int) bool { return s.cache.Get(fmt.Sprint("in use ", i), time.Now()) != nil }
		for i := range inUse {
			add(fmt.Sprint("in use ", i))
			use(i)
		}
		for round := range rapid.IntRange(1, 20).Draw(t, "rounds") {
			for i := range rapid.IntRange(0, entries/10).Draw(t, "once") {
				add(fmt.Sprint("once ", round, "/", i))
			}
			for i := range inUse {
				if !use(i) {
					t.Fatalf("round %d: token %d of %d in use was evicted", round, i, inUse)
				}
			}
		}
	})
}
