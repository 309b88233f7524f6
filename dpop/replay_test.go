package dpop_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"maps"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/dpop"
)

// D22; RFC 9449, Section 11.1.
func TestReplay(t *testing.T) {
	c, checker := newClient(t, "ES256"), newChecker(t, dpop.Config{})
	jti := members{"jti": "same"}
	wantRefusal(t, checkAndUse(checker, orders(t, c.proof(t, jti)), token, c.jkt), "")
	again := func(name, check string, changes members) {
		t.Run(name, func(t *testing.T) {
			all := maps.Clone(jti)
			maps.Copy(all, changes)
			line := "GET /orders"
			if m, ok := changes["htm"].(string); ok {
				line = m + " /orders"
			}
			if u, ok := changes["htu"].(string); ok {
				line = "GET " + strings.TrimPrefix(u, origin)
			}
			wantRefusal(t, checkAndUse(checker, read(t, line, "DPoP: "+c.proof(t, all)), token, c.jkt), check)
		})
	}
	again("the jti once more", "replay", nil)
	again("with another iat", "replay", members{"iat": time.Now().Unix() - 5})
	again("with another query", "replay", members{"htu": origin + "/orders?a=b"})
	again("with another spelling", "replay", members{"htu": origin + "/%6Frders"})
	again("for another method", "", members{"htm": "POST"})
	again("for another URI", "", members{"htu": origin + "/users"})
	other := newClient(t, "ES256")
	wantRefusal(t, checkAndUse(checker, orders(t, other.proof(t, jti)), token, other.jkt), "")
	if s := checker.Stats(); s.Replays != 4 || s.Checked != 8 {
		t.Errorf("Stats() = %+v", s)
	}
}

// A proof is used only after all other checks: a proof that another check
// rejects may be sent again.
func TestRefusedProofsAreNotBurnt(t *testing.T) {
	nonces, err := dpop.NewNonces(dpop.NoncesConfig{})
	if err != nil {
		t.Fatal(err)
	}
	c, checker := newClient(t, "ES256"), newChecker(t, dpop.Config{Nonces: nonces})
	proof := c.proof(t, members{"nonce": nonces.Current()})
	wantRefusal(t, checkAndUse(checker, orders(t, proof), "another", c.jkt), "ath")
	wantRefusal(t, checkAndUse(checker, orders(t, proof), token, "another"), "jkt")
	wantRefusal(t, checkAndUse(checker, read(t, "POST /orders", "DPoP: "+proof), token, c.jkt), "htm")
	wantRefusal(t, checkAndUse(checker, read(t, "GET /users", "DPoP: "+proof), token, c.jkt), "htu")
	jti := members{"jti": "x"}
	wantRefusal(t, checkAndUse(checker, orders(t, c.proof(t, jti)), token, c.jkt), "nonce")
	jti["nonce"] = nonces.Current()
	jti["iat"] = time.Now().Unix() - 100
	wantRefusal(t, checkAndUse(checker, orders(t, c.proof(t, jti)), token, c.jkt), "iat")
	delete(jti, "iat")
	wantRefusal(t, checkAndUse(checker, orders(t, c.proof(t, jti)), token, c.jkt), "")
	wantRefusal(t, checkAndUse(checker, orders(t, proof), token, c.jkt), "")
	wantRefusal(t, checkAndUse(checker, orders(t, proof), token, c.jkt), "replay")
}

func TestConcurrentReplayLetsOneIn(t *testing.T) {
	c, checker := newClient(t, "ES256"), newChecker(t, dpop.Config{})
	proof := c.proof(t, nil)
	var fresh, used atomic.Int32
	var wg sync.WaitGroup
	start := make(chan struct{})
	for range 64 {
		r := orders(t, proof)
		wg.Go(func() {
			<-start
			switch _, check := refusal(t, checkAndUse(checker, r, token, c.jkt)); check {
			case "":
				fresh.Add(1)
			case "replay":
				used.Add(1)
			}
		})
	}
	close(start)
	wg.Wait()
	if fresh.Load() != 1 || used.Load() != 63 {
		t.Errorf("fresh %d times, used %d times", fresh.Load(), used.Load())
	}
}

// D11, D21; RFC 9449, Section 11.1; C9.
func TestWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClient(t, "ES256")
		tests := []struct {
			name   string
			config dpop.Config
			iat    time.Duration // from the start, a whole second
			at     time.Duration
			good   bool
		}{
			{"at once", dpop.Config{}, 0, 0, true},
			{"60 s old", dpop.Config{}, 0, 60 * time.Second, true},
			{"a little older", dpop.Config{}, 0, 60*time.Second + 1, false},
			{"5 s ahead", dpop.Config{}, 5 * time.Second, 0, true},
			{"6 s ahead", dpop.Config{}, 6 * time.Second, 0, false},
			{"a little more than 5 s ahead", dpop.Config{}, 6 * time.Second, time.Second - 1, false},
			{"5 s ahead, and 65 s later", dpop.Config{}, 5 * time.Second, 65 * time.Second, true},
			{"10 s old of 10 s", dpop.Config{MaxAge: 10 * time.Second}, 0, 10 * time.Second, true},
			{"11 s old of 10 s", dpop.Config{MaxAge: 10 * time.Second}, 0, 11 * time.Second, false},
			{"5 min old of 5 min", dpop.Config{MaxAge: 5 * time.Minute}, 0, 5 * time.Minute, true},
			{"ahead, where none may be", dpop.Config{MaxAhead: -1}, time.Second, time.Second - 1, false},
			{"now, where none may be ahead", dpop.Config{MaxAhead: -1}, time.Second, time.Second, true},
		}
		start := time.Now()
		for i, tt := range tests {
			<-time.After(time.Until(start.Add(time.Duration(i) * time.Hour)))
			checker := newChecker(t, tt.config)
			proof := c.proof(t, members{"iat": time.Now().Add(tt.iat).Unix()})
			<-time.After(tt.at)
			check := "iat"
			if tt.good {
				check = ""
			}
			if _, got := refusal(t, checkAndUse(checker, orders(t, proof), token, c.jkt)); got != check {
				t.Errorf("%s: refused by %q, want %q", tt.name, got, check)
			}
		}
	})
}

// A used proof is rejected as a replay until it is too old.
func TestReplayIsRefusedToTheEndOfTheWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, checker := newClient(t, "ES256"), newChecker(t, dpop.Config{})
		for offset := range 21 { // at different offsets within a bucket of the store
			<-time.After(time.Second)
			proof := c.proof(t, members{"iat": time.Now().Unix() + 5})
			wantRefusal(t, checkAndUse(checker, orders(t, proof), token, c.jkt), "")
			other := newClient(t, "EdDSA")
			for second := range 65 {
				<-time.After(time.Second)
				wantRefusal(t, checkAndUse(checker, orders(t, other.proof(t, nil)), token, other.jkt), "")
				if _, check := refusal(t, checkAndUse(checker, orders(t, proof), token, c.jkt)); check != "replay" {
					t.Fatalf("offset %d, after %d s: refused by %q", offset, second+1, check)
				}
			}
			<-time.After(time.Second)
			wantRefusal(t, checkAndUse(checker, orders(t, proof), token, c.jkt), "iat")
		}
	})
}

// storeFunc is a custom store.
type storeFunc func(ctx context.Context, proof dpop.UsedProof) (bool, error)

func (f storeFunc) Burn(ctx context.Context, proof dpop.UsedProof) (bool, error) {
	return f(ctx, proof)
}

// Reports V11: the owner is the user, or the client of a token that it got for
// itself. It depends on the issuer and does not depend on the key.
func TestStoreIsToldTheOwner(t *testing.T) {
	var owner [32]byte
	checker := newChecker(t, dpop.Config{Replays: storeFunc(func(_ context.Context, proof dpop.UsedProof) (bool, error) {
		owner = proof.Owner
		// Reports V12: changes of the clock must not affect the duration.
		if !strings.Contains(proof.Until.String(), " m=") {
			t.Errorf("Until has no monotonic reading: %v", proof.Until)
		}
		return true, nil
	})})
	ownerOf := func(p bearer.Principal) [32]byte {
		c := newClient(t, "ES256")
		p.Confirmation.JKT = c.jkt
		proof, err := checker.CheckProof(orders(t, c.proof(t, nil)), token, p)
		if err != nil {
			t.Fatal(err)
		}
		if err := proof.Use(t.Context()); err != nil {
			t.Fatal(err)
		}
		return owner
	}
	alice := bearer.Principal{Issuer: "https://a.example", Subject: "alice", ClientID: "app"}
	for _, tt := range []struct {
		name string
		p    bearer.Principal
		same bool
	}{
		{"another key", alice, true},
		{"another client", bearer.Principal{Issuer: alice.Issuer, Subject: "alice", ClientID: "other"}, true},
		{"another user", bearer.Principal{Issuer: alice.Issuer, Subject: "bob", ClientID: "app"}, false},
		{"another issuer", bearer.Principal{Issuer: "https://b.example", Subject: "alice", ClientID: "app"}, false},
		{"a client of the user's name", bearer.Principal{Issuer: alice.Issuer, Subject: "alice", ClientID: "alice"}, false},
		{"no subject and no client", bearer.Principal{Issuer: alice.Issuer}, false},
		{"parts that read the same together", bearer.Principal{Issuer: "https://a.examplea", Subject: "lice", ClientID: "app"}, false},
	} {
		if same := ownerOf(tt.p) == ownerOf(alice); same != tt.same {
			t.Errorf("%s: the same owner %v, want %v", tt.name, same, tt.same)
		}
	}
	// For every way in which issuers name a client (L14).
	one := bearer.Principal{Issuer: alice.Issuer, Subject: "one", ClientID: "one"}
	for name, same := range map[string]bearer.Principal{
		"no subject":              {Issuer: alice.Issuer, ClientID: "one"},
		"a subject of its own":    bearer.Principal{Issuer: alice.Issuer, Subject: "service-account-one", ClientID: "one"}.WithClient(true),
		"a subject and no client": bearer.Principal{Issuer: alice.Issuer, Subject: "one"}.WithClient(true),
	} {
		if ownerOf(one) != ownerOf(same) {
			t.Errorf("%s: one client has two shares", name)
		}
	}
	if ownerOf(bearer.Principal{Issuer: alice.Issuer, ClientID: "a"}.WithClient(false)) == ownerOf(bearer.Principal{Issuer: alice.Issuer, ClientID: "b"}.WithClient(false)) {
		t.Error("users without a name share beyond their client")
	}
}

// A proof may be used some time after its check, for example after the body was
// read, but not so late that the store may have forgotten an earlier use.
func TestProofThatIsUsedLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, checker := newClient(t, "ES256"), newChecker(t, dpop.Config{})
		for _, tt := range []struct {
			after time.Duration
			check string
		}{{0, ""}, {64 * time.Second, ""}, {65 * time.Second, "iat"}, {time.Hour, "iat"}} {
			proof, err := checker.CheckProof(orders(t, c.proof(t, nil)), token, bearer.Principal{Confirmation: bearer.Confirmation{JKT: c.jkt}})
			if err != nil {
				t.Fatal(err)
			}
			<-time.After(tt.after)
			wantRefusal(t, proof.Use(t.Context()), tt.check)
		}
		if s := checker.Stats(); s.Checked != 4 || s.Refusals["iat"] != 2 {
			t.Errorf("Stats() = %+v", s)
		}
	})
}

// A proof that expired since its check is not sent to the store, and its second
// does not look forgotten because of it.
func TestProofThatExpiredBeforeItsUse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		calls := 0
		c, checker := newClient(t, "ES256"), newChecker(t, dpop.Config{Replays: storeFunc(func(context.Context, dpop.UsedProof) (bool, error) {
			calls++
			return true, nil
		})})
		var late []bearer.Proof
		for range 2 {
			proof, err := checker.CheckProof(orders(t, c.proof(t, nil)), token, bearer.Principal{Confirmation: bearer.Confirmation{JKT: c.jkt}})
			if err != nil {
				t.Fatal(err)
			}
			late = append(late, proof)
		}
		wantRefusal(t, checkAndUse(checker, orders(t, c.proof(t, nil)), token, c.jkt), "")
		<-time.After(65 * time.Second)
		for _, proof := range late {
			wantRefusal(t, proof.Use(t.Context()), "iat")
		}
		if calls != 1 {
			t.Errorf("the store was asked about %d proofs, want 1", calls)
		}
	})
}

// RFC 7519, Section 2: iat may have a fraction. Proofs of one second do not make
// each other look as if the clock was set back.
func TestLateProofsOfOneSecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, checker := newClient(t, "ES256"), newChecker(t, dpop.Config{})
		now := time.Now().Unix()
		at := func(iat float64) *http.Request { return orders(t, c.proof(t, members{"iat": iat})) }
		wantRefusal(t, checkAndUse(checker, at(float64(now)+0.1), token, c.jkt), "")
		<-time.After(60500 * time.Millisecond)
		late, err := checker.CheckProof(at(float64(now)+0.9), token, bearer.Principal{Confirmation: bearer.Confirmation{JKT: c.jkt}})
		if err != nil {
			t.Fatal(err)
		}
		<-time.After(5 * time.Second)
		wantRefusal(t, late.Use(t.Context()), "")
		<-time.After(time.Second)
		wantRefusal(t, late.Use(t.Context()), "iat")
	})
}

// D22: a store failure is answered 503; the proof is not accepted.
func TestStoreThatFails(t *testing.T) {
	c := newClient(t, "ES256")
	outage := errors.New("connection refused")
	logs := map[string]string{
		"out of reach": `level=ERROR msg="the replay store fails; no proof is accepted" error="connection refused"`,
		"full":         `level=ERROR msg="the replay store is full; proofs are refused until used ones expire"`,
		"quota":        `level=WARN msg="a key, user or client has reached its quota in the replay store; its new proofs are refused until used ones expire" jkt=` + c.jkt[:11],
	}
	for name, err := range map[string]error{"out of reach": outage, "full": dpop.ErrFull, "quota": dpop.ErrQuota} {
		for _, fresh := range []bool{false, true} { // which counts for nothing beside an error
			t.Run(name, func(t *testing.T) {
				var log bytes.Buffer
				checker := newChecker(t, dpop.Config{
					Replays: storeFunc(func(context.Context, dpop.UsedProof) (bool, error) { return fresh, err }),
					Logger:  slog.New(slog.NewTextHandler(&log, nil)),
				})
				for range 3 {
					got := checkAndUse(checker, orders(t, c.proof(t, nil)), token, c.jkt)
					wantRefusal(t, got, "replay store")
					if !errors.Is(got, err) {
						t.Errorf("%v does not wrap %v", got, err)
					}
				}
				if lines := strings.Count(log.String(), "\n"); lines != 1 || !strings.HasSuffix(log.String(), logs[name]+"\n") {
					t.Errorf("%d lines in a minute:\n%s; want %s", lines, &log, logs[name])
				}
				s := checker.Stats()
				want := dpop.Stats{Checked: 3}
				switch name {
				case "full":
					want.Full = 3
				case "quota":
					want.Quota = 3
				default:
					want.Failed = 3
				}
				if len(s.Refusals) != 0 {
					t.Errorf("Refusals %v", s.Refusals)
				}
				if s.Refusals = nil; s.Checked != 3 || s.Full != want.Full || s.Quota != want.Quota || s.Failed != want.Failed {
					t.Errorf("Stats() = %+v, want %+v", s, want)
				}
			})
		}
	}
}

func TestLogIsToldOnceAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		c := newClient(t, "ES256")
		memory, err := dpop.NewMemoryReplays(dpop.MemoryConfig{Capacity: 1})
		if err != nil {
			t.Fatal(err)
		}
		checker := newChecker(t, dpop.Config{Replays: memory, Logger: slog.New(slog.NewTextHandler(&log, nil))})
		other := newClient(t, "ES256")
		wantRefusal(t, checkAndUse(checker, orders(t, c.proof(t, nil)), token, c.jkt), "")
		for range 40 {
			wantRefusal(t, checkAndUse(checker, orders(t, c.proof(t, nil)), token, c.jkt), "replay store")
			wantRefusal(t, checkAndUse(checker, orders(t, other.proof(t, nil)), token, other.jkt), "replay store")
			<-time.After(time.Second)
		}
		if lines := strings.Count(log.String(), "\n"); lines != 2 || !strings.Contains(log.String(), "level=ERROR") {
			t.Errorf("%d lines:\n%s", lines, &log)
		}
		if strings.Contains(log.String(), c.jkt) {
			t.Errorf("the whole thumbprint is in the log:\n%s", &log)
		}
		if s := checker.Stats(); s.Quota != 40 || s.Full != 40 {
			t.Errorf("Stats() = %+v", s)
		}
	})
}

// A call of a store that hangs is canceled after a second. If a store says after the
// proof expired that the proof is new, the answer does not count.
func TestStoreThatIsSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClient(t, "ES256")
		hanging := newChecker(t, dpop.Config{Replays: storeFunc(func(ctx context.Context, _ dpop.UsedProof) (bool, error) {
			<-ctx.Done()
			return false, ctx.Err()
		})})
		start := time.Now()
		wantRefusal(t, checkAndUse(hanging, orders(t, c.proof(t, nil)), token, c.jkt), "replay store")
		if took := time.Since(start); took != time.Second {
			t.Errorf("it took %v", took)
		}
		outage := errors.New("connection refused")
		for _, tt := range []struct {
			fresh bool
			err   error
			check string
		}{{true, nil, "iat"}, {false, nil, "replay"}, {true, outage, "replay store"}, {false, outage, "replay store"}} {
			late := newChecker(t, dpop.Config{Replays: storeFunc(func(context.Context, dpop.UsedProof) (bool, error) {
				<-time.After(10 * time.Second)
				return tt.fresh, tt.err
			})})
			proof := c.proof(t, nil)
			<-time.After(time.Minute)
			wantRefusal(t, checkAndUse(late, orders(t, proof), token, c.jkt), tt.check)
		}
	})
}

func TestClientThatHasGone(t *testing.T) {
	c := newClient(t, "ES256")
	checker := newChecker(t, dpop.Config{Replays: storeFunc(func(ctx context.Context, _ dpop.UsedProof) (bool, error) {
		return false, ctx.Err()
	})})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := checkAndUse(checker, orders(t, c.proof(t, nil)).WithContext(ctx), token, c.jkt)
	if code, _ := refusal(t, err); code != bearer.CodeCanceled {
		t.Errorf("%v", err)
	}
	if s := checker.Stats(); s.Checked != 1 || s.Failed != 0 || len(s.Refusals) != 0 {
		t.Errorf("Stats() = %+v", s)
	}
}

// The fields of UsedProof.
func TestStoreIsGiven(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls []dpop.UsedProof
		checker := newChecker(t, dpop.Config{Replays: storeFunc(func(ctx context.Context, proof dpop.UsedProof) (bool, error) {
			if deadline, ok := ctx.Deadline(); !ok || time.Until(deadline) > time.Second {
				t.Error("no deadline")
			}
			calls = append(calls, proof)
			return true, nil
		})})
		c := newClient(t, "ES256")
		for _, p := range []struct{ method, path, jti string }{
			{"GET", "/a", "b"}, {"GET", "/a", "b"}, {"GET", "/ab", ""}, {"GET", "/", "ab"}, {"GETT", "/a", "b"}, {"GET", "/a", "c"},
		} {
			if p.jti == "" {
				p.jti = "\x00"
			}
			proof := c.proof(t, members{"jti": p.jti, "htm": p.method, "htu": origin + p.path})
			r := read(t, p.method+" "+p.path, "DPoP: "+proof)
			wantRefusal(t, checkAndUse(checker, r, token, c.jkt), "")
		}
		seen := map[[32]byte]int{}
		for _, call := range calls {
			seen[call.ID]++
			if call.JKT != c.jkt || !call.Until.Equal(time.Now().Add(65*time.Second)) || call.Owner != calls[0].Owner || call.Owner == [32]byte{} {
				t.Errorf("%+v", call)
			}
		}
		if len(calls) != 6 || len(seen) != 5 || seen[calls[0].ID] != 2 {
			t.Errorf("%d calls of %d keys", len(calls), len(seen))
		}
		other := newClient(t, "ES256")
		proof := other.proof(t, members{"jti": "c", "htu": origin + "/a"})
		wantRefusal(t, checkAndUse(checker, read(t, "GET /a", "DPoP: "+proof), token, other.jkt), "")
		if last := calls[len(calls)-1]; last.JKT != other.jkt || seen[last.ID] != 0 {
			t.Errorf("the jti of one client is that of another: %+v", last)
		}
	})
}
