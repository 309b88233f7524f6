// Package conform reads a corpus of requests, sends them to an API over real
// sockets, and judges the answers. The corpus is data (see module conformance);
// this package knows no case by name.
package conform

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"reflect"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Levels are the levels of the corpus, in the order of reports.
var Levels = []Level{
	{"core", "RFC 6750 core"},
	{"rfc9068", "RFC 9068 access tokens"},
	{"bcp", "Best current practice (RFC 8725, RFC 9700)"},
	{"outage", "Outage behaviour"},
	{"dpop", "DPoP (RFC 9449)"},
	{"mtls", "Mutual TLS (RFC 8705)"},
	{"metadata", "Metadata (RFC 9728) and MCP"},
	{"fapi", "FAPI 2.0"},
}

// Level is a group of requirements that an API may claim to meet.
type Level struct{ Name, Title string }

// Needs are the names of what a case may need from the API.
var Needs = []string{
	"jwt", "introspection", "scope", "dpop", "dpop-nonce", "mtls", "metadata", "mcp",
	"fapi", "bearer", "strict", "step-up", "optional",
}

// Case is one named request, or a short sequence of requests.
type Case struct {
	Name   string   `json:"name"`
	Does   string   `json:"does"`
	Level  string   `json:"level"`
	Needs  []string `json:"needs"`
	Unless []string `json:"unless"` // the case contradicts these needs
	Source []string `json:"source"` // sections and incidents
	Why    string   `json:"why"`
	May    string   `json:"may"` // what the specifications allow besides
	Step   `json:",inline"`
	Steps  []Step `json:"steps"` // in place of the inlined step

	Topic string `json:"-"`
}

// Step is one request and what must come back.
type Step struct {
	Request *Request    `json:"request"`
	Token   *Recipe     `json:"token"`
	Other   *Recipe     `json:"other"` // a second token: {other}
	Proof   *Recipe     `json:"proof"` // a DPoP proof: {proof}
	Proof2  *Recipe     `json:"proof2"`
	Same    bool        `json:"same"` // the tokens and proofs of the step before
	Issuer  *Issuer     `json:"issuer"`
	Must    Expectation `json:"must"`
	Should  Expectation `json:"should"`

	// Within repeats the request until both expectations are met, for at most so
	// many seconds.
	Within int `json:"within"`

	// Times sends the request so many times, with fresh tokens. The last answer is
	// judged, and each one against the status of Must.
	Times int `json:"times"`
}

// group is a part of a file: cases with common members.
type group struct {
	Level  string      `json:"level"`
	Needs  []string    `json:"needs"`
	Unless []string    `json:"unless"`
	Source []string    `json:"source"`
	Why    string      `json:"why"`
	May    string      `json:"may"`
	Token  *Recipe     `json:"token"`
	Other  *Recipe     `json:"other"`
	Proof  *Recipe     `json:"proof"`
	Must   Expectation `json:"must"`
	Should Expectation `json:"should"`
	Cases  []Case      `json:"cases"`
}

// file is one file of the corpus.
type file struct {
	Topic  string  `json:"topic"`
	Groups []group `json:"groups"`
}

// Load reads the *.json files of a corpus. It refuses unknown and repeated members,
// and reports all mistakes at once.
func Load(corpus fs.FS) ([]Case, error) {
	names, err := fs.Glob(corpus, "*.json")
	if err != nil {
		return nil, fmt.Errorf("conform: %w", err)
	}
	if len(names) == 0 {
		return nil, errors.New("conform: the corpus has no *.json files")
	}
	var cases []Case
	var mistakes []error
	for _, name := range names {
		document, err := fs.ReadFile(corpus, name)
		if err != nil {
			return nil, fmt.Errorf("conform: %w", err)
		}
		list, err := parse(document)
		if err != nil {
			mistakes = append(mistakes, fmt.Errorf("conform: %s: %w", path.Base(name), err))
		}
		cases = append(cases, list...)
	}
	mistakes = append(mistakes, check(cases))
	if err := errors.Join(mistakes...); err != nil {
		return nil, err
	}
	slices.SortStableFunc(cases, func(a, b Case) int {
		if a.disturbs() != b.disturbs() {
			if a.disturbs() {
				return 1 // faults come last: they may leave an API in disorder
			}
			return -1
		}
		return levelOrder(a.Level) - levelOrder(b.Level)
	})
	return cases, nil
}

func parse(document []byte) ([]Case, error) {
	var f file
	if err := json.Unmarshal(document, &f, json.RejectUnknownMembers(true), jsontext.AllowDuplicateNames(false)); err != nil {
		return nil, err
	}
	if f.Topic == "" {
		return nil, errors.New("the file has no topic")
	}
	var cases []Case
	for _, g := range f.Groups {
		for _, c := range g.Cases {
			c.Topic = f.Topic
			if len(c.Steps) > 0 && !reflect.ValueOf(c.Step).IsZero() {
				return nil, fmt.Errorf("case %q: a case with steps has members of a step, which nothing would read", c.Name)
			}
			g.complete(&c)
			cases = append(cases, c)
		}
	}
	return cases, nil
}

// complete gives a case the members of its group that it does not have, and one
// list of steps.
func (g group) complete(c *Case) {
	if c.Level == "" {
		c.Level = g.Level
	}
	if c.Why == "" {
		c.Why = g.Why
	}
	if c.May == "" {
		c.May = g.May
	}
	c.Needs = slices.Concat(g.Needs, c.Needs)
	c.Unless = slices.Concat(g.Unless, c.Unless)
	if len(c.Source) == 0 {
		c.Source = g.Source
	}
	if len(c.Steps) == 0 {
		c.Steps = []Step{c.Step}
	}
	for i := range c.Steps {
		s := &c.Steps[i]
		if s.Must.isZero() {
			s.Must = g.Must
		}
		if s.Should.isZero() {
			s.Should = g.Should
		}
		if s.Token == nil && !s.Same {
			s.Token = g.Token
		}
		if s.Other == nil && !s.Same {
			s.Other = g.Other
		}
		if s.Proof == nil && !s.Same {
			s.Proof = g.Proof
		}
	}
}

// disturbs reports whether a case changes what the issuer does.
func (c Case) disturbs() bool {
	return slices.ContainsFunc(c.Steps, func(s Step) bool { return s.Issuer != nil && !s.Issuer.isHarmless() })
}

func levelOrder(name string) int {
	return slices.IndexFunc(Levels, func(l Level) bool { return l.Name == name })
}
