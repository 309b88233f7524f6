package strictjson_test

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/bearerkit/bearerkit/internal/strictjson"
)

// reference reads the members of an object with jsontext, whose defaults are
// strict. The scanner must agree with it.
func reference(document []byte) (members []string, ok bool) {
	if strictjson.CheckDepth(document) != nil {
		return nil, false
	}
	dec := jsontext.NewDecoder(bytes.NewBuffer(document))
	if dec.PeekKind() != '{' {
		return nil, false
	}
	if _, err := dec.ReadToken(); err != nil {
		return nil, false
	}
	for dec.PeekKind() != '}' {
		name, err := dec.ReadToken()
		if err != nil {
			return nil, false
		}
		member := name.String() + "="
		value, err := dec.ReadValue()
		if err != nil {
			return nil, false
		}
		members = append(members, member+string(value))
	}
	if _, err := dec.ReadToken(); err != nil {
		return nil, false
	}
	_, err := dec.ReadToken()
	return members, err == io.EOF
}

func compare(t *testing.T, document []byte) {
	t.Helper()
	want, ok := reference(document)
	var got []string
	err := strictjson.Members(document, func(name []byte, at int, value strictjson.Value) error {
		got = append(got, string(name)+"="+string(value))
		if !bytes.Equal(document[at:at+len(value)], value) {
			t.Errorf("%q: %q is not at byte %d", document, value, at)
		}
		return nil
	})
	if (err == nil) != ok {
		t.Fatalf("%q: %v, and jsontext accepts it: %t", document, err, ok)
	}
	if ok && !slices.Equal(got, want) {
		t.Fatalf("%q has the members %q, by jsontext %q", document, got, want)
	}
}

// variations are valid, nearly valid and invalid pieces of JSON.
var variations = []string{
	`0`, `-0`, `-`, `+1`, `01`, `1.`, `.5`, `1.5`, `1e`, `1e+`, `1E-2`, `1e5`, `1e05`, `--1`, `1x`, `0x1`, `1_0`, `1e400`, `-1.0E+0`, `00`, `1.e1`,
	`true`, `tru`, `truex`, `True`, `false`, `fals`, `null`, `nul`, `NULL`, `NaN`, `Infinity`, `undefined`,
	`""`, `"`, `"a`, `'a'`, `"\`, `"\"`, `"\\"`, `"\/\b\f\n\r\t"`, `"\a"`, `"\u"`, `"\u12"`, `"\u123"`, `"\u1234"`, `"\U1234"`, `"\uABCd"`, `"\u00g0"`,
	`"\ud800"`, `"\ud800\"`, `"\ud800\u"`, `"\ud800\udc00"`, `"\uDBFF\uDFFF"`, `"\ud800\ud800"`, `"\udc00"`, `"\udc00\ud800"`, `"\ud800x"`, `"\ud800\n"`, `"\ud83d\ude0"`,
	"\"\x00\"", "\"\x1f\"", "\"\x7f\"", "\"\t\"", "\"\x80\"", "\"\xc2\"", "\"\xc2\x80\"", "\"\xc0\xaf\"", "\"\xed\xa0\x80\"", "\"\xf4\x90\x80\x80\"", "\"\xf0\x9f\x98\x80\"", "\"\ufffd\"", "\"\uffff\"", "\"\ufeff\"", "\"\xff\"",
	`{}`, `{`, `}`, `{ }`, `{,}`, `{"a"}`, `{"a":}`, `{"a":1,}`, `{"a":1 "b":2}`, `{"a":1,"a":2}`, `{"a":1,"\u0061":2}`, `{"\u0061":1,"a":2}`, `{"":1,"":2}`, `{1:2}`, `{"a":{"b":1,"b":2}}`, `{"ab":1,"ba":2}`,
	`{"\ud83d\ude00":1,"` + "\xf0\x9f\x98\x80" + `":2}`, "{\"\xff\":1}", `{"a" :1}`, `{"a": 1}`, "{\"a\"\n:\r\n\t1 }", "{\"a\"\v:1}", "{\"a\"\u00a0:1}",
	`[]`, `[`, `]`, `[ ]`, `[,]`, `[1,]`, `[,1]`, `[1 2]`, `[1,2]`, `[[]]`, `[[]`, `[{"a":1},{"a":1}]`, `[1]]`,
	``, ` `, "\x00", `1,"b":2`, `1}`, `1} `, `1}x`, `1}{}`, `1,"a":2`, `/**/1`, `1//`,
}

func TestScannerAgreesWithJSONText(t *testing.T) {
	for _, v := range variations {
		compare(t, []byte(v))
		compare(t, []byte(`{"a":`+v+`}`))
		compare(t, []byte(` { "z" : [ `+v+` , {"q":`+v+`} ] }`))
		compare(t, []byte(`{`+v+`:1}`))
		compare(t, []byte(`{"a":1`+v+`}`))
		compare(t, []byte(`{"a":1}`+v))
		compare(t, []byte(v+`{"a":1}`))
		for _, w := range variations {
			compare(t, []byte(`{"a":`+v+`,"b":`+w+`}`))
			compare(t, []byte(`{"a":[`+v+w+`]}`))
		}
	}
	// Every byte in every position of a document with every kind of value.
	document := []byte(`{"a\n":[1.5e+7,true,{"\u00e9":"\ud83d\ude00"}],"":{"é":null}} `)
	for i := range document {
		for c := range 256 {
			changed := bytes.Clone(document)
			changed[i] = byte(c)
			compare(t, changed)
		}
		compare(t, document[:i])
	}
	// The scanner looks at eight bytes of a string together: put every byte in
	// every position among them, before each kind of special byte.
	for _, next := range []string{"a", "\"", "\\\"", "\x1f", "\x20", "\x21", "\x23", "\x5b", "\x5d", "\x7f", "\x80", "\u00e9", "\xff"} {
		for place := range 17 {
			for c := range 256 {
				text := strings.Repeat("a", place) + string([]byte{byte(c)}) + next + strings.Repeat("a", 16-place)
				compare(t, []byte(`{"`+text+`":"`+text+`"}`))
			}
		}
	}
	for depth := strictjson.MaxDepth - 3; depth < strictjson.MaxDepth+3; depth++ {
		compare(t, []byte(strings.Repeat(`{"a":`, depth)+"1"+strings.Repeat("}", depth)))
		compare(t, []byte(`{"a":`+strings.Repeat(`[`, depth)+strings.Repeat("]", depth)+`}`))
		compare(t, []byte(`{"a":`+strings.Repeat(`[{"b":`, depth/2)+"[],2"+strings.Repeat("}]", depth/2)+`}`))
	}
}

// manyNames returns an object with n names of the same length and the member
// inner.
func manyNames(n int, inner string) []byte {
	b := []byte(`{"inner":` + inner)
	for i := range n {
		b = fmt.Appendf(b, `,"n%04d":%d`, i, i)
	}
	return append(b, '}')
}

// K1: duplicate names are rejected at every level, even among many names.
func TestManyNames(t *testing.T) {
	for _, n := range []int{1, 14, 15, 16, 17, 18, 31, 32, 33, 63, 64, 65, 100, 1000, 3000} {
		plain := manyNames(n, "1")
		compare(t, plain)
		compare(t, manyNames(n, string(plain)))                              // the same names in a nested object
		compare(t, manyNames(n, "["+string(plain)+","+string(plain)+",{}]")) // and in two of them
		compare(t, manyNames(n, string(manyNames(20, string(manyNames(n, ""))))))
		for _, i := range []int{0, n / 2, n - 1} {
			for _, name := range []string{fmt.Sprintf("n%04d", i), fmt.Sprintf(`\u006e%04d`, i), "inner"} {
				doubled := append(bytes.TrimSuffix(bytes.Clone(plain), []byte("}")), `,"`+name+`":0}`...)
				compare(t, doubled)
				compare(t, manyNames(n, string(doubled)))
				if _, err := members(string(doubled)); err == nil {
					t.Errorf("%d names: duplicate %s is accepted", n, name)
				}
			}
		}
	}
}

// Many names cost no allocation each: nothing if the pooled scanner has read a
// document of this size before, and otherwise only the growth of its memory.
func TestManyNamesAllocateLittle(t *testing.T) {
	document := manyNames(1000, "1")
	read := func() {
		if err := strictjson.Object(document, func([]byte, strictjson.Value) error { return nil }); err != nil {
			t.Fatal(err)
		}
	}
	if got := testing.AllocsPerRun(100, read); got > 25 {
		t.Errorf("%v allocations", got)
	}
}

func TestElements(t *testing.T) {
	value := strictjson.Value(` [ 1 , "b",[2] ]`)
	var got []string
	err := strictjson.Elements(value, func(at int, element strictjson.Value) error {
		got = append(got, strconv.Itoa(at)+string(value[at:at+len(element)])+string(element))
		return nil
	})
	if want := []string{"311", `7"b""b"`, "11[2][2]"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestText(t *testing.T) {
	for in, want := range map[string]string{`""`: "", `"aé"`: "aé", `"a\n"`: "escapes", `"`: "error", `"a"b"`: "error", `a`: "error", "": "error", "\"\xff\"": "error", `"a" `: "error", ` "a"`: "error", `null`: "error"} {
		plain, isPlain, err := strictjson.Text(strictjson.Value(in))
		got := string(plain)
		switch {
		case err != nil:
			got = "error"
		case !isPlain:
			got = "escapes"
		}
		if got != want {
			t.Errorf("Text(%s) is %q, want %q", in, got, want)
		}
	}
}

// The scanner accepts exactly what jsontext accepts and reads the same members.
func FuzzScanner(f *testing.F) {
	for _, v := range variations {
		f.Add([]byte(`{"a":` + v + `}`))
	}
	f.Add(manyNames(40, `{"a":1}`))
	f.Fuzz(func(t *testing.T, document []byte) { compare(t, document) })
}

func BenchmarkObject(b *testing.B) {
	claims := `{"iss":"https://login.example.com","sub":"auth0|64f1c2d3e4a5b6c7d8e9f0a1","aud":["https://api.example.com"],"exp":1639528912,"iat":1618354090,` +
		`"jti":"dbe39bf3a3ba4238a513f51d6e1691c4","client_id":"3f0c7a52-5b1e-4f0e-9a77-2d1f9c1e4b60","scope":"openid profile email orders:read orders:write reports:read users:read",` +
		`"auth_time":1618354090,"acr":"urn:example:mfa","amr":["pwd","otp"],"sid":"b1d0c7a5-25b1-4e0e-9a77-2d1f9c1e4b60","roles":["buyer","approver"]}`
	for name, document := range map[string][]byte{"claims": []byte(claims), "1000 names": manyNames(1000, "1")} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(document)))
			for b.Loop() {
				if err := strictjson.Object(document, func([]byte, strictjson.Value) error { return nil }); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(name+"/jsontext", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, ok := reference(document); !ok {
					b.Fatal("refused")
				}
			}
		})
	}
}
