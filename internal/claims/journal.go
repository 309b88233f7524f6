package claims

import (
	"log/slog"

	"github.com/bearerkit/bearerkit/internal/throttle"
)

// Journal tells the log, once for each claim, that an issuer's claim is read as
// absent. It is safe for concurrent use. A nil *Journal is silent.
type Journal struct {
	logger *slog.Logger
	issuer string
	told   []throttle.Once // by the claim's index
}

// NewJournal returns a Journal for an issuer whose documents are read for
// names, to which no more are added.
func NewJournal(logger *slog.Logger, issuer string, names *Names) *Journal {
	return &Journal{logger: logger, issuer: issuer, told: make([]throttle.Once, len(names.names))}
}

// Note notes the claims that v reads as absent. v must come from the issuer: a
// token whose signature holds, or an answer of its endpoint.
func (j *Journal) Note(v *Values) {
	if len(v.dropped) > 0 && j != nil {
		j.note(v)
	}
}

func (j *Journal) note(v *Values) {
	for _, d := range v.dropped {
		if !j.told[d.claim].Tell() {
			continue
		}
		// Not a warning: where a route asks for the claim, the refusal is
		// logged too.
		j.logger.Info("a claim of the issuer is malformed and is read as absent",
			slog.String("issuer", j.issuer), slog.String("claim", v.names.names[d.claim]), slog.String("found", d.reason))
	}
}
