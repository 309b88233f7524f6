package bearer

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// StepUp requires an authentication that is strong enough, recent enough, or
// both (RFC 9470). It is judged before every other [Requirement], and refused
// with 401 insufficient_user_authentication, acr_values and max_age.
type StepUp struct {
	// ACR lists the authentication context classes of which the token's acr
	// must be one, in order of preference. Empty: any.
	ACR []string

	// MaxAge is how long ago the user may have authenticated (auth_time), in
	// whole seconds. Zero: ever so long. A token without auth_time does not
	// satisfy it, and no leeway stretches it.
	MaxAge time.Duration
}

// maxAhead is the most that a clock may be ahead of ours. Verifiers with a
// leeway of their own, which is never more than this, pass no auth_time on
// that is further ahead than that.
const maxAhead = 5 * time.Minute

// Check judges the acr and auth_time of p. A StepUp that [Guard.Route] would
// not register, and that a [RequirementFunc] may build at a request, lets
// nobody in, and none of its values reaches a challenge.
func (s StepUp) Check(_ *http.Request, p *Principal) error {
	if err := s.validate(); err != nil {
		return err
	}
	refused := func(check, expected, got string) error {
		return &Error{
			Code: CodeInsufficientUserAuth, Check: check, Expected: expected, Got: got,
			Principal: p, stepUp: &s,
		}
	}
	if len(s.ACR) > 0 && !slices.Contains(s.ACR, p.ACR) {
		return refused("acr", "one of "+strings.Join(s.ACR, " "), orNone(p.ACR))
	}
	if s.MaxAge > 0 {
		expected := "within " + s.MaxAge.String()
		if p.AuthTime.IsZero() {
			return refused("auth_time", expected, "none")
		}
		age := time.Since(p.AuthTime)
		if age > s.MaxAge || age < -maxAhead {
			return refused("auth_time", expected, age.Truncate(time.Second).String()+" ago")
		}
	}
	return nil
}

func (s StepUp) validate() error {
	var errs []error
	if len(s.ACR) == 0 && s.MaxAge == 0 {
		errs = append(errs, errors.New("StepUp without ACR and MaxAge requires nothing"))
	}
	if s.MaxAge < 0 || s.MaxAge%time.Second != 0 {
		errs = append(errs, fmt.Errorf("StepUp.MaxAge of %v; want whole seconds (RFC 9470, Section 3)", s.MaxAge))
	}
	for _, acr := range s.ACR {
		if acr == "" || !isParamText(acr) || strings.Contains(acr, " ") {
			errs = append(errs, fmt.Errorf("StepUp.ACR value %q; want visible ASCII without space, quote and backslash", acr))
		}
	}
	return errors.Join(errs...)
}

// appendParams writes the parameters of RFC 9470, Section 3.
func (s *StepUp) appendParams(b []byte) []byte {
	if len(s.ACR) > 0 {
		b = appendParam(b, "acr_values", strings.Join(s.ACR, " "))
	}
	if s.MaxAge > 0 {
		b = appendParam(b, "max_age", strconv.FormatInt(int64(s.MaxAge/time.Second), 10))
	}
	return b
}

// owned returns r, or a StepUp that shares nothing with r's owner.
func owned(r Requirement) Requirement {
	var s StepUp
	switch r := r.(type) {
	case StepUp:
		s = r
	case *StepUp:
		s = *r
	default:
		return r
	}
	s.ACR = slices.Clone(s.ACR)
	return s
}

func isStepUp(r Requirement) bool {
	switch r.(type) {
	case StepUp, *StepUp:
		return true
	}
	return false
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return strconv.Quote(s)
}
