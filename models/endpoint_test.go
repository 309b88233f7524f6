package models_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/bearerkit/bearerkit/models"
)

const (
	introspectIssuer = "https://login.example.com"
	audience         = "https://api.example.com"
)

// endpoint is an introspection endpoint in memory. It tells the model of each
// question.
type endpoint struct {
	mu      sync.Mutex
	model   *models.Circuit
	tokens  map[string]tokenState
	mode    string
	sound   time.Time // since when mode is "works"
	retry   time.Duration
	asked   int
	probes  int
	closing bool
	wrong   []string // questions that should not have been asked
}

// tokenState is what the endpoint knows about a token.
type tokenState struct {
	active  bool
	expires time.Time
	mode    string    // of questions about this token
	sound   time.Time // since when mode is "works"
}

var endpointModes = []string{"works", "503", "hangs", "garbage", "resets"}

func (ep *endpoint) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.ParseForm(); err != nil {
		return nil, err
	}
	q := &models.Question{Token: r.PostForm.Get("token"), Began: time.Now()}
	ep.mu.Lock()
	ep.asked++
	if _, known := ep.tokens[q.Token]; !known {
		q.Token = ""
		ep.probes++
	}
	if wrong := ep.model.Begin(q); wrong != "" {
		ep.wrong = append(ep.wrong, fmt.Sprintf("%v, question about %q: %s", q.Began, q.Token, wrong))
	}
	// No two answers come at the same instant.
	delay := 10*time.Millisecond + time.Duration(ep.asked)*time.Microsecond
	ep.mu.Unlock()

	select {
	case <-time.After(delay):
	case <-r.Context().Done():
	}
	ep.mu.Lock()
	state, mode := ep.tokens[q.Token], ep.mode
	if mode == "works" && q.Token != "" {
		mode = state.mode
	}
	ep.mu.Unlock()
	if mode == "hangs" {
		<-r.Context().Done()
	}

	ep.mu.Lock()
	defer ep.mu.Unlock()
	response, err := ep.answer(r, q, mode)
	q.Ended = time.Now()
	if !ep.closing {
		ep.model.End(q)
	}
	return response, err
}

// answer returns the response to a question, and notes the outcome in q.
func (ep *endpoint) answer(r *http.Request, q *models.Question, mode string) (*http.Response, error) {
	q.Outcome = models.Failed
	response := &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Request: r}
	body := "<html>"
	switch {
	case r.Context().Err() != nil:
		q.BrokenOff = true
		return nil, r.Context().Err()
	case mode == "resets":
		return nil, errors.New("connection reset")
	case mode == "503":
		response.StatusCode = http.StatusServiceUnavailable
		if q.RetryAfter = ep.retry; ep.retry > 0 {
			response.Header.Set("Retry-After", fmt.Sprint(int(ep.retry.Seconds())))
		}
	case mode == "works":
		q.Outcome, body = models.Inactive, `{"active":false}`
		if state := ep.tokens[q.Token]; state.active {
			q.Outcome, q.Expires = models.Active, state.expires
			body = fmt.Sprintf(`{"active":true,"aud":%q}`, audience)
			if !state.expires.IsZero() {
				body = fmt.Sprintf(`{"active":true,"aud":%q,"exp":%d}`, audience, state.expires.Unix())
			}
		}
	}
	response.Body, response.ContentLength = io.NopCloser(strings.NewReader(body)), int64(len(body))
	return response, nil
}

// soundWhile is how long the endpoint must have answered all questions until the
// verifier has certainly noticed.
const soundWhile = 20 * time.Second

// isSound reports whether a question about a token must be answered.
func (ep *endpoint) isSound(token string) bool {
	ep.mu.Lock()
	defer ep.mu.Unlock()
	state, now := ep.tokens[token], time.Now()
	return ep.mode == "works" && state.mode == "works" && now.Sub(ep.sound) >= soundWhile && now.Sub(state.sound) >= soundWhile
}
