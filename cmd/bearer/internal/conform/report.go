// Package conform writes the reports of bearer conform.
package conform

import (
	"slices"
	"strings"
	"time"

	"github.com/bearerkit/bearerkit/bearer/bearertest"
)

// Setup is what the API under test must be configured with.
type Setup struct {
	URL          string            `json:"url"`
	Method       string            `json:"method"`
	Scope        string            `json:"scope"`
	Issuer       string            `json:"issuer"`
	Audience     string            `json:"audience"`
	JWKS         string            `json:"jwks"`
	Introspect   string            `json:"introspection_endpoint"`
	ClientID     string            `json:"client_id"`
	ClientSecret string            `json:"client_secret"`
	Routes       map[string]string `json:"routes,omitzero"`
	Supports     []string          `json:"supports"`
}

// Case is the outcome of one case.
type Case struct {
	Name     string   `json:"case"`
	Verdict  string   `json:"verdict"`
	Level    string   `json:"level"`
	Topic    string   `json:"topic"`
	Does     string   `json:"does"`
	Source   []string `json:"source"`
	Why      string   `json:"why"`
	May      string   `json:"may,omitzero"`
	Problems []string `json:"problems,omitzero"`
	Advice   []string `json:"advice,omitzero"`
	Because  string   `json:"because,omitzero"`
	Request  string   `json:"request,omitzero"`
	Answer   string   `json:"answer,omitzero"`
	Seconds  float64  `json:"seconds"`
}

// Totals count the cases of a level, or of all levels, by their verdict.
type Totals struct {
	Level   string `json:"level"`
	Title   string `json:"title"`
	Pass    int    `json:"pass"`
	Advice  int    `json:"advice"`
	Fail    int    `json:"fail"`
	Known   int    `json:"known"`
	Skipped int    `json:"skipped"`
	Unknown int    `json:"unknown"`
}

// Run returns how many cases were run.
func (t Totals) Run() int { return t.Pass + t.Advice + t.Fail + t.Known + t.Unknown }

// Report is the outcome of a run.
type Report struct {
	URL      string    `json:"url"`
	Started  time.Time `json:"started"`
	Seconds  float64   `json:"seconds"`
	Supports []string  `json:"supports"`
	All      Totals    `json:"totals"`
	Levels   []Totals  `json:"levels"`
	Cases    []Case    `json:"cases"`
}

// levels are the titles of the levels, in the order of reports.
var levels = []struct{ name, title string }{
	{"core", "RFC 6750 core"},
	{"rfc9068", "RFC 9068 access tokens"},
	{"bcp", "Best current practice: RFC 8725, RFC 9700"},
	{"outage", "Outage behaviour"},
	{"dpop", "DPoP: RFC 9449"},
	{"mtls", "Mutual TLS: RFC 8705"},
	{"metadata", "Metadata (RFC 9728) and MCP"},
	{"fapi", "FAPI 2.0"},
}

// LevelNames returns the names of the levels.
func LevelNames() []string {
	var names []string
	for _, l := range levels {
		names = append(names, l.name)
	}
	return names
}

// New returns the report of a run of results against url.
func New(url string, supports []string, started time.Time, results []bearertest.ConformanceResult) *Report {
	r := &Report{URL: url, Supports: supports, Started: started.UTC().Truncate(time.Second), Seconds: seconds(time.Since(started))}
	r.All = Totals{Level: "all", Title: "All levels"}
	for _, l := range levels {
		r.Levels = append(r.Levels, Totals{Level: l.name, Title: l.title})
	}
	for _, result := range results {
		c := CaseOf(result)
		r.Cases = append(r.Cases, c)
		r.All.count(c.Verdict)
		for i := range r.Levels {
			if r.Levels[i].Level == c.Level {
				r.Levels[i].count(c.Verdict)
			}
		}
	}
	return r
}

// CaseOf returns a result as reports show it.
func CaseOf(r bearertest.ConformanceResult) Case {
	return Case{
		Name: r.Name, Verdict: r.Verdict, Level: r.Level, Topic: r.Topic, Does: r.Does, Source: r.Source, Why: r.Why, May: r.May,
		Problems: r.Problems, Advice: r.Advice, Because: r.Because, Request: r.Request, Answer: r.Answer, Seconds: seconds(r.Took),
	}
}

// Wrong returns what is wrong with the answer, in one line.
func (c Case) Wrong() string {
	list := slices.Concat(c.Problems, c.Advice)
	if c.Verdict != "fail" && c.Verdict != "advice" {
		list = append(list, c.Because)
	}
	return strings.TrimSuffix(strings.Join(list, "; "), "; ")
}

// Sections returns the sources in one line.
func (c Case) Sections() string { return strings.Join(c.Source, "; ") }

func (t *Totals) count(verdict string) {
	counter := map[string]*int{
		"pass": &t.Pass, "advice": &t.Advice, "fail": &t.Fail, "known": &t.Known, "skipped": &t.Skipped, "unknown": &t.Unknown,
	}[verdict]
	if counter != nil {
		*counter++
	}
}

// seconds returns d in seconds, to the millisecond.
func seconds(d time.Duration) float64 { return float64(d.Milliseconds()) / 1000 }

// with returns the cases of one of the verdicts.
func (r *Report) with(verdicts ...string) []Case {
	var list []Case
	for _, c := range r.Cases {
		if slices.Contains(verdicts, c.Verdict) {
			list = append(list, c)
		}
	}
	return list
}
