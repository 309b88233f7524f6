package claims

import (
	"bytes"
	"errors"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/bearerkit/bearerkit/internal/strictjson"
)

// Values are the claims of a document, by index. They alias the document. Their
// memory can be used for one document after the other; the zero Values is ready
// to read.
//
// The methods that read a claim return the zero value for a claim that is
// absent, and for a malformed one that [Values] reads as absent. Their errors
// are an *[Error].
type Values struct {
	names   *Names
	raw     []strictjson.Value // nil: absent
	at      []int              // where each begins
	dropped []dropped          // read as absent
	text    string             // the document, if it is kept
}

// Read reads another document into v.
func (v *Values) Read(n *Names, document []byte) error {
	v.Clear()
	v.names = n
	v.raw = slices.Grow(v.raw[:0], len(n.names))[:len(n.names)]
	v.at = slices.Grow(v.at[:0], len(n.names))[:len(n.names)]
	return strictjson.Members(document, func(name []byte, at int, value strictjson.Value) error {
		i, ok := n.find(name)
		switch {
		case !ok:
		case value[0] == 'n' && n.strict[i] != strictNull:
			v.dropped = append(v.dropped, dropped{i, null})
		default:
			v.raw[i], v.at[i] = value, at
		}
		return nil
	})
}

// KeepText copies the document that v was read from, once: texts that are
// read from then on are parts of the copy where they have no escapes, and not
// copies of their own.
func (v *Values) KeepText(document []byte) {
	if v.text == "" {
		v.text = string(document)
	}
}

// KeptText returns that copy.
func (v *Values) KeptText() string { return v.text }

// Clear makes v forget its document.
func (v *Values) Clear() {
	clear(v.raw)
	v.dropped = v.dropped[:0]
	v.text = ""
}

// Raw returns a claim as it stands in the document, nil if it is absent.
func (v *Values) Raw(i int) strictjson.Value { return v.raw[i] }

// Has reports whether the claim is there, and was not found to be malformed.
func (v *Values) Has(i int) bool { return v.raw[i] != nil }

// IsEmptyText reports whether the claim is the empty string.
func (v *Values) IsEmptyText(i int) bool { return string(v.raw[i]) == `""` }

// string returns the string that a part of the document is, which begins at a
// byte of it.
func (v *Values) string(at int, value strictjson.Value) (string, error) {
	if v.text == "" {
		return strictjson.String(value)
	}
	if value[0] != '"' || bytes.IndexByte(value, '\\') >= 0 {
		return strictjson.String(value)
	}
	return v.text[at+1 : at+len(value)-1], nil // it was read strictly
}

// Text returns a claim that is a string.
func (v *Values) Text(i int) (string, error) {
	if v.raw[i] == nil {
		return "", nil
	}
	s, err := v.string(v.at[i], v.raw[i])
	if err != nil {
		return "", v.unreadable(i, err)
	}
	return s, nil
}

// FirstText returns the first of some claims that is there.
func (v *Values) FirstText(indexes []int) (string, error) {
	for _, i := range indexes {
		if v.raw[i] != nil {
			return v.Text(i)
		}
	}
	return "", nil
}

// List returns a claim that is one string or an array of strings (RFC 7519,
// Section 4.1.3).
func (v *Values) List(i int) ([]string, error) {
	if v.raw[i] != nil && v.raw[i].Kind() == '"' {
		s, err := v.Text(i)
		return []string{s}, err
	}
	return v.Strings(i)
}

// Strings returns a claim that is an array of strings.
func (v *Values) Strings(i int) ([]string, error) {
	if v.raw[i] == nil {
		return nil, nil
	}
	var list []string
	err := strictjson.Elements(v.raw[i], func(at int, element strictjson.Value) error {
		s, err := v.string(v.at[i]+at, element)
		if err == nil {
			list = append(list, s)
		}
		return err
	})
	if err != nil {
		return nil, v.unreadable(i, err)
	}
	return list, nil
}

// maxNumericDate is the end of the year 9999; no token means a later time.
const maxNumericDate = 253402300799

// Date returns a claim that is a NumericDate. The zero time is absent.
func (v *Values) Date(i int) (time.Time, error) {
	if v.raw[i] == nil {
		return time.Time{}, nil
	}
	t, err := Date(v.raw[i])
	if err != nil {
		return time.Time{}, v.unreadable(i, err)
	}
	return t, nil
}

// Date returns the time that a NumericDate is: a JSON number, integer or not
// (RFC 7519, Section 2).
func Date(value strictjson.Value) (time.Time, error) {
	if value.Kind() != '0' {
		return time.Time{}, strictjson.WrongKind(value, "a number")
	}
	if seconds, ok := fewDigits(value); ok {
		return time.Unix(seconds, 0), nil
	}
	seconds, err := strconv.ParseFloat(string(value), 64)
	if err != nil || seconds < 0 || seconds > maxNumericDate {
		return time.Time{}, errors.New("a number that is no time from 1970 to 9999")
	}
	whole, fraction := math.Modf(seconds)
	return time.Unix(int64(whole), int64(fraction*1e9)), nil
}

// fewDigits reads a number of at most eleven digits and nothing else, which
// nearly all dates are.
func fewDigits(value []byte) (n int64, ok bool) {
	if len(value) > 11 {
		return 0, false
	}
	for _, c := range value {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = 10*n + int64(c-'0')
	}
	return n, true
}
