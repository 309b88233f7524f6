package introspect

import (
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/bearerkit/bearerkit/internal/fetch"
)

const (
	// The circuit opens after tripAfter failures of a probe in a row, which are
	// tripGap and then twice tripGap apart. One failure suffices if it took
	// slowAfter or its response had a Retry-After.
	tripAfter = 3
	tripGap   = 100 * time.Millisecond

	// slowAfter is how long a question may take before a probe is sent.
	slowAfter = time.Second

	// probeGap is the least time between two probes of a closed circuit.
	// probeDelay is how long a probe waits for the answer to another question,
	// which would make the probe unnecessary.
	probeGap   = 250 * time.Millisecond
	probeDelay = 25 * time.Millisecond

	// An open circuit is probed after a quarter of the time that it has been
	// open, within these bounds. The end of a short outage is noticed soon, and
	// a long outage causes few probes.
	minOpen = time.Second
	maxOpen = 10 * time.Second

	// maxTries is how many tokens that were active before may be introspected
	// between two probes of an open circuit.
	maxTries = 4

	// probeWait is how long a request waits for a probe that may close the
	// circuit. doubtWait is how long a request whose question failed waits for
	// the probe that shows whether the token is to blame. openPatience is how
	// long one of the maxTries waits.
	probeWait    = 250 * time.Millisecond
	doubtWait    = 500 * time.Millisecond
	openPatience = time.Second
)

var errOpen = errors.New("the endpoint also fails the verifier's own probes; requests to it are paused")

// circuit decides whether the endpoint may be asked. Only evidence about the
// endpoint opens it: probes that fail while no question is answered. A failed
// question about a client's token can only start a probe.
//
// A question is a request to the endpoint about a token. The parameter asked is
// the time when a question was sent.
type circuit struct {
	mu       sync.Mutex
	answered time.Time // when the newest answered question was sent
	probe    *probe    // the probe under way; nil: none
	probed   time.Time // when the last probe ended
	opened   time.Time // when the circuit opened; zero: it is closed
	until    time.Time // when the next probe of an open circuit is due; zero: it is closed
	paused   time.Time // when a failed probe last set until
	tries    int       // tries since the last probe
}

// probe is a series of questions about random tokens.
type probe struct {
	done   chan struct{}
	since  time.Time // when the question that raised the doubt was sent
	asked  time.Time // when the probe's last question was sent; zero: not yet
	failed int       // failures of the probe's questions in a row
}

// verdict says what to do with a question.
type verdict int

const (
	ask    verdict = iota
	await          // wait for the probe that is due or under way
	refuse         // do not send it
)

// admit judges a question. active says that its token was active before.
func (c *circuit) admit(now time.Time, active bool) verdict {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.judge(now, active)
}

// readmits judges a question again that was admitted before and then waited for a
// slot. Meanwhile a failed probe may have opened the circuit, or begun a new count
// of tries.
func (c *circuit) readmits(admitted, now time.Time, active bool) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return !c.paused.After(admitted) || c.judge(now, active) == ask
}

// refuses reports whether admit would refuse the question. It does not count as a
// try.
func (c *circuit) refuses(now time.Time, active bool) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return now.Before(c.until) && !(active && c.tries < maxTries)
}

func (c *circuit) judge(now time.Time, active bool) verdict {
	switch {
	case c.opened.IsZero():
		return ask
	case active && c.tries < maxTries:
		c.tries++
		return ask
	case now.Before(c.until):
		return refuse
	}
	return await
}

// open returns the time until the next probe of an open circuit, at least a
// nanosecond. It returns zero if the circuit is closed.
func (c *circuit) open(now time.Time) time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.opened.IsZero() {
		return 0
	}
	return max(c.until.Sub(now), 1)
}

// isWell reports whether the endpoint is known to work although it did not answer
// a question: it has answered one that was sent later.
func (c *circuit) isWell(asked time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.opened.IsZero() && !c.answered.Before(asked)
}

// start returns the probe to send because a question has no answer, or none yet.
// It returns nil if a probe is under way, is not due, or is unnecessary because a
// later question was answered.
func (c *circuit) start(asked, now time.Time) *probe {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.probe != nil || c.opened.IsZero() && !c.answered.Before(asked) || now.Before(c.until) {
		return nil
	}
	c.probe = &probe{done: make(chan struct{}), since: asked}
	return c.probe
}

// current returns the probe under way, or nil if there is none.
func (c *circuit) current() *probe {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.probe
}

// delay returns how long a probe waits before its first question.
func (c *circuit) delay(now time.Time) time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.opened.IsZero() {
		return 0
	}
	return max(c.probed.Add(probeGap).Sub(now), probeDelay)
}

// asks notes that the probe sends a question. It returns false if the probe has
// become unnecessary, because a question later than p.since was answered.
func (c *circuit) asks(p *probe, now time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.opened.IsZero() && !c.answered.Before(p.since) {
		return false
	}
	p.asked = now
	return true
}

// hasAnswered notes that a question was answered. It reports whether this closed
// the circuit.
func (c *circuit) hasAnswered(asked time.Time) (closed bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if asked.After(c.answered) {
		c.answered = asked
	}
	if c.opened.IsZero() || asked.Before(c.opened) {
		return false
	}
	c.opened, c.until = time.Time{}, time.Time{}
	return true
}

// hasFailed notes that a question of the probe failed. It reports whether the probe
// continues. Otherwise the circuit is now open, unless another question was
// answered meanwhile.
func (c *circuit) hasFailed(p *probe, now time.Time, retryAfter time.Duration) (again bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	p.failed++
	if !c.answered.Before(p.asked) {
		return false
	}
	if c.opened.IsZero() {
		if p.failed < tripAfter && now.Sub(p.asked) < slowAfter && retryAfter == 0 {
			return true
		}
		c.opened = now
	}
	wait := max(now.Sub(c.opened)/4, retryAfter, minOpen)
	c.until, c.paused, c.tries = now.Add(min(wait, maxOpen)), now, 0
	c.end(p, now) // callers need not wait for the log record
	return false
}

// stop ends a probe, whatever its result.
func (c *circuit) stop(p *probe, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.end(p, now)
}

func (c *circuit) end(p *probe, now time.Time) {
	if c.probe == p {
		c.probe, c.probed = nil, now
		close(p.done)
	}
}

// isIll reports whether the error of a probe's question shows that the endpoint
// serves no request: it is unreachable, too slow, overloaded, broken or gone, or it
// rejects the verifier's credentials. The rejection of a single request, such as
// 400 (RFC 9110, Section 15.5), does not show it.
func isIll(err error) bool {
	if status, ok := errors.AsType[*fetch.StatusError](err); ok && status.Status >= 400 && status.Status < 500 {
		switch status.Status {
		case http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusMethodNotAllowed,
			http.StatusProxyAuthRequired, http.StatusRequestTimeout, http.StatusGone, http.StatusTooManyRequests:
		default:
			return false
		}
	}
	return err != nil
}

// retryAfterOf returns the Retry-After of a 429 or 503, or zero.
func retryAfterOf(err error) time.Duration {
	status, ok := errors.AsType[*fetch.StatusError](err)
	if !ok || status.Status != http.StatusTooManyRequests && status.Status != http.StatusServiceUnavailable {
		return 0
	}
	return status.RetryAfter
}
