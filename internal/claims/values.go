package claims

import (
	"bytes"
	"slices"

	"github.com/bearerkit/bearerkit/internal/strictjson"
)

// Values holds the claims of one document, by index. They alias the document.
// The zero Values is ready to use, and reading another document reuses its
// memory.
//
// Methods that return a claim return the zero value if the claim is absent, or
// malformed and treated as absent. Their errors are of type *[Error].
type Values struct {
	names   *Names
	raw     []strictjson.Value // by index; nil if the claim is absent
	at      []int              // by index; where the claim begins in the document
	dropped []dropped
	text    string // a copy of the document, if KeepText was called
}

// Read forgets the previous document and reads the claims in n from another
// one.
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

// Under applies the rules of n from now on. It reads the document again only if
// the Names that it was read with lack some of n.
func (v *Values) Under(n *Names, document []byte) error {
	if v.names.origin != n.origin || len(v.names.names) < len(n.names) {
		return v.Read(n, document)
	}
	v.names = n
	v.dropped = slices.DeleteFunc(v.dropped, func(d dropped) bool { return d.claim >= len(n.names) })
	return nil
}

// KeepText copies the document that v was read from. Strings without escapes
// are substrings of this one copy from then on and cost no allocation. Further
// calls have no effect until the next Read.
func (v *Values) KeepText(document []byte) {
	if v.text == "" {
		v.text = string(document)
	}
}

// KeptText returns the copy made by [Values.KeepText], or "".
func (v *Values) KeptText() string { return v.text }

// Clear forgets the document.
func (v *Values) Clear() {
	clear(v.raw)
	v.dropped = v.dropped[:0]
	v.text = ""
}

// Raw returns the JSON of a claim, or nil if the claim is absent.
func (v *Values) Raw(i int) strictjson.Value { return v.raw[i] }

// Has reports whether the document has the claim and the claim was not found to
// be malformed. A claim is checked when a method such as [Values.Text] reads
// it.
func (v *Values) Has(i int) bool { return v.raw[i] != nil }

// IsEmptyText reports whether the claim is the empty string.
func (v *Values) IsEmptyText(i int) bool { return string(v.raw[i]) == `""` }

// string decodes value, which begins at byte at of the document.
func (v *Values) string(at int, value strictjson.Value) (string, error) {
	if v.text == "" {
		return strictjson.String(value)
	}
	if value[0] != '"' || bytes.IndexByte(value, '\\') >= 0 {
		return strictjson.String(value)
	}
	return v.text[at+1 : at+len(value)-1], nil // Read has checked the string
}

// Text returns a claim that must be a string.
func (v *Values) Text(i int) (string, error) {
	if v.raw[i] == nil {
		return "", nil
	}
	s, err := v.string(v.at[i], v.raw[i])
	if err != nil {
		return "", v.malformed(i, err)
	}
	return s, nil
}

// List returns a claim that must be a string or an array of strings (RFC 7519,
// Section 4.1.3).
func (v *Values) List(i int) ([]string, error) {
	if v.raw[i] != nil && v.raw[i].Kind() == '"' {
		s, err := v.Text(i)
		return []string{s}, err
	}
	return v.Strings(i)
}

// Strings returns a claim that must be an array of strings.
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
		return nil, v.malformed(i, err)
	}
	return list, nil
}
