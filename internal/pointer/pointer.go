// Package pointer finds values in the claims of a token by JSON pointer (RFC
// 6901).
package pointer

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
	"unsafe"

	"github.com/bearerkit/bearerkit/internal/strictjson"
	"github.com/bearerkit/bearerkit/internal/weburl"
)

// Pointer points to a value in a JSON object: first to a claim, and then perhaps
// to a value within it. The zero Pointer finds nothing. Use [Parse].
type Pointer struct {
	text  string
	names []string // without escapes
}

// Parse parses a pointer, such as /realm_access/roles. The error does not quote
// text, but may suggest what was probably meant.
func Parse(text string) (Pointer, error) {
	switch {
	case text == "":
		return Pointer{}, errors.New(`is empty; want a JSON pointer, such as "/roles"`)
	case !utf8.ValidString(text):
		return Pointer{}, errors.New("is not valid UTF-8")
	case strings.Contains(text, "://"):
		// The name of a claim that is a URL, of which each slash separates names.
		return Pointer{}, fmt.Errorf("has unescaped slashes; for the claim of this name, write %q (RFC 6901, Section 3)",
			"/"+escaper.Replace(strings.TrimPrefix(text, "/")))
	case text[0] != '/':
		return Pointer{}, fmt.Errorf("is not a JSON pointer; want %q (RFC 6901, Section 3)", "/"+text)
	}
	if err := weburl.Unfilled(text); err != nil {
		return Pointer{}, err
	}
	names := strings.Split(text[1:], "/")
	for i, name := range names {
		plain := unescaper.Replace(name)
		if strings.Count(name, "~") != len(name)-len(plain) {
			return Pointer{}, errors.New(`has a "~" without 0 or 1 behind it; write "~0" for "~" and "~1" for "/" (RFC 6901, Section 3)`)
		}
		names[i] = plain
	}
	if names[0] == "" {
		return Pointer{}, errors.New("names no claim")
	}
	return Pointer{text, names}, nil
}

var (
	escaper   = strings.NewReplacer("~", "~0", "/", "~1")
	unescaper = strings.NewReplacer("~0", "~", "~1", "/")
)

// String returns the text that was parsed.
func (p Pointer) String() string { return p.text }

// Claim returns the name of the claim that p points to or into.
func (p Pointer) Claim() string { return p.names[0] }

// Find returns the value in an object, or nil if the value is absent or null. The
// error says that a value on the way has the wrong type, or that the object is
// malformed. It quotes no value.
func (p Pointer) Find(object string) (strictjson.Value, error) {
	if len(p.names) == 0 {
		return nil, nil
	}
	// Nothing changes the bytes, and strictjson does not keep them.
	_, value, err := p.follow(unsafe.Slice(unsafe.StringData(object), len(object)), 0)
	return value, err
}

// Below is [Pointer.Find] for the value of the claim that [Pointer.Claim] names.
// It also returns where in the claim's value the found value begins.
func (p Pointer) Below(claim strictjson.Value) (at int, value strictjson.Value, err error) {
	return p.follow(claim, 1)
}

// follow follows the names from the one at index from.
func (p Pointer) follow(value strictjson.Value, from int) (at int, _ strictjson.Value, err error) {
	for i := from; i < len(p.names); i++ {
		var offset int
		var next strictjson.Value
		switch value.Kind() {
		case '{':
			offset, next, err = member(value, p.names[i])
		case '[':
			offset, next, err = element(value, p.names[i])
		case 'n', 0:
		default:
			err = strictjson.WrongKind(value, "an object")
		}
		if err != nil && i > 0 {
			err = fmt.Errorf("at %s: %w", p.upTo(i), err)
		}
		if err != nil || next == nil {
			return 0, nil, err
		}
		at, value = at+offset, next
	}
	if value.Kind() == 'n' {
		return 0, nil, nil
	}
	return at, value, nil
}

// upTo returns the pointer to the value at which the first n names lead.
func (p Pointer) upTo(n int) string {
	var b strings.Builder
	for _, name := range p.names[:n] {
		b.WriteString("/" + escaper.Replace(name))
	}
	return b.String()
}

// member returns the member of an object. It reads the whole object, so that a
// malformed one never has a member.
func member(object strictjson.Value, want string) (at int, found strictjson.Value, err error) {
	err = strictjson.Members(object, func(name []byte, offset int, value strictjson.Value) error {
		if string(name) == want {
			at, found = offset, value
		}
		return nil
	})
	if err != nil {
		return 0, nil, err
	}
	return at, found, nil
}

// element returns an element of an array. Its index is a number without leading
// zeros (RFC 6901, Section 4).
func element(array strictjson.Value, index string) (at int, found strictjson.Value, err error) {
	left, err := strconv.ParseUint(index, 10, 31)
	if err != nil || strconv.FormatUint(left, 10) != index {
		return 0, nil, errors.New("a JSON array, whose elements have numbers and no names")
	}
	err = strictjson.Elements(array, func(offset int, value strictjson.Value) error {
		if left == 0 {
			at, found = offset, value
		}
		left-- // from 0 to the greatest number, which no array has elements for
		return nil
	})
	if err != nil {
		return 0, nil, err
	}
	return at, found, nil
}
