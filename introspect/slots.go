package introspect

import (
	"container/list"
	"context"
	"errors"
	"sync"
	"time"
)

const (
	// For each slot, queueFactor questions may wait for at most queueTime. They
	// try to reclaim a slot every reclaimEvery.
	queueFactor  = 4
	queueTime    = 500 * time.Millisecond
	reclaimEvery = 50 * time.Millisecond

	// A question keeps its slot for the longest of holdTime, probeFactor times
	// the duration of the last probe, and activeFactor times the median duration
	// of answers about active tokens. After that it counts as hanging, and loses
	// the slot to another question if the endpoint has answered a later one.
	holdTime     = 250 * time.Millisecond
	probeFactor  = 8
	activeFactor = 4
)

var (
	errBusy      = errors.New("too many requests to the endpoint are under way (Config.MaxConcurrent)")
	errOvertaken = errors.New("the endpoint answered later questions first, and another one needed the slot (Config.MaxConcurrent)")
)

// slots bounds the questions that are under way. Tokens on which the endpoint hangs
// cannot occupy all slots while it answers about others.
type slots struct {
	free, queue chan struct{}
	// suspect is called when no slot is free, with the time when the oldest
	// question under way was sent.
	suspect func(asked time.Time)

	mu       sync.Mutex
	running  list.List     // of *slot, the oldest first
	answered time.Time     // when the newest answered question was sent
	probe    time.Duration // duration of the last probe
	median   time.Duration // estimated median duration of answers about active tokens
	most     time.Duration // after which every question counts as hanging
}

// slot is held by a question under way.
type slot struct {
	asked  time.Time
	cancel context.CancelCauseFunc
	place  *list.Element // in slots.running; nil: the slot was reclaimed
}

func newSlots(n int, timeout time.Duration, suspect func(asked time.Time)) *slots {
	return &slots{
		free: make(chan struct{}, n), queue: make(chan struct{}, n*queueFactor), suspect: suspect, most: timeout / 2,
	}
}

// enter waits for a slot, or does not wait if eager. The returned context is
// canceled when the slot is reclaimed.
func (s *slots) enter(ctx context.Context, eager bool) (context.Context, *slot, error) {
	if err := s.wait(ctx, eager); err != nil {
		return nil, nil, err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	own := &slot{asked: time.Now(), cancel: cancel}
	own.place = s.running.PushBack(own)
	return ctx, own, nil
}

func (s *slots) wait(ctx context.Context, eager bool) error {
	select {
	case s.free <- struct{}{}:
		return nil
	default:
	}
	if eager {
		return errBusy
	}
	select {
	case s.queue <- struct{}{}:
		defer func() { <-s.queue }()
	default:
		return errBusy
	}
	end := time.NewTimer(queueTime)
	defer end.Stop()
	again := time.NewTicker(reclaimEvery)
	defer again.Stop()
	for {
		if oldest := s.reclaim(time.Now()); !oldest.IsZero() {
			s.suspect(oldest)
		}
		select {
		case s.free <- struct{}{}:
			return nil
		case <-again.C:
		case <-end.C:
			return errBusy
		case <-ctx.Done():
			return errBusy
		}
	}
}

// reclaim takes the oldest question's slot if that question hangs and a later one
// was answered. Otherwise it returns when the oldest question was sent.
func (s *slots) reclaim(now time.Time) (oldest time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	front := s.running.Front()
	if front == nil {
		return time.Time{}
	}
	first := front.Value.(*slot)
	least := holdTime
	if s.median == 0 { // the endpoint's speed is not known yet
		least = slowAfter
	}
	hold := min(max(least, probeFactor*s.probe, activeFactor*s.median), max(s.most, holdTime))
	if now.Sub(first.asked) < hold || !s.answered.After(first.asked) {
		return first.asked
	}
	s.running.Remove(front)
	first.place = nil
	first.cancel(errOvertaken)
	return time.Time{}
}

// leave releases a slot.
func (s *slots) leave(own *slot) {
	s.mu.Lock()
	if own.place != nil {
		s.running.Remove(own.place)
	}
	s.mu.Unlock()
	own.cancel(nil)
	<-s.free
}

// hasAnswered notes that the question sent at the time asked was answered.
func (s *slots) hasAnswered(asked time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if asked.After(s.answered) {
		s.answered = asked
	}
}

// probed notes how long a probe took. A client can only influence this time by
// making the endpoint slow for all.
func (s *slots) probed(took time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.probe = took
}

// took notes how long the answer about an active token took. Each answer moves the
// median by a sixteenth, so one client's slow answers do not move it far.
func (s *slots) took(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.median == 0 {
		s.median = d
		return
	}
	step := max(s.median/16, time.Millisecond)
	s.median = min(max(d, s.median-step), s.median+step)
}
