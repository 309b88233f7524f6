package bearer

import (
	"cmp"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"github.com/bearerkit/bearerkit/scope"
)

// Guard protects the routes of an API. Build one with [New]; the zero Guard
// accepts no routes. A Guard is immutable and safe for concurrent use.
type Guard struct {
	began            time.Time
	verifiers        []Verifier
	onlyJWTs         bool // see acceptsOnlyJWTs
	realm            string
	resourceMetadata string
	hierarchy        scope.Hierarchy
	proofs           ProofChecker // nil: proofs are not checked
	proofsRequired   bool
	proofAlgorithms  string
	certificates     *Certificates // nil: certificates are not checked
	boundOnly        bool
	denyList         DenyList // nil: no token is denied
	maxTokenAge      time.Duration
	maxToken         int       // in bytes
	failures         *failures // nil: failures are not limited
	sources          []TokenSource
	protocols        bool // whether sources has a WebSocket subprotocol
	crossOrigin      *http.CrossOriginProtection
	passPreflights   bool
	problem          bool
	errorBody        func(*http.Request, PublicError) (mediaType string, body []byte) // nil: the guard's bodies
	retryAfter       time.Duration
	requestIDFunc    func(*http.Request) string
	logger           *slog.Logger
	onAdmit          func(*http.Request)
	onRefusal        func(*http.Request, Event)
	onDecision       func(*http.Request, Decision, time.Duration)
	group            *group // nil: New built the guard
}

// New builds a Guard. It does no network I/O. The error reports all mistakes in
// the configuration at once.
func New(c Config) (*Guard, error) {
	c = c.withDefaults()
	if err := c.validate(); err != nil {
		return nil, err
	}
	return &Guard{
		began:            time.Now(),
		verifiers:        slices.Clone(c.Verifiers),
		onlyJWTs:         acceptsOnlyJWTs(c.Verifiers[0]) && !c.ProofsRequired && c.FailureLimit == nil, // these two act before the verifier
		realm:            c.Realm,
		resourceMetadata: c.ResourceMetadata,
		hierarchy:        c.Hierarchy,
		proofs:           c.Proofs,
		proofsRequired:   c.ProofsRequired,
		proofAlgorithms:  c.proofAlgorithms(),
		certificates:     c.Certificates.clone(),
		boundOnly:        c.BoundTokensOnly,
		denyList:         c.DenyList,
		maxTokenAge:      c.MaxTokenAge,
		maxToken:         c.MaxTokenBytes,
		failures:         newFailures(c.FailureLimit),
		sources:          slices.Clone(c.Sources),
		protocols:        slices.ContainsFunc(c.Sources, func(s TokenSource) bool { return s.kind.isProtocol() }),
		crossOrigin:      cmp.Or(c.CrossOrigin, http.NewCrossOriginProtection()),
		passPreflights:   c.InsecurePassPreflights,
		problem:          c.ProblemJSON,
		errorBody:        c.ErrorBody,
		retryAfter:       c.RetryAfter,
		requestIDFunc:    c.RequestID,
		logger:           c.Logger,
		onAdmit:          c.OnAdmit,
		onRefusal:        c.OnRefusal,
		onDecision:       c.OnDecision,
	}, nil
}
