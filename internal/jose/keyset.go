package jose

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/bearerkit/bearerkit/internal/strictjson"
	"github.com/go-json-experiment/json/jsontext"
)

// maxSkipped is how many skipped keys a [KeySet] describes. The number of keys
// is bounded by the document alone, and a key that is skipped may be as short as
// two bytes.
const maxSkipped = 100

// KeySet is what a JWK set (RFC 7517, Section 5) offers to verify signatures.
type KeySet struct {
	// Keys are in the order of the document. Several may have the same ID, or
	// none: the caller chooses by [Key.Can].
	Keys []*Key

	// Skipped says which keys were left out, and why: the first 100 of them.
	// More is the number of the others.
	Skipped []Skipped
	More    int

	// Notes says which of the Keys are used although they are malformed.
	Notes []Note
}

// Note is about a key of a set that is used although it is malformed. Its texts
// are fit for a log.
type Note struct {
	Index int    // where in the `keys` array
	ID    string // the `kid`, as in [Skipped]
	Text  string
}

// Skipped is a key of a set that is not used. Its texts are fit for a log.
type Skipped struct {
	Index  int    // where in the `keys` array
	ID     string // the `kid` as far as it could be read: at most 64 printable ASCII characters
	Reason string
}

// ParseKeySet reads a JWK set. A key that is broken, foreign, weak or not meant
// for signatures is skipped alone (RFC 7517, Section 5). The error is about the
// document: it is no JSON object or nested too deep, it has no `keys` array, or
// two, or something follows it. A set none of whose keys can be used is no error.
// How many keys a set may have is bounded by its length, which is the caller's
// to bound.
func ParseKeySet(doc []byte) (KeySet, error) {
	set, err := parseKeySet(doc)
	if err != nil {
		return KeySet{}, fmt.Errorf("jose: key set: %w", err)
	}
	return set, nil
}

func parseKeySet(doc []byte) (KeySet, error) {
	if err := strictjson.CheckDepth(doc); err != nil {
		return KeySet{}, err
	}
	// This pass lets duplicate names and invalid UTF-8 through, so that the
	// pass over each key can refuse them there.
	dec := jsontext.NewDecoder(bytes.NewBuffer(doc),
		jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	if dec.PeekKind() != '{' {
		return KeySet{}, errors.New("not a JSON object")
	}
	if _, err := dec.ReadToken(); err != nil {
		return KeySet{}, documentError(dec)
	}
	var set KeySet
	found := false
	for dec.PeekKind() != '}' {
		rawName, err := dec.ReadValue()
		if err != nil {
			return KeySet{}, documentError(dec)
		}
		// The error, about invalid UTF-8, is of no interest: such a name is
		// another than keys.
		name, _ := jsontext.AppendUnquote(nil, rawName)
		if string(name) != "keys" {
			if err := dec.SkipValue(); err != nil {
				return KeySet{}, documentError(dec)
			}
			continue
		}
		if found {
			return KeySet{}, errors.New("two keys members")
		}
		found = true
		if err := set.readKeys(dec); err != nil {
			return KeySet{}, err
		}
	}
	if _, err := dec.ReadToken(); err != nil {
		return KeySet{}, documentError(dec)
	}
	if _, err := dec.ReadToken(); err != io.EOF {
		return KeySet{}, errors.New("data after the JSON object")
	}
	if !found {
		return KeySet{}, errors.New("no keys member")
	}
	return set, nil
}

// readKeys reads the `keys` array.
func (set *KeySet) readKeys(dec *jsontext.Decoder) error {
	if dec.PeekKind() != '[' {
		return errors.New("keys is not an array")
	}
	if _, err := dec.ReadToken(); err != nil {
		return documentError(dec)
	}
	for i := 0; dec.PeekKind() != ']'; i++ {
		raw, err := dec.ReadValue()
		if err != nil {
			return documentError(dec)
		}
		set.add(i, raw)
	}
	if _, err := dec.ReadToken(); err != nil {
		return documentError(dec)
	}
	return nil
}

func (set *KeySet) add(index int, raw []byte) {
	m, err := readJWK(raw)
	if err == nil {
		trimmed := m.trim()
		var key *Key
		if key, err = m.key(material.public); err == nil {
			set.Keys = append(set.Keys, key)
			if len(trimmed) > 0 {
				text := strings.Join(trimmed, " and ") + " began with a zero octet (RFC 7518, Section 2), which was removed"
				set.Notes = append(set.Notes, Note{Index: index, ID: Printable(m.kid), Text: text})
			}
			return
		}
	}
	if len(set.Skipped) == maxSkipped {
		set.More++
		return
	}
	set.Skipped = append(set.Skipped, Skipped{Index: index, ID: Printable(m.kid), Reason: err.Error()})
}

// documentError says where the JSON of a set broke off, without quoting it.
func documentError(dec *jsontext.Decoder) error {
	return fmt.Errorf("invalid JSON near byte %d", dec.InputOffset())
}
