package jwks_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bearerkit/bearerkit/bearer/bearertest"
)

// C19: many senders of junk under the issuer's own kid do not keep its events out:
// signatures are checked in the order of arrival, so an event waits for one junk
// token of each sender at most. Access tokens do not wait for events.
func TestJunkDelaysNoEvent(t *testing.T) {
	issuer := newIssuer(t, bearertest.IssuerConfig{})
	v := trusting(t, issuer, nil)
	good := issuer.Mint(eventToken(nil, nil))
	if _, err := v.VerifyEvent(t.Context(), good); err != nil {
		t.Fatal(err)
	}
	at := strings.LastIndexByte(good, '.') + 1
	junk := good[:at] + strings.Repeat("A", len(good)-at)

	const senders, events = 100, 20
	flood, stop := context.WithCancel(t.Context())
	var senderGroup sync.WaitGroup
	defer senderGroup.Wait()
	defer stop()
	started := make(chan struct{}, senders)
	for range senders {
		senderGroup.Go(func() {
			for first := true; flood.Err() == nil; first = false {
				if _, err := v.VerifyEvent(flood, junk); err == nil {
					t.Error("junk was accepted")
				}
				if first {
					started <- struct{}{}
				}
			}
		})
	}
	for range senders {
		<-started
	}
	const patience = 5 * time.Second // a wait of 100 signatures is 10 to 100 ms
	for range events {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		if _, err := v.VerifyEvent(ctx, good); err != nil {
			t.Errorf("an event during the flood: %v", err)
		}
		if _, err := v.Verify(ctx, issuer.Mint(bearertest.Token{})); err != nil {
			t.Errorf("an access token during the flood: %v", err)
		}
		cancel()
	}
}
