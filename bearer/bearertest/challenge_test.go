package bearertest_test

import (
	"fmt"
	"maps"
	"net/http"
	"strings"
	"testing"

	"github.com/bearerkit/bearerkit/bearer/bearertest"
)

// Checklist H2, H3, H4, H5, H6.
func TestWellFormedChallenges(t *testing.T) {
	type params = map[string]string
	tests := []struct {
		name  string
		lines []string
		want  []bearertest.Challenge
	}{
		{"no line", nil, nil},
		{"an empty line", []string{""}, nil},
		{"one parameter", []string{`Bearer realm="api"`}, []bearertest.Challenge{{"Bearer", params{"realm": "api"}}}},
		{"a scheme alone", []string{`Negotiate`}, []bearertest.Challenge{{"Negotiate", params{}}}},
		{"a token value", []string{`Bearer max_age=300`}, []bearertest.Challenge{{"Bearer", params{"max_age": "300"}}}},
		{"an empty quoted-string", []string{`Bearer realm=""`}, []bearertest.Challenge{{"Bearer", params{"realm": ""}}}},
		{"names in any case", []string{`bEARER Realm="A", ERROR="x"`}, []bearertest.Challenge{{"bEARER", params{"realm": "A", "error": "x"}}}},
		{"escapes", []string{`Bearer realm="a \"b\" \\ \c, d=e"`}, []bearertest.Challenge{{"Bearer", params{"realm": `a "b" \ c, d=e`}}}},
		{"whitespace around = and commas", []string{"Bearer  realm = \"a\"\t,error\t=\tx , "}, []bearertest.Challenge{{"Bearer", params{"realm": "a", "error": "x"}}}},
		{"empty list elements", []string{`,, Bearer realm="a",, error=x,`}, []bearertest.Challenge{{"Bearer", params{"realm": "a", "error": "x"}}}},
		{"two challenges in one line", []string{`Bearer realm="a", error=x, DPoP algs="ES256 EdDSA", Negotiate`}, []bearertest.Challenge{
			{"Bearer", params{"realm": "a", "error": "x"}}, {"DPoP", params{"algs": "ES256 EdDSA"}}, {"Negotiate", params{}}}},
		{"two challenges in two lines", []string{`Bearer realm="a"`, `DPoP realm="a"`}, []bearertest.Challenge{
			{"Bearer", params{"realm": "a"}}, {"DPoP", params{"realm": "a"}}}},
		{"the same scheme twice", []string{`Bearer realm="a", Bearer realm="b"`}, []bearertest.Challenge{
			{"Bearer", params{"realm": "a"}}, {"Bearer", params{"realm": "b"}}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := bearertest.ParseChallenges(tt.lines)
			if err != nil {
				t.Fatal(err)
			}
			if len(got) != len(tt.want) {
				t.Fatalf("got %v, want %v", got, tt.want)
			}
			for i := range got {
				if got[i].Scheme != tt.want[i].Scheme || !maps.Equal(got[i].Params, tt.want[i].Params) {
					t.Errorf("challenge %d: got %v, want %v", i, got[i], tt.want[i])
				}
			}
		})
	}
}

func TestMalformedChallenges(t *testing.T) {
	tests := []struct{ name, line string }{
		{"a parameter without a scheme", `realm="a"`},
		{"a parameter twice", `Bearer realm="a", realm="a"`},
		{"a parameter twice in another case", `Bearer error=a, ERROR=b`},
		{"realm as a token", `Bearer realm=api`},
		{"no comma between parameters", `Bearer realm="a" error=x`},
		{"no comma, and a word", `Bearer realm="a"b`},
		{"no end of a quoted-string", `Bearer realm="a`},
		{"an escape at the end", `Bearer realm="a\`},
		{"an escaped end", `Bearer realm="a\"`},
		{"no value", `Bearer realm=`},
		{"no value before a comma", `Bearer error=, realm="a"`},
		{"token68", `Negotiate YWJj`},
		{"token68 with padding", `Negotiate YWJj==`},
		{"token68 with one padding", `Negotiate YWJj=`},
		{"a tab after the scheme", "Bearer\trealm=\"a\""},
		{"a quote after the scheme", `Bearer "a"`},
		{"no space after the scheme", `Bearer"a"`},
		{"CR LF in a value", "Bearer realm=\"a\r\nSet-Cookie: b\""},
		{"LF escaped in a value", "Bearer realm=\"a\\\nb\""},
		{"NUL in a value", "Bearer realm=\"a\x00\""},
		{"DEL in a value", "Bearer realm=\"a\x7f\""},
		{"a tab in a value", "Bearer realm=\"a\tb\""},
		{"a control character between", "Bearer realm=\"a\"\x0b, error=x"},
		{"bytes that are not ASCII", `Bearer realm="é"`},
		{"a name that is not a token", `Bearer r@alm="a"`},
		{"a semicolon between", `Bearer realm="a"; error=x`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got, err := bearertest.ParseChallenges([]string{tt.line}); err == nil {
				t.Errorf("%q: got %v, want an error", tt.line, got)
			} else if !strings.HasPrefix(err.Error(), "bearertest: ") {
				t.Errorf("error %q does not name the package", err)
			}
		})
	}
	t.Run("a challenge over two lines", func(t *testing.T) {
		if got, err := bearertest.ParseChallenges([]string{`Bearer realm="a"`, `error=x`}); err == nil {
			t.Errorf("got %v, want an error", got)
		}
	})
}

// Reports V10: the time grows linearly with the length of a field line. With
// quadratic growth this line would take minutes.
func TestChallengesInALongLine(t *testing.T) {
	const schemes = 100_000
	line := strings.Repeat("a,", schemes) + strings.Repeat(" ", 1<<20)
	challenges, err := bearertest.ParseChallenges([]string{line})
	if err != nil || len(challenges) != schemes {
		t.Errorf("%d challenges, %v", len(challenges), err)
	}
}

// Parsing, writing and parsing again returns the same challenges.
func FuzzParseChallenges(f *testing.F) {
	f.Add(`Bearer realm="a \"b\"", error=x, DPoP algs="ES256", Negotiate`)
	f.Add(`Negotiate YWJj==`)
	f.Add(",\t, Bearer a = \"\\\\\"")
	f.Fuzz(func(t *testing.T, line string) {
		first, err := bearertest.ParseChallenges([]string{line})
		if err != nil {
			return
		}
		var lines []string
		for _, c := range first {
			var params []string
			for name, value := range c.Params {
				escaped := strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(value)
				params = append(params, name+`="`+escaped+`"`)
			}
			lines = append(lines, c.Scheme+" "+strings.Join(params, ", "))
		}
		second, err := bearertest.ParseChallenges(lines)
		if err != nil || len(second) != len(first) {
			t.Fatalf("%q was read as %v; written as %q it gives %v, %v", line, first, lines, second, err)
		}
		for i := range first {
			if first[i].Scheme != second[i].Scheme || !maps.Equal(first[i].Params, second[i].Params) {
				t.Fatalf("%q was read as %v; written as %q it gives %v", line, first, lines, second)
			}
		}
	})
}

func ExampleParseChallenges() {
	h := http.Header{}
	h.Add("WWW-Authenticate", `Bearer realm="api", error="insufficient_scope", scope="orders:read"`)
	challenges, err := bearertest.ParseChallenges(h.Values("WWW-Authenticate"))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(challenges[0].Scheme, challenges[0].Params["scope"])
	// Output: Bearer orders:read
}
