package reference

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"unicode/utf8"
)

// maxDepth is how deep arrays and objects may be nested.
const maxDepth = 32

var errMalformed = errors.New("reference: malformed")

// object decodes one JSON object. It refuses repeated names, deep nesting, bytes
// that are not UTF-8, and half surrogate pairs (RFC 8725, Section 3.7).
func object(document []byte) (map[string]any, error) {
	if !utf8.Valid(document) || !json.Valid(document) {
		return nil, errMalformed
	}
	d := json.NewDecoder(bytes.NewReader(document))
	d.UseNumber()
	value, err := decode(d, 0)
	if err != nil {
		return nil, err
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, errMalformed
	}
	members, ok := value.(map[string]any)
	if !ok {
		return nil, errMalformed
	}
	return members, nil
}

// decode decodes the next value. Numbers are json.Number.
func decode(d *json.Decoder, depth int) (any, error) {
	token, err := d.Token()
	if err != nil || depth > maxDepth {
		return nil, errMalformed
	}
	switch token {
	case json.Delim('['):
		list := []any{}
		for d.More() {
			element, err := decode(d, depth+1)
			if err != nil {
				return nil, err
			}
			list = append(list, element)
		}
		_, err = d.Token()
		return list, err
	case json.Delim('{'):
		return decodeMembers(d, depth)
	}
	// The decoder replaces half a surrogate pair by U+FFFD.
	if text, ok := token.(string); ok && strings.ContainsRune(text, utf8.RuneError) {
		return nil, errMalformed
	}
	return token, nil
}

func decodeMembers(d *json.Decoder, depth int) (any, error) {
	members := map[string]any{}
	for d.More() {
		token, err := d.Token()
		name, ok := token.(string)
		if err != nil || !ok || strings.ContainsRune(name, utf8.RuneError) {
			return nil, errMalformed
		}
		if _, repeated := members[name]; repeated {
			return nil, errMalformed
		}
		if members[name], err = decode(d, depth+1); err != nil {
			return nil, err
		}
	}
	_, err := d.Token()
	return members, err
}

// base64url decodes the base64url of RFC 7515, Section 2. Each value has one
// spelling: no padding, no line breaks, no bits that are not used.
func base64url(text string) ([]byte, error) {
	if strings.ContainsAny(text, "\r\n") {
		return nil, errMalformed
	}
	return base64.RawURLEncoding.Strict().DecodeString(text)
}

// text returns a member that is a string with at least one character.
func text(members map[string]any, name string) (string, bool) {
	value, ok := members[name].(string)
	return value, ok && value != ""
}

// lastSecond is the end of the year 9999 as a NumericDate.
const lastSecond = 253402300799

// date returns a member that is a NumericDate (RFC 7519, Section 2).
func date(members map[string]any, name string) (float64, bool) {
	number, ok := members[name].(json.Number)
	if !ok {
		return 0, false
	}
	seconds, err := number.Float64()
	return seconds, err == nil && seconds >= 0 && seconds <= lastSecond
}

// has reports whether a member exists, also as null.
func has(members map[string]any, name string) bool {
	_, ok := members[name]
	return ok
}
