// Package strictjson reads the JSON that comes from outside: token headers,
// claims, key sets and metadata.
//
// It accepts exactly one JSON object in valid UTF-8, whose names are unique
// (RFC 7515, Section 4; RFC 7519, Section 4) and compared as they are
// spelled, nested at most [MaxDepth] deep, with nothing behind it. Everything
// else is an error. encoding/json does none of this.
package strictjson

import (
	"errors"
	"fmt"

	"github.com/go-json-experiment/json/jsontext"
)

// MaxDepth is how deep objects and arrays may be nested, the outermost
// included.
const MaxDepth = 32

// Value is a raw JSON value. It aliases the document it was read from.
type Value = jsontext.Value

// ErrTooDeep is returned for a document that is nested deeper than [MaxDepth].
var ErrTooDeep = fmt.Errorf("nested deeper than %d levels", MaxDepth)

var errNotObject = errors.New("not a JSON object")

// CheckDepth returns [ErrTooDeep] if data is nested deeper than [MaxDepth], for
// those who then read it by jsontext, which a deeply nested value costs memory
// for each level. It allocates nothing and does not otherwise judge data.
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
	errBehind    = errors.New("data behind the JSON object")
	errText      = errors.New("an invalid JSON string")
)

// Object reads data as one JSON object and calls member for each of its
// members, in order. The name is valid during the call only, the value aliases
// data; an error of member ends the reading and is returned as it is.
func Object(data []byte, member func(name []byte, value Value) error) error {
	return Members(data, func(name []byte, _ int, value Value) error { return member(name, value) })
}

// Members is [Object] for those who want to know at which byte of data each
// value begins.
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
		return errBehind
	}
	return nil
}

// String returns the string that v is. Any other kind, null included, is an
// error.
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

// Text looks at the string that v is: if it has no escapes, plain is its text,
// a part of v. The error is that of [String].
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

// Strings returns the strings that v, an array, holds. Any other kind, and an
// element of any other kind, is an error. An empty array gives an empty,
// non-nil slice.
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

// Array calls element for each element of v, which must be an array.
func Array(v Value, element func(Value) error) error {
	return Elements(v, func(_ int, value Value) error { return element(value) })
}

// Elements is [Array] for those who want to know at which byte of v each
// element begins.
func Elements(v Value, element func(at int, value Value) error) error {
	if v.Kind() != '[' {
		return WrongKind(v, "an array")
	}
	s := scanner{data: v}
	s.space()
	return s.array(element)
}

// Bool returns the boolean that v is. Any other kind is an error.
func Bool(v Value) (bool, error) {
	switch v.Kind() {
	case 't':
		return true, nil
	case 'f':
		return false, nil
	}
	return false, WrongKind(v, "a boolean")
}

// WrongKind is the error of a value that is of another kind than want, which
// goes with an article: a string, say. It does not quote the value.
func WrongKind(v Value, want string) error {
	return fmt.Errorf("a JSON %s where %s is due", kindName(v), want)
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
