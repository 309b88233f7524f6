package conform

import (
	"bytes"
	"context"
	"errors"
	"fmt"
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
	if r.trap, err = newTrap(r.keys); err != nil {
		return nil, err
	}
	defer r.trap.close()
	r.maker = &maker{issuer: c.Authority, keys: r.keys, opaque: !slices.Contains(r.target.Supports, "jwt")}
	if err := r.prepare(); err != nil {
		return nil, err
	}
	if err := r.waitForFirst(ctx); err != nil {
		return nil, err
	}
	var results []Result
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

// checkNames reports names of levels and cases that do not exist.
func (r *run) checkNames() error {
	var mistakes []error
	for _, level := range r.Levels {
		if levelOrder(level) < 0 {
			mistakes = append(mistakes, fmt.Errorf("conform: unknown level %q", level))
		}
	}
	exists := func(name string) bool {
		return slices.ContainsFunc(r.Cases, func(c Case) bool { return c.Name == name })
	}
	for _, name := range r.Only {
		if !exists(name) {
			mistakes = append(mistakes, fmt.Errorf("conform: no case is named %q", name))
		}
	}
	for name, reason := range r.Known {
		if !exists(name) {
			mistakes = append(mistakes, fmt.Errorf("conform: the known deviation %q is no case", name))
		}
		if reason == "" {
			mistakes = append(mistakes, fmt.Errorf("conform: the known deviation %q has no reason", name))
		}
	}
	return errors.Join(mistakes...)
}

// prepare sets the placeholders that are the same in all cases.
func (r *run) prepare() error {
	jkt, err := r.keys.thumbprint("client")
	if err != nil {
		return err
	}
	jkt2, err := r.keys.thumbprint("other")
	if err != nil {
		return err
	}
	weak, err := r.keys.jwk("weak", "RS256")
	if err != nil {
		return err
	}
	attacker, err := r.keys.jwk("attacker", "ES256")
	if err != nil {
		return err
	}
	issuer := r.Authority.URL()
	r.values = values{
		"issuer": issuer, "issuer-upper": strings.ToUpper(issuer), "audience": r.target.Audience, "scope": r.target.Scope, "scope-upper": strings.ToUpper(r.target.Scope),
		"origin": r.target.base.Scheme + "://" + r.target.base.Host, "host": r.target.base.Host,
		"metadata": r.target.metadata(), "jkt": jkt, "jkt2": jkt2,
		"x5t": r.keys.certificateHash("client"), "x5t2": r.keys.certificateHash("other"),
		"certificate": stdBase64(r.keys.certificates["client"].Certificate[0]),
		"trap":        r.trap.url, "trap-keys": r.trap.keySet, "weak-jwk-rest": weak[1:], "attacker-jwk-rest": attacker[1:],
	}
	return nil
}

// leavesOut reports whether the caller did not ask for a case.
func (r *run) leavesOut(c Case) bool {
	return len(r.Levels) > 0 && !slices.Contains(r.Levels, c.Level) || len(r.Only) > 0 && !slices.Contains(r.Only, c.Name)
}

// lacks returns why a case does not apply to the API, or "".
func (r *run) lacks(c Case) string {
	for _, need := range c.Needs {
		if !slices.Contains(r.target.Supports, need) {
			return "needs " + need
		}
	}
	for _, need := range c.Unless {
		if slices.Contains(r.target.Supports, need) {
			return "not with " + need
		}
	}
	return ""
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
	reason, isKnown := r.Known[c.Name]
	switch {
	case result.Verdict == Fail && isKnown:
		result.Verdict, result.Because = Known, reason
	case isKnown:
		result.Because = "listed as a known deviation, but it passes"
	}
	return result, !c.disturbs() || r.recovers(ctx)
}

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
			result.Request, result.Answer = redact(string(sent.exchange.text), sent.exchange.secrets), redact(answer.text(), sent.exchange.secrets)
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
		a = r.exchange(ctx, sent)
		trapped := int(r.trap.requests.Load())
		wanted, err := s.Must.expanded(sent.values)
		recommended, err2 := s.Should.expanded(sent.values)
		if err := errors.Join(err, err2); err != nil {
			return nil, nil, nil, nil, err
		}
		must, should = wanted.problems(a, last, trapped), recommended.problems(a, last, trapped)
		must = append(must, leaks(a, sent.exchange.secrets)...)
		switch {
		case ctx.Err() != nil:
			return sent, a, must, should, ctx.Err()
		case n < s.Times && len(must) == 0:
		case len(must)+len(should) > 0 && time.Now().Before(until):
			pause(ctx, 250*time.Millisecond)
		default:
			return sent, a, must, should, nil
		}
	}
}

// exchange sends a request, and remembers the nonce of the answer.
func (r *run) exchange(ctx context.Context, c *compiled) *Answer {
	a := r.target.send(ctx, c.exchange)
	if nonce := a.Header.Get("DPoP-Nonce"); nonce != "" {
		r.nonce = nonce
	}
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
