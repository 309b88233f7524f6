package bearerredis

import (
	"log/slog"
	"sync"
	"time"
)

// repeatAfter is how often a lasting failure is logged.
const repeatAfter = time.Minute

// journals log the failures of a client.
type journals struct {
	outage   journal // Redis cannot be used
	refusals map[operation]*journal
	watch    journal
	denials  journal
}

func newJournals(logger *slog.Logger) *journals {
	const replyHint = "read the error and the Redis log"
	refusal := func(failure, recovery string) *journal {
		return &journal{logger: logger, failure: failure, recovery: recovery, hint: replyHint, settle: time.Second}
	}
	return &journals{
		outage: journal{
			logger:   logger,
			failure:  "Redis is unavailable; introspection endpoints are asked instead, DPoP proofs are refused, and the deny list is not updated",
			recovery: "Redis is available again",
			hint:     "check that Redis runs, and check its address and password",
		},
		refusals: map[operation]*journal{
			setValue:      refusal("Redis refuses to store a value", "Redis stores values again"),
			forgetValue:   refusal("Redis refuses to forget a value for all instances", "Redis forgets values for all instances again"),
			burnProof:     refusal("Redis refuses to store a used proof; DPoP proofs are refused", "Redis stores used proofs again"),
			changeDenials: refusal("Redis refuses to change the deny list", "Redis changes the deny list again"),
		},
		watch: journal{
			logger:   logger,
			failure:  "notifications of forgotten tokens are lost; tokens that other instances forget stay in this instance's cache until their entries expire",
			recovery: "notifications of forgotten tokens arrive again",
			hint:     "check that Redis runs, and that its user may subscribe to the channel of the prefix",
		},
		denials: journal{
			logger:   logger,
			failure:  "the deny list in Redis cannot be read; known entries stay in force, and after DenialsMaxStale requests are answered 503",
			recovery: "the deny list in Redis can be read again",
			hint:     "check which other program writes keys with the prefix",
		},
	}
}

// journal logs the beginning and the end of a failure. While the failure lasts,
// journal repeats the warning once a minute for each reason.
type journal struct {
	logger                  *slog.Logger
	failure, recovery, hint string

	// settle is how long no call may fail before the failure counts as ended.
	// With a Redis that is nearly full, failures and successes alternate. Zero:
	// the first success ends the failure.
	settle time.Duration

	mu          sync.Mutex
	failing     bool
	lastFailure time.Time
	logged      map[*reason]time.Time // nil stands for every unknown reason
}

func (j *journal) failed(err error, why *reason) {
	j.mu.Lock()
	defer j.mu.Unlock()
	now := time.Now()
	j.lastFailure = now
	if logged, ok := j.logged[why]; ok && now.Sub(logged) < repeatAfter {
		return
	}
	if j.logged == nil {
		j.logged = make(map[*reason]time.Time)
	}
	j.failing, j.logged[why] = true, now
	reason, hint := slog.Attr{}, j.hint // handlers omit an empty Attr
	if why != nil {
		reason, hint = slog.String("reason", why.text), why.hint
	}
	j.logger.Warn(j.failure, slog.String("error", err.Error()), reason, slog.String("hint", hint))
}

func (j *journal) recovered() {
	j.mu.Lock()
	defer j.mu.Unlock()
	if !j.failing || time.Since(j.lastFailure) < j.settle {
		return
	}
	j.failing = false
	if j.settle == 0 { // otherwise failures alternate, and the minute must not restart
		clear(j.logged)
	}
	j.logger.Info(j.recovery)
}
