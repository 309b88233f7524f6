package claims

import (
	"log/slog"

	"github.com/bearerkit/bearerkit/internal/throttle"
)

// Journal logs, once for each claim, that an issuer's claim is malformed and
// counts as absent. It is safe for concurrent use. A nil *Journal logs nothing.
type Journal struct {
	logger *slog.Logger
	issuer string
	told   []throttle.Once // by the claim's index
}

// NewJournal returns a Journal for the documents of an issuer, from which the
// claims in names are read. Do not add to names afterwards.
func NewJournal(logger *slog.Logger, issuer string, names *Names) *Journal {
	return &Journal{logger: logger, issuer: issuer, told: make([]throttle.Once, len(names.names))}
}

// Note logs the claims that v counts as absent. v must come from the issuer:
// from a token with a valid signature, or from an answer of the endpoint.
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
		// Not a warning: if a route requires the claim, the refusal is logged
		// too.
		j.logger.Info("a claim of the issuer is malformed and is read as absent",
			slog.String("issuer", j.issuer), slog.String("claim", v.names.names[d.claim]), slog.String("found", d.reason))
	}
}
