package scope_test

import (
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
