package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/bearerkit/bearerkit/bearer/bearertest"
	"github.com/bearerkit/bearerkit/conformance"
)

// entrant is a resource server that the corpus of module conformance is run on.
type entrant struct {
	name    string
	link    string   // the page of its documentation that it is set up by
	modules []string // the table has their versions; npm: packages of a Node.js program

	// trials are the set-ups. One is enough, unless a level needs another one.
	trials []trial
}

// trial is one set-up of an entrant.
type trial struct {
	levels   []string // default: all levels but FAPI 2.0
	supports []string // default: jwt
	routes   map[string]string
	binding  string
	clients  []bearertest.Client // of the issuer
	open     func(*bearertest.Issuer) (served, error)
}

// served is an entrant that serves requests: a handler, or a program at a URL.
type served struct {
	handler http.Handler
	url     string
	close   func()
}

// The levels in the order of the table. A column has the results of one level.
var fieldLevels = []struct{ name, title string }{
	{"core", "RFC 6750"}, {"rfc9068", "RFC 9068"}, {"bcp", "BCP"}, {"outage", "outages"},
	{"dpop", "DPoP"}, {"mtls", "mTLS"}, {"metadata", "metadata, MCP"}, {"fapi", "FAPI 2.0"},
}

// usualLevels are all levels that an API may meet without refusing bearer tokens.
var usualLevels = []string{"core", "rfc9068", "bcp", "outage", "dpop", "mtls", "metadata"}

// fieldURL is the route as the requests to a handler name it.
const fieldURL = audience + "/orders"

// corpusOfField is the corpus that entrants are tested with.
var corpusOfField = conformance.Corpus()

// fieldTimeout bounds each request. Some libraries wait 30 s for an issuer that
// hangs; a client does not.
const fieldTimeout = 5 * time.Second

// conformity is the result of an entrant.
type conformity struct {
	entrant
	results []bearertest.ConformanceResult
	took    time.Duration
}

// conform runs the corpus on an entrant, with an issuer for each trial.
func (e entrant) conform(ctx context.Context, only func(*bearertest.ConformanceOptions)) (conformity, error) {
	c := conformity{entrant: e}
	start := time.Now()
	for _, t := range e.trials {
		results, err := t.run(ctx, only)
		if err != nil {
			return c, fmt.Errorf("%s: %w", e.name, err)
		}
		c.add(results)
	}
	c.took = time.Since(start)
	return c, nil
}

func (t trial) run(ctx context.Context, only func(*bearertest.ConformanceOptions)) ([]bearertest.ConformanceResult, error) {
	issuer, err := bearertest.NewIssuer(bearertest.IssuerConfig{Audience: []string{audience}, Clients: t.clients})
	if err != nil {
		return nil, err
	}
	defer issuer.Close()
	api, err := t.open(issuer)
	if err != nil {
		return nil, err
	}
	defer api.close()
	o := bearertest.ConformanceOptions{
		Corpus: corpusOfField, Issuer: issuer, URL: fieldURL, Audience: audience, Scope: neededScope,
		Supports: t.supports, Routes: t.routes, Binding: t.binding, Levels: t.levels, Timeout: fieldTimeout,
	}
	if api.url != "" {
		o.URL = api.url
	}
	if o.Levels == nil {
		o.Levels = usualLevels
	}
	if only != nil {
		only(&o)
	}
	return bearertest.CheckConformance(ctx, api.handler, o)
}

// add adds the results of a trial. A case that one set-up skips counts for the
// other, and a case that two set-ups run must pass in both.
func (c *conformity) add(results []bearertest.ConformanceResult) {
	for _, r := range results {
		at := slices.IndexFunc(c.results, func(known bearertest.ConformanceResult) bool { return known.Name == r.Name })
		switch {
		case at < 0:
			c.results = append(c.results, r)
		case severity(r) > severity(c.results[at]):
			c.results[at] = r
		}
	}
}

// severity orders verdicts: what is worse counts.
func severity(r bearertest.ConformanceResult) int {
	return slices.Index([]string{"skipped", "pass", "advice", "unknown", "fail"}, r.Verdict)
}

// count counts the results of a level.
func (c conformity) count(level string) (must, should, unknown, run int) {
	for _, r := range c.results {
		if r.Level != level || r.Verdict == "skipped" {
			continue
		}
		run++
		switch r.Verdict {
		case "fail":
			must++
		case "advice":
			should++
		case "unknown":
			unknown++
		}
	}
	return must, should, unknown, run
}

// errUnavailable says that a program of an entrant cannot run here.
var errUnavailable = errors.New("not available")

// atOnce is how many entrants are tested at a time. Most of a run is waiting.
const atOnce = 3

// conformAll runs the corpus on entrants. The error lists those that cannot run.
func conformAll(ctx context.Context, entrants []entrant, progress io.Writer) ([]conformity, error) {
	list, mistakes := make([]conformity, len(entrants)), make([]error, len(entrants))
	var running sync.WaitGroup
	free := make(chan struct{}, atOnce)
	for i, e := range entrants {
		running.Go(func() {
			free <- struct{}{}
			defer func() { <-free }()
			list[i], mistakes[i] = e.conform(ctx, nil)
			fmt.Fprintf(progress, "%s: %.0f s\n", e.name, list[i].took.Seconds())
		})
	}
	running.Wait()
	return list, errors.Join(mistakes...)
}
