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

// maxSkipped is the number of skipped keys that a [KeySet] describes. Only the
// document's length limits the number of keys, and a skipped key may be as short
// as two bytes.
const maxSkipped = 100

// KeySet holds the keys of a JWK set (RFC 7517, Section 5) that verify signatures.
type KeySet struct {
	// Keys are in the order of the document. Several keys may have the same ID
	// or none; choose among them by [Key.Can].
	Keys []*Key

	// Skipped describes the first 100 keys that were skipped. More is the number
	// of further ones.
	Skipped []Skipped
	More    int

	// Notes describes the keys in Keys that are malformed and used nevertheless.
	Notes []Note
}

// Note describes a key that is used although it is malformed. Its texts are safe
// to log.
type Note struct {
	Index int    // where in the `keys` array
	ID    string // the `kid`, as in [Skipped]
	Text  string
}

// Skipped describes a key that is not used. Its texts are safe to log.
type Skipped struct {
	Index  int    // where in the `keys` array
	ID     string // the `kid` if it could be read, by [Printable]
	Reason string
}

// ParseKeySet reads a JWK set. It skips each key that is malformed, foreign, weak
// or not meant for signatures (RFC 7517, Section 5). An error means that the
// document is not a JSON object, is nested too deep, has no `keys` array or two, or
// has trailing data. A set without usable keys is not an error. The document's
// length, which the caller must limit, limits the number of keys.
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
	// This pass allows duplicate names and invalid UTF-8, so that reading each
	// key can refuse them in that key only.
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
		// Ignore the error about invalid UTF-8: such a name is not "keys".
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

// documentError returns an error that says where the JSON of a set is invalid,
// without quoting it.
func documentError(dec *jsontext.Decoder) error {
	return fmt.Errorf("invalid JSON near byte %d", dec.InputOffset())
}
