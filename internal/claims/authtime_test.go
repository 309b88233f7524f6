package claims_test

import (
	"testing"
	"time"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/internal/claims"
)

func TestPastAuthTimeIgnoresTheFuture(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	const leeway = 5 * time.Second
	for _, tt := range []struct {
		name string
		at   time.Time
		kept bool
	}{
		{"no auth_time", time.Time{}, true},
		{"in the past", now.Add(-time.Hour), true},
		{"ahead by the leeway", now.Add(leeway), true},
		{"ahead by more", now.Add(leeway + time.Nanosecond), false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := &bearer.Principal{Subject: "user", AuthTime: tt.at}
			got := claims.PastAuthTime(now, p, leeway)
			if kept := got == p; kept != tt.kept {
				t.Errorf("the same principal: %t, want %t", kept, tt.kept)
			}
			if want := tt.at; tt.kept && !got.AuthTime.Equal(want) || !tt.kept && !got.AuthTime.IsZero() {
				t.Errorf("AuthTime %v", got.AuthTime)
			}
			if got.Subject != "user" || !p.AuthTime.Equal(tt.at) {
				t.Errorf("got %+v from %+v, want no other change", got, p)
			}
		})
	}
}
