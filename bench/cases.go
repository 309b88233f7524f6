package main

import (
	"fmt"
	"net/http"
	"time"
)

// field holds the tokens and contenders for the cases of one algorithm.
type field struct {
	harness   *harness
	issuer    *issuer
	algorithm string
	key       *key
	tokens    []string // distinct
	requests  []*http.Request
	parsed    []signed
	refetched int64 // JWKS requests that forged tokens caused
}

func newField(h *harness, i *issuer, algorithm string, tokens int) (*field, error) {
	fmt.Fprintf(h.progress, "signing %d tokens, %s\n", tokens, algorithm)
	f := &field{harness: h, issuer: i, algorithm: algorithm, key: i.key(algorithm)}
	var err error
	if f.tokens, err = i.mintMany(algorithm, tokens); err != nil {
		return nil, err
	}
	f.requests = requests(f.tokens)
	for _, token := range f.tokens {
		f.parsed = append(f.parsed, parseSigned(token))
	}
	return f, nil
}

// opened is a contender that has fetched its keys.
type opened struct {
	contender
	handler http.Handler
	close   func()
}

// openWarm opens contenders and sends them a token often enough to fetch keys and
// fill pools.
func (f *field) openWarm(cs []contender) (all []opened, closeAll func(), err error) {
	closeAll = func() {
		for _, o := range all {
			o.close()
		}
	}
	token, err := f.issuer.mint(f.algorithm, 0, nil)
	if err != nil {
		return nil, closeAll, err
	}
	r := request(token)
	for _, c := range cs {
		handler, closer, err := c.open(f.issuer.setup())
		if err != nil {
			return all, closeAll, fmt.Errorf("%s: %w", c.name, err)
		}
		all = append(all, opened{c, handler, closer})
		if err := serving(handler, accepted, r)(20); err != nil {
			return all, closeAll, fmt.Errorf("%s: %w", c.name, err)
		}
	}
	return all, closeAll, nil
}

// same repeats one token.
func (f *field) same(cs []contender, more ...entry) (result, error) {
	all, closeAll, err := f.openWarm(cs)
	defer closeAll()
	if err != nil {
		return result{}, err
	}
	entries := append(more, entry{name: bareCrypto, run: fromZero(verifying(f.key, true, f.parsed[0]))})
	for _, o := range all {
		entries = append(entries, entry{name: o.name, run: serving(o.handler, accepted, f.requests[0])})
	}
	return f.harness.measure("same token, "+f.algorithm, entries...)
}

// firstSeen sends each token once. After the last token it rebuilds the contender.
type firstSeen struct {
	*field
	contender contender
	handler   http.Handler
	close     func()
	from, at  int // the tokens of this round
}

func (s *firstSeen) prepare(n int) error {
	s.from, s.at = s.at, s.at+n
	if s.handler != nil && s.at <= len(s.requests) {
		return nil
	}
	s.end()
	all, closeAll, err := s.openWarm([]contender{s.contender})
	if err != nil {
		closeAll()
		return err
	}
	s.handler, s.close, s.from, s.at = all[0].handler, closeAll, 0, n
	return nil
}

func (s *firstSeen) end() {
	if s.close != nil {
		s.close()
	}
}

func (s *firstSeen) run(w *writer, from, n int) error {
	for _, r := range s.requests[s.from+from : s.from+from+n] {
		w.serve(s.handler, r)
	}
	return w.takeAnswers(n, accepted)
}

// entries returns the entries for first-seen tokens, on one core or on all.
func (f *field) firstSeen(c contender, parallel bool) (entry, func()) {
	s := &firstSeen{field: f, contender: c}
	e := entry{name: c.name, n: f.harness.batch, prepare: s.prepare, spread: parallel}
	if parallel {
		e.run = onAllCores(func(int) func(from, n int) error {
			w := newWriter()
			return func(from, n int) error { return s.run(w, from, n) }
		})
	} else {
		w := newWriter()
		e.run = func(n int) error { return s.run(w, 0, n) }
	}
	return e, s.end
}

// bareFirstSeen returns the entry of bare crypto for the same tokens.
func (f *field) bareFirstSeen(parallel bool) entry {
	at := 0
	e := entry{name: bareCrypto, n: f.harness.batch, spread: parallel, prepare: func(n int) error {
		if at += n; at+n > len(f.parsed) {
			at = 0
		}
		return nil
	}}
	verify := verifying(f.key, true, f.parsed...)
	run := func(from, n int) error { return verify(at+from, n) }
	if e.run = fromZero(run); parallel {
		e.run = onAllCores(func(int) func(from, n int) error { return run })
	}
	return e
}

func (f *field) distinct(cs []contender, parallel bool) (result, error) {
	entries := []entry{f.bareFirstSeen(parallel)}
	for _, c := range cs {
		e, end := f.firstSeen(c, parallel)
		defer end()
		entries = append(entries, e)
	}
	name := "first-seen token, " + f.algorithm
	if parallel {
		name += ", all cores"
	}
	return f.harness.measure(name, entries...)
}

// sameParallel repeats one token on all cores.
func (f *field) sameParallel(cs []contender) (result, error) {
	all, closeAll, err := f.openWarm(cs)
	defer closeAll()
	if err != nil {
		return result{}, err
	}
	entries := []entry{{name: bareCrypto, spread: true, run: onAllCores(func(int) func(from, n int) error {
		return verifying(f.key, true, f.parsed[0])
	})}}
	for _, o := range all {
		entries = append(entries, entry{name: o.name, spread: true, run: parallelSame(o.handler, f.requests[0])})
	}
	return f.harness.measure("same token, "+f.algorithm+", all cores", entries...)
}

func parallelSame(h http.Handler, r *http.Request) func(n int) error {
	return onAllCores(func(int) func(from, n int) error {
		serve := serving(h, accepted, r)
		return func(_, n int) error { return serve(n) }
	})
}

// refusals are the tokens that must be refused.
var refusals = []string{"expired", "forged", "garbage", "no token"}

func (f *field) refusal(kind string, cs []contender) (result, error) {
	token, bare := "", verifying(f.key, true, f.parsed[0])
	switch kind {
	case "expired":
		var err error
		if token, err = f.issuer.mint(f.algorithm, 1, map[string]any{"exp": time.Now().Add(-time.Hour).Unix()}); err != nil {
			return result{}, err
		}
	case "forged":
		token = forge(f.tokens[0])
		bare = verifying(f.key, false, parseSigned(token))
	case "garbage":
		token = garbage
	}
	all, closeAll, err := f.openWarm(cs)
	defer closeAll()
	if err != nil {
		return result{}, err
	}
	r := request(token)
	entries := []entry{{name: bareCrypto, run: fromZero(bare)}}
	for _, o := range all {
		entries = append(entries, entry{name: o.name, run: serving(o.handler, refused, r)})
	}
	return f.harness.measure(kind+", "+f.algorithm, entries...)
}
