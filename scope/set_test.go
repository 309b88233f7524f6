package scope_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/bearerkit/bearerkit/scope"
)

// RFC 6749, Section 3.3; checklist B8.
func TestParse(t *testing.T) {
	tests := []struct {
		name, in string
		want     []string
	}{
		{"empty", "", nil},
		{"one name", "read", []string{"read"}},
		{"two names", "read write", []string{"read", "write"}},
		{"another order", "write read", []string{"read", "write"}},
		{"duplicates", "read write read read", []string{"read", "write"}},
		{"names in another case are others", "Read read READ", []string{"READ", "Read", "read"}},
		{"a prefix of another name", "orders:read orders:readall orders", []string{"orders", "orders:read", "orders:readall"}},
		{"a URL", "https://graph.example.com/.default", []string{"https://graph.example.com/.default"}},
		{"the first and last characters", "! # [ ] ~", []string{"!", "#", "[", "]", "~"}},
		{"commas are characters", "a,b", []string{"a,b"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := scope.Parse(tt.in)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(got.Names(), tt.want) {
				t.Errorf("Names() = %q, want %q", got.Names(), tt.want)
			}
			if got.Len() != len(tt.want) || got.IsEmpty() != (len(tt.want) == 0) {
				t.Errorf("Len() = %d, IsEmpty() = %t, want %d names", got.Len(), got.IsEmpty(), len(tt.want))
			}
			if got.String() != strings.Join(tt.want, " ") {
				t.Errorf("String() = %q", got.String())
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	tests := []struct{ name, in string }{
		{"a leading space", " read"},
		{"a trailing space", "read "},
		{"two spaces", "read  write"},
		{"only a space", " "},
		{"a tab", "read\twrite"},
		{"a line feed", "read\nwrite"},
		{"a carriage return", "read\rwrite"},
		{"NUL", "read\x00"},
		{"a quote", `re"ad`},
		{"a backslash", `re\ad`},
		{"DEL", "read\x7f"},
		{"letters that are not ASCII", "lire-été"},
		{"invalid UTF-8", "read\xff"},
		{"a no-break space", "read\u00a0write"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := scope.Parse(tt.in)
			if err == nil {
				t.Fatalf("Parse(%q) = %q, want an error", tt.in, got)
			}
			if !got.IsEmpty() {
				t.Errorf("Parse(%q) fails and returns %q", tt.in, got)
			}
			if n := strings.Count(err.Error(), "scope: "); n != 1 {
				t.Errorf("error %q names the package %d times", err, n)
			}
		})
	}
}

func TestParseErrorIsShort(t *testing.T) {
	_, err := scope.Parse(strings.Repeat("x", 16<<10) + "\n")
	if err == nil || len(err.Error()) > 400 {
		t.Errorf("error of a long scope has %d bytes", len(err.Error()))
	}
}

func TestSetsAreComparable(t *testing.T) {
	a, b := scope.Of("read", "write"), scope.Of("write", "read", "write")
	if a != b {
		t.Errorf("%q and %q differ", a, b)
	}
	if a == scope.Of("read") {
		t.Error("sets of other names are equal")
	}
	if (scope.Set{}) != scope.Of() {
		t.Error("the zero Set is not the Set of no names")
	}
	if m := map[scope.Set]int{a: 1}; m[b] != 1 {
		t.Error("a Set does not work as a map key")
	}
}

func TestHasComparesWholeNames(t *testing.T) {
	granted := scope.Of("orders:readall", "xorders:read", "Orders:Read", "a", "b")
	for _, name := range []string{"orders:read", "orders", "readall", "", " ", "a b", "b a", "orders:readall ", "ORDERS:READALL", "ab"} {
		if granted.Has(name) {
			t.Errorf("%q has %q", granted, name)
		}
	}
	for _, name := range granted.Names() {
		if !granted.Has(name) {
			t.Errorf("%q lacks %q", granted, name)
		}
	}
}

func TestContainsAndUnion(t *testing.T) {
	empty, a, ab, bc := scope.Set{}, scope.Of("a"), scope.Of("a", "b"), scope.Of("b", "c")
	tests := []struct {
		left, right scope.Set
		contains    bool
		union       scope.Set
	}{
		{empty, empty, true, empty},
		{a, empty, true, a},
		{empty, a, false, a},
		{ab, a, true, ab},
		{a, ab, false, ab},
		{ab, bc, false, scope.Of("a", "b", "c")},
		{ab, ab, true, ab},
	}
	for _, tt := range tests {
		if got := tt.left.Contains(tt.right); got != tt.contains {
			t.Errorf("%q.Contains(%q) = %t", tt.left, tt.right, got)
		}
		if got := tt.left.Union(tt.right); got != tt.union {
			t.Errorf("%q.Union(%q) = %q, want %q", tt.left, tt.right, got, tt.union)
		}
	}
}

func TestNamesAreTheCallersOwn(t *testing.T) {
	set := scope.Of("a", "b")
	set.Names()[0] = "admin"
	if set != scope.Of("a", "b") || set.Has("admin") {
		t.Errorf("the set became %q", set)
	}
	names := []string{"b", "a"}
	set = scope.Of(names...)
	names[0] = "admin"
	if set.Has("admin") || names[1] != "a" {
		t.Errorf("the set became %q, its source %q", set, names)
	}
}

func TestNewTellsEveryIllegalName(t *testing.T) {
	_, err := scope.New("read", "a b", "", `c"d`)
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{`"a b"`, "empty scope name", `"c\"d"`} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error %q lacks %s", err, want)
		}
	}
	defer func() {
		if recover() == nil {
			t.Error("Of does not panic on an illegal name")
		}
	}()
	scope.Of("a b")
}

// An accepted text survives a round trip and has only legal names. A rejected
// text gives an empty Set.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{"", "read", "read write", "b a b", " a", "a  b", "a\tb", `"`, `\`, "\x7f", "é", "a\xff", "!#[]~"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		set, err := scope.Parse(s)
		if err != nil {
			if !set.IsEmpty() || !strings.HasPrefix(err.Error(), "scope: parse ") {
				t.Fatalf("Parse(%q) = %q, %v", s, set, err)
			}
			return
		}
		again, err := scope.Parse(set.String())
		if err != nil || again != set {
			t.Fatalf("Parse(%q) = %q, which is read back as %q, %v", s, set, again, err)
		}
		if s == "" {
			return
		}
		words := strings.Split(s, " ")
		for _, word := range words {
			if word == "" || strings.Trim(word, "!#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[]^_`abcdefghijklmnopqrstuvwxyz{|}~") != "" {
				t.Fatalf("Parse(%q) accepts the name %q", s, word)
			}
			if !set.Has(word) {
				t.Fatalf("Parse(%q) = %q lacks %q", s, set, word)
			}
		}
		slices.Sort(words)
		if want := slices.Compact(words); !slices.Equal(set.Names(), want) {
			t.Fatalf("Parse(%q).Names() = %q, want %q", s, set.Names(), want)
		}
	})
}
