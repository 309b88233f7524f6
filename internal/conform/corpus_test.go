package conform_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/bearerkit/bearerkit/internal/conform"
)

const oneCase = `{"name":"a","does":"d","level":"core","source":["s"],"why":"w","must":{"status":["2xx"]}}`

func load(cases ...string) ([]conform.Case, error) {
	document := fmt.Sprintf(`{"topic":"t","groups":[{"cases":[%s]}]}`, strings.Join(cases, ","))
	return conform.Load(fstest.MapFS{"a.json": {Data: []byte(document)}})
}

func TestLoad(t *testing.T) {
	cases, err := load(oneCase, strings.Replace(oneCase, `"a"`, `"b"`, 1))
	if err != nil || len(cases) != 2 || cases[0].Topic != "t" || len(cases[0].Steps) != 1 {
		t.Errorf("got %+v, %v", cases, err)
	}
}

func TestLoadRefuses(t *testing.T) {
	replaced := func(old, new string) []string { return []string{strings.Replace(oneCase, old, new, 1)} }
	tests := []struct {
		name  string
		cases []string
	}{
		{"an unknown member", replaced(`"does"`, `"dose"`)},
		{"an unknown member of an expectation", replaced(`"status"`, `"statuses"`)},
		{"a member twice", replaced(`"why":"w"`, `"why":"w","why":"x"`)},
		{"a name twice", []string{oneCase, oneCase}},
		{"a name with a space", replaced(`"a"`, `"a b"`)},
		{"no source", replaced(`"source":["s"],`, ``)},
		{"no reason", replaced(`"w"`, `""`)},
		{"nothing that it does", replaced(`"d"`, `""`)},
		{"nothing that must happen", replaced(`{"status":["2xx"]}`, `{}`)},
		{"an unknown level", replaced(`core`, `gold`)},
		{"an unknown need", replaced(`"why"`, `"needs":["luck"],"why"`)},
		{"an unknown status", replaced(`2xx`, `success`)},
		{"an unknown challenge", replaced(`"status":["2xx"]`, `"challenge":"yes"`)},
		{"an unknown form", replaced(`"why"`, `"token":{"form":"saml"},"why"`)},
		{"an unknown route", replaced(`"why"`, `"request":{"route":"admin"},"why"`)},
		{"members of a step beside steps", replaced(`"why"`, `"steps":[{}],"why"`)},
		{"the same tokens as no step", replaced(`"why"`, `"same":true,"why"`)},
		{"data after the document", []string{oneCase + `]}]} {"x":[{"y":[`}},
	}
	for _, tt := range tests {
		if cases, err := load(tt.cases...); err == nil {
			t.Errorf("%s: accepted: %+v", tt.name, cases)
		}
	}
	if _, err := conform.Load(fstest.MapFS{}); err == nil {
		t.Error("a corpus without files is accepted")
	}
	if _, err := conform.Load(fstest.MapFS{"a.json": {Data: []byte(`{"groups":[]}`)}}); err == nil {
		t.Error("a file without a topic is accepted")
	}
}
