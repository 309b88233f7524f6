package jwks

import (
	"errors"
	"testing"
	"time"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/internal/claims"
)

// C9, K8, K9: each hit judges audience, nbf, iat and exp as the first sight does,
// leeway included. The quick comparison with from and until changes no result.
func TestFactsAreJudgedOnEachCall(t *testing.T) {
	const leeway = 5 * time.Second
	base := time.Now().Truncate(time.Second)
	at := func(d time.Duration) time.Time { return base.Add(d) }
	good := facts{notBefore: at(0), principal: bearer.Principal{IssuedAt: at(0), Expires: at(time.Minute)}.WithAudience("api")}
	tests := []struct {
		name   string
		change func(*facts)
		now    time.Time
		check  string // empty: accepted
	}{
		{"good", func(*facts) {}, at(0), ""},
		{"nbf within the leeway", func(f *facts) { f.notBefore = at(leeway) }, at(0), ""},
		{"nbf ahead", func(f *facts) { f.notBefore = at(leeway + 1) }, at(0), "nbf"},
		{"nbf ahead, later", func(f *facts) { f.notBefore = at(leeway + 1) }, at(1), ""},
		{"iat within the leeway", func(f *facts) { f.principal.IssuedAt = at(leeway) }, at(0), ""},
		{"iat ahead", func(f *facts) { f.principal.IssuedAt = at(leeway + 1) }, at(0), "iat"},
		{"no iat, no nbf", func(f *facts) { f.principal.IssuedAt, f.notBefore = time.Time{}, time.Time{} }, at(0), ""},
		{"exp within the leeway", func(*facts) {}, at(time.Minute + leeway - 1), ""},
		{"expired", func(*facts) {}, at(time.Minute + leeway), "exp"},
		{"exp in the year 9999", func(f *facts) { f.principal.Expires = time.Unix(253402300799, 0) }, at(100 * 365 * 24 * time.Hour), ""},
		{"nbf in the year 9999", func(f *facts) { f.notBefore = time.Unix(253402300799, 0) }, at(0), "nbf"},
		// The last second that int64 nanoseconds can hold in part.
		{"nbf in the year 2262", func(f *facts) { f.notBefore = time.Unix(9223372036, 900e6).Add(leeway) }, at(0), "nbf"},
		{"expired in the year 2262", func(f *facts) { f.principal.Expires = time.Unix(9223372035, 0).Add(-leeway) }, time.Unix(9223372035, 1), "exp"},
		{"another audience", func(f *facts) { f.principal = f.principal.WithAudience("other", "apis") }, at(0), "aud"},
		{"no audience", func(f *facts) { f.principal = f.principal.WithAudience() }, at(0), "aud"},
		{"another audience, expired", func(f *facts) { f.principal = f.principal.WithAudience("other") }, at(time.Hour), "aud"},
	}
	profile, err := Profile{}.compile(claims.NewNames())
	if err != nil {
		t.Fatal(err)
	}
	judge := &issuer{audience: []string{"api"}, profile: profile}
	for _, tt := range tests {
		f := good
		tt.change(&f)
		f.issuer = judge
		f.setTimes(leeway)
		p, err := f.judge(tt.now, leeway)
		e, _ := errors.AsType[*bearer.Error](err)
		switch {
		case tt.check == "" && (err != nil || p != &f.principal):
			t.Errorf("%s: %v", tt.name, err)
		case tt.check != "" && (e == nil || e.Check != tt.check || p != nil):
			t.Errorf("%s: %v, want %s", tt.name, err, tt.check)
		case e != nil && e.Principal == &f.principal:
			t.Errorf("%s: the error's principal is the cache's own", tt.name)
		}
	}
	f := good
	f.issuer = judge
	f.principal.AuthTime = at(leeway + 1)
	f.setTimes(leeway)
	if p, err := f.judge(at(0), leeway); err != nil || !p.AuthTime.IsZero() || f.principal.AuthTime.IsZero() {
		t.Errorf("an authentication in the future: %v, %v", p, err)
	}
	if p, err := f.judge(at(1), leeway); err != nil || p != &f.principal {
		t.Errorf("an authentication within the leeway: %v, %v", p, err)
	}
}
