package claims_test

import (
	"math"
	"testing"

	"github.com/bearerkit/bearerkit/internal/claims"
)

// Reading another document forgets which claims of the previous one were
// malformed.
func TestReadForgetsThePreviousDocument(t *testing.T) {
	names := claims.NewNames()
	var v claims.Values
	for _, document := range []string{`{"acr":7,"jti":null}`, `{}`} {
		if err := v.Read(names, []byte(document)); err != nil {
			t.Fatal(err)
		}
		if _, err := v.Text(claims.ACR); err != nil {
			t.Fatal(err)
		}
	}
	if v.Sent(claims.ACR) || v.Found(claims.ACR) != "none" || v.Found(claims.Jti) != "none" {
		t.Errorf("acr is %s, jti is %s", v.Found(claims.ACR), v.Found(claims.Jti))
	}
}

// Tracking malformed claims costs a well-formed document no allocation.
func TestWellFormedClaimsAllocateNothing(t *testing.T) {
	names := claims.NewNames()
	document := documentOf(complete)
	var v claims.Values
	var journal *claims.Journal
	if err := v.Read(names, document); err != nil {
		t.Fatal(err)
	}
	// Take the minimum: under the race detector a sync.Pool drops items at
	// random.
	got := math.Inf(1)
	for range 20 {
		got = min(got, testing.AllocsPerRun(1, func() {
			if v.Read(names, document) != nil {
				t.Fatal("not read")
			}
			journal.Note(&v)
		}))
	}
	if got > 0 {
		t.Errorf("%v allocations", got)
	}
}
