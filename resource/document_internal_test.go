package resource

import (
	"bytes"
	"maps"
	"slices"
	"testing"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/bearerkit/bearerkit/internal/strictjson"
)

// Any input is rejected, or its members survive a round trip.
func FuzzReadDocument(f *testing.F) {
	full := Config{
		AuthorizationServers: []string{"https://login.example.com"},
		Name:                 "é",
		NameByLanguage:       map[string]string{"de": "\"<&>\\"},
		MTLSBound:            true,
	}
	f.Add(full.document("https://api.example.com", []string{"a", "b"}))
	for _, seed := range []string{
		`{}`, ` {"a" : [ 1.50, -0, 1e400 ] } `, `{"a":1,"a":2}`, `{"a":1,"\u0061":2}`, `[]`, `null`, ``, `{"a":{"b":{"a":null,"A":true}}}`,
		`{"a":"\ud800"}`, "{\"a\":\"\xff\"}", `{"a":1}x`, `{"a":9007199254740993}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		before := bytes.Clone(data)
		members, err := readDocument(data)
		if !bytes.Equal(before, data) {
			t.Fatalf("the reader changed %q to %q", before, data)
		}
		if err != nil {
			if members != nil {
				t.Fatalf("members beside %v", err)
			}
			return
		}
		again, err := readDocument(written(members))
		if err != nil || !maps.EqualFunc(members, again, func(a, b strictjson.Value) bool { return bytes.Equal(a, b) }) {
			t.Fatalf("%q: got %q, %v, want %q", data, again, err, members)
		}
	})
}

func written(members map[string]strictjson.Value) []byte {
	b := []byte{'{'}
	for i, name := range slices.Sorted(maps.Keys(members)) {
		if i > 0 {
			b = append(b, ',')
		}
		b, _ = jsontext.AppendQuote(b, name)
		b = append(append(b, ':'), members[name]...)
	}
	return append(b, '}')
}
