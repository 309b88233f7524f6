package main

import (
	"fmt"
	"io"
	"time"

	"golang.org/x/perf/benchmath"
)

// fastestPeer is the contender that the budgets compare with.
const fastestPeer = "golang-jwt + keyfunc"

const hash = "SHA-256"

// budget is a promise and its measurement.
type budget struct {
	what, limit, measured string
	ok                    bool
}

// budgets collects the results of the short run.
type budgets struct {
	list    []budget
	harness *harness
	issuer  *issuer
	tokens  int
}

// atMost and atLeast compare the median with the limit.
func (b *budgets) atMost(what string, limit float64, unit string, s benchmath.Summary) {
	b.add(what, "≤ "+number(limit)+unit, withRange(s, unit), s.Center <= limit)
}

func (b *budgets) atLeast(what string, limit float64, unit string, s benchmath.Summary) {
	b.add(what, "≥ "+number(limit)+unit, withRange(s, unit), s.Center >= limit)
}

func (b *budgets) add(what, limit, measured string, ok bool) {
	b.list = append(b.list, budget{what, limit, measured, ok})
}

func withRange(s benchmath.Summary, unit string) string {
	return fmt.Sprintf("%s%s (%s to %s)", number(s.Center), unit, number(s.Lo), number(s.Hi))
}

// number formats a value with three significant digits.
func number(v float64) string {
	switch a := max(v, -v); {
	case a >= 100:
		return fmt.Sprintf("%.0f", v)
	case a >= 10:
		return fmt.Sprintf("%.1f", v)
	case a >= 0.1:
		return fmt.Sprintf("%.2f", v)
	}
	return fmt.Sprintf("%.4f", v)
}

// passes is how often the short run measures each case, so that a bad moment of the
// machine does not affect all rounds of a case.
const passes = 8

// measureBudgets runs the short run: bearerkit, bare crypto and the fastest peer.
func measureBudgets(h *harness, i *issuer, tokens int) ([]budget, error) {
	b := &budgets{harness: h, issuer: i, tokens: tokens}
	var fields []*field
	for _, algorithm := range algorithms {
		f, err := newField(h, i, algorithm, tokens)
		if err != nil {
			return nil, err
		}
		fields = append(fields, f)
	}
	for range passes {
		b.list = nil
		if err := b.pass(fields); err != nil {
			return nil, err
		}
	}
	err := b.memory()
	return b.list, err
}

func (b *budgets) pass(fields []*field) error {
	for _, f := range fields {
		for _, part := range []func(*field) error{b.first, b.again, b.scaling, b.forged} {
			if err := part(f); err != nil {
				return err
			}
		}
		if f.algorithm == "RS256" {
			if err := b.junk(f); err != nil {
				return err
			}
		}
	}
	if err := b.adapters(); err != nil {
		return err
	}
	return b.introspection()
}

// isRSA distinguishes the algorithms whose verification takes 30 µs from those that
// take 70 µs.
func (f *field) isRSA() bool { return f.algorithm == "RS256" || f.algorithm == "PS256" }

func pick(first bool, a, b float64) float64 {
	if first {
		return a
	}
	return b
}

func (b *budgets) first(f *field) error {
	r, err := f.distinct(append(named("bearerkit", fastestPeer), admit), false)
	if err != nil {
		return err
	}
	bare, own, peer, admitted := r.of(bareCrypto), r.of("bearerkit"), r.of(fastestPeer), r.of(admit.name)
	b.atMost(f.algorithm+", first-seen token: time / bare crypto", pick(f.isRSA(), 1.15, 1.08), " ×", ratio(admitted, bare))
	b.add(f.algorithm+", first-seen token: allocations beyond bare crypto", "≤ 15", number(admitted.allocs-bare.allocs), admitted.allocs-bare.allocs < 15.5)
	b.atLeast(f.algorithm+", first-seen token: faster than the fastest peer by", pick(f.isRSA(), 18, 10), " %",
		combine(func(ns ...float64) float64 { return 100 * (1 - ns[0]/ns[1]) }, own, peer))
	return nil
}

func (b *budgets) again(f *field) error {
	r, err := f.same(append(named("bearerkit", fastestPeer), admit), entry{name: hash, run: fromZero(hashing(f.tokens[0]))})
	if err != nil {
		return err
	}
	own, admitted := r.of("bearerkit"), r.of(admit.name)
	b.atMost(f.algorithm+", same token: time / SHA-256 of it", 2, " ×", ratio(admitted, r.of(hash)))
	b.add(f.algorithm+", same token: allocations", "≤ 3", number(admitted.allocs), admitted.allocs < 3.5)
	b.atLeast(f.algorithm+", same token: time of the fastest peer / ours", 35, " ×", ratio(r.of(fastestPeer), own))
	return nil
}

// scaling compares how much faster bearerkit and bare crypto are on all cores than
// on one core, in the same round.
func (b *budgets) scaling(f *field) error {
	const allCores = ", all cores"
	bare, bareAll := f.bareFirstSeen(false), f.bareFirstSeen(true)
	own, end := f.firstSeen(named("bearerkit")[0], false)
	defer end()
	ownAll, endAll := f.firstSeen(named("bearerkit")[0], true)
	defer endAll()
	bareAll.name += allCores
	ownAll.name += allCores
	r, err := f.harness.measure("first-seen token, scaling, "+f.algorithm, bare, bareAll, own, ownAll)
	if err != nil {
		return err
	}
	relative := func(ns ...float64) float64 { return (ns[0] / ns[1]) / (ns[2] / ns[3]) }
	b.atLeast(f.algorithm+", first-seen token: speed-up by all cores / that of bare crypto", 0.9, " ×",
		combine(relative, r.of(own.name), r.of(ownAll.name), r.of(bareCrypto), r.of(bareAll.name)))

	all, closeAll, err := f.openWarm(named("bearerkit"))
	defer closeAll()
	if err != nil {
		return err
	}
	r, err = f.harness.measure("same token, scaling, "+f.algorithm,
		entry{name: hash, run: fromZero(hashing(f.tokens[0]))},
		entry{name: hash + allCores, spread: true, run: onAllCores(func(int) func(from, n int) error { return hashing(f.tokens[0]) })},
		entry{name: own.name, run: serving(all[0].handler, accepted, f.requests[0])},
		entry{name: ownAll.name, spread: true, run: parallelSame(all[0].handler, f.requests[0])},
	)
	if err != nil {
		return err
	}
	b.atLeast(f.algorithm+", same token: speed-up by all cores / that of SHA-256", 0.9, " ×",
		combine(relative, r.of(own.name), r.of(ownAll.name), r.of(hash), r.of(hash+allCores)))
	return nil
}

func (b *budgets) forged(f *field) error {
	before := f.issuer.jwksRequests.Load()
	r, err := f.refusal("forged", []contender{admit})
	if err != nil {
		return err
	}
	b.atMost(f.algorithm+", forged under a known kid: time / bare crypto", 1.15, " ×", ratio(r.of(admit.name), r.of(bareCrypto)))
	f.refetched += f.issuer.jwksRequests.Load() - before - 1 // the first fetch
	b.add(f.algorithm+", forged under a known kid: JWKS requests", "0", fmt.Sprint(f.refetched), f.refetched == 0)
	return nil
}

func (b *budgets) junk(f *field) error {
	for _, kind := range []string{"garbage", "no token"} {
		r, err := f.refusal(kind, []contender{admit})
		if err != nil {
			return err
		}
		own := r.of(admit.name)
		b.atMost(kind+": time, with the answer", 1000, " ns", summary(own.ns))
		b.add(kind+": allocations", "≤ 6", number(own.allocs), own.allocs < 6.5)
	}
	return nil
}

func (b *budgets) adapters() error {
	r, err := adapters(b.harness)
	if err != nil {
		return err
	}
	plainGuarded, plain := added(r, frameworks[0])
	for _, framework := range frameworks[1:] {
		guarded, bare := added(r, framework)
		b.atMost("adapter for "+framework+": time that it adds, beyond bearerhttp", 300, " ns",
			combine(func(ns ...float64) float64 { return ns[0] - ns[1] - (ns[2] - ns[3]) }, guarded, bare, plainGuarded, plain))
	}
	return nil
}

func (b *budgets) introspection() error {
	r, err := introspection(b.harness, b.issuer, introspectors[:1], true)
	if err != nil {
		return err
	}
	b.atMost("introspection, the answer at hand: time", 2000, " ns", summary(r.series[0].ns))
	return nil
}

func (b *budgets) memory() error {
	m, err := measureMemory(b.harness, b.issuer)
	if err != nil {
		return err
	}
	note := ""
	if !m.cached {
		note = ", but a token met again costs what it cost at first"
	}
	b.add(fmt.Sprintf("memory for a token of %d bytes and 15 claims", cachedTokenSize), "≤ 2048 B", number(m.perToken)+" B"+note, m.cached && m.perToken <= 2048)
	b.add(fmt.Sprintf("memory for %s tokens", thousands(b.harness.kept)), "≤ 20 MiB", fmt.Sprintf("%.1f MiB%s", m.total/(1<<20), note), m.cached && m.total <= 20<<20)
	return nil
}

// writeBudgets prints the list and reports whether all budgets are met.
func writeBudgets(w io.Writer, list []budget, took time.Duration) bool {
	fmt.Fprintf(w, "| budget | limit | measured (95 %% confidence) | |\n| --- | ---: | ---: | --- |\n")
	over := 0
	for _, b := range list {
		verdict := "ok"
		if !b.ok {
			verdict, over = "over", over+1
		}
		fmt.Fprintf(w, "| %s | %s | %s | %s |\n", b.what, b.limit, b.measured, verdict)
	}
	fmt.Fprintf(w, "\n%d of %d budgets hold; %s.\n", len(list)-over, len(list), took.Round(time.Second))
	return over == 0
}
