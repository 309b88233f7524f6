package bearermcp

import (
	"bytes"
	"errors"
	"io"

	"github.com/go-json-experiment/json/jsontext"
)

const (
	// maxDepth limits the nesting of a message.
	maxDepth = 64

	// maxNames and maxNameBytes limit the names of all objects that are open at
	// the same time, in number and in total length. To detect a duplicate, a
	// reader must keep the names of an object in memory.
	maxNames     = 10_000
	maxNameBytes = 256 << 10
)

var errTooComplex = errors.New("bearermcp: the message has too many names or is nested too deeply")

// checkShape rejects a message that would be expensive to read. It does not
// validate the message otherwise, and it does not allocate.
func checkShape(message []byte) error {
	type object struct{ names, bytes int }
	var open [maxDepth + 1]object
	var total object
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
				return errTooComplex
			}
			open[depth] = object{}
		case '}', ']':
			total.names -= open[depth].names
			total.bytes -= open[depth].bytes
			open[depth] = object{}
			depth = max(depth-1, 0)
		case ':':
			open[depth].names++
			open[depth].bytes += text
			total.names++
			total.bytes += text
			if total.names > maxNames || total.bytes > maxNameBytes {
				return errTooComplex
			}
		}
	}
	return nil
}

var (
	errNotObject = errors.New("bearermcp: the message is not a JSON object")
	errNotText   = errors.New("bearermcp: the method or the name of the tool is not a string")
)

// toolCalled returns the name of the tool that a JSON-RPC message calls, or the
// empty string if it calls none. It is strict, so that every other reader of the
// message finds the same tool: names are case-sensitive, and duplicate names and
// trailing data are errors.
func toolCalled(message []byte) (string, error) {
	if err := checkShape(message); err != nil {
		return "", err
	}
	var method, tool string
	var methodErr error
	toolErr := errNotObject // if there are no params
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
		return "", errors.New("bearermcp: trailing data after the message")
	}
	if methodErr != nil || method != "tools/call" {
		return "", methodErr
	}
	return tool, toolErr
}

// object reads an object. It calls member with each name; member reads the value.
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

// text reads a value that should be a string. It returns fault for a value of
// another type, and err for malformed JSON.
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
