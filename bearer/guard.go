package bearer

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/bearerkit/bearerkit/internal/nilcheck"
	"github.com/bearerkit/bearerkit/internal/weburl"
	"github.com/bearerkit/bearerkit/scope"
)

// Guard protects the routes of an API. It is built by [New], immutable, and
// safe for concurrent use.
type Guard struct {
	began            time.Time
	verifiers        []Verifier
	onlyJWTs         bool // see JWTVerifier
	realm            string
	resourceMetadata string
	hierarchy        scope.Hierarchy
	proofs           ProofChecker // nil: none are checked
	proofsRequired   bool
	proofAlgorithms  string
	certificates     *Certificates // nil: none are looked at
	boundOnly        bool
	denyList         DenyList // nil: none
	maxTokenAge      time.Duration
	maxToken         int       // in bytes
	failures         *failures // nil: they are not limited
	formBody, query  bool
	passPreflights   bool
	problem          bool
	retryAfter       time.Duration
	requestIDFunc    func(*http.Request) string
	logger           *slog.Logger
	onAdmit          func(*http.Request)
	onRefusal        func(*http.Request, Event)
}

// New builds a Guard. All mistakes of the configuration are reported at once.
func New(c Config) (*Guard, error) {
	var errs []error
	mistake := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("bearer: Config."+format, args...))
	}
	if len(c.Verifiers) == 0 {
		mistake("Verifiers is empty; want at least one, such as a jwks.Verifier")
	}
	for i, v := range c.Verifiers {
		if nilcheck.IsNil(v) {
			mistake("Verifiers[%d] is nil", i)
		}
	}
	if c.Realm == "" {
		c.Realm = "api"
	}
	if !isQuotable(c.Realm) {
		mistake("Realm %q has a character that is not printable ASCII", c.Realm)
	}
	if c.ResourceMetadata != "" {
		if err := checkMetadataURL(c.ResourceMetadata, c.InsecureAllowHTTP); err != nil {
			mistake("ResourceMetadata %q: %w", weburl.Redact(c.ResourceMetadata), err)
		}
	}
	var algorithms string
	if c.Proofs != nil && nilcheck.IsNil(c.Proofs) {
		mistake("Proofs holds a nil pointer; leave it out to check none")
	} else if c.Proofs != nil {
		algorithms = strings.Join(c.Proofs.Algorithms(), " ")
		if algorithms == "" || !isParamText(algorithms) {
			mistake("Proofs has the algorithms %q; want names of visible ASCII", algorithms)
		}
	}
	if c.ProofsRequired && c.Proofs == nil {
		mistake("ProofsRequired without Proofs, which checks them")
	}
	if c.ProofsRequired && (c.FormBodyTokens || c.InsecureQueryTokens) {
		mistake("ProofsRequired with FormBodyTokens or InsecureQueryTokens, by which no proof is sent")
	}
	if c.BoundTokensOnly && c.Proofs == nil && c.Certificates == nil {
		mistake("BoundTokensOnly without Proofs and Certificates, one of which must check the binding")
	}
	if c.DenyList != nil && nilcheck.IsNil(c.DenyList) {
		mistake("DenyList holds a nil pointer; leave it out to have none")
	}
	if c.MaxTokenAge < 0 {
		mistake("MaxTokenAge is %v; want a positive duration", c.MaxTokenAge)
	}
	if c.MaxTokenBytes < 0 {
		mistake("MaxTokenBytes is %d; want a positive number of bytes, or zero for %d", c.MaxTokenBytes, defaultMaxToken)
	}
	if c.MaxTokenBytes == 0 {
		c.MaxTokenBytes = defaultMaxToken
	}
	if c.FailureLimit != nil {
		if err := c.FailureLimit.validate(); err != nil {
			mistake("FailureLimit: %w", err)
		}
	}
	if c.RetryAfter < 0 {
		mistake("RetryAfter is %v; want a positive duration", c.RetryAfter)
	}
	if c.RetryAfter == 0 {
		c.RetryAfter = 5 * time.Second
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	_, onlyJWTs := c.Verifiers[0].(JWTVerifier)
	return &Guard{
		began:            time.Now(),
		verifiers:        slices.Clone(c.Verifiers),
		onlyJWTs:         onlyJWTs && !c.ProofsRequired && c.FailureLimit == nil, // which come in between
		realm:            c.Realm,
		resourceMetadata: c.ResourceMetadata,
		hierarchy:        c.Hierarchy,
		proofs:           c.Proofs,
		proofsRequired:   c.ProofsRequired,
		proofAlgorithms:  algorithms,
		certificates:     c.Certificates.clone(),
		boundOnly:        c.BoundTokensOnly,
		denyList:         c.DenyList,
		maxTokenAge:      c.MaxTokenAge,
		maxToken:         c.MaxTokenBytes,
		failures:         newFailures(c.FailureLimit),
		formBody:         c.FormBodyTokens,
		query:            c.InsecureQueryTokens,
		passPreflights:   c.InsecurePassPreflights,
		problem:          c.ProblemJSON,
		retryAfter:       c.RetryAfter,
		requestIDFunc:    c.RequestID,
		logger:           c.Logger,
		onAdmit:          c.OnAdmit,
		onRefusal:        c.OnRefusal,
	}, nil
}
