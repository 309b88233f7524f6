package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"sync"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
)

const (
	// patience is the maximum total time to wait because of 503 answers.
	patience = time.Minute
	// maxBody bounds how much of an answer is read.
	maxBody = 1 << 20
)

// caller calls an API. Its methods may be called concurrently.
type caller struct {
	client *http.Client
	tokens *clientcredentials.Config

	mu      sync.Mutex
	current *oauth2.Token // nil: no token yet
}

// token returns the current token. It requests a new one if there is no token yet,
// if the token is about to expire, or if the API has refused it. The token sources
// of package oauth2 keep a token until it expires, even if the API refuses it.
func (c *caller) token(ctx context.Context, refused *oauth2.Token) (*oauth2.Token, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	// A concurrent call may have replaced the refused token already.
	if c.current.Valid() && c.current != refused {
		return c.current, nil
	}
	token, err := c.tokens.Token(ctx)
	if err != nil {
		return nil, fmt.Errorf("no token: %w", err)
	}
	c.current = token
	return token, nil
}

// scopeError reports that the token lacks a scope.
type scopeError struct{ scope string }

func (e *scopeError) Error() string {
	return fmt.Sprintf("the API needs the scope %q; request it, and check that the issuer grants it to this client", e.scope)
}

// get calls the API, and acts on a refusal as its status and challenge say (RFC
// 6750, Section 3.1):
//
//   - 401 with invalid_token: get discards the token and retries once with a new
//     one. If the API refuses that too, the token is not the problem.
//   - 403 with insufficient_scope: get returns a *scopeError. The token is valid,
//     and the API would also refuse a new one with the same scope.
//   - 503: the API cannot tell whether the token is good. get keeps the token and
//     retries after Retry-After.
func (c *caller) get(ctx context.Context, url string) ([]byte, error) {
	var refused *oauth2.Token
	var waited time.Duration
	for {
		token, err := c.token(ctx, refused)
		if err != nil {
			return nil, err
		}
		answer, body, err := c.send(ctx, url, token)
		if err != nil {
			return nil, err
		}
		switch status, challenge := answer.StatusCode, answer.Header.Get("WWW-Authenticate"); {
		case status == http.StatusOK:
			return body, nil
		case status == http.StatusUnauthorized && refused == nil && param(challenge, "error") == "invalid_token":
			refused = token
		case status == http.StatusForbidden && param(challenge, "error") == "insufficient_scope":
			return nil, &scopeError{param(challenge, "scope")}
		case status == http.StatusServiceUnavailable:
			wait := retryAfter(answer.Header)
			if waited += wait; waited > patience {
				return nil, errors.New("the API has been unavailable for too long")
			}
			timer := time.NewTimer(wait)
			select {
			case <-timer.C:
			case <-ctx.Done():
				timer.Stop()
				return nil, ctx.Err()
			}
		default:
			return nil, fmt.Errorf("the API answers %s, %s", answer.Status, challenge)
		}
	}
}

func (c *caller) send(ctx context.Context, url string, token *oauth2.Token) (*http.Response, []byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, nil, err
	}
	token.SetAuthHeader(r)
	answer, err := c.client.Do(r)
	if err != nil {
		return nil, nil, err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(io.LimitReader(answer.Body, maxBody))
	return answer, body, err
}

// param returns a parameter of a challenge (RFC 6750, Section 3), or the empty
// string. The values of error and scope have no escaped characters.
func param(challenge, name string) string {
	match := regexp.MustCompile(`(?i)(?:^|[ ,])` + name + `="([^"\\]*)"`).FindStringSubmatch(challenge)
	if match == nil {
		return ""
	}
	return match[1]
}

// retryAfter returns how long to wait (RFC 9110, Section 10.2.3). It is at least
// a second, so that no answer causes a busy loop.
func retryAfter(h http.Header) time.Duration {
	value := h.Get("Retry-After")
	wait := 5 * time.Second
	if seconds, err := strconv.ParseUint(value, 10, 16); err == nil {
		wait = time.Duration(seconds) * time.Second
	} else if at, err := http.ParseTime(value); err == nil {
		wait = time.Until(at)
	}
	return max(wait, time.Second)
}
