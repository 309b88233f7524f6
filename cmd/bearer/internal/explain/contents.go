package explain

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/internal/claims"
	"github.com/bearerkit/bearerkit/internal/strictjson"
)

// checkContents checks what the token says, apart from its header.
func (j *judge) checkContents() error {
	if j.claims == nil {
		j.skip("the claims cannot be read", "claim types", "kind", "required claims", "audience", "not before", "issued", "expiry", "binding")
		j.skipRoute("the claims cannot be read")
		return nil
	}
	mistakes, p, err := j.contents()
	if err != nil {
		return err
	}
	malformed := j.addContents(mistakes)
	if p == nil {
		p = &bearer.Principal{}
	}
	j.principal = p
	j.checkAudience(malformed)
	j.checkTimes(malformed)
	j.checkBinding(malformed)
	j.checkRoute()
	return nil
}

// addContents adds the checks that the SDK made of the copy. It returns the claims
// that are malformed.
func (j *judge) addContents(mistakes []*bearer.Error) (malformed []string) {
	names := []string{"claim types", "kind", "required claims", "not before", "subject"}
	passed := map[string]Check{
		"claim types":     {Expected: "claims of the right types", Got: "well-formed claims"},
		"kind":            {Expected: "an access token", Got: "nothing marks it as another kind of token"},
		"required claims": {Expected: "all claims that the profile " + j.config.Profile.Name + " requires", Got: "all of them"},
	}
	for _, name := range names {
		var c Check
		for _, e := range mistakes {
			if stageOf(e) != name {
				continue
			}
			if isMalformed(e) {
				malformed = append(malformed, e.Check)
			}
			c = joined(c, e)
		}
		if c.Log != "" {
			j.verdict(name, false, c)
		} else if good, ok := passed[name]; ok {
			j.verdict(name, true, good)
		} else if name == "subject" && (j.config.Profile.Profile.Subjects != nil || j.config.Profile.Profile.ClientsOnly) {
			j.verdict(name, true, Check{Expected: "a subject that the profile accepts", Got: shown(j.claims.text("sub"))})
		}
	}
	return malformed
}

// joined adds a mistake to a check.
func joined(c Check, e *bearer.Error) Check {
	expected, got := e.Expected, e.Got
	if isMalformed(e) {
		expected, got = "a well-formed "+e.Check, e.Check+" is "+e.Got
	}
	if c.Log == "" {
		return Check{Log: e.Check, Expected: expected, Got: got}
	}
	if c.Expected != expected {
		c.Expected += "; " + expected
	}
	c.Got += "; " + got
	return c
}

// audienceClaim is the claim that contains the audience.
func (j *judge) audienceClaim() string {
	return cmpOr(j.config.Profile.Profile.Audience, "aud")
}

func (j *judge) checkAudience(malformed []string) {
	claim := j.audienceClaim()
	list := j.claims.list(claim)
	got := "none"
	if list != nil {
		got = quoted(list)
	}
	switch {
	case slices.Contains(malformed, claim):
		j.skip("it is malformed", "audience")
	case !j.knowsAPI():
		j.skip("no --audience was given; the token says "+got+", unverified", "audience")
	default:
		passed := slices.ContainsFunc(j.config.Audience, func(a string) bool { return slices.Contains(list, a) })
		j.verdict("audience", passed, Check{Log: claim, Expected: "one of " + quoted(j.config.Audience), Got: got})
	}
}

// checkTimes checks nbf, iat and exp, each by itself.
func (j *judge) checkTimes(malformed []string) {
	leeway := j.config.Leeway
	if leeway == 0 {
		leeway = defaultLeeway
	}
	for _, t := range []struct{ name, claim, expected string }{
		{"not before", "nbf", "a time up to now"}, {"issued", "iat", "a time up to now"}, {"expiry", "exp", "a time after now"},
	} {
		value := j.claims[t.claim]
		date, err := dateOf(value)
		switch {
		case slices.Contains(malformed, t.claim):
			if t.claim != "nbf" { // its check has failed already
				j.skip("it is malformed", t.name)
			}
			continue
		case err != nil || date.IsZero():
			j.skip("the token has no "+t.claim, t.name)
			continue
		}
		p := &bearer.Principal{}
		var notBefore time.Time
		switch t.claim {
		case "nbf":
			notBefore = date
		case "iat":
			p.IssuedAt = date
		case "exp":
			p.Expires = date
		}
		refused := claims.CheckTimes(j.now, notBefore, p, max(leeway, 0))
		expected := fmt.Sprintf("%s, with a leeway of %s", t.expected, durationText(max(leeway, 0)))
		j.verdict(t.name, refused == nil, Check{Log: t.claim, Expected: expected, Got: j.timeText(date)})
	}
}

// dateOf returns a NumericDate, and the zero time without a value.
func dateOf(value strictjson.Value) (time.Time, error) {
	if value == nil {
		return time.Time{}, nil
	}
	return claims.Date(value)
}

func (j *judge) checkBinding(malformed []string) {
	cnf := j.principal.Confirmation
	got := "no binding"
	switch {
	case slices.Contains(malformed, "cnf"):
		j.skip("cnf is malformed", "binding")
		return
	case cnf.JKT != "" && cnf.X5TS256 != "":
		got = "a token that is bound to a key (jkt) and to a certificate (x5t#S256)"
	case cnf.JKT != "":
		got = "a token that is bound to a key (jkt)"
	case cnf.X5TS256 != "":
		got = "a token that is bound to a certificate (x5t#S256)"
	case cnf.Other:
		got = "a token with an unknown binding"
	}
	j.verdict("binding", cnf.IsZero(), Check{
		Log: "cnf", Expected: "a token that its holder may send without a proof", Got: got,
	})
}

// skipRoute skips what the route requires.
func (j *judge) skipRoute(why string) {
	if len(j.config.Scope) > 0 {
		j.skip(why, "scope")
	}
	if len(j.config.Roles) > 0 {
		j.skip(why, "role")
	}
}

// checkRoute checks the scopes and the roles.
func (j *judge) checkRoute() {
	p := j.principal
	if len(j.config.Scope) > 0 {
		j.verdict("scope", j.rule().Allows(p.Scopes), Check{
			Log: "scope", Expected: strings.Join(j.config.Scope, " "), Got: cmpOr(clipped(p.Scopes.String()), "none"),
			Note: "read from " + strings.Join(j.scopeClaims(), ", "),
		})
	}
	if len(j.config.Roles) == 0 {
		return
	}
	lacking := slices.DeleteFunc(slices.Clone(j.config.Roles), p.HasRole)
	got := "none"
	if roles := p.Roles(); len(roles) > 0 {
		got = quoted(roles)
	}
	j.verdict("role", len(lacking) == 0, Check{
		Log: "role", Expected: quoted(j.config.Roles), Got: got, Note: "read from " + cmpOr(strings.Join(j.rolePointers(), ", "), "no claim"),
	})
}

// scopeClaims returns the claims from which the profile reads scopes.
func (j *judge) scopeClaims() []string {
	if s := j.config.Profile.Profile.Scope; s != nil {
		return s
	}
	return []string{"scope", "scp"}
}

// rolePointers returns where the profile reads roles.
func (j *judge) rolePointers() []string {
	if r := j.config.Profile.Profile.Roles; r != nil {
		return r
	}
	return claims.DefaultRoles
}
