package conform

import (
	"context"
	"encoding/base64"
	"fmt"
	"time"
)

// good sends a good token and returns the answer.
func (r *run) good(ctx context.Context) (*compiled, *Answer, error) {
	sent, err := r.compile(Step{Token: &Recipe{}}, nil)
	if err != nil {
		return nil, nil, err
	}
	return sent, r.exchange(ctx, sent), nil
}

// waitForFirst waits until the API serves a good token. Without Waiting it tries
// for a moment only: an API may have to fetch keys first, or ask for a nonce.
func (r *run) waitForFirst(ctx context.Context) error {
	until := time.Now().Add(3 * time.Second)
	for {
		sent, a, err := r.good(ctx)
		if err != nil {
			return err
		}
		if a.matches([]string{"2xx"}) {
			return nil
		}
		answer := redact(a.text(), sent.exchange.secrets)
		if ctx.Err() != nil {
			return fmt.Errorf("%w: %s: %w", ErrNotReady, a.status(), ctx.Err())
		}
		if r.Waiting != nil {
			r.Waiting(a, answer)
			pause(ctx, time.Second)
			continue
		}
		if time.Now().After(until) {
			return fmt.Errorf("%w: %s\nrequest:\n%s\nanswer:\n%s", ErrNotReady, a.status(),
				redact(string(sent.exchange.text), sent.exchange.secrets), answer)
		}
		pause(ctx, 100*time.Millisecond)
	}
}

// recovers waits until the API serves a good token again.
func (r *run) recovers(ctx context.Context) bool {
	until := time.Now().Add(r.Patience)
	for {
		_, a, err := r.good(ctx)
		if err == nil && a.matches([]string{"2xx"}) {
			return true
		}
		if err != nil || ctx.Err() != nil || time.Now().After(until) {
			return false
		}
		pause(ctx, 250*time.Millisecond)
	}
}

// pause waits for d or until ctx ends.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

func stdBase64(b []byte) string { return base64.StdEncoding.EncodeToString(b) }
