package conform

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Config configures a run.
type Config struct {
	Cases     []Case    // required, as Load returns them
	Authority Authority // required
	Target    Target    // required
	Levels    []string  // default: all
	Only      []string  // names of cases; default: all

	// Known are names of cases that may fail, with the reason.
	Known map[string]string

	// Patience is how long the API may take to serve a good token again after a
	// fault. Default: 30 s.
	Patience time.Duration

	// Waiting is called before the first case for each answer to a good token that
	// is not yet served. Nil: the run does not wait.
	Waiting func(*Answer, string)

	// Progress is called after each case.
	Progress func(Result)
}

// ErrNotReady is the error for an API that does not serve a good token.
var ErrNotReady = errors.New("conform: the API refuses a good token")

// run is the state of a run.
type run struct {
	Config
	target Target
	keys   *keys
	maker  *maker
	trap   *trap
	values values
	nonce  string // the last DPoP-Nonce
	served bool   // the last answer was a success
	lost   int    // how often the API has not recovered since it served a good token
}

// Run sends the requests of all cases and judges the answers.
func Run(ctx context.Context, c Config) ([]Result, error) {
	r := &run{Config: c, target: c.Target}
	if r.Patience <= 0 {
		r.Patience = 30 * time.Second
	}
	if err := errors.Join(r.target.complete(), r.checkNames()); err != nil {
		return nil, err
	}
	var err error
	if r.keys, err = newKeys(); err != nil {
		return nil, err
	}
	if r.trap, err = newTrap(r.keys, r.activeAnswer()); err != nil {
		return nil, err
	}
	defer r.trap.close()
	r.maker = &maker{issuer: c.Authority, keys: r.keys, opaque: !slices.Contains(r.target.Supports, "jwt"), alg: algorithms[0]}
	if err := r.prepare(); err != nil {
		return nil, err
	}
	if err := r.waitForFirst(ctx); err != nil {
		return nil, err
	}
	var results []Result
	r.values["alg"] = r.maker.alg
	healthy := true
	for _, test := range r.Cases {
		if r.leavesOut(test) {
			continue
		}
		var result Result
		if result, healthy = r.judge(ctx, test, healthy); ctx.Err() != nil {
			return results, fmt.Errorf("conform: %w", ctx.Err())
		}
		results = append(results, result)
		if r.Progress != nil {
			r.Progress(result)
		}
	}
	return results, nil
}

// judge runs a case. The API must be healthy before, and the result says whether
// it is healthy after.
func (r *run) judge(ctx context.Context, c Case, healthy bool) (Result, bool) {
	result := Result{Case: c, Verdict: Pass}
	if result.Because = r.lacks(c); result.Because != "" {
		result.Verdict = Skipped
		return result, healthy
	}
	if !healthy && !r.recovers(ctx) {
		result.Verdict, result.Because = Unknown, "the API refuses good tokens since an earlier case"
		return result, false
	}
	started := time.Now()
	d := &disturbance{authority: r.Authority}
	err := r.play(ctx, c, d, &result)
	if undone := d.undo(); err == nil {
		err = undone
	}
	result.Took = time.Since(started)
	if err != nil {
		result.Verdict, result.Problems = Fail, []string{"the case cannot be run: " + err.Error()}
		return result, false
	}
	healthy = r.check(ctx, c, &result)
	reason, isKnown := r.Known[c.Name]
	switch {
	case result.Verdict == Fail && isKnown:
		result.Verdict, result.Because = Known, reason
	case isKnown:
		result.Because = "listed as a known deviation, but it passes"
	}
	return result, healthy
}

// check sends a good token after a case. An API that refuses it now refuses
// everything, so that its refusals say nothing about the tokens.
func (r *run) check(ctx context.Context, c Case, result *Result) (healthy bool) {
	if c.disturbs() {
		return r.recovers(ctx)
	}
	if r.served {
		return true
	}
	sent, a, err := r.good(ctx)
	if err != nil || a.matches([]string{"2xx"}) {
		return err == nil
	}
	limits := a.Status == http.StatusTooManyRequests
	if r.recovers(ctx) || ctx.Err() != nil {
		if limits {
			result.Verdict, result.Because = Unknown, limited
		}
		return true
	}
	if limits {
		result.Verdict, result.Because = Unknown, limited
	} else if result.Verdict != Fail {
		result.Verdict, result.Problems = Fail, []string{"since this request, the API refuses a good token: " + a.status()}
		result.Request, result.Answer = r.show(sent, a)
	}
	return false
}

const limited = "the API limits how often it is called: 429 for a good token; switch the limit off for the run"

// play plays the steps of a case until one fails.
func (r *run) play(ctx context.Context, c Case, d *disturbance, result *Result) error {
	var before *compiled
	var last *Answer
	r.trap.reset()
	for i, s := range c.Steps {
		token := ""
		if before != nil {
			token = before.token
		}
		if err := d.apply(s.Issuer, r.values, token); err != nil {
			return err
		}
		sent, answer, must, should, err := r.step(ctx, s, before, last)
		if err != nil {
			return err
		}
		if len(must) == 0 && len(should) == 0 && (i < len(c.Steps)-1 || len(result.Advice) > 0) {
			before, last = sent, answer
			continue
		}
		if len(must) > 0 || len(result.Advice) == 0 {
			result.Step = i + 1
			result.Request, result.Answer = r.show(sent, answer)
			result.Problems = must
		}
		result.Advice = append(result.Advice, should...)
		if len(must) > 0 {
			result.Verdict = Fail
			return nil
		}
		if len(result.Advice) > 0 {
			result.Verdict = Advice
		}
		before, last = sent, answer
	}
	return nil
}

// step sends the request of a step, perhaps several times.
func (r *run) step(ctx context.Context, s Step, before *compiled, last *Answer) (sent *compiled, a *Answer, must, should []string, err error) {
	until := time.Now().Add(time.Duration(s.Within) * time.Second)
	for n := 1; ; n++ {
		if sent, err = r.compile(s, before); err != nil {
			return nil, nil, nil, nil, err
		}
		known := r.nonce
		a = r.exchange(ctx, sent)
		if s.usesNonce() && r.nonce != known && slices.Contains(codes(a.challenges), "use_dpop_nonce") {
			// The client sends the proof again with the server's nonce (RFC 9449,
			// Section 9).
			if sent, err = r.compile(s, before); err != nil {
				return nil, nil, nil, nil, err
			}
			a = r.exchange(ctx, sent)
		}
		trapped := int(r.trap.requests.Load())
		wanted, err := s.Must.expanded(sent.values)
		recommended, err2 := s.Should.expanded(sent.values)
		if err := errors.Join(err, err2); err != nil {
			return nil, nil, nil, nil, err
		}
		must, should = wanted.problems(a, last, trapped), recommended.problems(a, last, trapped)
		must = append(must, leaks(a, sent.exchange.secrets)...)
		if a.Status == 0 && len(must)+len(should) == 0 {
			should = []string{a.status() + ", want a refusal"}
		}
		switch {
		case ctx.Err() != nil:
			return sent, a, must, should, ctx.Err()
		case r.served && !(&Answer{Status: http.StatusOK}).matches(wanted.Status) && wanted.Status != nil:
			return sent, a, must, should, nil // the API let the request in: no later refusal undoes that
		case n < s.Times && len(must) == 0:
		case len(must)+len(should) > 0 && time.Now().Before(until):
			pause(ctx, 250*time.Millisecond)
		default:
			return sent, a, must, should, nil
		}
	}
}

// usesNonce reports whether the proof of a step is one with the server's nonce.
func (s Step) usesNonce() bool {
	if s.Proof == nil || s.Same {
		return false
	}
	_, own := s.Proof.Claims["nonce"]
	return !own && !slices.Contains(s.Proof.NoClaims, "nonce")
}

// exchange sends a request, and remembers the nonce of the answer.
func (r *run) exchange(ctx context.Context, c *compiled) *Answer {
	a := r.target.send(ctx, c.exchange)
	if nonce := a.Header.Get("DPoP-Nonce"); nonce != "" {
		r.nonce = nonce
	}
	r.served = a.matches([]string{"2xx"})
	return a
}

// leaks returns a problem if a refusal contains a token.
func leaks(a *Answer, secrets []string) []string {
	if a.Status < 300 {
		return nil
	}
	var header bytes.Buffer
	_ = a.Header.Write(&header) // a bytes.Buffer takes everything
	for _, secret := range secrets {
		if len(secret) < 20 || strings.Trim(secret, ".") == "" {
			continue
		}
		if strings.Contains(header.String(), secret) || bytes.Contains(a.Body, []byte(secret)) {
			return []string{"the answer contains the token (RFC 9700, Section 4.9.3)"}
		}
	}
	return nil
}
