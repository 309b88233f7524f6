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

// StepUp requires an authentication that is strong enough, recent enough, or both
// (RFC 9470). The guard checks it before every other [Requirement]. The refusal
// is 401 insufficient_user_authentication with acr_values and max_age. At least
// one field must be set.
type StepUp struct {
	// ACR lists the accepted authentication context classes (acr), in order of
	// preference. Default: any.
	ACR []string

	// MaxAge is the maximum time since the user authenticated (auth_time), in
	// whole seconds, without any leeway. A token without auth_time does not
	// satisfy it. Default: no limit.
	MaxAge time.Duration
}

// maxAhead is how far auth_time may lie in the future. Verifiers discard an
// auth_time that exceeds their own leeway, which is never larger than this.
const maxAhead = 5 * time.Minute

// Check judges the acr and auth_time of p. An invalid StepUp, which a
// [RequirementFunc] may build at run time and which [Guard.Route] would reject,
// refuses every request, and none of its values reaches a challenge.
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
		errs = append(errs, errors.New("StepUp without ACR and MaxAge; set at least one"))
	}
	if s.MaxAge < 0 || s.MaxAge%time.Second != 0 {
		errs = append(errs, fmt.Errorf("StepUp.MaxAge of %v; want whole seconds (RFC 9470, Section 3)", s.MaxAge))
	}
	for _, acr := range s.ACR {
		if acr == "" || !isParamText(acr) || strings.Contains(acr, " ") {
			errs = append(errs, fmt.Errorf("StepUp.ACR value %q; want visible ASCII without spaces, quotes and backslashes", acr))
		}
	}
	return errors.Join(errs...)
}

// appendParams appends the parameters of RFC 9470, Section 3.
func (s *StepUp) appendParams(b []byte) []byte {
	if len(s.ACR) > 0 {
		b = appendParam(b, "acr_values", strings.Join(s.ACR, " "))
	}
	if s.MaxAge > 0 {
		b = appendParam(b, "max_age", strconv.FormatInt(int64(s.MaxAge/time.Second), 10))
	}
	return b
}

// owned returns r, or a deep copy if r is a StepUp.
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
