package explain

import (
	"encoding/base64"
	"reflect"
	"strings"
)

// Report is the explanation of one token. Its JSON is the output of --json; the
// names are stable.
type Report struct {
	Verdict Verdict `json:"verdict"`
	Token   Facts   `json:"token"`
	Checks  []Check `json:"checks"`
	Keys    *Keys   `json:"keys,omitempty"`   // nil: no key was looked for
	Answer  *Answer `json:"answer,omitempty"` // of an API; nil: nobody can tell
	Advice  Advice  `json:"advice"`
	API     *API    `json:"api,omitempty"` // what the API at a URL says

	// Cleaned explains the token without what does not belong to it, such as
	// quotes around it. It is nil if there is nothing to remove.
	Cleaned *Report `json:"cleaned,omitempty"`
	Removed string  `json:"removed,omitempty"` // what Cleaned lacks
}

// Verdict is what an API does with the token.
type Verdict struct {
	Status int    `json:"status"`          // 200: the token is let in; 0: nobody can tell
	Code   string `json:"code,omitempty"`  // the error code in the answer's challenge
	Check  string `json:"check,omitempty"` // the field check of the API's log record
	Cause  string `json:"cause,omitempty"` // a stable name of the probable cause
	Text   string `json:"text"`
}

// Facts are what the token is, and what it claims. Nothing of it is verified unless
// Verified is true.
type Facts struct {
	Kind     string  `json:"kind"`
	Verified bool    `json:"verified"` // the issuer signed it
	Header   []Claim `json:"header,omitempty"`
	Claims   []Claim `json:"claims,omitempty"`

	// Profile is the profile that judges the token, and Likely the one that the
	// token seems to follow, because of Why.
	Profile string `json:"profile,omitempty"`
	Likely  string `json:"likely_profile,omitempty"`
	Why     string `json:"why,omitempty"`
}

// Claim is a claim or a header parameter in a form for people.
type Claim struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Result is the outcome of a check.
type Result string

// The results.
const (
	Pass    Result = "pass"
	Fail    Result = "fail"
	Skipped Result = "skipped" // nobody can make the check
)

// Check is one check of an API, in the order in which the API makes them. An API
// stops at the first that fails.
type Check struct {
	Name     string `json:"name"`
	Result   Result `json:"result"`
	Log      string `json:"check,omitempty"` // the field check of the log record, if it fails
	Rule     string `json:"rule"`            // the section that demands it
	Expected string `json:"expected,omitempty"`
	Got      string `json:"got,omitempty"`
	Note     string `json:"note,omitempty"`
}

// Keys says where the issuer's keys came from.
type Keys struct {
	From     string    `json:"from"`
	Requests []Request `json:"requests,omitempty"`
	Keys     []Key     `json:"keys"`
	Skipped  []string  `json:"unusable,omitempty"` // why the API does not use a key
	Chosen   string    `json:"chosen,omitempty"`
	Age      string    `json:"age,omitempty"`   // how old the keys are, and how long an API uses them
	Clock    string    `json:"clock,omitempty"` // how the issuer's clock differs
}

// Request is a request that was made to find the keys.
type Request struct {
	URL     string `json:"url"`
	Outcome string `json:"outcome"`
}

// Key is a published key.
type Key struct {
	ID         string `json:"kid,omitempty"`
	Algorithms string `json:"algorithms"`
}

// Answer is the answer of an API, made by the real guard.
type Answer struct {
	Status    int      `json:"status"`
	Challenge []string `json:"www_authenticate,omitempty"`
	Retry     string   `json:"retry_after,omitempty"`
	Body      string   `json:"body,omitempty"`
	Hint      string   `json:"hint,omitempty"` // of the API's log record
}

// Advice says what to do.
type Advice struct {
	Client   string `json:"client,omitempty"`
	Operator string `json:"operator,omitempty"`
	Issuer   string `json:"issuer,omitempty"`
	Go       string `json:"go,omitempty"` // the configuration of the API
	Command  string `json:"command,omitempty"`
}

// firstFailure returns the check at which an API stops, or nil.
func (r *Report) firstFailure() *Check {
	for i := range r.Checks {
		if r.Checks[i].Result == Fail {
			return &r.Checks[i]
		}
	}
	return nil
}

// minPart is the length of the shortest part of a token that no output shows.
const minPart = 12

// withoutToken replaces all parts of the token in all texts of v, a pointer to a
// struct: a claim may repeat a part of the token that it stands in. The forms are the
// token, and others of it that must not be shown either.
func withoutToken(v any, forms ...string) {
	parts := map[string]bool{}
	for _, form := range forms {
		for i := 0; i+minPart <= len(form); i++ {
			parts[form[i:i+minPart]] = true
		}
	}
	walkTexts(reflect.ValueOf(v), func(text string) string { return scrub(text, parts) })
}

// base64Of returns what base64 makes of a token, wherever in a text it stands.
func base64Of(token string) (forms []string) {
	for i := range min(3, len(token)) {
		forms = append(forms, base64.RawStdEncoding.EncodeToString([]byte(token[i:])), base64.RawURLEncoding.EncodeToString([]byte(token[i:])))
	}
	return forms
}

func walkTexts(v reflect.Value, change func(string) string) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			walkTexts(v.Elem(), change)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			walkTexts(v.Field(i), change)
		}
	case reflect.Slice:
		for i := range v.Len() {
			walkTexts(v.Index(i), change)
		}
	case reflect.String:
		v.SetString(change(v.String()))
	}
}

func scrub(text string, parts map[string]bool) string {
	var b strings.Builder
	for i := 0; i < len(text); {
		if i+minPart > len(text) || !parts[text[i:i+minPart]] {
			b.WriteByte(text[i])
			i++
			continue
		}
		b.WriteString("[token]")
		end := i + minPart
		for end < len(text) && parts[text[end-minPart+1:end+1]] {
			end++
		}
		i = end
	}
	return strings.ToValidUTF8(b.String(), "�")
}
