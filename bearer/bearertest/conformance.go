package bearertest

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"strings"
	"time"

	"github.com/bearerkit/bearerkit/internal/conform"
)

// TestingT is the part of *testing.T that [RunConformance] uses.
type TestingT interface {
	Helper()
	Context() context.Context
	Logf(format string, args ...any)
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
}

// ConformanceOptions describe the API that a conformance run tests.
type ConformanceOptions struct {
	// Corpus has the cases as JSON files: conformance.Corpus() of the module
	// github.com/bearerkit/bearerkit/conformance. Required.
	Corpus fs.FS

	// Issuer is the issuer that the API trusts. Required. A run changes its keys
	// and makes its endpoints fail, so no other test may use it meanwhile.
	Issuer *Issuer

	// URL is a protected route of the API, as clients see it. A handler is served
	// on loopback, but gets requests for this URL: choose https for client
	// certificates. Required.
	URL string

	// Method and Body are those of the route, and Header has more header lines for
	// every request, such as "Content-Type: application/json". Default: GET.
	Method, Body string
	Header       []string

	// Scope is the scope that the route requires. Default: the cases about scopes
	// are skipped.
	Scope string

	// Audience is the API's name in tokens. Default: that of the issuer.
	Audience string

	// Supports says what else the API does, by the needs of the cases: jwt,
	// introspection, dpop, dpop-nonce, mtls, metadata, mcp, fapi. The other cases are
	// skipped. Default: jwt.
	Supports []string

	// Routes are the paths of more routes: "strict" requires the scope
	// conform:strict, "step-up" the acr phr and a max_age of 300 s, and "optional"
	// also serves requests without a token. Default: their cases are skipped.
	Routes map[string]string

	// Metadata is the path of the protected resource metadata. Default: as RFC
	// 9728, Section 3.1, says.
	Metadata string

	// Binding is "dpop" or "mtls" if the API takes only bound tokens. Default: it
	// also takes bearer tokens.
	Binding string

	// Levels are the levels to run: core, rfc9068, bcp, outage, dpop, mtls,
	// metadata, fapi. Only are names of single cases. Default: all.
	Levels, Only []string

	// Known are the names of cases that the API fails on purpose, with the reason.
	Known map[string]string

	// TLS is for the connection to the URL, such as the authorities to trust. It
	// is not used for a handler. Default: the system's authorities.
	TLS *tls.Config

	// Timeout bounds each request. Default: 15 s.
	Timeout time.Duration

	// Waiting, if it is set, makes the run wait until the API serves a good token.
	// It is called for each other answer; status 0 is no answer. Default: the run
	// is an error after 3 s.
	Waiting func(status int, answer string)

	// Progress is called after each case. Default: nothing is called.
	Progress func(ConformanceResult)
}

// ConformanceResult is the outcome of one case. Its texts contain no usable token.
type ConformanceResult struct {
	Name    string   // such as alg-none
	Does    string   // what the request does
	Topic   string   // the topic of the corpus
	Level   string   // such as core
	Source  []string // sections of specifications, and incidents
	Why     string   // why it matters
	May     string   // what the specifications allow besides
	Verdict string   // pass, advice, fail, known, skipped or unknown

	// Problems are requirements that the API breaks, and Advice the
	// recommendations that it does not follow. Because says why the case was
	// skipped, or is a known deviation.
	Problems, Advice []string
	Because          string

	// Request and Answer are those that decided. Passed cases have the last.
	Request, Answer string

	Took time.Duration
}

// RunConformance sends the requests of a corpus to a handler and reports each
// requirement that it breaks as an error of the test, with the section and the
// request. Recommendations that the handler does not follow are logged. A case of
// Known that passes is an error, too.
func RunConformance(t TestingT, handler http.Handler, o ConformanceOptions) {
	t.Helper()
	results, err := CheckConformance(t.Context(), handler, o)
	if err != nil {
		t.Fatalf("%v", err)
		return
	}
	counts := map[string]int{}
	for _, r := range results {
		counts[r.Verdict]++
		sources := strings.Join(r.Source, "; ")
		switch {
		case r.Verdict == string(conform.Fail), r.Verdict == string(conform.Unknown):
			t.Errorf("%s (%s): %s\n  %s%s\n  %s\n%s\n%s", r.Name, sources, r.Does,
				strings.Join(r.Problems, "\n  "), r.Because, r.Why, r.Request, r.Answer)
		case r.Because != "" && r.Verdict != string(conform.Known) && r.Verdict != string(conform.Skipped):
			t.Errorf("%s: %s", r.Name, r.Because)
		case r.Verdict == string(conform.Advice):
			t.Logf("%s (%s): %s\n  %s", r.Name, sources, r.Does, strings.Join(r.Advice, "\n  "))
		}
	}
	t.Logf("conformance: %d passed, %d with advice, %d failed, %d known deviations, %d skipped, %d unknown",
		counts["pass"], counts["advice"], counts["fail"], counts["known"], counts["skipped"], counts["unknown"])
}

// CheckConformance sends the requests of a corpus to a handler, or to the URL of the
// options if the handler is nil, and returns the results. The error is a mistake in
// the options or the corpus, or an API that refuses a good token.
func CheckConformance(ctx context.Context, handler http.Handler, o ConformanceOptions) ([]ConformanceResult, error) {
	config, err := o.config()
	if err != nil {
		return nil, err
	}
	if handler != nil {
		server, err := serveConformance(handler, &config.Target)
		if err != nil {
			return nil, err
		}
		defer server.Close()
	}
	results, err := conform.Run(ctx, config)
	var list []ConformanceResult
	for _, r := range results {
		list = append(list, resultOf(r))
	}
	if err != nil {
		return list, fmt.Errorf("bearertest: %w", err)
	}
	return list, nil
}

// ConformanceCases returns the cases of a corpus in the order of a run, without
// outcomes.
func ConformanceCases(corpus fs.FS) ([]ConformanceResult, error) {
	cases, err := conform.Load(corpus)
	if err != nil {
		return nil, fmt.Errorf("bearertest: %w", err)
	}
	var list []ConformanceResult
	for _, c := range cases {
		r := resultOf(conform.Result{Case: c})
		r.Because = strings.Join(c.Needs, ", ")
		list = append(list, r)
	}
	return list, nil
}

func (o ConformanceOptions) config() (c conform.Config, err error) {
	var mistakes []error
	if o.Corpus == nil {
		mistakes = append(mistakes, errors.New("bearertest: ConformanceOptions.Corpus is required; use conformance.Corpus()"))
	} else if c.Cases, err = conform.Load(o.Corpus); err != nil {
		mistakes = append(mistakes, fmt.Errorf("bearertest: ConformanceOptions.Corpus: %w", err))
	}
	if o.Issuer == nil {
		mistakes = append(mistakes, errors.New("bearertest: ConformanceOptions.Issuer is required: the issuer that the API trusts"))
	} else {
		c.Authority = conformanceIssuer{o.Issuer}
		if o.Audience == "" {
			o.Audience = o.Issuer.audience[0]
		}
	}
	if err := errors.Join(mistakes...); err != nil {
		return c, err
	}
	c.Target = conform.Target{
		URL: o.URL, TLS: o.TLS, Method: o.Method, Body: o.Body, Header: o.Header, Audience: o.Audience, Scope: o.Scope,
		Routes: o.Routes, Metadata: o.Metadata, Supports: o.Supports, Binding: o.Binding, Timeout: o.Timeout,
		ParseChallenges: conformanceChallenges,
	}
	c.Levels, c.Only, c.Known = o.Levels, o.Only, o.Known
	if o.Waiting != nil {
		c.Waiting = func(a *conform.Answer, text string) { o.Waiting(a.Status, text) }
	}
	if o.Progress != nil {
		c.Progress = func(r conform.Result) { o.Progress(resultOf(r)) }
	}
	return c, nil
}

func resultOf(r conform.Result) ConformanceResult {
	return ConformanceResult{
		Name: r.Case.Name, Does: r.Case.Does, Topic: r.Case.Topic, Level: r.Case.Level, Source: r.Case.Source,
		Why: r.Case.Why, May: r.Case.May, Verdict: string(r.Verdict), Problems: r.Problems, Advice: r.Advice,
		Because: r.Because, Request: r.Request, Answer: r.Answer, Took: r.Took,
	}
}
