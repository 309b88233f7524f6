package bearer

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"strconv"

	"github.com/bearerkit/bearerkit/internal/pointer"
	"github.com/bearerkit/bearerkit/internal/strictjson"
)

// Claim requires that the token has a claim with exactly this value, or with an
// array that contains it. A JSON pointer (RFC 6901) names the claim:
//
//	bearer.Claim("/tenant", "acme")
//	bearer.Claim("/https:~1~1example.com~1features/beta", true)
//
// Write ~1 for a slash in a name, and ~0 for a tilde. A string never equals a
// number, and an integer equals only a number that the token writes as an integer.
// The refusal is 403 without a challenge. The log does not show the token's value.
//
// With [Both], the claims are those of the first verifier.
func Claim[V string | bool | int | int64 | float64](at string, value V) Requirement {
	q := claim{text: at, value: value}
	q.at, q.err = pointer.Parse(at)
	return q
}

type claim struct {
	text  string
	at    pointer.Pointer
	err   error // a mistake in text
	value any   // a string, bool, int, int64 or float64
}

func (q claim) isMet(p *Principal) bool {
	met, _ := q.look(p)
	return met
}

func (q claim) Check(_ *http.Request, p *Principal) error {
	met, got := q.look(p)
	if met {
		return nil
	}
	e := Forbid("")
	e.Check, e.Expected, e.Got = "claim", q.text+" to be or to contain "+q.valueText(), got
	return e
}

// look reports whether p has the claim. If not, got describes what p has instead.
func (q claim) look(p *Principal) (met bool, got string) {
	found, err := q.at.Find(p.claims)
	switch {
	case q.err != nil:
		return false, "nothing, since the pointer is malformed"
	case err != nil:
		return false, err.Error()
	case found == nil:
		return false, "none"
	case found.Kind() != '[':
		return q.equals(found), "another value"
	}
	err = strictjson.Array(found, func(element strictjson.Value) error {
		met = met || q.equals(element)
		return nil
	})
	return met && err == nil, "an array without it"
}

// equals reports whether a value of the token is the one that q requires.
func (q claim) equals(found strictjson.Value) bool {
	switch want := q.value.(type) {
	case string:
		if plain, isPlain, _ := strictjson.Text(found); isPlain {
			return string(plain) == want
		}
		text, err := strictjson.String(found)
		return err == nil && text == want
	case bool:
		is, err := strictjson.Bool(found)
		return err == nil && is == want
	case int:
		return isInteger(found, int64(want))
	case int64:
		return isInteger(found, want)
	case float64:
		x, err := strconv.ParseFloat(string(found), 64) // no other JSON is a number
		return err == nil && x == want
	}
	return false
}

func isInteger(found strictjson.Value, want int64) bool {
	n, err := strconv.ParseInt(string(found), 10, 64)
	return err == nil && n == want
}

func (q claim) valueText() string {
	if s, ok := q.value.(string); ok {
		return fmt.Sprintf("%.64q", s)
	}
	return fmt.Sprint(q.value)
}

func (q claim) validate() error {
	if q.err != nil {
		return fmt.Errorf("Claim %q %w", q.text, q.err)
	}
	switch want := q.value.(type) {
	case string:
		if want == "" {
			return fmt.Errorf("Claim %q with an empty value; is a setting empty?", q.text)
		}
	case float64:
		if math.IsNaN(want) || math.IsInf(want, 0) {
			return errors.New("Claim with a value that is no number in JSON")
		}
	}
	return nil
}
