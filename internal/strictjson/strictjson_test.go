package strictjson_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/bearerkit/bearerkit/internal/strictjson"
)

// members returns the members of a document as "name=value".
func members(document string) ([]string, error) {
	var got []string
	err := strictjson.Object([]byte(document), func(name []byte, value strictjson.Value) error {
		got = append(got, string(name)+"="+string(value))
		return nil
	})
	return got, err
}

func TestObject(t *testing.T) {
	deep := strings.Repeat("[", strictjson.MaxDepth-1) + strings.Repeat("]", strictjson.MaxDepth-1)
	tests := []struct {
		name, in string
		want     []string
	}{
		{"empty", `{}`, nil},
		{"whitespace around", " \t\r\n{ } \n", nil},
		{"every kind", `{"a":1,"b":"x","c":[1,{"d":2}],"e":{"f":null},"g":true,"h":null}`,
			[]string{"a=1", `b="x"`, `c=[1,{"d":2}]`, `e={"f":null}`, "g=true", "h=null"}},
		{"whitespace within", "{ \"a\" : 1 ,\n\"b\" : [ 1 ] }", []string{"a=1", "b=[ 1 ]"}},
		{"an escaped name", `{"\u0061ud":1}`, []string{"aud=1"}},
		{"an empty name", `{"":1}`, []string{"=1"}},
		{"names that differ in case", `{"aud":1,"AUD":2,"Aud":3}`, []string{"aud=1", "AUD=2", "Aud=3"}},
		{"the same name in another object", `{"a":{"b":1},"b":2,"c":[{"b":3},{"b":4}]}`, []string{`a={"b":1}`, "b=2", `c=[{"b":3},{"b":4}]`}},
		{"the maximum depth", `{"a":` + deep + `}`, []string{"a=" + deep}},
		{"brackets and quotes in strings", `{"a":"[[{{\"[\\"}`, []string{`a="[[{{\"[\\"`}},
		{"a surrogate pair", `{"a":"\ud83d\ude00"}`, []string{`a="\ud83d\ude00"`}},
		{"a long name", `{"` + strings.Repeat("n", 100) + `":1,"b":2}`, []string{strings.Repeat("n", 100) + "=1", "b=2"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got, err := members(tt.in); err != nil || !slices.Equal(got, tt.want) {
				t.Errorf("got %q, %v, want %q", got, err, tt.want)
			}
		})
	}
}

// Checklist K1, K10, J6, part 2.3.
func TestObjectRefuses(t *testing.T) {
	const secret = "s3cret-value"
	tests := []struct{ name, in string }{
		{"nothing", ""},
		{"whitespace", " \n"},
		{"an array", `[{"a":1}]`},
		{"a string", `"` + secret + `"`},
		{"a number", `7`},
		{"null", `null`},
		{"no end", `{"a":"` + secret + `"`},
		{"no value", `{"a"}`},
		{"a trailing comma", `{"a":1,}`},
		{"data after the object", `{"a":1}x`},
		{"a second object", `{"a":1}{"a":2}`},
		{"a bracket after the object", `{"a":1}}`},
		{"NUL after the object", "{\"a\":1}\x00"},
		{"a byte order mark", "\ufeff{}"},
		{"a duplicate name", `{"` + secret + `":1,"` + secret + `":2}`},
		{"a duplicate name, escaped", `{"aud":1,"\u0061ud":2}`},
		{"a duplicate name, deeper", `{"a":{"b":1,"b":2}}`},
		{"a duplicate name in an array", `{"a":[{"b":1,"b":2}]}`},
		{"a duplicate empty name", `{"":1,"":2}`},
		{"invalid UTF-8", "{\"a\":\"\xff\"}"},
		{"invalid UTF-8 in a name", "{\"\xff\":1}"},
		{"overlong UTF-8", "{\"a\":\"\xc0\xaf\"}"},
		{"a lone surrogate", `{"a":"\ud800"}`},
		{"a lone low surrogate in a name", `{"\udc00":1}`},
		{"a control character in a string", "{\"a\":\"\n\"}"},
		{"single quotes", `{'a':1}`},
		{"a name without quotes", `{a:1}`},
		{"a comment", `{"a":1/**/}`},
		{"NaN", `{"a":NaN}`},
		{"a leading zero", `{"a":01}`},
		{"a plus sign", `{"a":+1}`},
		{"True", `{"a":True}`},
		{"too deep", `{"a":` + strings.Repeat("[", strictjson.MaxDepth) + strings.Repeat("]", strictjson.MaxDepth) + `}`},
		{"too deep, without an end", strings.Repeat(`{"a":`, 10_000)},
		{"closed before it is opened", strings.Repeat("]", 100) + strings.Repeat("[", 120)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := members(tt.in)
			if err == nil {
				t.Fatal("no error")
			}
			if strings.Contains(err.Error(), secret) {
				t.Errorf("error %q quotes the document", err)
			}
			if tooDeep := strings.HasPrefix(tt.name, "too deep"); errors.Is(err, strictjson.ErrTooDeep) != tooDeep {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestErrorOfAMemberIsReturnedAsItIs(t *testing.T) {
	stop := errors.New("stop")
	calls := 0
	err := strictjson.Object([]byte(`{"a":1,"b":2}`), func([]byte, strictjson.Value) error { calls++; return stop })
	if err != stop || calls != 1 {
		t.Errorf("got %v after %d calls", err, calls)
	}
}

// A value does not change while other members and documents are read.
func TestValuesOutliveTheReading(t *testing.T) {
	var wait sync.WaitGroup
	for worker := range 4 {
		wait.Go(func() {
			for range 200 {
				document := fmt.Sprintf(`{"a":"%d","b":{"c":[%d]}}`, worker, worker)
				var values []strictjson.Value
				err := strictjson.Object([]byte(document), func(_ []byte, value strictjson.Value) error {
					values = append(values, value)
					_, err := members(string(value)) // a read nested in another read
					if value.Kind() == '{' && err != nil {
						return err
					}
					return nil
				})
				if err != nil || string(values[0]) != fmt.Sprintf(`"%d"`, worker) || string(values[1]) != fmt.Sprintf(`{"c":[%d]}`, worker) {
					t.Errorf("got %s, %v", values, err)
					return
				}
				if cap(values[0]) != len(values[0]) {
					t.Error("an append to a value would write into the document")
				}
			}
		})
	}
	wait.Wait()
}

// CVE-2025-53864: a deeply nested document is rejected before it costs memory.
func TestDeepDocumentsAllocateLittle(t *testing.T) {
	for name, document := range map[string][]byte{
		"objects": []byte(strings.Repeat(`{"a":`, 10_000)),
		"arrays":  []byte(`{"a":` + strings.Repeat("[", 10_000)),
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		err := strictjson.Object(document, func([]byte, strictjson.Value) error { return nil })
		runtime.ReadMemStats(&after)
		if got := after.TotalAlloc - before.TotalAlloc; !errors.Is(err, strictjson.ErrTooDeep) || got > 20<<10 {
			t.Errorf("%s: %v, %d bytes allocated", name, err, got)
		}
	}
}

func TestValuesOfAKind(t *testing.T) {
	value := func(s string) strictjson.Value { return strictjson.Value(s) }
	for in, want := range map[string]string{`"a"`: "a", `""`: "", `"\u00e9\n"`: "é\n"} {
		if got, err := strictjson.String(value(in)); err != nil || got != want {
			t.Errorf("String(%s) = %q, %v", in, got, err)
		}
	}
	for in, want := range map[string][]string{`[]`: {}, `["a","b"]`: {"a", "b"}, `[ "a" ]`: {"a"}} {
		if got, err := strictjson.Strings(value(in)); err != nil || got == nil || !slices.Equal(got, want) {
			t.Errorf("Strings(%s) = %q, %v", in, got, err)
		}
	}
	for in, want := range map[string]bool{"true": true, "false": false} {
		if got, err := strictjson.Bool(value(in)); err != nil || got != want {
			t.Errorf("Bool(%s) = %t, %v", in, got, err)
		}
	}
	for _, in := range []string{"null", "1", "true", `{"a":"b"}`, `["a"]`} {
		if got, err := strictjson.String(value(in)); err == nil {
			t.Errorf("String(%s) = %q", in, got)
		}
	}
	for _, in := range []string{"null", `"a"`, `{"a":"b"}`, "1", `["a",1]`, `[null]`, `[["a"]]`} {
		if got, err := strictjson.Strings(value(in)); err == nil {
			t.Errorf("Strings(%s) = %q", in, got)
		}
	}
	for _, in := range []string{"null", `"true"`, "1", "0", `[]`} {
		if got, err := strictjson.Bool(value(in)); err == nil {
			t.Errorf("Bool(%s) = %t", in, got)
		}
	}
	if err := strictjson.Array(value(`{"a":1}`), func(strictjson.Value) error { return nil }); err == nil {
		t.Error("Array takes an object")
	}
	stop := errors.New("stop")
	if err := strictjson.Array(value(`[1,2]`), func(strictjson.Value) error { return stop }); err != stop {
		t.Errorf("Array returns %v", err)
	}
}

// encoding/json, which accepts more documents, reads every accepted document
// the same way. A document rebuilt from its members reads the same as the
// original.
func FuzzObject(f *testing.F) {
	for _, seed := range []string{`{}`, `{"a":1,"b":"x","c":[1,{"d":2}]}`, `{"a":1,"a":2}`, `{"\u0061":1}`, `[`, `{"a":"\ud800"}`, "{\"\xff\":1}", `{"":{}} `} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, document []byte) {
		var names []string
		rebuilt := []byte("{")
		err := strictjson.Object(document, func(name []byte, value strictjson.Value) error {
			quoted, err := json.Marshal(string(name))
			if err != nil {
				t.Fatal(err)
			}
			if names = append(names, string(name)); len(names) > 1 {
				rebuilt = append(rebuilt, ',')
			}
			rebuilt = append(append(append(rebuilt, quoted...), ':'), value...)
			return nil
		})
		if err != nil {
			if len(err.Error()) > 100 {
				t.Fatalf("error %q", err)
			}
			return
		}
		rebuilt = append(rebuilt, '}')
		var first, second map[string]json.RawMessage
		if err := json.Unmarshal(document, &first); err != nil || len(first) != len(names) {
			t.Fatalf("%q has the names %q, and encoding/json reads %v, %v", document, names, first, err)
		}
		if err := json.Unmarshal(rebuilt, &second); err != nil || len(second) != len(first) {
			t.Fatalf("%q was rebuilt as %q, %v", document, rebuilt, err)
		}
		for name, value := range first {
			if !bytes.Equal(value, second[name]) {
				t.Fatalf("%q: %q became %q", document, value, second[name])
			}
		}
		if strictjson.CheckDepth(document) != nil {
			t.Fatalf("%q was read and is too deep", document)
		}
	})
}
