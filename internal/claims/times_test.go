package claims_test

import (
	"testing"
	"time"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/internal/claims"
	"github.com/bearerkit/bearerkit/internal/strictjson"
)

func TestDate(t *testing.T) {
	tests := []struct {
		value string
		want  time.Time // zero: an error
	}{
		{"0", time.Unix(0, 0)},
		{"1700000000", time.Unix(1700000000, 0)},
		{"1700000000.5", time.Unix(1700000000, 5e8)},
		{"1.7e9", time.Unix(1700000000, 0)},
		{"253402300799", time.Unix(253402300799, 0)},
		{"253402300800", time.Time{}},
		{"99999999999", time.Unix(99999999999, 0)},
		{"-1", time.Time{}},
		{"1e400", time.Time{}},
		{`"1700000000"`, time.Time{}},
		{"null", time.Time{}},
		{"[]", time.Time{}},
	}
	for _, tt := range tests {
		got, err := claims.Date(strictjson.Value(tt.value))
		if (err != nil) != tt.want.IsZero() || err == nil && !got.Equal(tt.want) {
			t.Errorf("Date(%s) = %v, %v; want %v", tt.value, got, err, tt.want)
		}
	}
}

// RFC 7519, Sections 4.1.4 to 4.1.6: a token is valid from nbf and iat until
// just before exp, extended by the leeway on both sides.
func TestCheckTimes(t *testing.T) {
	const leeway = 5 * time.Second
	now := time.Unix(1700000000, 0)
	after := func(d time.Duration) time.Time { return now.Add(d) }
	tests := []struct {
		name          string
		nbf, iat, exp time.Time
		check         string // that fails; empty: none
	}{
		{name: "no times"},
		{name: "nbf at the leeway", nbf: after(leeway)},
		{name: "nbf beyond the leeway", nbf: after(leeway + 1), check: "nbf"},
		{name: "iat at the leeway", iat: after(leeway)},
		{name: "iat beyond the leeway", iat: after(leeway + 1), check: "iat"},
		{name: "exp within the leeway", exp: after(-leeway + 1)},
		{name: "exp at the leeway", exp: after(-leeway), check: "exp"},
		{name: "expired and not yet valid", nbf: after(time.Hour), exp: after(-time.Hour), check: "nbf"},
	}
	for _, tt := range tests {
		p := bearer.Principal{IssuedAt: tt.iat, Expires: tt.exp}
		err, check := claims.CheckTimes(now, tt.nbf, &p, leeway), ""
		if err != nil {
			check = err.Check
		}
		if check != tt.check {
			t.Errorf("%s: check %q failed, want %q", tt.name, check, tt.check)
		}
	}
}
