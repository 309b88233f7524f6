package bearer

import (
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
)

// forwarded is an element of X-Forwarded-Client-Cert, in which Envoy describes one
// client certificate. The other keys (By, Chain, Subject, URI, DNS) are not read.
type forwarded struct{ hash, cert string }

// sumOfForwarded returns the certificate of the first element, which the outermost
// proxy has written. The number of elements must be exact: the client chooses the
// names in its certificate, and Envoy does not escape all of them, so they may look
// like further elements. Whatever they contain comes after the Hash of their own
// element.
func sumOfForwarded(value string, proxies int) (thumbprint, error) {
	elements, err := parseForwarded(value, proxies)
	if err != nil {
		return thumbprint{}, err
	}
	if len(elements) != proxies {
		return thumbprint{}, fmt.Errorf("want %d elements, got %d", proxies, len(elements))
	}
	return elements[0].sum()
}

func (e forwarded) sum() (sum thumbprint, err error) {
	if e.hash == "" && e.cert == "" {
		return sum, errors.New("want Hash or Cert in the element")
	}
	if e.cert != "" {
		if sum, err = sumOfPEM(e.cert, false); err != nil {
			return sum, fmt.Errorf("Cert: %w", err)
		}
	}
	if e.hash == "" {
		return sum, nil
	}
	hash, err := hex.DecodeString(e.hash)
	switch {
	case err != nil || len(hash) != len(sum):
		return thumbprint{}, errors.New("Hash: want a SHA-256 in hexadecimal")
	case e.cert != "" && subtle.ConstantTimeCompare(hash, sum[:]) != 1:
		return thumbprint{}, errors.New("Hash and Cert differ")
	}
	return thumbprint(hash), nil
}

// parseForwarded parses the field: elements separated by commas, each of pairs
// key=value separated by semicolons. A value may be in double quotes. It stops
// after one element more than most.
func parseForwarded(text string, most int) ([]forwarded, error) {
	var elements []forwarded
	for e := (forwarded{}); ; {
		key, rest, ok := strings.Cut(text, "=")
		if !ok {
			return nil, errors.New("want key=value")
		}
		value, rest, err := cutForwardedValue(rest)
		if err != nil {
			return nil, err
		}
		if err := e.set(key, value); err != nil {
			return nil, err
		}
		if rest == "" || rest[0] == ',' {
			elements = append(elements, e)
			e = forwarded{}
		}
		if rest == "" || len(elements) > most {
			return elements, nil
		}
		text = rest[1:]
	}
}

// set stores a value. Keys are case-insensitive. Hash and Cert occur once.
func (e *forwarded) set(key, value string) error {
	var field *string
	switch key = strings.TrimSpace(key); strings.ToLower(key) {
	case "hash":
		field = &e.hash
	case "cert":
		field = &e.cert
	default:
		return nil
	}
	if *field != "" || value == "" {
		return fmt.Errorf("want one value of %s that is not empty", key)
	}
	*field = value
	return nil
}

// cutForwardedValue cuts the value that text begins with. rest is empty or begins
// with a separator. In quotes, a backslash escapes the next character: Envoy writes
// the subject as RFC 2253 does, without further escapes.
func cutForwardedValue(text string) (value, rest string, err error) {
	if !strings.HasPrefix(text, `"`) {
		end := strings.IndexAny(text, ",;")
		if end < 0 {
			end = len(text)
		}
		if strings.Contains(text[:end], `"`) {
			return "", "", errors.New("a quote within a value")
		}
		return text[:end], text[end:], nil
	}
	for i := 1; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '"':
			rest = text[i+1:]
			if rest != "" && rest[0] != ',' && rest[0] != ';' {
				return "", "", errors.New("want a separator after a quoted value")
			}
			return text[1:i], rest, nil
		}
	}
	return "", "", errors.New("a quote without its end")
}
