package keysource

import (
	"errors"
	"log/slog"
	"slices"
	"time"

	"github.com/bearerkit/bearerkit/internal/discovery"
	"github.com/bearerkit/bearerkit/internal/fetch"
	"github.com/bearerkit/bearerkit/internal/throttle"
)

// maxSkippedLogged bounds the log records about the keys of one set.
const maxSkippedLogged = 20

// journal writes the log records of a source and limits how often each is
// repeated. Source.turn guards it.
type journal struct {
	config Config
	outage throttle.Outage
}

// landed logs the result of a flight, after which set replaces old.
func (j *journal) landed(old, set *keySet, err error, due time.Time) {
	j.skipped(old, set)
	j.notes(old, set)
	if j.outage.Tell(err != nil) {
		j.tell(set, err, due)
	}
}

// tell logs that the keys cannot be fetched and why, or that they can be fetched
// again.
func (j *journal) tell(set *keySet, err error, due time.Time) {
	broken, recovered := "cannot fetch the issuer's keys", "the issuer's keys can be fetched again"
	if j.config.File != "" {
		broken, recovered = "cannot read the issuer's keys", "the issuer's keys can be read again"
	}
	if err == nil {
		j.config.Logger.Info(recovered,
			slog.String("issuer", j.config.Issuer), slog.Int("keys", len(set.keys)))
		return
	}
	now := time.Now()
	attrs := []any{
		slog.String("issuer", j.config.Issuer),
		slog.String("error", err.Error()),
		slog.String("hint", hint(err)),
		slog.Duration("retry_in", due.Sub(now)),
	}
	if set.usable(now) {
		attrs = append(attrs, slog.Time("keys_serve_until", set.end()))
	}
	j.config.Logger.Warn(broken, attrs...)
}

// skipped logs the keys that were skipped, once for each changed set.
func (j *journal) skipped(old, set *keySet) {
	if set == old || old != nil && old.print == set.print && old.more == set.more && slices.Equal(old.skipped, set.skipped) {
		return
	}
	for _, key := range set.skipped[:min(len(set.skipped), maxSkippedLogged)] {
		j.config.Logger.Warn("a key of the issuer is not used",
			slog.String("issuer", j.config.Issuer), slog.Int("index", key.Index),
			slog.String("kid", key.ID), slog.String("reason", key.Reason))
	}
	if more := len(set.skipped) + set.more - maxSkippedLogged; more > 0 {
		j.config.Logger.Warn("more keys of the issuer are not used",
			slog.String("issuer", j.config.Issuer), slog.Int("keys", more))
	}
}

// notes logs the keys that are used although they are malformed, once for each
// changed set.
func (j *journal) notes(old, set *keySet) {
	if set == old || old != nil && old.print == set.print && slices.Equal(old.notes, set.notes) {
		return
	}
	for _, note := range set.notes[:min(len(set.notes), maxSkippedLogged)] {
		j.config.Logger.Info("a key of the issuer is malformed and is used anyway",
			slog.String("issuer", j.config.Issuer), slog.Int("index", note.Index),
			slog.String("kid", note.ID), slog.String("found", note.Text))
	}
}

// hint returns what an operator can do about err.
func hint(err error) string {
	var metadata *discovery.Error
	var transport *fetch.TransportError
	var status *fetch.StatusError
	var file *fileError
	switch {
	case errors.As(err, &file):
		return "check that the file exists, is readable and is complete: a JWK set, or public keys in PEM"
	case err == errTooNew:
		return "no action needed: if the issuer has the key, it is fetched soon"
	case err == errNoneYet, err == errCrowded, err == errClosed:
		return "no action needed, unless this persists"
	case errors.Is(err, errNoUsable):
		return "compare the issuer's key set with the log records that say why its keys are not used"
	case errors.Is(err, errTimeout), errors.As(err, &transport):
		return "check that the issuer can be reached from here: DNS, firewall, proxy, its certificate"
	case errors.As(err, &metadata):
		return metadata.Hint("the URL of its key set")
	case errors.As(err, &status):
		return "check the issuer's health, and that the URL is its key set"
	default:
		return "check that the URL is the issuer's key set"
	}
}
