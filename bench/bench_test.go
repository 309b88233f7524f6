package main

import (
	"encoding/xml"
	"errors"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

func quick(t *testing.T) (*harness, *issuer) {
	t.Helper()
	i, err := newIssuer(false, algorithms...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(i.stop)
	return &harness{
		rounds: 24, slice: 20 * time.Microsecond, batch: 3, kept: 500,
		rng: rand.New(rand.NewPCG(1, 2)), progress: io.Discard,
	}, i
}

// The comparison runs and measures everything. This test does not judge the
// figures.
func TestCompare(t *testing.T) {
	h, i := quick(t)
	h.rounds = 21 // the quietest quarter must have enough rounds for a confidence interval
	c, err := compare(h, i, 60)
	if err != nil {
		t.Fatal(err)
	}
	var tables, picture strings.Builder
	c.write(&tables)
	c.draw(&picture)
	for _, contender := range contenders {
		if n := strings.Count(tables.String(), "\n| "+contender.name+" |"); n < 4 {
			t.Errorf("%s appears in %d tables", contender.name, n)
		}
		if n := strings.Count(picture.String(), ">"+contender.name+"<"); n != 2 {
			t.Errorf("%s is drawn %d times", contender.name, n)
		}
	}
	for _, text := range []string{tables.String(), picture.String()} {
		if strings.Contains(text, "NaN") || strings.Contains(text, "Inf") || strings.Contains(text, "%!") {
			t.Error(text)
		}
	}
	decoder := xml.NewDecoder(strings.NewReader(picture.String()))
	for {
		if _, err := decoder.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
}

// Every budget is measured and printed, whether it is met or not.
func TestBudgets(t *testing.T) {
	h, i := quick(t)
	h.rounds = 3 // in each pass
	list, err := measureBudgets(h, i, 60)
	if err != nil {
		t.Fatal(err)
	}
	var table strings.Builder
	writeBudgets(&table, list, time.Second)
	lines := strings.Count(table.String(), "| ok |\n") + strings.Count(table.String(), "| over |\n")
	if want := 4*10 + 2*2 + 2 + 1 + 2; len(list) != want || lines != want {
		t.Errorf("%d budgets, %d lines; want %d", len(list), lines, want)
	}
	if strings.Contains(table.String(), "NaN") || strings.Contains(table.String(), "%!") {
		t.Error(table.String())
	}
}

// The probe alone decides which rounds count, across all measurements of a case.
func TestQuietRounds(t *testing.T) {
	r := result{probe: []time.Duration{4, 1, 3, 2, 8, 7, 6, 5}, series: []series{
		{name: "a", ns: []float64{40, 10, 30, 20, 80, 70, 60, 50}},
		{name: "b", ns: []float64{1, 99, 1, 98, 1, 1, 1, 97}},
	}}
	quiet := r.quiet()
	if a, b := quiet.of("a").ns, quiet.of("b").ns; !slices.Equal(a, []float64{10, 30, 20}) || !slices.Equal(b, []float64{99, 1, 98}) {
		t.Errorf("rounds of %v and %v count", a, b)
	}
	if len(r.series[0].ns) != 8 {
		t.Error("the others are lost")
	}
	h, _ := quick(t)
	runs := 0
	for pass := 1; pass <= 3; pass++ {
		res, err := h.measure("case", entry{name: "a", n: 1, run: func(int) error { runs++; return nil }})
		if err != nil {
			t.Fatal(err)
		}
		all := h.measured["case"]
		if n := len(all.probe); n != pass*h.rounds || len(all.series) != 1 || len(all.series[0].ns) != n {
			t.Errorf("%d probes and %d rounds after %d times of %d", n, len(all.series[0].ns), pass, h.rounds)
		}
		if n := len(res.series[0].ns); n < 1 || n > 1+len(all.probe)/2 {
			t.Errorf("%d rounds of %d count", n, len(all.probe))
		}
	}
	if _, err := h.measure("case", entry{name: "b", n: 1, run: func(int) error { return nil }}); err == nil {
		t.Error("another entry is measured as the first")
	}
	if runs < 3*h.rounds {
		t.Errorf("%d runs", runs)
	}
}

// A contender with a wrong answer is not measured.
func TestWrongAnswersAreReported(t *testing.T) {
	h, i := quick(t)
	handler, closer, err := openBearerkit(i.setup())
	if err != nil {
		t.Fatal(err)
	}
	defer closer()
	if _, err := h.measure("wrong", entry{name: "bearerkit", run: serving(handler, accepted, request(garbage))}); err == nil {
		t.Error("garbage counted as accepted")
	}
	token, err := i.mint("ES256", 1, nil)
	if err != nil {
		t.Fatal(err)
	}
	bad := parseSigned(forge(token))
	if bad.holds(i.key("ES256")) {
		t.Error("a forged signature holds")
	}
}

// Only the tables of a page are replaced.
func TestOutputReplacesTables(t *testing.T) {
	out := output{name: "counted"}
	page := "before\n<!-- bench counted -->\nold\n<!-- end counted -->\nafter\n"
	want := "before\n<!-- bench counted -->\nnew\n<!-- end counted -->\nafter\n"
	if got := string(out.placed([]byte(page), []byte("new\n"))); got != want {
		t.Errorf("got %q", got)
	}
	if got := string(out.placed(nil, []byte("new\n"))); got != "new\n" {
		t.Errorf("without a page: %q", got)
	}
}
