// Package probe examines a protected API from outside, as a client sees it: from the
// name of its host to the keys of its issuers.
package probe

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/bearerkit/bearerkit/cmd/bearer/internal/finding"
	"github.com/bearerkit/bearerkit/cmd/bearer/internal/wire"
	"github.com/bearerkit/bearerkit/internal/weburl"
)

// Config says what to probe.
type Config struct {
	Client   *wire.Client      // required
	URL      string            // required: a protected URL of the API
	Method   string            // default: GET
	Origin   string            // of a page that calls the API. Default: CORS is not checked
	Thorough bool              // also send two Authorization fields
	Progress func(what string) // is told what is being done. Default: nobody
}

// Status is the outcome of a Step.
type Status string

// The outcomes besides fault and warning, those of the findings.
const (
	OK      Status = "ok"
	Skipped Status = "skipped"
)

// Step is one thing that was examined.
type Step struct {
	ID       string            `json:"step"`
	Title    string            `json:"title"`
	Status   Status            `json:"status"`
	Found    string            `json:"found,omitempty"`
	Because  string            `json:"because,omitempty"` // why the step was skipped
	Findings []finding.Finding `json:"findings,omitempty"`
}

// Report is the outcome of a probe.
type Report struct {
	URL      string
	Steps    []*Step
	Requests int // HTTP requests that were made
}

// Findings returns the findings of all steps.
func (r *Report) Findings() []finding.Finding {
	var all []finding.Finding
	for _, step := range r.Steps {
		all = append(all, step.Findings...)
	}
	return all
}

// Result is "ok", "warning" or "fault".
func (r *Report) Result() string {
	if worst := finding.Worst(r.Findings()); worst != "" {
		return string(worst)
	}
	return string(OK)
}

// MarshalJSON adds the result.
func (r *Report) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Result   string  `json:"result"`
		URL      string  `json:"url"`
		Requests int     `json:"requests"`
		Steps    []*Step `json:"steps"`
	}{r.Result(), r.URL, r.Requests, r.Steps})
}

// doctor is a probe in progress.
type doctor struct {
	Config
	report *Report
	target *url.URL

	first      *wire.Response // without a token; nil: the API did not answer
	challenged bool           // the first answer has a well-formed challenge
	bearer     bool           // one of its challenges is Bearer
	announced  string         // resource_metadata of the challenge
	issuers    []string       // of the protected resource metadata
	clocks     []clock
}

// clock is how far a server's clock is ahead of this machine's.
type clock struct {
	server string
	ahead  time.Duration
}

// Run probes an API. The error is a mistake in the configuration, and all mistakes
// are joined; what is wrong with the API is in the Report.
func Run(ctx context.Context, c Config) (*Report, error) {
	target, err := c.check()
	if err != nil {
		return nil, err
	}
	if c.Method == "" {
		c.Method = http.MethodGet
	}
	if c.Progress == nil {
		c.Progress = func(string) {}
	}
	d := &doctor{Config: c, target: target, report: &Report{URL: weburl.Shown(target)}}
	if d.reach(ctx) {
		d.withoutToken(ctx)
	}
	if d.first == nil {
		d.unreached()
	} else {
		d.challenge()
		d.wrongToken(ctx)
		if c.Thorough {
			d.twoTokens(ctx)
		}
		d.cors()
		d.preflight(ctx)
		d.resourceMetadata(ctx)
		d.examineIssuers(ctx)
		d.compareClocks()
	}
	for _, step := range d.report.Steps {
		step.finish()
	}
	d.report.Requests = c.Client.Requests()
	return d.report, nil
}

func (c Config) check() (*url.URL, error) {
	var mistakes []error
	target, err := url.Parse(strings.TrimSpace(c.URL))
	switch {
	case err != nil || target.Host == "" || target.Scheme != "http" && target.Scheme != "https":
		mistakes = append(mistakes, errors.New("the argument is not a URL; want a protected URL of the API, such as https://api.example.com/orders"))
	case strings.ContainsFunc(target.Host, func(r rune) bool { return r > unicode.MaxASCII }):
		mistakes = append(mistakes, errors.New("the host has letters beyond ASCII; want its ASCII form, which begins with xn--"))
	case !isPort(target.Port()):
		mistakes = append(mistakes, errors.New("the URL's port is not between 1 and 65535"))
	case target.User != nil:
		mistakes = append(mistakes, errors.New("the URL has a user name or password; want a URL without them"))
	default:
		target.Fragment = ""
	}
	if strings.ContainsFunc(c.Method, func(r rune) bool { return r < 'A' || r > 'Z' }) {
		mistakes = append(mistakes, errors.New("the method is not in capital letters, such as POST"))
	}
	if c.Origin != "" {
		origin, err := url.Parse(c.Origin)
		if err != nil || origin.Host == "" || c.Origin != origin.Scheme+"://"+origin.Host {
			mistakes = append(mistakes, errors.New("the origin is not that of a page; want a scheme, a host and no path, such as https://app.example.com"))
		}
	}
	return target, errors.Join(mistakes...)
}

// isPort reports whether text is the port of a URL, which need not have one.
func isPort(text string) bool {
	n, err := strconv.ParseUint(text, 10, 16)
	return text == "" || err == nil && n > 0
}

func (d *doctor) step(id, title string) *Step {
	d.Progress(title + " …")
	step := &Step{ID: id, Title: title}
	d.report.Steps = append(d.report.Steps, step)
	return step
}

// unreached adds the steps that need an answer of the API.
func (d *doctor) unreached() {
	for _, step := range [][2]string{
		{"challenge", titleChallenge}, {"wrong-token", titleWrongToken}, {"resource-metadata", titleResource},
	} {
		d.step(step[0], step[1]).skip("the API did not answer")
	}
}

func (s *Step) add(found ...finding.Finding) { s.Findings = append(s.Findings, found...) }

func (s *Step) fault(code, text, do, spec string) {
	s.add(finding.Finding{Code: code, Severity: finding.Fault, Text: text, Do: do, Spec: spec})
}

func (s *Step) warn(code, text, do, spec string) {
	s.add(finding.Finding{Code: code, Severity: finding.Warning, Text: text, Do: do, Spec: spec})
}

// failed adds the finding about a request without an answer.
func (s *Step) failed(err error) {
	if errors.Is(err, wire.ErrTooManyRequests) {
		s.add(wire.Limited())
		return
	}
	code, text, do := wire.Reason(err)
	s.fault(code, text, do, "")
}

func (s *Step) skip(because string) { s.Because = because }

func (s *Step) finish() {
	switch worst := finding.Worst(s.Findings); {
	case worst != "":
		s.Status = Status(worst)
	case s.Because != "":
		s.Status = Skipped
	default:
		s.Status = OK
	}
}
