package introspect

import (
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/bearerkit/bearerkit/internal/fetch"
)

const (
	// tripAfter probes must fail in a row, tripGap and then twice tripGap
	// apart, unless one alone says enough: it took slowAfter, or brought a
	// Retry-After.
	tripAfter = 3
	tripGap   = 100 * time.Millisecond

	// slowAfter is how long a question may take before a probe is sent.
	slowAfter = time.Second

	// probeGap is the least time between two probes of a closed circuit, and
	// probeDelay what other questions get to make a probe needless.
	probeGap   = 250 * time.Millisecond
	probeDelay = 25 * time.Millisecond

	// An open circuit is probed after a quarter of the time that it has been
	// open, within these bounds: a short outage ends soon, and a long one
	// costs the endpoint little.
	minOpen = time.Second
	maxOpen = 10 * time.Second

	// maxTries is how many tokens that were active before may be asked about
	// between two probes of an open circuit.
	maxTries = 4

	// probeWait is how long a request waits for the probe that may close the
	// circuit, doubtWait how long one whose question has failed waits for the
	// probe that tells whether its token is to blame, and openPatience how long
	// one of those tries waits.
	probeWait    = 250 * time.Millisecond
	doubtWait    = 500 * time.Millisecond
	openPatience = time.Second
)

var errOpen = errors.New("the endpoint also fails the verifier's own probes; requests to it are paused")

// circuit decides whether the endpoint may be asked. Only evidence about the
// endpoint opens it: probes that fail while no question is answered. What the
// endpoint says about a client's token starts a probe at most.
type circuit struct {
	mu       sync.Mutex
	answered time.Time // when the newest question that was answered had been asked
	probe    *probe    // under way; nil: none
	probed   time.Time // when the last probe ended
	opened   time.Time // zero: closed
	until    time.Time // of an open circuit: when the next probe is due
	tries    int       // since the last probe
}

// probe is a series of questions of our own.
type probe struct {
	done   chan struct{}
	since  time.Time // when the question was asked that raised the doubt
	asked  time.Time // when our own question was asked; zero: not yet
	failed int       // of our own questions, in a row
}

// verdict says what may be done about a question.
type verdict int

const (
	ask    verdict = iota
	await          // a probe is due or under way: it decides
	refuse         // leave the endpoint alone
)

// admit judges a question, about a token that was active before or another one.
func (c *circuit) admit(now time.Time, active bool) verdict {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.judge(now, active)
}

// refuses reports whether admit would refuse, without taking a try.
func (c *circuit) refuses(now time.Time, active bool) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return !c.opened.IsZero() && now.Before(c.until) && !(active && c.tries < maxTries)
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

// open returns how long it takes until the next probe of an open circuit is
// due, at least a nanosecond; zero if the circuit is closed.
func (c *circuit) open(now time.Time) time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.opened.IsZero() {
		return 0
	}
	return max(c.until.Sub(now), 1)
}

// isWell reports whether the endpoint is known to be well although it gave no
// answer to the question that was asked at that time: one that was not asked
// before it was answered.
func (c *circuit) isWell(asked time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.opened.IsZero() && !c.answered.Before(asked)
}

// start returns the probe to be sent because a question that was asked at that
// time got no answer, or none yet; nil if one is under way, not due, or needless,
// since a later question was answered.
func (c *circuit) start(asked, now time.Time) *probe {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.probe != nil || c.opened.IsZero() && !c.answered.Before(asked) || now.Before(c.until) {
		return nil
	}
	c.probe = &probe{done: make(chan struct{}), since: asked}
	return c.probe
}

// current returns the probe under way, nil if there is none.
func (c *circuit) current() *probe {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.probe
}

// delay returns how long a probe has to wait before it asks.
func (c *circuit) delay(now time.Time) time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.opened.IsZero() {
		return 0
	}
	return max(c.probed.Add(probeGap).Sub(now), probeDelay)
}

// asks notes that a question of the probe is sent. It reports false if the
// probe is needless by now, since a later question than the one that raised
// the doubt was answered.
func (c *circuit) asks(p *probe, now time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.opened.IsZero() && !c.answered.Before(p.since) {
		c.end(p, now)
		return false
	}
	p.asked = now
	return true
}

// hasAnswered notes that the question that was asked at that time was answered.
// It reports whether that closed the circuit.
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

// hasFailed notes that a question of the probe has failed. It reports whether
// the probe goes on; otherwise the circuit is open now, unless others were
// answered meanwhile.
func (c *circuit) hasFailed(p *probe, now time.Time, retryAfter time.Duration) (again bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	p.failed++
	if !c.answered.Before(p.asked) {
		c.end(p, now)
		return false
	}
	if c.opened.IsZero() {
		if p.failed < tripAfter && now.Sub(p.asked) < slowAfter && retryAfter == 0 {
			return true
		}
		c.opened = now
	}
	wait := max(now.Sub(c.opened)/4, retryAfter, minOpen)
	c.until, c.tries = now.Add(min(wait, maxOpen)), 0
	c.end(p, now)
	return false
}

// stop ends a probe that is through, whatever it brought.
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

// isIll reports whether an error, of a question of our own, says that the
// endpoint serves nobody: it cannot be reached, is too slow, overloaded, broken
// or gone, or refuses our credentials. That it dislikes one request (RFC 9110,
// Section 15.5, such as 400) does not say so.
func isIll(err error) bool {
	if _, credentials := errors.AsType[*credentialsError](err); credentials {
		return true
	}
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

// retryAfterOf returns what the endpoint asks for with 429 or 503.
func retryAfterOf(err error) time.Duration {
	status, ok := errors.AsType[*fetch.StatusError](err)
	if !ok || status.Status != http.StatusTooManyRequests && status.Status != http.StatusServiceUnavailable {
		return 0
	}
	return status.RetryAfter
}
