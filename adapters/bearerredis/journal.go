package bearerredis

import (
	"log/slog"
	"sync"
	"time"
)

// journal tells the log when something begins to fail, once a minute for each
// reason while it lasts, and when it ends.
type journal struct {
	logger *slog.Logger

	// What the log is told: the state, if the reason does not know better, with
	// what follows from it; or begins alone. And the hint, likewise.
	state, begins, ends, hint string

	// settle is how long nothing may fail before it is over. Where failures and
	// successes alternate, as with a Redis that is nearly full, the log is not
	// told of each. Zero: the first success ends it.
	settle time.Duration

	mu      sync.Mutex
	failing bool
	last    time.Time             // it failed
	told    map[*reason]time.Time // nil stands for every unknown reason
}

const again = time.Minute

func (j *journal) failed(err error, why *reason) {
	j.mu.Lock()
	defer j.mu.Unlock()
	now := time.Now()
	j.last = now
	if told, ok := j.told[why]; ok && now.Sub(told) < again {
		return
	}
	if j.told == nil {
		j.told = make(map[*reason]time.Time)
	}
	j.failing, j.told[why] = true, now
	message, hint := j.begins, j.hint
	if j.state != "" {
		message = j.state + j.begins
	}
	attrs := []any{slog.String("error", err.Error())}
	if why != nil {
		if j.state != "" {
			message = why.state + j.begins
		} else {
			attrs = append(attrs, slog.String("reason", why.state))
		}
		hint = why.hint
	}
	j.logger.Warn(message, append(attrs, slog.String("hint", hint))...)
}

func (j *journal) ended() {
	j.mu.Lock()
	defer j.mu.Unlock()
	if !j.failing || time.Since(j.last) < j.settle {
		return
	}
	j.failing = false
	if j.settle == 0 { // otherwise what was told counts on
		clear(j.told)
	}
	j.logger.Info(j.ends)
}
