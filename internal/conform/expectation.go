package conform

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Expectation is what an answer must or should be. The zero Expectation expects
// nothing.
type Expectation struct {
	// Status lists the accepted statuses: 401, a class such as 4xx, or !2xx for
	// anything but success, also no answer at all.
	Status []string `json:"status"`

	// Challenge is "present" if WWW-Authenticate must have a well-formed challenge
	// of a scheme that takes access tokens, or "absent". A Bearer challenge must have
	// a parameter.
	Challenge string `json:"challenge"`

	// Scheme is the scheme of one of the challenges.
	Scheme string `json:"scheme"`

	// Error lists the accepted error codes. "" is a challenge without a code.
	Error []string `json:"error"`

	// Params are parameters that one challenge must have. "*" is any value. Scopes
	// are compared as sets.
	Params map[string]string `json:"params"`

	// NoParams are parameters that no challenge may have.
	NoParams []string `json:"noParams"`

	// Header has fields that the answer must have. The value must occur in the
	// field, in any case; "" is any value, "!" no such field, and "!x" a field
	// without x.
	Header map[string]string `json:"header"`

	// Body is text that the body must contain, and NoBody text that it must not.
	Body   string `json:"body"`
	NoBody string `json:"noBody"`

	// JSON has members that the body, a JSON object, must have: "*" is any value,
	// "!" none, and another text is compared with a string or found in an array.
	JSON map[string]string `json:"json"`

	// Trap is true if nothing may have requested the attacker's server.
	Trap bool `json:"trap"`

	// Like compares the answer with that of the step before: status, challenges
	// and body must be the same.
	Like bool `json:"like"`
}

var statusPattern = regexp.MustCompile(`^([1-5][0-9][0-9]|[1-5]xx|!2xx)$`)

func (e Expectation) isZero() bool {
	return e.Status == nil && e.Challenge == "" && e.Scheme == "" && e.Error == nil && e.Params == nil &&
		e.NoParams == nil && e.Header == nil && e.Body == "" && e.NoBody == "" && e.JSON == nil && !e.Trap && !e.Like
}

// expanded returns the expectation with its placeholders replaced.
func (e Expectation) expanded(v values) (Expectation, error) {
	var mistakes []error
	expand := func(text string) string {
		expanded, err := v.expand(text)
		mistakes = append(mistakes, err)
		return expanded
	}
	all := func(texts map[string]string) map[string]string {
		if texts == nil {
			return nil
		}
		expanded := map[string]string{}
		for name, text := range texts {
			expanded[name] = expand(text)
		}
		return expanded
	}
	e.Params, e.Header, e.JSON = all(e.Params), all(e.Header), all(e.JSON)
	e.Body, e.NoBody = expand(e.Body), expand(e.NoBody)
	return e, errors.Join(mistakes...)
}

// Challenge is one challenge of WWW-Authenticate.
type Challenge struct {
	Scheme string
	Params map[string]string
}

// Answer is what the API answered. Status 0 is no answer.
type Answer struct {
	Status int
	Reason string // why there is no answer
	Header http.Header
	Body   []byte

	challenges []Challenge
	malformed  error // of WWW-Authenticate
}

// problems returns how an answer differs from what is expected.
func (e Expectation) problems(a, before *Answer, trapped int) []string {
	var list []string
	add := func(format string, values ...any) { list = append(list, fmt.Sprintf(format, values...)) }
	if len(e.Status) > 0 && !a.matches(e.Status) {
		add("%s, want %s", a.status(), strings.ReplaceAll(strings.Join(e.Status, " or "), "!2xx", "a refusal"))
	}
	if e.Trap && trapped > 0 {
		add("requests of the API to the attacker's server: %d", trapped)
	}
	if a.Status == 0 {
		// No answer breaks nothing that speaks of what an answer must not have.
		if len(list) == 0 && e.wantsContent() {
			add("%s, want one", a.status())
		}
		return list
	}
	list = append(list, e.challengeProblems(a)...)
	for name, want := range e.Header {
		got := strings.Join(a.Header.Values(name), ", ")
		switch has := len(a.Header.Values(name)) > 0; {
		case want == "!" && has:
			add("field %s: %q, want none", name, clip(got))
		case len(want) > 1 && want[0] == '!':
			if strings.Contains(strings.ToLower(got), strings.ToLower(want[1:])) {
				add("field %s: %q, want no %q", name, clip(got), want[1:])
			}
		case want != "!" && !has:
			add("no field %s", name)
		case want != "!" && !strings.Contains(strings.ToLower(got), strings.ToLower(want)):
			add("field %s: %q, want %q", name, clip(got), want)
		}
	}
	if e.Body != "" && !bytes.Contains(a.Body, []byte(e.Body)) {
		add("the body does not contain %q", e.Body)
	}
	if e.NoBody != "" && bytes.Contains(bytes.ToLower(a.Body), bytes.ToLower([]byte(e.NoBody))) {
		add("the body contains %q", e.NoBody)
	}
	list = append(list, memberProblems(e.JSON, a.Body)...)
	if e.Like && before != nil && !a.like(before) {
		add("the answer differs from the one before: %s and %s", before.status(), a.status())
	}
	slices.Sort(list)
	return list
}

// wantsContent reports whether an answer must have something.
func (e Expectation) wantsContent() bool {
	return e.Challenge == "present" || e.Scheme != "" || e.Error != nil || e.Params != nil || e.Body != "" || e.JSON != nil || e.Like ||
		slices.ContainsFunc(slices.Collect(maps.Values(e.Header)), func(want string) bool { return !strings.HasPrefix(want, "!") })
}

func (e Expectation) challengeProblems(a *Answer) []string {
	var list []string
	add := func(format string, values ...any) { list = append(list, fmt.Sprintf(format, values...)) }
	judged := e.Challenge != "" || e.Scheme != "" || e.Error != nil || e.Params != nil || e.NoParams != nil
	if judged && a.malformed != nil {
		return []string{"WWW-Authenticate is malformed: " + a.malformed.Error()}
	}
	challenges := a.tokenChallenges()
	if e.Challenge == "present" {
		list = append(list, presence(a, challenges)...)
	}
	if e.Challenge == "absent" && len(challenges) > 0 {
		add("a challenge, want none")
	}
	if e.Scheme != "" && !slices.ContainsFunc(challenges, func(c Challenge) bool { return strings.EqualFold(c.Scheme, e.Scheme) }) {
		add("no %s challenge", e.Scheme)
	}
	if e.Error != nil {
		if got := codes(challenges); !slices.ContainsFunc(got, func(code string) bool { return slices.Contains(e.Error, code) }) {
			add("error code %s, want %s", quoted(got), quoted(e.Error))
		}
	}
	for name, want := range e.Params {
		if !slices.ContainsFunc(challenges, func(c Challenge) bool {
			got, has := c.Params[name]
			return has && (want == "*" || got == want || name == "scope" && sameWords(got, want))
		}) {
			add("no challenge has %s=%q", name, want)
		}
	}
	for _, name := range e.NoParams {
		for _, c := range challenges {
			if value, has := c.Params[name]; has {
				add("a challenge has %s=%q, want no %s", name, clip(value), name)
			}
		}
	}
	return list
}

// presence returns what is wrong with the challenges of an answer that needs one.
func presence(a *Answer, challenges []Challenge) []string {
	if len(challenges) == 0 {
		return []string{"no challenge for access tokens in WWW-Authenticate"}
	}
	var list []string
	for _, c := range challenges {
		// RFC 9449 does not demand a parameter of a DPoP challenge.
		if len(c.Params) == 0 && strings.EqualFold(c.Scheme, "Bearer") {
			list = append(list, "the challenge "+c.Scheme+" has no parameter (RFC 6750, Section 3)")
		}
		for _, name := range []string{"error", "error_description", "scope", "error_uri"} {
			if value := c.Params[name]; strings.ContainsFunc(value, isOutsideGrammar) {
				list = append(list, fmt.Sprintf("%s=%q has characters outside RFC 6750, Section 3", name, clip(value)))
			}
		}
	}
	return list
}

// isOutsideGrammar reports whether a character may occur in no parameter of RFC
// 6750, Section 3.
func isOutsideGrammar(c rune) bool { return c < ' ' || c > '~' || c == '"' || c == '\\' }

// tokenChallenges returns the challenges of schemes that take access tokens.
func (a *Answer) tokenChallenges() []Challenge {
	var list []Challenge
	for _, c := range a.challenges {
		if strings.EqualFold(c.Scheme, "Bearer") || strings.EqualFold(c.Scheme, "DPoP") {
			list = append(list, c)
		}
	}
	return list
}

func codes(challenges []Challenge) []string {
	var list []string
	for _, c := range challenges {
		list = append(list, c.Params["error"])
	}
	return list
}

func (a *Answer) matches(patterns []string) bool {
	text := strconv.Itoa(a.Status)
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		if pattern == "!2xx" {
			return a.Status < 200 || a.Status > 299
		}
		return pattern == text || pattern[0] == text[0] && pattern[1:] == "xx"
	})
}

func (a *Answer) status() string {
	if a.Status == 0 {
		return "no answer (" + a.Reason + ")"
	}
	return "status " + strconv.Itoa(a.Status)
}

func (a *Answer) like(b *Answer) bool {
	return a.Status == b.Status && bytes.Equal(withoutIDs(a.Body), withoutIDs(b.Body)) &&
		slices.Equal(a.Header.Values("WWW-Authenticate"), b.Header.Values("WWW-Authenticate"))
}

// identifiers matches the member that differs in each answer of an honest API.
var identifiers = regexp.MustCompile(`(?i)"[a-z_-]*(request|trace|correlation|instance|time|stamp|path)[a-z_-]*"\s*:\s*("[^"]*"|[0-9.]+)`)

func withoutIDs(body []byte) []byte { return identifiers.ReplaceAll(body, nil) }

func sameWords(a, b string) bool {
	one, two := strings.Fields(a), strings.Fields(b)
	slices.Sort(one)
	slices.Sort(two)
	return slices.Equal(one, two)
}

func quoted(list []string) string {
	if len(list) == 0 {
		return "none"
	}
	var names []string
	for _, name := range list {
		names = append(names, strconv.Quote(clip(name)))
	}
	return strings.Join(names, " or ")
}

func clip(text string) string {
	if len(text) > 120 {
		return text[:120] + "…"
	}
	return text
}
