package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// extent determines how often each behaviour is repeated.
type extent struct {
	cold, unknown, forged, waiting int
	outage, patience               time.Duration
}

var wholeExtent = extent{cold: 1000, unknown: 10_000, forged: 1000, waiting: 50, outage: 72 * time.Hour, patience: 48 * time.Hour}

// behaviour is a scenario whose events are counted: one row for each library.
type behaviour struct {
	title   string
	columns []string
	count   func(*stage) []string
	live    bool // uses sockets and the real clock: some libraries wait on a mutex, which stops a bubble's clock
}

func behaviours(e extent) []behaviour {
	return []behaviour{
		{
			title:   fmt.Sprintf("%s concurrent requests meet a handler without keys; the JWKS endpoint takes 50 ms", thousands(e.cold)),
			columns: []string{"JWKS requests", "accepted"},
			count:   func(s *stage) []string { return s.cold(e.cold) }, live: true,
		},
		{
			title: fmt.Sprintf("The first caller gives up while the first fetch, of 300 ms, is under way, and %d others wait for it", e.waiting),
			columns: []string{fmt.Sprintf("accepted of the %d", e.waiting), "refused with", "a request after that",
				"JWKS requests"},
			count: func(s *stage) []string { return s.givingUp(e.waiting) }, live: true,
		},
		{
			title: "JWKS requests that bad tokens cause, one each millisecond",
			columns: []string{thousands(e.unknown) + " unknown kids", thousands(e.forged) + " bad signatures, known kid",
				thousands(e.forged) + " bad signatures, no kid", "answered", "a good token after that"},
			count: func(s *stage) []string { return s.badTokens(e.unknown, e.forged) },
		},
		{
			title: fmt.Sprintf("The issuer dies (its endpoint answers 500) after a first good fetch; a good token each minute for %.0f h", e.outage.Hours()),
			columns: []string{"at once", "first refusal after", "with status", "accepted", "JWKS requests",
				"accepted again after recovery"},
			count: func(s *stage) []string { return s.outage(e.outage) },
		},
		{
			title:   "The issuer is down while the API starts, and for a minute more; a good token each second",
			columns: []string{"construction", "statuses meanwhile", "JWKS requests meanwhile", "accepted after recovery"},
			count:   (*stage).startingDown,
		},
		{
			title:   "The issuer rotates its keys, and is well; a token each second",
			columns: []string{"a new key is accepted after", "a second one, 30 s later", "a withdrawn key is refused after"},
			count:   func(s *stage) []string { return s.rotation(e.patience) },
		},
	}
}

// stage is where a behaviour runs: an issuer and one library.
type stage struct {
	t         testing.TB
	issuer    *issuer
	contender contender
	handler   http.Handler
	close     func()
}

// countBehaviour runs every behaviour with every contender. It returns the cells by
// title and name.
func countBehaviour(t *testing.T, e extent, cs []contender, progress io.Writer) map[string]map[string][]string {
	table := map[string]map[string][]string{}
	for _, b := range behaviours(e) {
		table[b.title] = map[string][]string{}
		for _, c := range cs {
			fmt.Fprintf(progress, "%s: %s\n", b.title, c.name)
			count := func(t *testing.T) {
				i, err := newIssuer(!b.live, "ES256")
				if err != nil {
					t.Fatal(err)
				}
				s := &stage{t: t, issuer: i, contender: c}
				defer func() {
					if s.close != nil {
						s.close()
					}
					i.stop()
				}()
				table[b.title][c.name] = b.count(s)
			}
			if b.live {
				count(t)
			} else {
				synctest.Test(t, count)
			}
		}
	}
	return table
}

// countAll counts and writes the tables. A synctest bubble needs a testing.T, so
// countAll runs a test and ends the program.
func countAll(out output, progress *os.File) {
	stdout := os.Stdout
	os.Stdout = progress // PASS is not part of the tables
	every := func(_, _ string) (bool, error) { return true, nil }
	testing.Main(every, []testing.InternalTest{{Name: "Counted", F: func(t *testing.T) {
		table := countBehaviour(t, wholeExtent, contenders, progress)
		var text bytes.Buffer
		writeBehaviour(&text, table)
		os.Stdout = stdout
		if err := out.write(text.Bytes()); err != nil {
			t.Error(err)
		}
		os.Stdout = progress
	}}}, nil, nil)
}

func writeBehaviour(w io.Writer, table map[string]map[string][]string) {
	fmt.Fprint(w, "With the libraries' own default times. The first two tables are counted over sockets; "+
		"all others over connections in memory, by a clock that jumps, so that days pass in no time.\n")
	for _, b := range behaviours(wholeExtent) {
		fmt.Fprintf(w, "\n**%s**\n\n", b.title)
		heading(w, b.columns...)
		for _, c := range contenders {
			row(w, append([]string{c.name}, table[b.title][c.name]...)...)
		}
	}
}

// open builds the handler and waits until its background work has started.
func (s *stage) open() {
	handler, closer, err := s.contender.open(s.issuer.setup())
	if err != nil {
		s.t.Fatalf("%s: %v", s.contender.name, err)
	}
	s.handler, s.close = handler, closer
}

func (s *stage) requests() int { return int(s.issuer.jwksRequests.Load()) }

func (s *stage) newKey() *key {
	k, err := s.issuer.addKey("ES256")
	if err != nil {
		s.t.Fatal(err)
	}
	return k
}

// token returns a token of a key that is valid for five minutes.
func (s *stage) token(k *key, header map[string]string) string {
	token, err := s.issuer.mintWith(k, 1, map[string]any{"exp": time.Now().Add(5 * time.Minute).Unix()}, header)
	if err != nil {
		s.t.Fatal(err)
	}
	return token
}

func (s *stage) good() string { return s.token(s.issuer.key("ES256"), nil) }

func (s *stage) status(ctx context.Context, token string) int {
	w := newWriter()
	s.handler.ServeHTTP(w, request(token).WithContext(ctx))
	return w.status
}

func (s *stage) answerTo(token string) int { return s.status(context.Background(), token) }

// until sends a new token each period until it gets the wanted answer. It returns
// the elapsed time.
func (s *stage) until(token func() string, want func(status int) bool, period, patience time.Duration) string {
	for start := time.Now(); time.Since(start) <= patience; wait(period) {
		if want(s.answerTo(token())) {
			return span(time.Since(start))
		}
	}
	return "not in " + span(patience)
}

func isAccepted(status int) bool { return status == http.StatusNoContent }

func wait(d time.Duration) { <-time.After(d) }

// statuses counts answers.
type statuses map[int]int

func (s statuses) accepted() int { return s[http.StatusNoContent] }

// others lists the answers other than acceptance.
func (s statuses) others() string {
	var names []string
	for status := range s {
		if !isAccepted(status) {
			names = append(names, fmt.Sprint(status))
		}
	}
	if names == nil {
		return "none"
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}

// told formats a status for the tables.
func told(status int) string {
	if isAccepted(status) {
		return "accepted"
	}
	return fmt.Sprint(status)
}

// together sends n requests concurrently.
func (s *stage) together(n int, token string) (answers func() statuses) {
	var mu sync.Mutex
	var wg sync.WaitGroup
	found := statuses{}
	for range n {
		wg.Go(func() {
			status := s.answerTo(token)
			mu.Lock()
			defer mu.Unlock()
			found[status]++
		})
	}
	return func() statuses {
		wg.Wait()
		return found
	}
}

// thousands formats 10000 as 10,000.
func thousands(n int) string {
	if n < 1000 {
		return fmt.Sprint(n)
	}
	return fmt.Sprintf("%d,%03d", n/1000, n%1000)
}

// span formats a duration without zero units.
func span(d time.Duration) string {
	if d >= 10*time.Second {
		d = d.Round(time.Second)
	} else {
		d = d.Round(10 * time.Millisecond)
	}
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}
