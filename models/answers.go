package models

import "time"

// Question is a request to an introspection endpoint.
type Question struct {
	Token string // empty: a random token, to see whether the endpoint works
	Began time.Time

	Ended      time.Time // zero: it is under way
	Outcome    Outcome
	BrokenOff  bool      // by the verifier
	Expires    time.Time // of an active token; zero: never
	RetryAfter time.Duration

	forgotten time.Time // when the token was forgotten; zero: it was not
}

// Outcome is what an endpoint says about a token.
type Outcome string

// The outcomes of a question.
const (
	Active   Outcome = "active"
	Inactive Outcome = "inactive"
	Failed   Outcome = "failed" // no answer (RFC 7662, Section 2.3 and others)
)

// Verdict is what a verifier says about a token.
type Verdict string

// The verdicts. NoAnswer is the only one for a token about which the endpoint has
// not answered.
const (
	Accepted     Verdict = "accepted"
	Expired      Verdict = "expired"
	Unrecognized Verdict = "unrecognized"
	NoAnswer     Verdict = "unavailable"
)

// Answers is the model of the cache of introspect.Verifier.
type Answers struct {
	MaxAge, NegativeAge, ServeStale time.Duration // zero: none
	Leeway, Timeout                 time.Duration

	Questions []*Question
}

// Forget discards what is known about a token, and the answers to come.
func (m *Answers) Forget(token string, now time.Time) {
	for _, q := range m.Questions {
		if q.Token == token && q.forgotten.IsZero() {
			q.forgotten = now
		}
	}
}

// Newest returns the newest answer about a token at a time, or nil.
func (m *Answers) Newest(token string, at time.Time) (newest *Question) {
	for _, q := range m.Questions {
		if q.Token == token && q.Outcome != Failed && !q.Ended.IsZero() && !q.Ended.After(at) && q.forgotten.IsZero() &&
			(newest == nil || q.Ended.After(newest.Ended)) {
			newest = q
		}
	}
	return newest
}

// until returns until when an answer is used, and until when while the endpoint
// fails. Neither is later than the token's exp (RFC 7662, Section 4).
func (m *Answers) until(q *Question) (fresh, stale time.Time) {
	if q.Outcome != Active || !q.Expires.IsZero() && !q.Expires.After(q.Began) {
		fresh = q.Began.Add(m.NegativeAge)
		return fresh, fresh
	}
	fresh = q.Began.Add(m.MaxAge)
	stale = fresh.Add(m.ServeStale)
	if !q.Expires.IsZero() {
		fresh, stale = earlier(fresh, q.Expires), earlier(stale, q.Expires)
	}
	return fresh, stale
}

// verdict returns what an answer means at a time.
func (m *Answers) verdict(q *Question, at time.Time) Verdict {
	switch {
	case q.Outcome != Active:
		return Unrecognized
	case q.Expires.IsZero() || at.Before(q.Expires.Add(m.Leeway)):
		return Accepted
	}
	return Expired
}

// Verify reports whether a verdict on a token is right, which was asked for at a
// time and given at another. sound says that the endpoint has answered all questions
// of the last while.
func (m *Answers) Verify(token string, from, to time.Time, got Verdict, sound bool) bool {
	if to.Sub(from) > m.Timeout+time.Second {
		return false
	}
	if q := m.Newest(token, from); q != nil {
		if fresh, _ := m.until(q); from.Before(fresh) {
			return to.Equal(from) && got == m.verdict(q, from)
		}
	}
	for _, q := range m.Questions {
		forgotten := !q.forgotten.IsZero() && !q.forgotten.After(from)
		if q.Token == token && q.Outcome != Failed && !forgotten && !q.Ended.Before(from) && !q.Ended.After(to) && got == m.verdict(q, to) {
			return true
		}
	}
	if q := m.Newest(token, to); q != nil && !sound {
		if _, stale := m.until(q); to.Before(stale) {
			return got == m.verdict(q, to)
		}
	}
	return got == NoAnswer && !sound
}
