package dpop

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	crand "crypto/rand"
	"encoding/binary"
	"errors"
	"log/slog"
	"math/rand/v2"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bearerkit/bearerkit/bearer"
)

// world has a wall clock that can be set and a monotonic clock, runs.
type world struct {
	config      Config
	clock, runs time.Duration
	history     history
	store       *MemoryReplays
}

func newWorld(t *testing.T, capacity int) *world {
	t.Helper()
	store, err := NewMemoryReplays(MemoryConfig{Capacity: capacity, PerKey: -1, PerOwner: -1})
	if err != nil {
		t.Fatal(err)
	}
	return &world{config: Config{MaxAge: defaultMaxAge, MaxAhead: defaultMaxAhead}, clock: 1000 * time.Hour, store: store}
}

func (w *world) pass(d time.Duration) { w.clock, w.runs = w.clock+d, w.runs+d }

// checked is a proof that was checked but not used yet.
type checked struct {
	id    uint64
	iat   time.Duration
	until time.Duration
}

func (w *world) check(id uint64, iat time.Duration) (checked, bool) {
	age := w.clock - iat
	return checked{id, iat, w.runs + w.config.left(age)}, w.config.accepts(age)
}

func (w *world) use(c checked) bool {
	if w.runs >= c.until || !w.history.use(int64(c.iat/time.Second), w.runs, c.until) {
		return false
	}
	proof := UsedProof{JKT: "key"}
	binary.BigEndian.PutUint64(proof.ID[:], c.id)
	fresh, err := w.store.burn(&proof, w.runs, c.until)
	return fresh && err == nil
}

func (w *world) checkAndUse(id uint64, iat time.Duration) bool {
	c, ok := w.check(id, iat)
	return ok && w.use(c)
}

// Reports V12: "a jump never lets a used proof in again". While time passes,
// the test sets the clock forward and back by seconds to hours. It sends new
// proofs and repeats used ones, and uses some proofs long after they were
// checked.
func TestNoSettingOfTheClockLetsAUsedProofInAgain(t *testing.T) {
	accepted := 0
	for seed := range uint64(300) {
		random := rand.New(rand.NewPCG(seed, 12))
		upTo := func(most time.Duration) time.Duration { return time.Duration(random.Int64N(int64(most))) }
		w := newWorld(t, 1<<20)
		var iats []time.Duration // by id
		used := map[uint64]bool{}
		var waiting []checked
		use := func(c checked) {
			if !w.use(c) {
				return
			}
			if used[c.id] {
				t.Fatalf("seed %d: proof %d was accepted twice", seed, c.id)
			}
			used[c.id] = true
			accepted++
		}
		for range 600 {
			switch random.IntN(12) {
			case 0:
				w.clock += upTo(2*time.Hour) - time.Hour
			case 1:
				w.clock += upTo(3*time.Minute) - 90*time.Second
			case 2:
				w.pass(upTo(time.Hour))
			case 3, 4:
				w.pass(upTo(70 * time.Second))
			case 5, 6:
				w.pass(upTo(3 * time.Second))
			}
			iats = append(iats, w.clock+upTo(70*time.Second)-62*time.Second)
			if c, ok := w.check(uint64(len(iats)-1), iats[len(iats)-1]); ok {
				if random.IntN(4) == 0 {
					waiting = append(waiting, c)
				} else {
					use(c)
				}
			}
			for id, iat := range iats { // each that ever was
				if c, ok := w.check(uint64(id), iat); ok {
					use(c)
				}
			}
			if len(waiting) > 0 && random.IntN(3) == 0 {
				use(waiting[0])
				waiting = waiting[1:]
			}
			if len(w.history.forgotten) > maxForgotten || !slices.IsSortedFunc(w.history.forgotten, func(a, b seconds) int { return int(a.first - b.first) }) {
				t.Fatalf("seed %d: forgotten is %v", seed, w.history.forgotten)
			}
		}
	}
	if accepted < 300*200 {
		t.Errorf("%d proofs were accepted in all, so that most steps tested nothing", accepted)
	}
}

// Reports V12: "DPoP replay store: the clock was an hour ahead for one request
// [...] Sweeping follows the clock both ways". Used proofs are swept on time,
// new proofs are accepted, and the store does not fill up.
func TestStoreGoesOnAfterTheClockWasSet(t *testing.T) {
	const perSecond, window = 20, 80
	for name, set := range map[string]func(w *world, second int){
		"never":                       func(*world, int) {},
		"an hour ahead, for a second": func(w *world, second int) { w.clock += jump(second, 100, time.Hour) - jump(second, 101, time.Hour) },
		"an hour back, for a second":  func(w *world, second int) { w.clock += jump(second, 101, time.Hour) - jump(second, 100, time.Hour) },
		"an hour ahead, for good":     func(w *world, second int) { w.clock += jump(second, 100, time.Hour) },
		"a minute ahead, for a while": func(w *world, second int) { w.clock += jump(second, 100, time.Minute) - jump(second, 200, time.Minute) },
		"2 s back, every 10 s":        func(w *world, second int) { w.clock -= jump(second%10, 0, 2*time.Second) },
		"a suspended machine":         func(w *world, second int) { w.clock += jump(second, 100, 8*time.Hour) },
	} {
		t.Run(name, func(t *testing.T) {
			w, id := newWorld(t, perSecond*window), uint64(0)
			for second := range 600 {
				set(w, second)
				for range perSecond {
					id++
					// The clocks of client and server are correct now.
					if !w.checkAndUse(id, w.clock.Truncate(time.Second)) {
						t.Fatalf("second %d: a fresh proof is refused; %d are remembered", second, w.store.live.Load())
					}
				}
				w.pass(time.Second)
			}
			w.pass(window * time.Second)
			w.store.sweep(w.runs)
			if live := w.store.live.Load(); live != 0 {
				t.Errorf("%d proofs are remembered when all are over", live)
			}
		})
	}
}

// jump moves the clock by d at one second.
func jump(second, at int, d time.Duration) time.Duration {
	if second == at {
		return d
	}
	return 0
}

// When the store forgets the first proof of a second, history rejects all
// proofs of that second at once, even before expire runs.
func TestForgottenSecondIsRefusedAtOnce(t *testing.T) {
	var h history
	const until = 900 * time.Millisecond
	if !h.use(7, 0, until) || !h.use(7, until-1, 2*until) || h.use(7, until, 2*until) || h.use(7, time.Hour, 2*time.Hour) {
		t.Errorf("%+v", h.remembered)
	}
}

// While the clock is correct, history rejects nothing and stays short.
func TestHistoryOfAClockThatIsRight(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	w := newWorld(t, 1<<20)
	for id := range uint64(20_000) {
		w.pass(time.Duration(random.Int64N(int64(20 * time.Second))))
		iat := w.clock + time.Duration(random.Int64N(int64(65*time.Second)))
		if iat -= 60 * time.Second; !w.checkAndUse(id, iat) {
			t.Fatalf("proof %d of age %v is refused", id, w.clock-iat)
		}
		if len(w.history.forgotten) > maxForgotten || len(w.history.remembered) > 100 {
			t.Fatalf("after proof %d: %d entries, and %d seconds", id, len(w.history.forgotten), len(w.history.remembered))
		}
	}
}

// forgotten covers the seconds that were added and the gaps of up to maxGap
// between them, and nothing else.
func TestForgottenSeconds(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for range 500 {
		var h history
		added := map[int64]bool{}
		for range 30 {
			second := random.Int64N(300)
			added[second] = true
			h.forget(second)
		}
		for second := int64(-20); second < 320; second++ {
			before, after := second, second
			for ; before >= -20 && !added[before]; before-- {
			}
			for ; after < 320 && !added[after]; after++ {
			}
			want := added[second] || before >= 0 && after < 300 && after-before <= maxGap
			if h.hasForgotten(second) != want {
				t.Fatalf("second %d: %v, want %v; %v", second, !want, want, h.forgotten)
			}
		}
	}
}

// Reports V12: the first proof of a second that the store forgets decides when the
// second is refused, in whatever order the proofs come.
func TestSecondIsForgottenWithItsFirstProof(t *testing.T) {
	const early, late = 50 * time.Second, 100 * time.Second
	for _, order := range [][]time.Duration{{early, late}, {late, early}, {early}} {
		for now, want := range map[time.Duration]bool{early - 1: true, early: false, early + 1: false, late: false} {
			var h history
			for _, until := range order {
				if !h.use(7, 0, until) {
					t.Fatal("refused at first")
				}
			}
			if got := h.use(7, now, now+time.Minute); got != want {
				t.Errorf("remembered until %v: %t at %v", order, got, now)
			}
			if !h.use(8, now, now+time.Minute) {
				t.Errorf("another second is refused at %v", now)
			}
		}
	}
}

// The ranges of forgotten seconds are bounded, and only the earliest are merged.
func TestForgottenRangesAreBounded(t *testing.T) {
	const apart = 2 * (maxGap + 1)
	for _, n := range []int{maxForgotten - 1, maxForgotten, maxForgotten + 1, 3 * maxForgotten} {
		var h history
		for i := range n {
			h.use(int64(i*apart), 0, time.Second)
		}
		h.expire(time.Second)
		if len(h.forgotten) != min(n, maxForgotten) {
			t.Errorf("%d ranges of %d", len(h.forgotten), n)
		}
		for i := range n {
			if !h.hasForgotten(int64(i * apart)) {
				t.Errorf("%d of %d is not forgotten", i, n)
			}
		}
		if merged := h.hasForgotten(apart / 2); merged != (n > maxForgotten) {
			t.Errorf("of %d, the first two are merged: %t", n, merged)
		}
		if h.hasForgotten(int64((n-1)*apart - apart/2)) {
			t.Errorf("of %d, the last two are merged", n)
		}
	}
}

// Reports V12: after the clock was set back, a proof from a time whose used proofs
// may be forgotten is answered 503. The log says why, at most once a minute.
func TestClockThatWasSetBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		c, err := New(Config{Origin: "https://api.example.com", Logger: slog.New(slog.NewTextHandler(&log, nil))})
		if err != nil {
			t.Fatal(err)
		}
		key, err := ecdsa.GenerateKey(elliptic.P256(), crand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		jkt, err := Thumbprint(key.Public())
		if err != nil {
			t.Fatal(err)
		}
		use := func() error {
			encoded, err := NewProof(ProofConfig{Key: key, Algorithm: "ES256", Method: "GET", URL: "https://api.example.com/orders", AccessToken: "token"})
			if err != nil {
				t.Fatal(err)
			}
			r := httptest.NewRequest("GET", "/orders", nil)
			r.Header.Set("DPoP", encoded)
			proof, err := c.CheckProof(r, "token", bearer.Principal{Confirmation: bearer.Confirmation{JKT: jkt}})
			if err != nil {
				t.Fatal(err)
			}
			return proof.Use(t.Context())
		}
		if err := use(); err != nil {
			t.Fatal(err)
		}
		// An hour passes by the monotonic clock, and the wall clock is set back by an
		// hour.
		c.began = c.began.Add(-time.Hour)
		for range 3 {
			if refused, ok := errors.AsType[*bearer.Error](use()); !ok || refused.Code != bearer.CodeUnavailable || refused.Check != "clock" {
				t.Errorf("a proof from a time that is forgotten: %v", refused)
			}
		}
		if lines := strings.Count(log.String(), "the clock was set back"); lines != 1 {
			t.Errorf("%d lines in a minute:\n%s", lines, &log)
		}
		if s := c.Stats(); s.Failed != 3 || len(s.Refusals) != 0 {
			t.Errorf("Stats() = %+v", s)
		}
		<-time.After(time.Second)
		if err := use(); err != nil {
			t.Errorf("a proof from a later second: %v", err)
		}
	})
}
