package explain

import (
	"fmt"
	"time"

	"github.com/bearerkit/bearerkit/cmd/bearer/internal/profile"
	"github.com/bearerkit/bearerkit/internal/claims"
	"github.com/bearerkit/bearerkit/internal/jose"
	"github.com/bearerkit/bearerkit/internal/strictjson"
)

// claimSet has the members of a payload.
type claimSet map[string]strictjson.Value

func readClaims(payload []byte) (claimSet, error) {
	set := claimSet{}
	err := strictjson.Object(payload, func(name []byte, value strictjson.Value) error {
		set[string(name)] = value
		return nil
	})
	if err != nil {
		return nil, err
	}
	return set, nil
}

func (s claimSet) has(name string) bool { return s[name] != nil && s[name].Kind() != 'n' }

func (s claimSet) text(name string) string { return textOf(s[name]) }

// list returns a claim that is a string or an array of strings.
func (s claimSet) list(name string) []string {
	v := s[name]
	if v == nil {
		return nil
	}
	if list, err := strictjson.Strings(v); err == nil {
		return list
	}
	if text, err := strictjson.String(v); err == nil {
		return []string{text}
	}
	return nil
}

// checkClaims checks that the payload is a JSON object with an iss.
func (j *judge) checkClaims() {
	if j.payload == nil {
		j.skip("the payload cannot be read", "claims")
		return
	}
	set, err := readClaims(j.payload)
	got, passed := "", false
	switch {
	case err != nil:
		got = err.Error()
	case !set.has("iss"):
		j.claims, got = set, "no iss"
	default:
		j.claims = set
		if j.iss, err = strictjson.String(set["iss"]); err != nil {
			got = "iss is " + err.Error()
		} else {
			passed, got = true, fmt.Sprintf("%d claims", len(set))
		}
	}
	j.verdict("claims", passed, Check{Log: "claims", Expected: "a JSON object with an iss", Got: got})
	j.likely, j.report.Token.Why, j.isLikely = profile.Likely(j.header.Type, j.payload)
	if j.claims != nil && j.isLikely {
		j.report.Token.Likely = j.likely.Name
		if j.guesses {
			j.config.Profile, j.issuer.Profile = j.likely, j.likely.Profile
		}
	}
	j.report.Token.Profile = j.config.Profile.Name
	j.report.Token.Claims = j.claimTexts()
}

func (j *judge) checkIssuer() {
	switch {
	case j.iss == "" && !j.passed("claims"):
		j.skip("the token names no issuer", "issuer")
	case !j.knowsAPI():
		j.skip("no --issuer was given; the token says "+shown(j.iss)+", unverified", "issuer")
	default:
		j.verdict("issuer", j.iss == j.config.Issuer, Check{Log: "iss", Expected: shown(j.config.Issuer), Got: shown(j.iss)})
	}
}

// checkHeader checks alg and typ.
func (j *judge) checkHeader() {
	if j.header.Algorithm == "" {
		j.skip("the header cannot be read", "algorithm", "type")
		return
	}
	j.verdict("algorithm", jose.Algorithm(j.header.Algorithm).Supported(), Check{
		Log: "alg", Expected: "a signature by a public key, such as RS256 or ES256", Got: shown(j.header.Algorithm),
	})
	got := "none"
	if j.header.HasType {
		got = shown(j.header.Type)
	}
	j.verdict("type", j.acceptsType(), Check{
		Log: "typ", Expected: "one of " + quoted(j.types()) + " (profile " + j.config.Profile.Name + ")", Got: got,
	})
}

// types returns the typ values of the profile.
func (j *judge) types() []string {
	if t := j.config.Profile.Profile.Types; t != nil {
		return t
	}
	return []string{"at+jwt"}
}

func (j *judge) acceptsType() bool {
	for _, t := range j.types() {
		if jose.NormalizeType(t) == jose.NormalizeType(j.header.Type) {
			return true
		}
	}
	return false
}

// shownClaims are the claims that a report shows.
var shownClaims = []string{
	"iss", "aud", "sub", "client_id", "azp", "appid", "cid", "typ", "token_use", "token_type", "ver", "tid", "scope", "scp", "permissions", "roles",
	"realm_access", "resource_access", "groups", "iat", "nbf", "exp", "jti", "nonce", "events", "htm", "htu", "cnf",
}

func (j *judge) claimTexts() []Claim {
	var texts []Claim
	for _, name := range shownClaims {
		value := j.claims[name]
		if value == nil {
			continue
		}
		text := clipped(textOf(value))
		if date, err := claims.Date(value); err == nil && isDate(name) {
			text += " (" + j.timeText(date) + ")"
		}
		texts = append(texts, Claim{name, text})
	}
	return texts
}

func isDate(name string) bool { return name == "iat" || name == "nbf" || name == "exp" }

// timeText returns a time, and how far it is from now.
func (j *judge) timeText(t time.Time) string {
	text := t.UTC().Format(time.RFC3339)
	switch d := t.Sub(j.now).Round(time.Second); {
	case d > 0:
		return text + ", in " + durationText(d)
	case d < 0:
		return text + ", " + durationText(-d) + " ago"
	}
	return text + ", now"
}

// durationText rounds a duration to what matters.
func durationText(d time.Duration) string {
	plural := func(n int, unit string) string {
		if n == 1 {
			return "1 " + unit
		}
		return fmt.Sprintf("%d %ss", n, unit)
	}
	switch {
	case d >= 48*time.Hour:
		return plural(int(d/(24*time.Hour)), "day")
	case d >= 2*time.Hour:
		return plural(int(d/time.Hour), "hour")
	case d >= 2*time.Minute:
		return plural(int(d/time.Minute), "minute")
	}
	return plural(int(d/time.Second), "second")
}

// describe tells what kind of token this is, by its form.
func (j *judge) describe() {
	j.report.Token.Kind = j.kindText()
	for _, name := range []string{"alg", "typ", "kid"} {
		if value := j.rawHeader[name]; value != nil {
			j.report.Token.Header = append(j.report.Token.Header, Claim{name, clipped(textOf(value))})
		}
	}
}
