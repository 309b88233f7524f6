package probe

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/bearerkit/bearerkit/bearer/bearertest"
	"github.com/bearerkit/bearerkit/cmd/bearer/internal/finding"
)

const titleChallenge = "its challenge"

// parseChallenges parses WWW-Authenticate strictly. The error fits after a colon.
func parseChallenges(lines []string) ([]bearertest.Challenge, error) {
	challenges, err := bearertest.ParseChallenges(lines)
	if err == nil {
		return challenges, nil
	}
	text := strings.TrimPrefix(err.Error(), "bearertest: WWW-Authenticate ")
	if at := strings.LastIndex(text, `": `); at >= 0 { // after the quoted line
		text = text[at+len(`": `):]
	}
	return nil, errors.New(finding.Clip(text) + ", in: " + finding.Clip(strings.Join(lines, " | ")))
}

// challenge checks the challenge of the answer without a token.
func (d *doctor) challenge() {
	step := d.step("challenge", titleChallenge)
	if d.first.Status != http.StatusUnauthorized {
		step.skip("the API did not answer 401")
		return
	}
	lines := d.first.Header.Values("WWW-Authenticate")
	if len(lines) == 0 {
		do := "send WWW-Authenticate: Bearer realm=\"…\" with every 401; if the API does, a proxy removes it"
		if via := d.first.Header.Get("Via"); via != "" {
			do += ", such as the one that Via names: " + finding.Quote(via)
		}
		step.fault("challenge-missing", "the 401 has no WWW-Authenticate", do, "RFC 9110, Section 15.5.2; RFC 6750, Section 3")
		return
	}
	challenges, err := parseChallenges(lines)
	if err != nil {
		step.fault("challenge-malformed", "WWW-Authenticate is malformed: "+err.Error(), "put each value in quotation marks, a comma between parameters, and each challenge in a field of its own", "RFC 9110, Section 11.6.1")
		return
	}
	d.challenged = true
	d.checkChallenges(step, challenges)
}

func (d *doctor) checkChallenges(step *Step, challenges []bearertest.Challenge) {
	var schemes []string
	for _, c := range challenges {
		schemes = append(schemes, finding.Clip(c.Scheme))
		if !strings.EqualFold(c.Scheme, "Bearer") && !strings.EqualFold(c.Scheme, "DPoP") {
			continue
		}
		d.bearer = d.bearer || strings.EqualFold(c.Scheme, "Bearer")
		if at := c.Params["resource_metadata"]; at != "" && d.announced == "" {
			d.announced = at
		}
		if len(c.Params) == 0 {
			step.fault("challenge-bare", "the challenge "+c.Scheme+" has no parameter", "add at least realm", "RFC 6750, Section 3")
		}
		if code, ok := c.Params["error"]; ok {
			step.warn("challenge-error", "the challenge has the error code "+finding.Quote(code)+" although the request has no token", "send an error code only for a request with a token", "RFC 6750, Section 3.1")
			break // once for all challenges
		}
	}
	isToken := func(s string) bool { return strings.EqualFold(s, "Bearer") || strings.EqualFold(s, "DPoP") }
	if !slices.ContainsFunc(schemes, isToken) {
		step.fault("challenge-scheme", "no challenge has the scheme Bearer or DPoP, but "+finding.Quote(strings.Join(schemes, ", ")), "send a challenge Bearer, so that clients know that a token helps", "RFC 6750, Section 3")
		return
	}
	step.Found = strings.Join(schemes, " and ")
	if d.announced == "" {
		step.Found += ", without resource_metadata: clients must know the issuer already"
	} else {
		step.Found += ", with resource_metadata"
	}
}
