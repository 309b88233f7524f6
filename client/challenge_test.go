package client_test

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/bearerkit/bearerkit/bearer/bearertest"
	"github.com/bearerkit/bearerkit/client"
	"github.com/bearerkit/bearerkit/scope"
)

// shape is a line of WWW-Authenticate.
type shape struct {
	name, line string
	want       string // the challenges in the form of String, one in a line. Empty: none
	fails      string // in the error. Empty: the line is well-formed
}

// RFC 9110, Sections 5.6 and 11, checklist H2 to H6: what the grammar allows, in all
// its forms, and no more.
var shapes = []shape{
	// Well-formed.
	{"an empty line", "", "", ""},
	{"only white space", " \t ", "", ""},
	{"only commas (5.6.1.2)", " ,, ,\t,", "", ""},
	{"a scheme alone", `Negotiate`, `Negotiate`, ""},
	{"a scheme and spaces", `Negotiate   `, `Negotiate`, ""},
	{"one parameter", `Bearer realm="api"`, `Bearer realm="api"`, ""},
	{"an unquoted value", `Bearer realm=api`, `Bearer realm="api"`, ""},
	{"an empty quoted-string", `Bearer realm=""`, `Bearer realm=""`, ""},
	{"many spaces after the scheme (11.3, 1*SP)", `Bearer    realm="api"`, `Bearer realm="api"`, ""},
	{"white space around = (BWS)", "Bearer realm \t= \t\"api\"", `Bearer realm="api"`, ""},
	{"names in other cases (11.2)", `bEARER Realm="api", SCOPE="a b"`, `bEARER realm="api", scope="a b"`, ""},
	{"two parameters without a space", `Bearer realm="api",error="invalid_token"`, `Bearer error="invalid_token", realm="api"`, ""},
	{"empty elements between parameters", `Bearer realm="api", ,,error="x"`, `Bearer error="x", realm="api"`, ""},
	{"an empty element after the scheme", `Bearer , realm="api"`, `Bearer realm="api"`, ""},
	{"a comma at the start and at the end", `, Bearer realm="api",`, `Bearer realm="api"`, ""},
	{"escaped quotes (5.6.4)", `Bearer realm="a \"b\" \\ c"`, `Bearer realm="a \"b\" \\ c"`, ""},
	{"an escaped letter", `Bearer realm="\a\p\i"`, `Bearer realm="api"`, ""},
	{"a comma in a quoted-string", `Bearer realm="a, Basic realm=b", error="x"`, `Bearer error="x", realm="a, Basic realm=b"`, ""},
	{"a challenge in a quoted-string", `Basic realm="\", Bearer error=\"insufficient_scope\", scope=\"admin"`, `Basic realm="\", Bearer error=\"insufficient_scope\", scope=\"admin"`, ""},
	{"a tab in a quoted-string", "Bearer realm=\"a\tb\"", "Bearer realm=\"a\tb\"", ""},
	{"obs-text in a quoted-string (5.5)", "Bearer realm=\"caf\xe9 \u2713\"", "Bearer realm=\"caf\xe9 \u2713\"", ""},
	{"an escaped obs-text", "Bearer realm=\"\\\xe9\"", "Bearer realm=\"\xe9\"", ""},
	{"all characters of a token", `!#$%&'*+-.^_` + "`" + `|~09azAZ x="1"`, `!#$%&'*+-.^_` + "`" + `|~09azAZ x="1"`, ""},
	{"a token68", `Negotiate YII+/-._~09==`, `Negotiate YII+/-._~09==`, ""},
	{"a token68 of letters", `Negotiate abc`, `Negotiate abc`, ""},
	{"a token68 that looks like a parameter", `Bearer realm=`, `Bearer realm=`, ""},
	{"a token68 and a challenge", `Negotiate abc=, Bearer realm="api"`, "Negotiate abc=\nBearer realm=\"api\"", ""},
	{"a scheme alone, and a challenge", `Negotiate, Bearer realm="api", error="invalid_token", NTLM`, "Negotiate\nBearer error=\"invalid_token\", realm=\"api\"\nNTLM", ""},
	{"two challenges of one scheme", `Bearer realm="a", Bearer realm="b"`, "Bearer realm=\"a\"\nBearer realm=\"b\"", ""},
	{"a parameter that is named like a scheme", `Bearer Basic="x"`, `Bearer basic="x"`, ""},
	{"one name in two challenges", `Bearer scope="a", DPoP scope="b", algs=ES256`, "Bearer scope=\"a\"\nDPoP algs=\"ES256\", scope=\"b\"", ""},
	{"RFC 9110, Section 11.6.1", `Basic realm="simple", Newauth realm="apps", type=1, title="Login to \"apps\""`,
		"Basic realm=\"simple\"\nNewauth realm=\"apps\", title=\"Login to \\\"apps\\\"\", type=\"1\"", ""},
	{"RFC 9470, Section 3", `Bearer error="insufficient_user_authentication", error_description="A different authentication level is required", acr_values="myACR", max_age=5`,
		`Bearer acr_values="myACR", error="insufficient_user_authentication", error_description="A different authentication level is required", max_age="5"`, ""},
	{"RFC 9728, Section 5.1", `Bearer resource_metadata="https://resource.example.com/.well-known/oauth-protected-resource"`,
		`Bearer resource_metadata="https://resource.example.com/.well-known/oauth-protected-resource"`, ""},

	// Malformed.
	{"a parameter without a scheme", `realm="api"`, "", "a parameter before the first scheme"},
	{"a parameter of the line before (5.3)", `error="invalid_token", scope="admin"`, "", "before the first scheme"},
	{"a name twice (11.2)", `Bearer realm="a", realm="b"`, "", "occurs twice"},
	{"a name twice in other cases", `Bearer scope="a", SCOPE="admin"`, "", "occurs twice"},
	{"a name twice among others", `Bearer error="x", scope="a", error="insufficient_scope"`, "", "occurs twice"},
	{"no comma", `Bearer realm="a" error="b"`, "", "want a comma"},
	{"a semicolon", `Bearer realm="a"; error="b"`, "", `";"; want a comma`},
	{"no closing quote", `Bearer realm="api`, "", "without its closing quote"},
	{"no closing quote after an escape", `Bearer realm="api\"`, "", "without its closing quote"},
	{"a backslash at the end", `Bearer realm="api\`, "", "without its closing quote"},
	{"only a quote", `Bearer realm="`, "", "without its closing quote"},
	{"a quote after the value", `Bearer realm="api""`, "", "want a comma"},
	{"text after the value", `Bearer realm="api"x`, "", "want a comma"},
	{"single quotes around two words", `Bearer realm='my api'`, "", "want a comma"},
	{"no value", `Bearer realm=, error="x"`, "", "a parameter after a token68"},
	{"no value of the second parameter", `Bearer error="x", realm=`, "", "want a token or a quoted-string"},
	{"no value, but spaces", `Bearer error="x", realm= , scope="a"`, "", "want a token or a quoted-string"},
	{"no name", `Bearer ="api"`, "", "before the first scheme"},
	{"only =", `=`, "", `"="; want a scheme`},
	{"two =", `Bearer realm=="api"`, "", "want a token or a quoted-string"},
	{"a token68 with = inside", `Bearer abc=def=`, "", "want a comma"},
	{"a parameter after a token68", `Negotiate abc==, realm="x"`, "", "a parameter after a token68"},
	{"two token68", `Negotiate abc def`, "", "want name=value"},
	{"a token68 after a parameter", `Bearer realm="x", abc==`, "", "want a token or a quoted-string"},
	{"a tab after the scheme (1*SP)", "Bearer\trealm=\"api\"", "", `"\t"; want a space`},
	{"a quoted scheme", `"Bearer" realm="api"`, "", `"\""; want a scheme`},
	{"a scheme with a slash", `Bear/er realm="api"`, "", `"/"; want a space`},
	{"a scheme with a colon", `Bearer: realm="api"`, "", `":"; want a space`},
	{"the field's own name", `WWW-Authenticate: Bearer realm="api"`, "", `":"; want a space`},
	{"a JSON object", `{"error":"invalid_token"}`, "", `"{"; want a scheme`},
	{"a URL as an unquoted value", `Bearer resource_metadata=https://api.example.com/x`, "", `":"; want a comma`},
	{"an unquoted list", `Bearer scope=a b`, "", "want a comma"},
	{"CR LF in a quoted-string (5.5)", "Bearer realm=\"a\r\nSet-Cookie: x\"", "", `"\r"; want printable`},
	{"an escaped line break", "Bearer realm=\"a\\\nb\"", "", `"\n"; want printable`},
	{"NUL in a quoted-string", "Bearer realm=\"a\x00b\"", "", `"\x00"; want printable`},
	{"NUL after the scheme", "Bearer\x00", "", `"\x00"; want a space`},
	{"NUL in place of the element", "\x00", "", `"\x00"; want a scheme`},
	{"DEL in a quoted-string", "Bearer realm=\"a\x7fb\"", "", `"\x7f"; want printable`},
	{"escape codes of a terminal", "Bearer realm=\"\x1b[2J\"", "", `"\x1b"; want printable`},
	{"a scheme of other letters", "B\u0435arer realm=\"api\"", "", `"\xd0"; want a space`},
	{"a full-width quote", "Bearer realm=\uff02api\uff02", "", "want a token or a quoted-string"},
	{"obs-text in an unquoted value", "Bearer realm=caf\xe9", "", `"\xe9"; want a comma`},
	{"a no-break space", "Bearer\u00a0realm=\"api\"", "", `"\xc2"; want a space`},
	{"a byte order mark", "\ufeffBearer realm=\"api\"", "", `"\xef"; want a scheme`},
	{"a good challenge before the mistake", `Bearer error="invalid_token", DPoP realm="`, "", "without its closing quote"},
	{"a good challenge after the mistake", `Basic realm=a b, Bearer error="invalid_token"`, "", "want a comma"},
	{"a scope bomb", `Bearer scope="` + strings.Repeat("a ", 16<<10) + `"`, "", "32783 bytes, want at most 16384"},
	{"64 KiB without an end", `Bearer realm="` + strings.Repeat(`\"`, 32<<10), "", "bytes, want at most 16384"},
	{"33 parameters", "Bearer " + list(33, `p%d="1"`), "", "want at most 32 parameters"},
	{"17 challenges", list(17, `S%d`), "", "want at most 16 challenges"},
}

func list(n int, format string) string {
	var all []string
	for i := range n {
		all = append(all, fmt.Sprintf(format, i))
	}
	return strings.Join(all, ", ")
}

func TestParseChallenges(t *testing.T) {
	hostile := 0
	for _, tt := range shapes {
		t.Run(tt.name, func(t *testing.T) {
			got, err := client.ParseChallenges([]string{tt.line})
			var texts []string
			for _, c := range got {
				texts = append(texts, c.String())
			}
			if text := strings.Join(texts, "\n"); text != tt.want {
				t.Errorf("challenges:\n%s\nwant:\n%s", text, tt.want)
			}
			if tt.fails == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			hostile++
			wrong, ok := errors.AsType[*client.ChallengeError](err)
			if !ok || !strings.Contains(err.Error(), tt.fails) || wrong.Line != 0 || wrong.Offset > len(tt.line) {
				t.Errorf("error %v, want a *ChallengeError with %q", err, tt.fails)
			}
			if len(err.Error()) > 200 {
				t.Errorf("an error of %d bytes", len(err.Error()))
			}
		})
	}
	if len(shapes) < 80 {
		t.Errorf("only %d shapes", len(shapes))
	}
}

// A malformed line does not hide the challenges of the others, and adds none.
func TestMalformedLineAmongOthers(t *testing.T) {
	got, err := client.ParseChallenges([]string{`Bearer realm="`, `Bearer error="invalid_token"`, `scope="admin"`, `Basic realm="x"`})
	if len(got) != 2 || got[0].String() != `Bearer error="invalid_token"` || !got[1].Is("basic") {
		t.Errorf("%v", got)
	}
	for _, want := range []string{"line 1, at byte 14: a quoted-string", "line 3, at byte 0: a parameter before"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

func TestTooManyLines(t *testing.T) {
	lines := make([]string, 10_000)
	for i := range lines {
		lines[i] = fmt.Sprintf(`S%d realm="`, i)
	}
	lines[15], lines[16] = `Bearer realm="last"`, `Bearer realm="too late"`
	got, err := client.ParseChallenges(lines)
	if len(got) != 1 || got[0].String() != `Bearer realm="last"` {
		t.Errorf("%v", got)
	}
	if err == nil || !strings.Contains(err.Error(), "10000 lines, want at most 16") || len(err.Error()) > 4096 {
		t.Errorf("%v", err)
	}
}

func TestChallengeParam(t *testing.T) {
	got, err := client.ParseChallenges([]string{`Bearer Error_Description="", error=invalid_token`})
	if err != nil || len(got) != 1 {
		t.Fatal(got, err)
	}
	c := got[0]
	for name, want := range map[string]string{"error": "invalid_token", "ERROR": "invalid_token", "error_description": ""} {
		if value, ok := c.Param(name); !ok || value != want {
			t.Errorf("%s: %q, %t", name, value, ok)
		}
	}
	if value, ok := c.Param("scope"); ok || value != "" {
		t.Errorf("scope: %q, %t", value, ok)
	}
	if _, ok := (client.Challenge{}).Param("error"); ok {
		t.Error("the zero Challenge has a parameter")
	}
}

// RFC 6750, Section 3, checklist B8, C18, and bounds on what a server can ask for.
func TestChallengeScope(t *testing.T) {
	for _, tt := range []struct {
		value string
		want  scope.Set
		ok    bool
	}{
		{"orders:read", scope.Of("orders:read"), true},
		{"b a b", scope.Of("a", "b"), true},
		{" a  b ", scope.Of("a", "b"), true},
		{"", scope.Set{}, false},
		{" ", scope.Set{}, false},
		{"a\tb", scope.Set{}, false},
		{`a "b`, scope.Set{}, false},
		{`a \b`, scope.Set{}, false},
		{"caf\u00e9", scope.Set{}, false},
		{strings.Join(strings.Split(list(64, "s%d"), ", "), " "), scope.Of(strings.Split(list(64, "s%d"), ", ")...), true},
		{strings.Join(strings.Split(list(65, "s%d"), ", "), " "), scope.Set{}, false},
	} {
		got, ok := client.Challenge{Params: map[string]string{"scope": tt.value}}.Scope()
		if got != tt.want && tt.ok || ok != tt.ok {
			t.Errorf("%q: %q, %t", tt.value, got, ok)
		}
	}
	if _, ok := (client.Challenge{}).Scope(); ok {
		t.Error("the zero Challenge has a scope")
	}
}

// RFC 9470, Section 3, checklist S2.
func TestChallengeStepUp(t *testing.T) {
	for _, tt := range []struct {
		acr, age string
		want     string
	}{
		{"", "", "[] -1ns"},
		{"b a", "300", "[b a] 5m0s"},
		{"a", "0", "[a] 0s"},
		{"", "-5", "[] -1ns"},
		{"", "1e3", "[] -1ns"},
		{"", "99999999999999999999", "[] -1ns"},
		{"", "+5", "[] -1ns"},
		{strings.Repeat("a ", 100), "", "[" + strings.TrimSpace(strings.Repeat("a ", 16)) + "] -1ns"},
	} {
		got := client.Challenge{Params: map[string]string{"acr_values": tt.acr, "max_age": tt.age}}.StepUp()
		if text := fmt.Sprint(got.ACRValues, got.MaxAge); text != tt.want {
			t.Errorf("%q, %q: %s, want %s", tt.acr, tt.age, text, tt.want)
		}
	}
}

// Parsing takes time in proportion to the length of the lines.
func TestLongLinesAreQuick(t *testing.T) {
	const n = 16<<10 - 100
	for _, line := range []string{
		strings.Repeat(",", n), strings.Repeat(" ", n), strings.Repeat("a", n), strings.Repeat("=", n),
		"Bearer " + strings.Repeat(" ", n), `Bearer x="` + strings.Repeat(`\\`, n/2) + `"`,
		"Bearer x" + strings.Repeat(" ", n) + "=1", "Bearer " + strings.Repeat("a", n/2) + strings.Repeat("=", n/2) + "x",
		strings.Repeat("a ,", n/3), strings.Repeat("a=1,", n/4), "B " + strings.Repeat("\t", n) + ",",
	} {
		best := time.Hour
		for range 5 { // the best of five, since other programs run too
			began := time.Now()
			_, _ = client.ParseChallenges([]string{line})
			best = min(best, time.Since(began))
		}
		if best > 20*time.Millisecond {
			t.Errorf("%.20q…: %v", line, best)
		}
	}
}

func ExampleParseChallenges() {
	header := http.Header{}
	header.Add("WWW-Authenticate", `Basic realm="intranet", Bearer realm="api", error="insufficient_scope", scope="orders:read orders:write"`)
	challenges, err := client.ParseChallenges(header.Values("WWW-Authenticate"))
	if err != nil { // a line is malformed; the challenges are those of the others
		fmt.Println(err)
	}
	for _, c := range challenges {
		if c.Is("Bearer") {
			code, _ := c.Param("error")
			needs, _ := c.Scope()
			fmt.Println(code, needs)
		}
	}
	// Output: insufficient_scope orders:read orders:write
}

// FuzzParseChallenges: what is accepted prints to a line that parses to the same,
// and what is refused has the documented error.
func FuzzParseChallenges(f *testing.F) {
	for _, tt := range shapes {
		if len(tt.line) < 1<<10 {
			f.Add(tt.line, "")
		}
	}
	f.Add(`Bearer realm="`, `Bearer error="invalid_token"`)
	f.Fuzz(func(t *testing.T, first, second string) {
		lines := []string{first, second}
		got, err := client.ParseChallenges(lines)
		if joined, ok := err.(interface{ Unwrap() []error }); err != nil && ok {
			for _, each := range joined.Unwrap() {
				wrong, ok := each.(*client.ChallengeError)
				if !ok || wrong.Line > 1 || wrong.Offset > len(lines[wrong.Line]) {
					t.Fatalf("error %#v", each)
				}
			}
		} else if err != nil {
			t.Fatalf("error %T", err)
		}
		// The test kit's parser has no limits, and accepts less otherwise. What it accepts
		// has the same meaning here.
		if kit, kitErr := bearertest.ParseChallenges(lines); kitErr == nil && (err == nil || !strings.Contains(err.Error(), "at most")) {
			if err != nil || len(kit) != len(got) {
				t.Fatalf("%q: %v, %v; the test kit has %v", lines, got, err, kit)
			}
			for i, c := range got {
				if c.Scheme != kit[i].Scheme || c.Token68 != "" || !maps.Equal(c.Params, kit[i].Params) {
					t.Fatalf("%q: %#v; the test kit has %#v", lines, c, kit[i])
				}
			}
		}
		for _, c := range got {
			again, err := client.ParseChallenges([]string{c.String()})
			if err != nil || len(again) != 1 || again[0].Scheme != c.Scheme || again[0].Token68 != c.Token68 || !maps.Equal(again[0].Params, c.Params) {
				t.Fatalf("%#v prints %q, which parses to %#v, %v", c, c.String(), again, err)
			}
			if c.Token68 != "" && len(c.Params) > 0 {
				t.Fatalf("a token68 and parameters: %#v", c)
			}
			if set, ok := c.Scope(); ok && (set.IsEmpty() || set.Len() > 64) {
				t.Fatalf("%d scopes", set.Len())
			}
			if step := c.StepUp(); len(step.ACRValues) > 16 {
				t.Fatalf("%d ACR values", len(step.ACRValues))
			}
		}
	})
}
