package conform

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
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

// algorithms are those that a good token may have. RFC 9068 demands only RS256 of
// an API, and FAPI 2.0 forbids it. The first one that the API accepts signs all
// tokens whose recipe names no other.
var algorithms = []string{"ES256", "RS256", "PS256", "EdDSA"}

// waitForFirst waits until the API serves a good token. Without Waiting it tries
// for a moment only: an API may have to fetch keys first, or ask for a nonce.
func (r *run) waitForFirst(ctx context.Context) error {
	until := time.Now().Add(3 * time.Second)
	for {
		sent, a, err := r.firstGood(ctx)
		if err != nil {
			return err
		}
		if a.matches([]string{"2xx"}) {
			return nil
		}
		request, answer := r.show(sent, a)
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
				request, answer)
		}
		pause(ctx, 100*time.Millisecond)
	}
}

// firstGood sends a good token of each algorithm until the API serves one, and
// leaves its algorithm in r.maker. If none is served, the answer is the one that says
// most: 401 may be due to the algorithm.
func (r *run) firstGood(ctx context.Context) (sent *compiled, a *Answer, err error) {
	for i := 0; i < len(algorithms); i++ {
		r.maker.alg = algorithms[i]
		s, now, err := r.good(ctx)
		if err != nil {
			return nil, nil, err
		}
		if now.matches([]string{"2xx"}) {
			r.preferEarlier(ctx, i)
			return s, now, nil
		}
		if a == nil || a.Status == http.StatusUnauthorized && now.Status != a.Status {
			sent, a = s, now
		}
		if now.Status == 0 || r.maker.opaque {
			break
		}
	}
	r.maker.alg = algorithms[0]
	return sent, a, nil
}

// preferEarlier tries the algorithms before i again: the API may have refused them
// because it had no keys yet, or asked for a nonce.
func (r *run) preferEarlier(ctx context.Context, i int) {
	for _, alg := range algorithms[:i] {
		r.maker.alg = alg
		if _, a, err := r.good(ctx); err == nil && a.matches([]string{"2xx"}) {
			return
		}
	}
	r.maker.alg = algorithms[i]
}

// recovers waits until the API serves a good token again. After two times in vain
// it only tries, so that a broken API does not make a run of hours.
func (r *run) recovers(ctx context.Context) bool {
	until := time.Now().Add(r.Patience)
	for {
		_, a, err := r.good(ctx)
		if err == nil && a.matches([]string{"2xx"}) {
			r.lost = 0
			return true
		}
		if err != nil || ctx.Err() != nil || r.lost >= 2 || time.Now().After(until) {
			r.lost++
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
