package claims

import (
	"errors"
	"math"
	"strconv"
	"time"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/internal/strictjson"
)

// CheckTimes checks nbf, iat and exp (RFC 7519, Section 4.1), allowing leeway
// for clocks that differ. It ignores a zero time. It checks exp last, so a
// token is reported as expired only if its other times are valid.
func CheckTimes(now, notBefore time.Time, p *bearer.Principal, leeway time.Duration) *bearer.Error {
	at := func(t time.Time) string { return t.UTC().Format(time.RFC3339) }
	switch badTime(now, notBefore, p, leeway) {
	case "nbf":
		return bearer.Invalid("nbf", "a time up to now, "+at(now), at(notBefore))
	case "iat":
		return bearer.Invalid("iat", "a time up to now, "+at(now), at(p.IssuedAt))
	case "exp":
		return bearer.Expired("a time after now, "+at(now), at(p.Expires))
	}
	return nil
}

// TimesHold reports whether CheckTimes returns nil. It builds no refusal.
func TimesHold(now, notBefore time.Time, p *bearer.Principal, leeway time.Duration) bool {
	return badTime(now, notBefore, p, leeway) == ""
}

// badTime returns the claim that CheckTimes refuses, or the empty string.
func badTime(now, notBefore time.Time, p *bearer.Principal, leeway time.Duration) string {
	switch {
	case now.Before(notBefore.Add(-leeway)):
		return "nbf"
	case now.Before(p.IssuedAt.Add(-leeway)):
		return "iat"
	case !p.Expires.IsZero() && !now.Before(p.Expires.Add(leeway)):
		return "exp"
	}
	return ""
}

// maxNumericDate is the end of the year 9999, in seconds since 1970.
const maxNumericDate = 253402300799

// Date returns a claim that must be a NumericDate.
func (v *Values) Date(i int) (time.Time, error) {
	if v.raw[i] == nil {
		return time.Time{}, nil
	}
	t, err := Date(v.raw[i])
	if err != nil {
		return time.Time{}, v.malformed(i, err)
	}
	return t, nil
}

// Date parses a NumericDate: a JSON number of seconds, with or without a
// fraction (RFC 7519, Section 2).
func Date(value strictjson.Value) (time.Time, error) {
	if value.Kind() != '0' {
		return time.Time{}, strictjson.WrongKind(value, "a number")
	}
	if seconds, ok := shortInteger(value); ok {
		return time.Unix(seconds, 0), nil
	}
	seconds, err := strconv.ParseFloat(string(value), 64)
	if err != nil || seconds < 0 || seconds > maxNumericDate {
		return time.Time{}, errors.New("a number outside the years 1970 to 9999")
	}
	whole, fraction := math.Modf(seconds)
	return time.Unix(int64(whole), int64(fraction*1e9)), nil
}

// shortInteger parses a number of at most eleven digits, without sign, fraction
// or exponent. Nearly all dates have this form.
func shortInteger(value []byte) (n int64, ok bool) {
	if len(value) > 11 {
		return 0, false
	}
	for _, c := range value {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = 10*n + int64(c-'0')
	}
	return n, true
}
