// Package strictjson reads untrusted JSON: token headers, claims, key sets and
// metadata.
//
// A document must be one JSON object in valid UTF-8, nested at most [MaxDepth]
// deep, with nothing after it. Its member names must be unique (RFC 7515,
// Section 4; RFC 7519, Section 4) and are case-sensitive. Anything else is an
// error. encoding/json enforces none of these rules.
package strictjson

import (
	"errors"
	"fmt"

	"github.com/go-json-experiment/json/jsontext"
)

// MaxDepth is the maximum nesting depth of objects and arrays, counting the
// outermost.
const MaxDepth = 32

// Value is the JSON text of a value. It aliases the document that it was read
// from.
type Value = jsontext.Value

// ErrTooDeep is the error for a document nested deeper than [MaxDepth].
var ErrTooDeep = fmt.Errorf("nested deeper than %d levels", MaxDepth)

var errNotObject = errors.New("not a JSON object")

// CheckDepth returns [ErrTooDeep] if data is nested deeper than [MaxDepth].
// Call it before jsontext reads data, because jsontext needs memory for each
// level. CheckDepth allocates nothing and does not check data otherwise.
func CheckDepth(data []byte) error {
	depth, inString := 0, false
	for i := 0; i < len(data); i++ {
		c := data[i]
		switch {
		case inString:
			if c == '\\' {
				i++
			} else if c == '"' {
				inString = false
			}
		case c == '"':
			inString = true
		case c == '{' || c == '[':
			if depth++; depth > MaxDepth {
				return ErrTooDeep
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	return nil
}

var (
	errDuplicate = errors.New("a duplicate member name")
	errNothing   = errors.New("no JSON value")
	errTrailing  = errors.New("data after the JSON object")
	errText      = errors.New("an invalid JSON string")
)

// Object reads data as one JSON object and calls member for each of its
// members, in order. The name is valid only during the call; the value aliases
// data. If member returns an error, Object stops and returns that error
// unchanged.
func Object(data []byte, member func(name []byte, value Value) error) error {
	return Members(data, func(name []byte, _ int, value Value) error { return member(name, value) })
}

// Members is [Object] with one more argument for member: the index in data at
// which the value begins.
func Members(data []byte, member func(name []byte, at int, value Value) error) error {
	s := newScanner(data)
	defer s.release()
	if c := s.space(); c != '{' {
		if s.at == len(data) {
			return errNothing
		}
		if err := s.value(c); err != nil {
			return err
		}
		return errNotObject
	}
	if err := s.object(member); err != nil {
		return err
	}
	if !s.end() {
		return errTrailing
	}
	return nil
}

// String decodes v, which must be a JSON string. Any other kind is an error,
// and so is null.
func String(v Value) (string, error) {
	plain, isPlain, err := Text(v)
	switch {
	case err != nil:
		return "", err
	case isPlain:
		return string(plain), nil
	}
	text, err := unescape(nil, v)
	return string(text), err
}

// Text decodes v without allocating, if v is a JSON string without escapes:
// plain is then a part of v and isPlain is true. If v has escapes, isPlain is
// false. The error is that of [String].
func Text(v Value) (plain []byte, isPlain bool, err error) {
	if len(v) < 2 || v[0] != '"' {
		return nil, false, WrongKind(v, "a string")
	}
	end, escaped, ok := skipText(v, 0)
	if !ok || end != len(v) {
		return nil, false, errText
	}
	return v[1 : len(v)-1 : len(v)-1], !escaped, nil
}

// Strings decodes v, which must be an array of strings. An empty array gives an
// empty, non-nil slice.
func Strings(v Value) ([]string, error) {
	if v.Kind() != '[' {
		return nil, WrongKind(v, "an array of strings")
	}
	list := []string{}
	err := Array(v, func(element Value) error {
		s, err := String(element)
		if err == nil {
			list = append(list, s)
		}
		return err
	})
	return list, err
}

// Array calls element for each element of v, which must be an array, in order.
func Array(v Value, element func(Value) error) error {
	return Elements(v, func(_ int, value Value) error { return element(value) })
}

// Elements is [Array] with one more argument for element: the index in v at
// which the element begins.
func Elements(v Value, element func(at int, value Value) error) error {
	if v.Kind() != '[' {
		return WrongKind(v, "an array")
	}
	s := scanner{data: v}
	s.space()
	return s.array(element)
}

// Bool decodes v, which must be a boolean.
func Bool(v Value) (bool, error) {
	switch v.Kind() {
	case 't':
		return true, nil
	case 'f':
		return false, nil
	}
	return false, WrongKind(v, "a boolean")
}

// WrongKind returns the error for a value of the wrong kind. want is a noun
// with its article, such as "a string". The error does not quote the value.
func WrongKind(v Value, want string) error {
	return fmt.Errorf("a JSON %s instead of %s", kindName(v), want)
}

func kindName(v Value) string {
	switch v.Kind() {
	case 'n':
		return "null"
	case 't', 'f':
		return "boolean"
	case '"':
		return "string"
	case '0':
		return "number"
	case '{':
		return "object"
	case '[':
		return "array"
	}
	return "value"
}
