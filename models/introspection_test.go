package models_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/introspect"
	"github.com/bearerkit/bearerkit/models"
)

// introspectVerifier is the part of *introspect.Verifier that the model describes.
type introspectVerifier interface {
	bearer.Verifier
	Forget(ctx context.Context, token string) error
	Stats() introspect.Stats
}

// introspection is a verifier, its endpoint and its model.
type introspection struct {
	verifier introspectVerifier
	endpoint *endpoint
	model    *models.Circuit
}

func newIntrospection(t *rapid.T, wrap func(introspectVerifier) introspectVerifier) *introspection {
	config := introspect.Config{
		Issuer: introspectIssuer, Endpoint: introspectIssuer + "/introspect", Audience: []string{audience},
		Auth:          introspect.ClientSecretBasic("api", "secret"),
		MaxAge:        rapid.SampledFrom([]time.Duration{-1, 10 * time.Second, time.Minute}).Draw(t, "maxAge"),
		NegativeAge:   rapid.SampledFrom([]time.Duration{-1, 10 * time.Second}).Draw(t, "negativeAge"),
		ServeStale:    rapid.SampledFrom([]time.Duration{0, 5 * time.Minute}).Draw(t, "serveStale"),
		Timeout:       5 * time.Second,
		MaxConcurrent: rapid.SampledFrom([]int{16, 2}).Draw(t, "slots"),
	}
	model := &models.Circuit{MaxConcurrent: config.MaxConcurrent, Answers: &models.Answers{
		MaxAge: max(config.MaxAge, 0), NegativeAge: max(config.NegativeAge, 0), ServeStale: config.ServeStale,
		Leeway: 5 * time.Second, Timeout: config.Timeout,
	}}
	ep := &endpoint{model: model, mode: "works", tokens: map[string]tokenState{}}
	for i := range 6 {
		ep.tokens[fmt.Sprint("token-", i)] = tokenState{active: i%3 != 2, mode: "works"}
	}
	config.Client = &http.Client{Transport: ep}
	v, err := introspect.New(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ep.mu.Lock()
		ep.closing = true
		ep.mu.Unlock()
		v.Close()
	})
	return &introspection{verifier: wrap(v), endpoint: ep, model: model}
}

func (s *introspection) drawToken(t *rapid.T) string {
	return rapid.SampledFrom(slices.Sorted(maps.Keys(s.endpoint.tokens))).Draw(t, "token")
}

func verdictOf(err error) models.Verdict {
	refused, ok := errors.AsType[*bearer.Error](err)
	switch {
	case err == nil:
		return models.Accepted
	case errors.Is(err, bearer.ErrUnrecognized):
		return models.Unrecognized
	case ok && refused.Code == bearer.CodeInvalidToken && refused.Expired:
		return models.Expired
	case ok && refused.Code == bearer.CodeUnavailable && refused.RetryAfter >= time.Second:
		return models.NoAnswer
	}
	return models.Verdict(fmt.Sprint(err))
}

// check compares the circuit and the counters.
func (s *introspection) check(t *rapid.T) {
	synctest.Wait()
	ep := s.endpoint
	ep.mu.Lock()
	defer ep.mu.Unlock()
	if len(ep.wrong) > 0 {
		t.Fatal(ep.wrong)
	}
	stats := s.verifier.Stats()
	if open := stats.Open > 0; open != s.model.Open {
		t.Fatalf("open: %t, want %t", open, s.model.Open)
	}
	if stats.Requests != uint64(ep.asked) || stats.Probes != uint64(ep.probes) {
		t.Fatalf("%+v; want %d requests, of which %d are probes", stats, ep.asked, ep.probes)
	}
}

// verify verifies a token. It returns the text and the judgement of the verdict.
func (s *introspection) verify(t *rapid.T, token string, sound bool) (text string, right func() bool) {
	from := time.Now()
	_, err := s.verifier.Verify(t.Context(), token)
	to, got := time.Now(), verdictOf(err)
	return fmt.Sprintf("%s, from %v to %v: %s", token, from, to, got), func() bool {
		s.endpoint.mu.Lock() // a question under way changes the model
		defer s.endpoint.mu.Unlock()
		return s.model.Verify(token, from, to, got, sound)
	}
}

// change changes what the endpoint does, or a token.
func (s *introspection) change(t *rapid.T) {
	ep, now := s.endpoint, time.Now()
	token := s.drawToken(t)
	ep.mu.Lock()
	defer ep.mu.Unlock()
	state := ep.tokens[token]
	switch rapid.SampledFrom([]string{"mode", "token", "mode of token"}).Draw(t, "change") {
	case "mode":
		ep.mode = rapid.SampledFrom(endpointModes).Draw(t, "mode")
		ep.retry = rapid.SampledFrom([]time.Duration{0, 5 * time.Second, time.Minute}).Draw(t, "retry")
		ep.sound = now
	case "token":
		state.active, state.expires = rapid.Bool().Draw(t, "active"), time.Time{}
		if rapid.Bool().Draw(t, "expires") {
			state.expires = now.Add(time.Duration(rapid.IntRange(-10, 100).Draw(t, "life")) * time.Second).Truncate(time.Second)
		}
	case "mode of token":
		state.mode, state.sound = rapid.SampledFrom(endpointModes).Draw(t, "mode"), now
	}
	ep.tokens[token] = state
}

// The verifier accepts a token only by an answer that counts, says "unavailable"
// only when the endpoint fails, asks once for all who wait, and opens and closes its
// circuit as its documentation says.
func TestIntrospection(t *testing.T) {
	check(t, introspections(func(v introspectVerifier) introspectVerifier { return v }))
}

// introspections compares what wrap makes of a verifier with the model.
func introspections(wrap func(introspectVerifier) introspectVerifier) machine {
	return bubbled(func(t *rapid.T, concurrent bool) {
		s := newIntrospection(t, wrap)
		roomy := s.model.MaxConcurrent > len(s.endpoint.tokens)
		operations := map[string]func(*rapid.T){
			"":       s.check,
			"elapse": func(t *rapid.T) { elapse(drawStep(t, 2*time.Minute)) },
			"wait":   func(t *rapid.T) { elapse(drawStep(t, 2*time.Second)) },
			"change": s.change,
			"forget": func(t *rapid.T) {
				token := s.drawToken(t)
				if err := s.verifier.Forget(t.Context(), token); err != nil {
					t.Fatal(err)
				}
				s.endpoint.mu.Lock()
				defer s.endpoint.mu.Unlock()
				s.model.Forget(token, time.Now())
			},
			"verify": func(t *rapid.T) {
				token := s.drawToken(t)
				if text, right := s.verify(t, token, roomy && s.endpoint.isSound(token)); !right() {
					t.Fatal(text)
				}
			},
		}
		if concurrent {
			operations["verify together"] = func(t *rapid.T) {
				n := rapid.IntRange(2, 8).Draw(t, "n")
				tokens, texts, rights := make([]string, n), make([]string, n), make([]func() bool, n)
				for i := range tokens {
					tokens[i] = s.drawToken(t)
				}
				together(n, func(i int) { texts[i], rights[i] = s.verify(t, tokens[i], roomy && s.endpoint.isSound(tokens[i])) })
				for i, right := range rights {
					if !right() {
						wrong := texts[i]
						slices.Sort(texts) // the order of the calls is not repeatable
						t.Fatalf("%s, among:\n%s", wrong, strings.Join(texts, "\n"))
					}
				}
			}
		}
		t.Repeat(operations)
	})
}
