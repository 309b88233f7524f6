package dpop

import (
	"context"
	"errors"
	"time"

	"github.com/bearerkit/bearerkit/bearer"
)

// validProof is a proof that passed [Checker.CheckProof] and was not used yet.
type validProof struct {
	checker *Checker
	proof   UsedProof
	second  int64 // the iat, rounded up
}

// Use implements [bearer.Proof].
func (v *validProof) Use(ctx context.Context) error {
	if err := v.use(ctx); err != nil {
		v.checker.tally.refused(err)
		return err
	}
	return nil
}

func (v *validProof) use(ctx context.Context) *bearer.Error {
	c, until := v.checker, v.proof.Until
	now := time.Now()
	if !now.Before(until) {
		return expired()
	}
	if !c.history.use(v.second, now.Sub(c.began), until.Sub(c.began)) {
		c.journal.clockSetBack()
		return &bearer.Error{
			Code: bearer.CodeUnavailable, Check: "clock",
			Expected: "a proof from a time whose used proofs are remembered", Got: "an older proof: the clock was set back",
		}
	}
	bounded := ctx
	if !c.embedded {
		var cancel context.CancelFunc
		bounded, cancel = context.WithTimeout(ctx, burnTimeout)
		defer cancel()
	}
	fresh, err := c.config.Replays.Burn(bounded, v.proof)
	switch {
	case err == nil && fresh && !time.Now().Before(until):
		// The store was so slow that it may already have forgotten an earlier
		// use.
		return expired()
	case err == nil && fresh:
		return nil
	case err == nil:
		return invalid("replay", "a new proof", "a used proof")
	case errors.Is(ctx.Err(), context.Canceled):
		return &bearer.Error{Code: bearer.CodeCanceled, Check: "request", Err: err}
	}
	c.journal.storeFailed(v.proof.JKT, err)
	return &bearer.Error{Code: bearer.CodeUnavailable, Check: "replay store", Err: err}
}

// expired rejects a proof that was valid when it was checked but has expired
// since. The store may have forgotten an earlier use.
func expired() *bearer.Error {
	return invalid("iat", "a proof that is valid when it is used", "a proof that has expired")
}
