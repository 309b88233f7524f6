package bearerredis

import (
	"log/slog"
	"sync"
	"time"
)

// journal tells the log when something begins to fail, then once a minute while
// it lasts, and when it ends.
type journal struct {
	logger             *slog.Logger
	begins, ends, hint string

	mu      sync.Mutex
	failing bool
	told    time.Time
}

func (j *journal) failed(err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.failing && time.Since(j.told) < time.Minute {
		return
	}
	j.failing, j.told = true, time.Now()
	j.logger.Warn(j.begins, slog.String("error", err.Error()), slog.String("hint", j.hint))
}

func (j *journal) ended() {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.failing {
		j.failing = false
		j.logger.Info(j.ends)
	}
}
