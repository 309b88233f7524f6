package bearer

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// readyInterval is how often [WaitReady] asks.
const readyInterval = 50 * time.Millisecond

// WaitReady calls ready at once and then every 50 ms, until it returns nil or ctx
// ends. Use it with the Ready method of verifiers, which never waits, for example
// to serve only when the issuer's keys are there:
//
//	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
//	defer cancel()
//	err := bearer.WaitReady(ctx, func() error { return tokens.Ready() })
//
// If ctx ends first, the error wraps both its cause and the last error of ready.
func WaitReady(ctx context.Context, ready func() error) error {
	tick := time.NewTicker(readyInterval)
	defer tick.Stop()
	for {
		err := ready()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("bearer: not ready: %w: %w", context.Cause(ctx), err)
		case <-tick.C:
		}
	}
}

// AnyReady returns nil if at least one of the arguments is nil. These are results
// of the Ready method, by verifier or by issuer, for an API that can serve some of
// its callers while another issuer is down:
//
//	err := bearer.AnyReady(tokens.Ready(staff), tokens.Ready(customers))
//
// Otherwise the error joins all of them. For an API that needs all issuers, use
// errors.Join.
func AnyReady(results ...error) error {
	if len(results) == 0 {
		return errors.New("bearer: AnyReady without arguments; want at least one result of Ready")
	}
	for _, err := range results {
		if err == nil {
			return nil
		}
	}
	return errors.Join(results...)
}
