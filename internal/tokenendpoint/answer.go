package tokenendpoint

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"github.com/bearerkit/bearerkit/internal/fetch"
	"github.com/bearerkit/bearerkit/internal/strictjson"
)

// Refusal is an error response (RFC 6749, Section 5.2).
type Refusal struct {
	Status int

	// Code is the error, such as invalid_grant. Description is its description.
	// Both are printable ASCII, and shortened.
	Code, Description string

	// RetryAfter is how long the server asks to wait. Zero: it does not say.
	RetryAfter time.Duration
}

func (r *Refusal) Error() string {
	text := fmt.Sprintf("the server refuses the request with %d, %q", r.Status, r.Code)
	if r.Description != "" {
		text += fmt.Sprintf(" (%q)", r.Description)
	}
	return text
}

// maxError bounds the code and the description of an error, in bytes.
const maxError = 200

// refusalOf returns the Refusal that a failed response holds, or err.
func refusalOf(response fetch.Response, err error) error {
	answer, ok := errors.AsType[*fetch.StatusError](err)
	if !ok {
		return err
	}
	r := &Refusal{Status: answer.Status, RetryAfter: answer.RetryAfter}
	broken := strictjson.Object(response.Body, func(name []byte, value strictjson.Value) error {
		switch string(name) {
		case "error":
			text, err := strictjson.String(value)
			r.Code = Printable(text)
			return err
		case "error_description":
			text, _ := strictjson.String(value)
			r.Description = Printable(text)
		}
		return nil
	})
	if broken != nil || r.Code == "" || answer.Status >= 500 {
		return err // an outage, or no OAuth error
	}
	return r
}

// Printable returns a server's text for an error: without characters other than
// printable ASCII, and shortened.
func Printable(text string) string {
	text = strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, text[:min(len(text), maxError)])
	return text
}

// parse reads a response (RFC 6749, Section 5.1) to a request that was sent at the
// time sent.
func parse(document []byte, sent time.Time) (*oauth2.Token, error) {
	token, extra := new(oauth2.Token), map[string]any{}
	err := strictjson.Object(document, func(name []byte, value strictjson.Value) (err error) {
		switch string(name) {
		case "access_token":
			token.AccessToken, err = strictjson.String(value)
		case "token_type":
			token.TokenType, err = strictjson.String(value)
		case "refresh_token":
			if value.Kind() != 'n' {
				token.RefreshToken, err = strictjson.String(value)
			}
		case "expires_in":
			token.Expiry = expiry(value, sent)
		case "scope", "id_token", "issued_token_type":
			if value.Kind() == '"' {
				extra[string(name)], err = strictjson.String(value)
			}
		}
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		return nil
	})
	switch {
	case err != nil:
		return nil, fmt.Errorf("not a token response: %w", err)
	case token.AccessToken == "":
		return nil, errors.New("not a token response: it has no access_token")
	case !isToken(token.AccessToken):
		return nil, errors.New("the access_token has characters that the Authorization field cannot have")
	}
	return token.WithExtra(extra), nil
}

// expiry reads expires_in, which some servers send as a string or with decimals. It
// returns the zero time, which means unknown, if there is no such number.
func expiry(value strictjson.Value, sent time.Time) time.Time {
	text, _, _ := strings.Cut(strings.Trim(string(value), `"`), ".")
	seconds, err := strconv.ParseUint(text, 10, 31)
	if err != nil {
		return time.Time{}
	}
	return sent.Add(time.Duration(seconds) * time.Second)
}

// isToken reports whether token is a b64token (RFC 6750, Section 2.1). It keeps a
// server from writing other fields into the client's requests.
func isToken(token string) bool {
	body := strings.TrimRight(token, "=")
	return body != "" && !strings.ContainsFunc(body, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("-._~+/", r)
	})
}
