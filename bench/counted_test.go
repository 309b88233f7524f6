package main

import (
	"io"
	"slices"
	"testing"
	"time"
)

// What bearerkit promises for outages and attacks, with a part of [wholeExtent].
func TestCountedBehaviour(t *testing.T) {
	e := extent{cold: 200, unknown: 500, forged: 100, waiting: 10, outage: 25 * time.Hour, patience: 2 * time.Hour}
	table := countBehaviour(t, e, named("bearerkit"), io.Discard)
	want := [][]string{
		{"1", "200"},
		{"10", "none", "accepted", "1"},
		// The unknown kids use up the budget of two fetches. Their tokens are new, so
		// without a fetch the verifier cannot judge them (reports V17).
		{"2", "0", "0", "401, 503", "accepted"},
		{"accepted", "24h", "503", "1,440 of 1,500"},
		{"at once", "503"},
		{"0s", "0s"},
	}
	for at, b := range behaviours(e) {
		got := table[b.title]["bearerkit"]
		if len(got) != len(b.columns) || !slices.Equal(got[:len(want[at])], want[at]) {
			t.Errorf("%s:\n%q\ngot  %q\nwant %q", b.title, b.columns, got, want[at])
		}
	}
}
