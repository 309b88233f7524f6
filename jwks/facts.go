package jwks

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/internal/claims"
)

// facts are what a token with a verified signature says, and who signed it. They
// do not change. The verifier judges them again on each request.
type facts struct {
	issuer    *issuer
	notBefore time.Time
	principal bearer.Principal

	// At any time t with from <= t < until, in nanoseconds since 1970, the
	// token's nbf, iat, auth_time and exp are all good.
	from, until int64
}

// setTimes sets from and until.
func (f *facts) setTimes(leeway time.Duration) {
	p := &f.principal
	for _, t := range [...]time.Time{f.notBefore, p.IssuedAt, p.AuthTime} {
		if !t.IsZero() {
			f.from = max(f.from, nanoseconds(t.Add(-leeway)))
		}
	}
	f.until = nanoseconds(p.Expires.Add(leeway))
}

// nanoseconds is t.UnixNano, which is undefined after the year 2262, with the
// greatest value from then on.
func nanoseconds(t time.Time) int64 {
	if t.Unix() >= math.MaxInt64/int64(time.Second) {
		return math.MaxInt64
	}
	return t.UnixNano()
}

// holds reports whether judge accepts the token. It builds no refusal.
func (f *facts) holds(now time.Time, leeway time.Duration) bool {
	p := &f.principal
	return f.issuer.isAudience(p) && (f.inTime(now) || claims.TimesHold(now, f.notBefore, p, leeway))
}

// inTime reports whether the token's nbf, iat, auth_time and exp are all good.
func (f *facts) inTime(now time.Time) bool {
	at := now.UnixNano()
	return f.from <= at && at < f.until
}

// judge checks the audience and the times. It checks the expiry last, so that a
// token refused as expired has passed every other check.
func (f *facts) judge(now time.Time, leeway time.Duration) (*bearer.Principal, error) {
	p := &f.principal
	if refused := f.issuer.checkAudience(p); refused != nil {
		return nil, f.refuse(refused)
	}
	if f.inTime(now) {
		return p, nil
	}
	if refused := claims.CheckTimes(now, f.notBefore, p, leeway); refused != nil {
		return nil, f.refuse(refused)
	}
	return claims.PastAuthTime(now, p, leeway), nil
}

func (i *issuer) isAudience(p *bearer.Principal) bool {
	return slices.ContainsFunc(i.audience, p.HasAudience)
}

func (i *issuer) checkAudience(p *bearer.Principal) *bearer.Error {
	if i.isAudience(p) {
		return nil
	}
	got := "none"
	if audience := p.Audience(); len(audience) > 0 {
		got = fmt.Sprintf("%.200q", strings.Join(audience, " "))
	}
	return bearer.Invalid(i.profile.Name(i.profile.audience), fmt.Sprintf("one of %q (Issuer.Audience)", i.audience), got)
}

// refuse adds the token's principal to a refusal.
func (f *facts) refuse(refused *bearer.Error) error {
	own := f.principal // a copy, since the receiver of the error may change it
	refused.Principal = &own
	return hinted(refused)
}
