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
	// patience is for all waiting because of 503 together.
	patience = time.Minute
	// maxBody bounds what is read of an answer.
	maxBody = 1 << 20
)

// caller calls an API. It may be used concurrently.
type caller struct {
	client *http.Client
	tokens *clientcredentials.Config

	mu      sync.Mutex
	current *oauth2.Token // nil: none yet
}

// token returns the token in use, or a new one if there is none, if it is about
// to expire, or if it is the one that the API has refused. oauth2's own sources
// keep a token until it expires, whatever the API says of it.
func (c *caller) token(ctx context.Context, refused *oauth2.Token) (*oauth2.Token, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	// Others may have replaced the refused one meanwhile.
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

// scopeError says that the API needs a scope that the token lacks.
type scopeError struct{ scope string }

func (e *scopeError) Error() string {
	return fmt.Sprintf("the API needs the scope %q; ask for it, and see that this client may have it", e.scope)
}

// get calls the API:
//
//   - 401 with invalid_token: the token is thrown away, and the call repeated
//     with a new one, once. A second refusal is no matter of this token.
//   - 403 with insufficient_scope: a *scopeError. The token is good, and a new
//     one of the same scope would be refused, too.
//   - 503: the API cannot tell now whether the token is good. It is kept, and
//     the call repeated after Retry-After.
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

// param returns a parameter of a challenge (RFC 6750, Section 3). Those that are
// asked for here have no character that a quoted string would escape.
func param(challenge, name string) string {
	match := regexp.MustCompile(`(?i)(?:^|[ ,])` + name + `="([^"\\]*)"`).FindStringSubmatch(challenge)
	if match == nil {
		return ""
	}
	return match[1]
}

// retryAfter returns how long to wait (RFC 9110, Section 10.2.3), at least a
// second, so that no answer makes this a busy loop.
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
