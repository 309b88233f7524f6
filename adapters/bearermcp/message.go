package bearermcp

import (
	"bytes"
	"errors"
	"io"

	"github.com/go-json-experiment/json/jsontext"
)

const (
	// maxDepth bounds how deep a message may be nested.
	maxDepth = 64

	// maxNames bounds how many names the objects that are open at the same time
	// may have together, and maxNameBytes how long those may be: to find a
	// duplicate, any reader of an object must keep its names.
	maxNames     = 10_000
	maxNameBytes = 256 << 10
)

var errBeyond = errors.New("bearermcp: a message with more names, or deeper, than is read")

// checkShape bounds what it costs to read a message. It does not otherwise judge
// it, and allocates nothing.
func checkShape(message []byte) error {
	type object struct{ names, bytes int }
	var open [maxDepth + 1]object
	var all object
	depth, text := 0, 0 // text is the length of the last string
	for i := 0; i < len(message); i++ {
		switch message[i] {
		case '"':
			start := i
			for i++; i < len(message) && message[i] != '"'; i++ {
				if message[i] == '\\' {
					i++
				}
			}
			text = i - start
		case '{', '[':
			if depth++; depth > maxDepth {
				return errBeyond
			}
			open[depth] = object{}
		case '}', ']':
			all.names -= open[depth].names
			all.bytes -= open[depth].bytes
			open[depth] = object{}
			depth = max(depth-1, 0)
		case ':':
			open[depth].names++
			open[depth].bytes += text
			all.names++
			all.bytes += text
			if all.names > maxNames || all.bytes > maxNameBytes {
				return errBeyond
			}
		}
	}
	return nil
}

var (
	errNotObject = errors.New("bearermcp: a message that is not a JSON object")
	errNotText   = errors.New("bearermcp: a method, or a name of a tool, that is not a string")
)

// toolCalled returns the name of the tool that a JSON-RPC message calls, or the
// empty string if it calls none. Every other reader of the message must read the
// same in it, so it is read strictly: case-sensitive, without duplicate names,
// with nothing behind it.
func toolCalled(message []byte) (string, error) {
	if err := checkShape(message); err != nil {
		return "", err
	}
	var method, tool string
	var methodErr error
	toolErr := errNotObject // without params
	d := jsontext.NewDecoder(bytes.NewBuffer(message))
	err := object(d, func(name string) (err error) {
		switch name {
		case "method":
			method, methodErr, err = text(d)
		case "params":
			if d.PeekKind() != '{' {
				return d.SkipValue()
			}
			tool, toolErr = "", nil
			return object(d, func(name string) (err error) {
				if name != "name" {
					return d.SkipValue()
				}
				tool, toolErr, err = text(d)
				return err
			})
		default:
			err = d.SkipValue()
		}
		return err
	})
	if err != nil {
		return "", err
	}
	if _, err := d.ReadToken(); err != io.EOF {
		return "", errors.New("bearermcp: data behind the message")
	}
	if methodErr != nil || method != "tools/call" {
		return "", methodErr
	}
	return tool, toolErr
}

// object reads an object, and calls member before the value of each name.
func object(d *jsontext.Decoder, member func(name string) error) error {
	if d.PeekKind() != '{' {
		if err := d.SkipValue(); err != nil {
			return err
		}
		return errNotObject
	}
	if _, err := d.ReadToken(); err != nil {
		return err
	}
	for d.PeekKind() != '}' {
		name, err := d.ReadToken()
		if err != nil {
			return err
		}
		if err := member(name.String()); err != nil {
			return err
		}
	}
	_, err := d.ReadToken()
	return err
}

// text reads a value that should be a string. If it is another one, fault says
// so; err is for what is no JSON.
func text(d *jsontext.Decoder) (value string, fault, err error) {
	if d.PeekKind() != '"' {
		return "", errNotText, d.SkipValue()
	}
	token, err := d.ReadToken()
	if err != nil {
		return "", nil, err
	}
	return token.String(), nil, nil
}
