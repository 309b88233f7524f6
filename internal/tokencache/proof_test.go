package tokencache_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

var (
	errRejected = errors.New("rejected")
	errOther    = errors.New("another error")
)

// Ten calls wait for the proof of another call, and one more gives up.
func TestWaitingForAProof(t *testing.T) {
	good := entryOf(1, 1)
	transient := entryOf(1, 1)
	transient.Transient = true
	for _, tt := range []struct {
		name   string
		prove  func() (*entry, error)
		proofs int32 // of the ten calls
		err    error // of the ten calls
	}{
		{"an entry", func() (*entry, error) { return good, nil }, 0, nil},
		{"a transient entry", func() (*entry, error) { return transient, nil }, 0, nil},
		{"a rejection", func() (*entry, error) { return nil, errRejected }, 0, errRejected},
		{"another error", func() (*entry, error) { return nil, errOther }, 10, nil},
		{"a panic", func() (*entry, error) { panic("a test's") }, 10, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newCache(10, 100)
				release := make(chan struct{})
				var proofs atomic.Int32
				own := func() (*entry, error) {
					proofs.Add(1)
					return entryOf(1, 1), nil
				}
				var wait sync.WaitGroup
				wait.Go(func() {
					defer func() { _ = recover() }()
					_, _ = c.Do(t.Context(), time.Now(), tokenOf(1), version, func() (*entry, error) {
						<-release
						return tt.prove()
					})
				})
				synctest.Wait()
				ctx, cancel := context.WithCancel(t.Context())
				wait.Go(func() {
					if _, err := c.Do(ctx, time.Now(), tokenOf(1), version, own); !errors.Is(err, context.Canceled) {
						t.Errorf("the call that gave up: %v", err)
					}
				})
				for range 10 {
					wait.Go(func() {
						e, err := c.Do(t.Context(), time.Now(), tokenOf(1), version, own)
						if err != tt.err || err == nil && e.Value.n != 1 {
							t.Errorf("%v, %v; want the error %v", e, err, tt.err)
						}
					})
				}
				synctest.Wait()
				if n := proofs.Load(); n != 0 {
					t.Errorf("%d calls do not wait", n)
				}
				cancel()
				synctest.Wait()
				close(release)
				wait.Wait()
				if n := proofs.Load(); n != tt.proofs {
					t.Errorf("%d proofs by the calls that waited, want %d", n, tt.proofs)
				}
				if e, err := c.Do(t.Context(), time.Now(), tokenOf(2), version, func() (*entry, error) { return entryOf(2, 1), nil }); err != nil || e.Value.n != 2 {
					t.Errorf("another token after that: %v, %v", e, err)
				}
			})
		})
	}
}

// A proof with one version says nothing about another version.
func TestVersionsDoNotShareAProof(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCache(10, 100)
		release := make(chan struct{})
		go func() {
			_, _ = c.Do(t.Context(), time.Now(), tokenOf(1), version, func() (*entry, error) {
				<-release
				return nil, errRejected
			})
		}()
		synctest.Wait()
		newer := entryOf(1, 1)
		newer.Version++
		e, err := c.Do(t.Context(), time.Now(), tokenOf(1), newer.Version, func() (*entry, error) { return newer, nil })
		if e != newer || err != nil {
			t.Errorf("%v, %v", e, err)
		}
		older := entryOf(1, 1)
		close(release)
		synctest.Wait()
		e, err = c.Do(t.Context(), time.Now(), tokenOf(1), version, func() (*entry, error) { return older, nil })
		if e != older || err != nil {
			t.Errorf("an entry of a newer version answers for an older one: %v, %v", e, err)
		}
	})
}

// Between Get and Do another call may have finished its proof.
func TestDoFindsAnEntryThatWasAddedMeanwhile(t *testing.T) {
	c := newCache(10, 100)
	add(t, c, 1, 1)
	e, err := c.Do(t.Context(), time.Now(), tokenOf(1), version, func() (*entry, error) {
		t.Error("a second proof")
		return nil, errRejected
	})
	if err != nil || e.Value.n != 1 {
		t.Errorf("%v, %v", e, err)
	}
}

// Part 2.5: a forged token with the end of a token whose proof is under way does
// not wait for that proof, and does not share its result.
func TestTokensWithTheSameEndDoNotShareAProof(t *testing.T) {
	end := strings.Repeat("s", 100)
	synctest.Test(t, func(t *testing.T) {
		c := newCache(10, 100)
		release := make(chan struct{})
		go func() {
			_, _ = c.Do(t.Context(), time.Now(), "good."+end, version, func() (*entry, error) {
				<-release
				return entryOf(1, 1), nil
			})
		}()
		synctest.Wait()
		_, err := c.Do(t.Context(), time.Now(), "evil."+end, version, func() (*entry, error) { return nil, errRejected })
		if err != errRejected {
			t.Errorf("the forged token: %v", err)
		}
		close(release)
	})
}
