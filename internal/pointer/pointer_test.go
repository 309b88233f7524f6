package pointer_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/bearerkit/bearerkit/internal/pointer"
)

// The document and the pointers of RFC 6901, Section 5, and some more.
func TestFind(t *testing.T) {
	const document = `{"foo":["bar","baz"],"a/b":1,"c%d":2,"e^f":3,"g|h":4,"i\\j":5,"k\"l":6," ":7,"m~n":8,"~1":9,"x":{"":{"y":null,"z":[[1,{"w":true}]]}}}`
	tests := []struct{ pointer, want string }{
		{"/foo", `["bar","baz"]`}, {"/foo/0", `"bar"`}, {"/foo/1", `"baz"`},
		{"/a~1b", `1`}, {"/c%d", `2`}, {"/e^f", `3`}, {"/g|h", `4`}, {`/i\j`, `5`}, {`/k"l`, `6`}, {"/ ", `7`}, {"/m~0n", `8`},
		{"/~01", `9`}, // "~01" is "~1" and not "/" (Section 4)
		{"/x//z/0/1/w", `true`},
		{"/foo/2", ``}, {"/foo/4294967296", `error`}, {"/foo/01", `error`}, {"/foo/-", `error`}, {"/foo/+1", `error`}, {"/foo/bar", `error`},
		{"/foo/0/bar", `error`}, {"/a~1b/c", `error`},
		{"/other", ``}, {"/x/y", ``}, {"/x//y", ``}, {"/x//y/deeper", ``},
	}
	for _, tt := range tests {
		p, err := pointer.Parse(tt.pointer)
		if err != nil {
			t.Errorf("%s: %v", tt.pointer, err)
			continue
		}
		value, err := p.Find(document)
		got := string(value)
		if err != nil {
			got = "error"
		}
		if got != tt.want {
			t.Errorf("%s: %s (%v), want %s", tt.pointer, got, err, tt.want)
		}
		// The same from the claim on, with the place of the value.
		claims := map[string]json.RawMessage{}
		if err := json.Unmarshal([]byte(document), &claims); err != nil {
			t.Fatal(err)
		}
		claim := claims[p.Claim()]
		at, below, err := p.Below([]byte(claim))
		if string(below) != string(value) || (err != nil) != (got == "error") || !strings.HasPrefix(string(claim[at:]), string(below)) {
			t.Errorf("%s below its claim: %s at %d (%v), want %s", tt.pointer, below, at, err, value)
		}
	}
}

func TestFindInAnythingElse(t *testing.T) {
	p, err := pointer.Parse("/roles")
	if err != nil {
		t.Fatal(err)
	}
	for _, document := range []string{``, `[`, `"roles"`, `7`, `{"roles"`, `{"roles":1`, `{"roles":1,"roles":2}`, `{"roles":1,"a":1,"a":2}`, `["roles"]`} {
		if value, err := p.Find(document); value != nil || err == nil && document != "" {
			t.Errorf("%s: %s, %v; want an error", document, value, err)
		}
	}
	if value, err := (pointer.Pointer{}).Find(`{"":1}`); value != nil || err != nil {
		t.Errorf("the zero Pointer: %s, %v", value, err)
	}
}

// RFC 6901, Section 3. An error says what was probably meant.
func TestParseReportsMistakes(t *testing.T) {
	tests := []struct{ pointer, want string }{
		{"", "is empty"},
		{"/", "names no claim"},
		{"//roles", "names no claim"},
		{"roles", `want "/roles"`},
		{"realm_access/roles", `want "/realm_access/roles"`},
		{"#/roles", "is not a JSON pointer"},
		{"/a~", `"~"`}, {"/a~2", `"~"`}, {"/~~0", `"~"`}, {"/a/~/b", `"~"`},
		{"https://example.com/roles", `write "/https:~1~1example.com~1roles"`},
		{"/https://example.com/roles", `write "/https:~1~1example.com~1roles"`},
		{"/resource_access/{client}/roles", `placeholder "{client}"`},
		{"/a\xff", "UTF-8"},
	}
	for _, tt := range tests {
		if p, err := pointer.Parse(tt.pointer); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%q: %v, %v; want an error with %s", tt.pointer, p, err, tt.want)
		}
	}
}

// A pointer finds what its names lead to, in any document.
func FuzzFind(f *testing.F) {
	f.Add("/a/b/0", `{"a":{"b":[null,1]}}`)
	f.Add("/~1~0", `{"/~":"x"}`)
	f.Add("/a", `{"a":1,"a":2}`)
	f.Fuzz(func(t *testing.T, text, document string) {
		p, err := pointer.Parse(text)
		if err != nil {
			return
		}
		if p.String() != text {
			t.Errorf("%q prints as %q", text, p)
		}
		value, err := p.Find(document)
		if err != nil && value != nil || value != nil && !strings.Contains(document, string(value)) {
			t.Errorf("%q in %q: %s, %v", text, document, value, err)
		}
	})
}
