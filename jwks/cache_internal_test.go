package jwks

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"math"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/internal/claims"
	"github.com/bearerkit/bearerkit/internal/jose"
	"github.com/bearerkit/bearerkit/internal/keysource"
)

// tokenOf returns what stands for a token here.
func tokenOf(n int) string { return fmt.Sprintf("token %d", n) }

func (c *cache) has(n int) bool { return c.get(tokenOf(n), tagOf(tokenOf(n))) != nil }

var anyIssuer = &issuer{source: keysource.Static(nil), audience: []string{"api"}}

func entryOf(n, weight int) *entry {
	return &entry{
		tag: tagOf(tokenOf(n)), sum: sumOf(tokenOf(n)), key: sha256.Sum256([]byte(tokenOf(n))), weight: weight, generation: anyIssuer.source.Generation(),
		facts: facts{issuer: anyIssuer, until: math.MaxInt64},
	}
}

// holds reports whether an entry is where it is looked for.
func (c *cache) holds(e *entry) bool {
	for other := c.bucket(e.tag).Load(); other != nil; other = other.next.Load() {
		if other.tag == e.tag && other.key == e.key {
			return other == e
		}
	}
	return false
}

// audit checks that the cache is what its counters say.
func (c *cache) audit(t *testing.T) {
	t.Helper()
	entries, bytes := 0, 0
	for _, q := range []*queue{&c.recent, &c.main} {
		n := 0
		for e := q.oldest; e != nil; e = e.newer {
			if e.queue != q || !c.holds(e) {
				t.Fatalf("an entry of the queue is not found")
			}
			n++
			bytes += e.weight
		}
		if n != q.entries {
			t.Fatalf("%d entries in a queue that counts %d", n, q.entries)
		}
		entries += n
	}
	chained := 0
	for i := range c.buckets {
		for e := c.buckets[i].Load(); e != nil; e = e.next.Load() {
			chained++
		}
	}
	if gotEntries, gotBytes := c.size(); entries != gotEntries || bytes != gotBytes || chained != entries {
		t.Fatalf("%d entries, %d in buckets, of %d bytes; counted are %d of %d", entries, chained, bytes, gotEntries, gotBytes)
	}
	if entries > c.maxEntries || bytes > c.maxBytes {
		t.Fatalf("%d entries of %d bytes are more than %d or %d", entries, bytes, c.maxEntries, c.maxBytes)
	}
}

// Part 2.4: a hundred thousand tokens that come once leave those in use where
// they are, also if nobody uses them meanwhile.
func TestOneTimeTokensPushOutNothing(t *testing.T) {
	const hot = 1000
	c, now := newCache(10_000, 32<<20), time.Now()
	for n := range hot {
		c.add(entryOf(n, 2000), now)
		c.has(n)
	}
	for n := range 100_000 {
		c.add(entryOf(hot+n, 2000), now)
	}
	c.audit(t)
	for n := range hot {
		if !c.has(n) {
			t.Fatalf("token %d is forgotten", n)
		}
	}
	if entries, _ := c.size(); entries != 10_000 {
		t.Errorf("%d entries", entries)
	}
}

// A token that was pushed out as new, and comes again, stays from then on.
func TestWhoComesAgainStays(t *testing.T) {
	c, now := newCache(100, 1<<20), time.Now()
	for n := range 102 {
		c.add(entryOf(n, 1), now)
	}
	if c.has(0) {
		t.Fatal("it was not pushed out")
	}
	c.add(entryOf(0, 1), now)
	for n := range 1000 {
		c.add(entryOf(1000+n, 1), now)
	}
	if !c.has(0) {
		t.Error("it is forgotten")
	}
	c.audit(t)
}

func TestCacheOfAnySize(t *testing.T) {
	now := time.Now()
	for entries := 1; entries < 40; entries++ {
		for _, bytes := range []int{1, 10, 100, 1000} {
			c := newCache(entries, bytes)
			for n := range 300 {
				e := entryOf(n%(2*entries+1), n*7%23)
				c.add(e, now)
				for used := range n % 4 {
					token := tokenOf(n - used)
					if found := c.get(token, tagOf(token)); found != nil && n%11 == 0 {
						c.remove(found)
						c.remove(found)
					}
				}
				c.audit(t)
			}
		}
	}
}

// What is dead leaves as soon as others come, without being asked for.
func TestDeadEntriesLeave(t *testing.T) {
	c, now := newCache(1000, 1<<20), time.Now()
	for n := range 100 {
		e := entryOf(n, 1)
		if n%2 == 0 {
			e.until = now.Add(time.Minute).UnixNano()
		} else {
			e.generation++ // of keys that are gone
		}
		c.add(e, now)
	}
	later := now.Add(time.Hour)
	for n := range 60 {
		c.add(entryOf(1000+n, 1), later)
	}
	if entries, _ := c.size(); entries != 60 {
		t.Errorf("%d entries, want 60", entries)
	}
	c.audit(t)
}

// With -race: readers need no lock, whatever is added and removed meanwhile.
func TestCacheIsSafeForConcurrentUse(t *testing.T) {
	c, now := newCache(64, 1<<20), time.Now()
	var wait sync.WaitGroup
	for worker := range 8 {
		wait.Go(func() {
			for n := range 5000 {
				i := (n*7 + worker*13) % 200
				want := entryOf(i, 10)
				switch e := c.get(tokenOf(i), want.tag); {
				case e == nil:
					c.add(want, now)
				case e.key != want.key:
					t.Error("another token's entry")
				case n%17 == 0:
					c.remove(e)
				}
			}
		})
	}
	wait.Wait()
	c.audit(t)
}

// C9, K8, K9: on each hit audience, nbf, iat and exp are judged as at first
// sight, the leeway included; the short way says what the long one says.
func TestFactsAreJudgedEachTime(t *testing.T) {
	const leeway = 5 * time.Second
	base := time.Now().Truncate(time.Second)
	at := func(d time.Duration) time.Time { return base.Add(d) }
	good := facts{issuer: anyIssuer, notBefore: at(0), principal: bearer.Principal{IssuedAt: at(0), Expires: at(time.Minute)}.WithAudience("api")}
	tests := []struct {
		name   string
		change func(*facts)
		now    time.Time
		check  string // empty: accepted
	}{
		{"good", func(*facts) {}, at(0), ""},
		{"nbf within the leeway", func(f *facts) { f.notBefore = at(leeway) }, at(0), ""},
		{"nbf ahead", func(f *facts) { f.notBefore = at(leeway + 1) }, at(0), "nbf"},
		{"nbf ahead, later", func(f *facts) { f.notBefore = at(leeway + 1) }, at(1), ""},
		{"iat within the leeway", func(f *facts) { f.principal.IssuedAt = at(leeway) }, at(0), ""},
		{"iat ahead", func(f *facts) { f.principal.IssuedAt = at(leeway + 1) }, at(0), "iat"},
		{"no iat, no nbf", func(f *facts) { f.principal.IssuedAt, f.notBefore = time.Time{}, time.Time{} }, at(0), ""},
		{"exp within the leeway", func(*facts) {}, at(time.Minute + leeway - 1), ""},
		{"expired", func(*facts) {}, at(time.Minute + leeway), "exp"},
		{"exp in the year 9999", func(f *facts) { f.principal.Expires = time.Unix(253402300799, 0) }, at(100 * 365 * 24 * time.Hour), ""},
		{"nbf in the year 9999", func(f *facts) { f.notBefore = time.Unix(253402300799, 0) }, at(0), "nbf"},
		{"another audience", func(f *facts) { f.principal = f.principal.WithAudience("other", "apis") }, at(0), "aud"},
		{"no audience", func(f *facts) { f.principal = f.principal.WithAudience() }, at(0), "aud"},
		{"another audience, expired", func(f *facts) { f.principal = f.principal.WithAudience("other") }, at(time.Hour), "aud"},
	}
	profile, err := Profile{}.compile(claims.NewNames())
	if err != nil {
		t.Fatal(err)
	}
	judge := &issuer{audience: anyIssuer.audience, profile: profile}
	for _, tt := range tests {
		f := good
		tt.change(&f)
		f.issuer = judge
		f.setTimes(leeway)
		p, err := f.judge(tt.now, leeway)
		e, _ := errors.AsType[*bearer.Error](err)
		switch {
		case tt.check == "" && (err != nil || p != &f.principal):
			t.Errorf("%s: %v", tt.name, err)
		case tt.check != "" && (e == nil || e.Check != tt.check || p != nil):
			t.Errorf("%s: %v, want %s", tt.name, err, tt.check)
		case e != nil && e.Principal == &f.principal:
			t.Errorf("%s: the error's principal is the cache's own", tt.name)
		}
	}
	f := good
	f.principal.AuthTime = at(leeway + 1)
	f.setTimes(leeway)
	if p, err := f.judge(at(0), leeway); err != nil || !p.AuthTime.IsZero() || f.principal.AuthTime.IsZero() {
		t.Errorf("an authentication that is yet to be: %v, %v", p, err)
	}
	if p, err := f.judge(at(1), leeway); err != nil || p != &f.principal {
		t.Errorf("an authentication within the leeway: %v, %v", p, err)
	}
}

// flightTest is a verifier with a signed token that was read and not proven.
func flightTest(t *testing.T) (v *Verifier, token string, read func(*reader) *reader) {
	t.Helper()
	private, jwk := newTestKey(t)
	v, err := New(Config{Issuers: []Issuer{{
		URL: "https://issuer.example.com", Audience: []string{"api"}, Keys: KeysFromJWKS([]byte(`{"keys":[` + string(jwk) + `]}`)),
	}}})
	if err != nil {
		t.Fatal(err)
	}
	token, err = jose.Sign(private, jose.EdDSA, []byte(`{"alg":"EdDSA","typ":"at+jwt"}`),
		[]byte(`{"iss":"https://issuer.example.com","aud":"api","sub":"s","client_id":"c","jti":"`+rand.Text()+`","iat":0,"exp":253402300799}`))
	if err != nil {
		t.Fatal(err)
	}
	i := v.issuers["https://issuer.example.com"]
	return v, token, func(r *reader) *reader {
		r.token, r.tag, r.issuer = token, tagOf(token), i
		var err error
		if r.jws, err = r.buffer.Parse(token, nil); err == nil {
			err = r.values.Read(v.names, r.jws.Payload)
		}
		if err != nil {
			t.Fatal(err)
		}
		if err := r.findKeys(t.Context(), time.Now(), 0); err != nil {
			t.Fatal(err)
		}
		return r
	}
}

// Those who wait for the check of another's token wait as long as their own
// request lasts, and go on by themselves if it comes to no end.
func TestWaitingForAnothersCheck(t *testing.T) {
	for name, land := range map[string]func(v *Verifier, f *flight, r *reader){
		"a panic":               func(*Verifier, *flight, *reader) {},
		"a check by other keys": func(_ *Verifier, f *flight, r *reader) { f.failed, f.generation = true, r.generation+1 },
		"a proof by other keys": func(_ *Verifier, f *flight, r *reader) {
			f.entry, f.generation = &entry{generation: r.generation + 1}, r.generation+1
		},
		"a proof": func(v *Verifier, f *flight, r *reader) { f.entry, _ = v.check(r) },
		"a proof that was added": func(v *Verifier, f *flight, r *reader) {
			e, _ := v.check(r)
			e.tag, e.sum, e.key = r.tag, f.sum, sha256.Sum256([]byte(r.token))
			v.cache.add(e, time.Now())
		},
	} {
		t.Run(name, func(t *testing.T) {
			v, token, read := flightTest(t)
			synctest.Test(t, func(t *testing.T) {
				_, f, leads := v.cache.join(token, tagOf(token), new(flight))
				if !leads {
					t.Fatal("somebody is there")
				}
				var wait sync.WaitGroup
				ctx, cancel := context.WithCancel(t.Context())
				wait.Go(func() {
					if _, err := v.Verify(ctx, token); !errors.Is(err, context.Canceled) {
						t.Errorf("whose request ended: %v", err)
					}
				})
				for range 10 {
					wait.Go(func() {
						if p, err := v.Verify(t.Context(), token); err != nil || p.Subject != "s" {
							t.Errorf("%v, %v", p, err)
						}
					})
				}
				synctest.Wait() // all wait
				if n := v.signatures.load(); n != 0 {
					t.Errorf("%d checks", n)
				}
				cancel()
				synctest.Wait()
				land(v, f, read(new(reader)))
				v.cache.leave(f)
				wait.Wait()
			})
			for i := range v.cache.flights {
				if v.cache.flights[i].first != nil {
					t.Error("a flight is left")
				}
			}
		})
	}
}

// The verdict that a signature does not hold is shared too.
func TestWaitingForAFailedCheck(t *testing.T) {
	v, token, read := flightTest(t)
	synctest.Test(t, func(t *testing.T) {
		forged := token[:len(token)-10] + "AAAAAAAAAA"
		_, f, _ := v.cache.join(forged, tagOf(forged), new(flight))
		done := make(chan error, 1)
		r := read(new(reader))
		r.token, r.tag = forged, tagOf(forged)
		go func() { _, err := v.prove(t.Context(), r); done <- err }()
		synctest.Wait()
		f.failed, f.generation = true, 1
		v.cache.leave(f)
		if err := <-done; err != errSignature || v.signatures.load() != 0 {
			t.Errorf("%v after %d checks", err, v.signatures.load())
		}
	})
}

// Part 2.5: a twin of a token that is being checked, with the end of it, waits
// for nobody, and is not let in with it.
func TestForgedTwinsJoinNoFlight(t *testing.T) {
	v, token, read := flightTest(t)
	synctest.Test(t, func(t *testing.T) {
		good := read(new(reader))
		_, f, leads := v.cache.join(good.token, good.tag, good.ownFlight())
		if !leads {
			t.Fatal("somebody is there")
		}
		part := strings.Split(token, ".")
		claims := bytes.Replace(good.jws.Payload, []byte(`"sub":"s"`), []byte(`"sub":"a"`), 1)
		twin := part[0] + "." + base64.RawURLEncoding.EncodeToString(claims) + "." + part[2]
		if tagOf(twin) != good.tag || len(twin) != len(token) {
			t.Fatal("it is no twin")
		}
		done := make(chan error, 1)
		go func() { _, err := v.Verify(t.Context(), twin); done <- err }()
		synctest.Wait()
		select {
		case err := <-done:
			if e, ok := errors.AsType[*bearer.Error](err); !ok || e.Code != bearer.CodeInvalidToken {
				t.Errorf("the twin: %v", err)
			}
		default:
			t.Error("the twin waits")
		}
		f.entry, _ = v.check(good)
		v.cache.leave(f)
	})
}

// A panic while a token is judged leaves no flight behind that others would
// wait for.
func TestPanicLeavesNoFlight(t *testing.T) {
	v, token, read := flightTest(t)
	func() {
		defer func() {
			if recover() == nil {
				t.Error("no panic")
			}
		}()
		r := read(new(reader))
		r.issuer = nil
		_, _ = v.prove(t.Context(), r)
	}()
	if _, err := v.Verify(t.Context(), token); err != nil {
		t.Error(err)
	}
}

func newTestKey(t *testing.T) (ed25519.PrivateKey, []byte) {
	t.Helper()
	_, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	jwk, err := jose.MarshalKey(private.Public(), "", "")
	if err != nil {
		t.Fatal(err)
	}
	return private, jwk
}

func BenchmarkCache(b *testing.B) {
	c, now := newCache(10_000, 32<<20), time.Now()
	tokens, entries := make([]string, 20_000), make([]entry, 20_000)
	for n := range tokens {
		tokens[n] = tokenOf(n)
		e := entryOf(n, 2000)
		entries[n].tag, entries[n].key = e.tag, e.key
		if n < 8000 {
			c.add(e, now)
		}
	}
	get := func(n int) bool { return c.get(tokens[n], entries[n].tag) != nil }
	b.Run("get", func(b *testing.B) {
		for n := 0; b.Loop(); n++ {
			get(n % 8000)
		}
	})
	b.Run("miss", func(b *testing.B) {
		for n := 0; b.Loop(); n++ {
			get(8000 + n%12_000)
		}
	})
	b.Run("get in parallel", func(b *testing.B) {
		b.RunParallel(func(pb *testing.PB) {
			for n := 0; pb.Next(); n++ {
				get(n % 100)
			}
		})
	})
	b.Run("get or add", func(b *testing.B) {
		b.ReportAllocs()
		for n := 0; b.Loop(); n++ {
			if n := n % len(tokens); !get(n) {
				c.add(&entry{
					tag: entries[n].tag, key: entries[n].key, weight: 2000,
					facts: facts{issuer: anyIssuer, until: math.MaxInt64},
				}, now)
			}
		}
	})
}
