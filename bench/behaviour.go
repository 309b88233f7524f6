package main

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"testing/synctest"
	"time"
)

func broken(w http.ResponseWriter, _ *http.Request) {
	http.Error(w, "down", http.StatusInternalServerError)
}

// cold sends n requests before the contender has keys.
func (s *stage) cold(n int) []string {
	s.issuer.behave(func() { wait(50 * time.Millisecond) }, nil)
	s.open()
	answers := s.together(n, s.good())()
	return []string{fmt.Sprint(s.requests()), thousands(answers.accepted())}
}

// givingUp cancels the first request that waits for keys.
func (s *stage) givingUp(waiting int) []string {
	asked := make(chan struct{})
	var once sync.Once
	s.issuer.behave(func() {
		once.Do(func() { close(asked) })
		wait(300 * time.Millisecond)
	}, nil)
	s.open()
	token := s.good()
	ctx, cancel := context.WithCancel(context.Background())
	var first sync.WaitGroup
	first.Go(func() { s.status(ctx, token) })
	<-asked
	others := s.together(waiting, token)
	wait(50 * time.Millisecond) // by then they are waiting
	cancel()
	first.Wait()
	answers := others()
	return []string{fmt.Sprint(answers.accepted()), answers.others(), told(s.answerTo(token)), fmt.Sprint(s.requests())}
}

// badTokens floods a warm handler with bad tokens.
func (s *stage) badTokens(unknown, forged int) []string {
	s.open()
	good := s.good()
	s.answerTo(good)
	found := statuses{}
	flood := func(n int, token func(n int) string) string {
		before := s.requests()
		for at := range n {
			found[s.answerTo(token(at))]++
			wait(time.Millisecond)
		}
		return thousands(s.requests() - before)
	}
	k := s.issuer.key("ES256")
	cells := []string{
		flood(unknown, func(n int) string {
			return s.token(&key{id: fmt.Sprintf("unknown-%d", n), algorithm: k.algorithm, private: k.private}, nil)
		}),
		flood(forged, func(int) string { return forge(good) }),
		flood(forged, func(int) string { return forge(s.token(k, map[string]string{"kid": ""})) }),
	}
	return append(cells, found.others(), told(s.answerTo(s.good())))
}

// outage stops the issuer after the first successful fetch.
func (s *stage) outage(length time.Duration) []string {
	s.open()
	s.answerTo(s.good())
	s.issuer.behave(nil, broken)
	before, start := s.requests(), time.Now()
	found := statuses{}
	atOnce, refusedAfter := 0, "never"
	total := int(length / time.Minute)
	for range total {
		status := s.answerTo(s.good())
		if found[status]++; atOnce == 0 {
			atOnce = status
		}
		if !isAccepted(status) && refusedAfter == "never" {
			refusedAfter = span(time.Since(start))
		}
		wait(time.Minute)
	}
	asked := s.requests() - before
	s.issuer.behave(nil, nil)
	again := s.until(s.good, isAccepted, time.Second, time.Hour)
	return []string{told(atOnce), refusedAfter, found.others(),
		fmt.Sprintf("%s of %s", thousands(found.accepted()), thousands(total)), thousands(asked), again}
}

// startingDown builds the handler while no keys are available.
func (s *stage) startingDown() []string {
	s.issuer.behave(nil, broken)
	start := time.Now()
	s.open()
	construction := "at once"
	if took := time.Since(start); took > 0 {
		construction = "waits " + span(took)
	}
	found := statuses{}
	for range 60 {
		found[s.answerTo(s.good())]++
		wait(time.Second)
	}
	asked := s.requests()
	s.issuer.behave(nil, nil)
	return []string{construction, found.others(), fmt.Sprint(asked), s.until(s.good, isAccepted, time.Second, 2*time.Hour)}
}

// rotation adds two keys, one after the other, and then removes the first.
func (s *stage) rotation(patience time.Duration) []string {
	s.open()
	old := s.issuer.key("ES256")
	s.answerTo(s.good())
	var cells []string
	for range 2 {
		wait(30 * time.Second)
		added := s.newKey()
		cells = append(cells, s.until(func() string { return s.token(added, nil) }, isAccepted, time.Second, 2*time.Hour))
	}
	wait(30 * time.Second)
	synctest.Wait()
	s.issuer.withdraw(old)
	refused := func(status int) bool { return !isAccepted(status) }
	byOld := func() string { return s.token(old, nil) }
	after := s.until(byOld, refused, 5*time.Second, patience)
	return append(cells, after)
}
