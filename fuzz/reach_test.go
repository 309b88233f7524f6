package fuzz_test

import (
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// The requests that FuzzComposed composes from random choices get each kind of
// answer of each setup. Otherwise fuzzing would prove little.
func TestComposedRequestsReachEachAnswer(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	got := map[string]int{}
	for i := range 1500 {
		choices := make([]byte, 60)
		for j := range choices {
			choices[j] = byte(random.Uint32())
			if random.IntN(2) > 0 {
				choices[j] = 0
			}
		}
		c := composer{choices: choices, known: &issued{maps.Clone(minted), maps.Clone(made)}}
		setup := i % len(setups)
		for _, request := range check(t, setup, c.request(setups[setup]), c.known).requests {
			answer := "admitted"
			_, token, _ := strings.Cut(request.header.Get("Authorization"), " ")
			switch c := c.known.tokens[strings.TrimSpace(token)]; {
			case request.refused != nil:
				answer = string(request.refused.Code)
			case c.jkt != "":
				answer = "admitted with a key"
			case c.cert != "":
				answer = "admitted with a certificate"
			}
			got["any setup: "+answer]++
			got[setups[setup].name+": "+answer]++
		}
	}
	for _, s := range setups {
		want := []string{"invalid_request", "missing_credentials"}
		if s.outage {
			want = append(want, "unavailable")
		} else {
			want = append(want, "admitted", "invalid_token")
		}
		if s.dpop && !s.outage {
			want = append(want, "invalid_dpop_proof")
		}
		if s.dpop && !s.outage && !s.nonces {
			want = append(want, "admitted with a key")
		}
		if s.peer == ownCert || s.proxy == peerAddress {
			want = append(want, "admitted with a certificate")
		}
		if s.nonces {
			want = append(want, "use_dpop_nonce")
		}
		for _, answer := range want {
			if got[s.name+": "+answer] == 0 {
				t.Errorf("no request of %q is answered %s", s.name, answer)
			}
		}
	}
	for _, answer := range []string{"insufficient_scope", "token_too_long"} {
		if got["any setup: "+answer] == 0 {
			t.Errorf("no request is answered %s", answer)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(got)) {
		t.Logf("%5d %s", got[name], name)
	}
}
