package scope_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/bearerkit/bearerkit/scope"
)

func TestAlternatives(t *testing.T) {
	a, b, c := scope.All("a"), scope.All("b"), scope.All("c")
	tests := []struct {
		rule scope.Rule
		want []string
	}{
		{scope.None, []string{""}},
		{a, []string{"a"}},
		{scope.All("b", "a"), []string{"a b"}},
		{scope.Any("b", "a", "b"), []string{"b", "a"}},
		{a.Or(b).Or(a), []string{"a", "b"}},
		{a.And(scope.Any("b", "c")), []string{"a b", "a c"}},
		{scope.Any("a", "b").And(scope.Any("a", "c")), []string{"a", "b c"}}, // a c and a b need more than a
		{scope.All("a", "b").Or(b), []string{"b"}},
		{a.And(scope.None), []string{"a"}},
		{a.Or(scope.None), []string{""}},
		{a.And(b).Or(c), []string{"a b", "c"}},
		{scope.Rule{}, nil},
		{a.And(scope.Rule{}), nil},
		{scope.Any(), nil},
	}
	for _, tt := range tests {
		var got []string
		for _, set := range tt.rule.Alternatives() {
			got = append(got, set.String())
			if !tt.rule.Allows(set) {
				t.Errorf("%v does not allow its alternative %q", tt.rule, set)
			}
			for _, name := range set.Names() {
				fewer, err := scope.New(slices.DeleteFunc(set.Names(), func(n string) bool { return n == name })...)
				if err != nil || tt.rule.Allows(fewer) {
					t.Errorf("%v: %q is enough without %q (%v)", tt.rule, set, name, err)
				}
			}
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%v: %q, want %q", tt.rule, got, tt.want)
		}
	}
}

// With And, the number of alternatives grows exponentially. It is bounded, and what
// Alternatives returns then is still enough.
func TestTooManyAlternatives(t *testing.T) {
	names := func(prefix string, n int) (all []string) {
		for i := range n {
			all = append(all, fmt.Sprint(prefix, i))
		}
		return all
	}
	product := scope.None
	for i := range 40 {
		product = product.And(scope.Any(names(fmt.Sprint("p", i, "."), 4)...))
	}
	for _, tt := range []struct {
		name string
		rule scope.Rule
		want int
	}{
		{"Any of 256", scope.Any(names("a", 256)...), 256},
		{"Any of 257", scope.Any(names("a", 257)...), 1},
		{"16 times 16", scope.Any(names("a", 16)...).And(scope.Any(names("b", 16)...)), 256},
		{"16 times 17", scope.Any(names("a", 16)...).And(scope.Any(names("b", 17)...)), 1},
		{"200 or 200", scope.Any(names("a", 200)...).Or(scope.Any(names("b", 200)...)), 1},
		{"4 to the power of 40", product, 1},
		{"too many, or one more", product.Or(scope.All("admin")), 1},
	} {
		all := tt.rule.Alternatives()
		if len(all) != tt.want || !tt.rule.Allows(all[0]) || all[0] != tt.rule.Needs() {
			t.Errorf("%s: %d alternatives, want %d; the first is %q", tt.name, len(all), tt.want, all[0])
		}
	}
}
