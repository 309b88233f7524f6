package dpop

import (
	"errors"
	"log/slog"

	"github.com/bearerkit/bearerkit/internal/throttle"
)

// journal logs why proofs cannot be used, at most once a minute for each cause.
type journal struct {
	logger                       *slog.Logger
	full, quota, failed, setBack throttle.Recurring
}

// storeFailed logs the error of a replay store. jkt is the thumbprint of the
// proof's key; the log shows only a part of it.
func (j *journal) storeFailed(jkt string, err error) {
	switch {
	case errors.Is(err, ErrFull):
		if j.full.Tell() {
			j.logger.Error("the replay store is full; proofs are refused until used ones expire")
		}
	case errors.Is(err, ErrQuota):
		if j.quota.Tell() {
			j.logger.Warn("a key, user or client has reached its quota in the replay store; its new proofs are refused until used ones expire",
				slog.String("jkt", jkt[:min(len(jkt), 11)]))
		}
	default:
		if j.failed.Tell() {
			j.logger.Error("the replay store fails; no proof is accepted", slog.String("error", err.Error()))
		}
	}
}

// clockSetBack logs that proofs are refused because the clock was set back.
func (j *journal) clockSetBack() {
	if j.setBack.Tell() {
		j.logger.Error("the clock was set back; refusing proofs from times for which used proofs have been forgotten")
	}
}
