package models

import "time"

// Circuit is the model of the circuit of introspect.Verifier: which questions may be
// sent, and whether the circuit is open.
type Circuit struct {
	*Answers
	MaxConcurrent int

	// Open says that the circuit is open.
	Open bool

	opened time.Time // when it opened last
	closed time.Time // when it closed last
	until  time.Time // when the next probe of the open circuit may be sent
	tries  int       // questions about tokens since the last probe
	failed int       // probes in a row that failed
	probed time.Time // when the last probe ended
}

// The rules of the package documentation of introspect.
const (
	maxFailedProbes = 3
	slowProbe       = time.Second
	minOpen         = time.Second
	maxOpen         = 10 * time.Second
	maxTries        = 4
	probeGap        = 250 * time.Millisecond // between probes that are not in a row
	tokenPause      = 2 * time.Second        // after a failed question about a token
)

// Begin adds a question and says what is wrong with sending it now. It returns "" if
// nothing is.
func (m *Circuit) Begin(q *Question) (wrong string) {
	probes, tokens, same := 0, 0, 0
	for _, other := range m.Questions {
		switch {
		case !other.Ended.IsZero():
		case other.Token == "":
			probes++
		default:
			tokens++
			if other.Token == q.Token && other.forgotten.IsZero() {
				same++
			}
		}
	}
	m.Questions = append(m.Questions, q)
	if q.Token == "" {
		switch {
		case probes > 0:
			return "two probes at once"
		case m.Open && q.Began.Before(m.until):
			return "a probe of the open circuit is too early"
		case q.Began.Sub(m.probed) >= probeGap:
			m.failed = 0
		}
		return ""
	}
	m.tries++
	switch known := m.Newest(q.Token, q.Began); {
	case same > 0:
		return "two questions about the same token"
	case tokens >= m.MaxConcurrent:
		return "too many questions at once"
	case m.Open && (known == nil || known.Outcome != Active):
		return "the circuit is open, and the token was not active before"
	case m.Open && m.tries > maxTries:
		return "the circuit is open, and too many tokens were tried"
	case !m.Open && m.paused(q):
		return "the question about the token failed a moment ago"
	}
	return ""
}

// paused reports whether the last question about the token failed a moment ago. A
// circuit that opened or closed since, or Forget, has ended the pause. A question that
// was broken off within a second has caused none: it may only have been slow.
func (m *Circuit) paused(q *Question) bool {
	for i := len(m.Questions) - 2; i >= 0; i-- {
		last := m.Questions[i]
		if last.Token == q.Token && !last.Ended.IsZero() {
			slow := last.BrokenOff && last.Ended.Sub(last.Began) < time.Second
			return last.Outcome == Failed && !slow && last.forgotten.IsZero() && last.Began.After(m.opened) && last.Ended.After(m.closed) &&
				q.Began.Sub(last.Ended) < tokenPause
		}
	}
	return false
}

// End takes the outcome of a question, which q has.
func (m *Circuit) End(q *Question) {
	if q.Outcome != Failed {
		if m.Open && !q.Began.Before(m.opened) {
			m.Open, m.closed = false, q.Ended
		}
		m.failed = 0
		return
	}
	if q.Token != "" {
		return
	}
	m.probed = q.Ended
	for _, other := range m.Questions {
		if other.Outcome != Failed && !other.Ended.IsZero() && !other.Began.Before(q.Began) {
			return // the endpoint answered meanwhile
		}
	}
	m.failed++
	slow := q.Ended.Sub(q.Began) >= slowProbe || q.RetryAfter > 0
	if !m.Open && m.failed < maxFailedProbes && !slow {
		return
	}
	if !m.Open {
		m.Open, m.opened = true, q.Ended
	}
	pause := max(q.Ended.Sub(m.opened)/4, q.RetryAfter, minOpen)
	m.until, m.tries = q.Ended.Add(min(pause, maxOpen)), 0
}
