// Package strictjson reads the JSON that comes from outside: token headers,
// claims, key sets and metadata.
//
// It accepts exactly one JSON object in valid UTF-8, whose names are unique
// (RFC 7515, Section 4; RFC 7519, Section 4) and compared as they are
// spelled, nested at most [MaxDepth] deep, with nothing behind it. Everything
// else is an error. encoding/json does none of this.
package strictjson

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/go-json-experiment/json/jsontext"
)

// MaxDepth is how deep objects and arrays may be nested, the outermost
// included. A deeply nested value costs the JSON reader memory for each level,
// so depth is counted before it reads.
const MaxDepth = 32

// Value is a raw JSON value. It aliases the document it was read from.
type Value = jsontext.Value

// ErrTooDeep is returned for a document that is nested deeper than [MaxDepth].
var ErrTooDeep = fmt.Errorf("nested deeper than %d levels", MaxDepth)

var errNotObject = errors.New("not a JSON object")

// CheckDepth returns [ErrTooDeep] if data is nested deeper than [MaxDepth].
// It allocates nothing and does not otherwise judge data.
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

type reader struct {
	buf bytes.Buffer
	dec jsontext.Decoder
}

var readers = sync.Pool{New: func() any { return new(reader) }}

// Object reads data as one JSON object and calls member for each of its
// members, in order. The name is valid during the call only, the value aliases
// data; an error of member ends the reading and is returned as it is.
func Object(data []byte, member func(name []byte, value Value) error) error {
	if err := CheckDepth(data); err != nil {
		return err
	}
	r := readers.Get().(*reader)
	defer func() {
		// The pool must not keep a request's bytes alive.
		r.buf = bytes.Buffer{}
		r.dec.Reset(&r.buf)
		readers.Put(r)
	}()
	r.buf = *bytes.NewBuffer(data)
	r.dec.Reset(&r.buf)
	return object(&r.dec, data, member)
}

func object(dec *jsontext.Decoder, data []byte, member func(name []byte, value Value) error) error {
	if dec.PeekKind() != '{' {
		if _, err := dec.ReadValue(); err != nil {
			return syntaxError(err)
		}
		return errNotObject
	}
	if _, err := dec.ReadToken(); err != nil {
		return syntaxError(err)
	}
	var scratch [64]byte
	for dec.PeekKind() != '}' {
		raw, err := dec.ReadValue()
		if err != nil {
			return syntaxError(err)
		}
		// The name is copied out, since reading the value invalidates it.
		name, err := jsontext.AppendUnquote(scratch[:0], raw)
		if err != nil {
			return syntaxError(err)
		}
		value, err := dec.ReadValue()
		if err != nil {
			return syntaxError(err)
		}
		// What the decoder returns is valid until its next call; the same
		// bytes of data stay.
		end := int(dec.InputOffset())
		if err := member(name, data[end-len(value):end:end]); err != nil {
			return err
		}
	}
	if _, err := dec.ReadToken(); err != nil {
		return syntaxError(err)
	}
	if _, err := dec.ReadToken(); err != io.EOF {
		return errors.New("data behind the JSON object")
	}
	return nil
}

// syntaxError tells what is wrong with a document without quoting it: what the
// JSON reader says may contain names and values of a token.
func syntaxError(err error) error {
	var syntactic *jsontext.SyntacticError
	switch {
	case errors.Is(err, jsontext.ErrDuplicateName):
		return errors.New("a duplicate member name")
	case errors.As(err, &syntactic):
		return fmt.Errorf("invalid JSON at byte %d", syntactic.ByteOffset)
	case errors.Is(err, io.EOF):
		return errors.New("no JSON value")
	default:
		return errors.New("invalid JSON")
	}
}

// String returns the string that v is. Any other kind, null included, is an
// error.
func String(v Value) (string, error) {
	if v.Kind() != '"' {
		return "", fmt.Errorf("a JSON %s where a string is due", kindName(v))
	}
	b, err := jsontext.AppendUnquote(nil, v)
	if err != nil {
		return "", errors.New("an invalid JSON string")
	}
	return string(b), nil
}

// Strings returns the strings that v, an array, holds. Any other kind, and an
// element of any other kind, is an error. An empty array gives an empty,
// non-nil slice.
func Strings(v Value) ([]string, error) {
	if v.Kind() != '[' {
		return nil, fmt.Errorf("a JSON %s where an array of strings is due", kindName(v))
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

// Array calls element for each element of v, which must be an array that was
// read by [Object].
func Array(v Value, element func(Value) error) error {
	if v.Kind() != '[' {
		return fmt.Errorf("a JSON %s where an array is due", kindName(v))
	}
	dec := jsontext.NewDecoder(bytes.NewBuffer(v))
	if _, err := dec.ReadToken(); err != nil {
		return syntaxError(err)
	}
	for dec.PeekKind() != ']' {
		raw, err := dec.ReadValue()
		if err != nil {
			return syntaxError(err)
		}
		if err := element(raw); err != nil {
			return err
		}
	}
	return nil
}

// Bool returns the boolean that v is. Any other kind is an error.
func Bool(v Value) (bool, error) {
	switch v.Kind() {
	case 't':
		return true, nil
	case 'f':
		return false, nil
	}
	return false, fmt.Errorf("a JSON %s where a boolean is due", kindName(v))
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
