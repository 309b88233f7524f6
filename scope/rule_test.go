package scope_test

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/bearerkit/bearerkit/scope"
)

func TestRules(t *testing.T) {
	var (
		read, write, admin = scope.All("orders:read"), scope.All("orders:write"), scope.All("admin")
		invalid            = scope.All()
	)
	tests := []struct {
		name         string
		rule         scope.Rule
		needs        string
		allows, bars []string
	}{
		{"None", scope.None, "", []string{"", "x"}, nil},
		{"All of one", read, "orders:read",
			[]string{"orders:read", "a orders:read z"},
			[]string{"", "orders", "orders:readall", "orders:rea", "Orders:Read", "xorders:read", "orders:write"}},
		{"All of two", scope.All("b", "a"), "a b", []string{"a b", "b a c"}, []string{"", "a", "b", "ab"}},
		{"All of a duplicate", scope.All("a", "a"), "a", []string{"a"}, []string{""}},
		{"Any", scope.Any("reports:read", "admin"), "reports:read",
			[]string{"reports:read", "admin", "admin reports:read"}, []string{"", "reports", "adm"}},
		{"And", read.And(write), "orders:read orders:write", []string{"orders:read orders:write"}, []string{"", "orders:read", "orders:write"}},
		{"Or", read.Or(admin), "orders:read", []string{"orders:read", "admin"}, []string{"", "orders:write"}},
		{"Or inside And", read.Or(admin).And(write), "orders:read orders:write",
			[]string{"orders:read orders:write", "admin orders:write"}, []string{"admin", "orders:read", "orders:write"}},
		{"And inside Or", read.And(write).Or(admin), "orders:read orders:write",
			[]string{"orders:read orders:write", "admin"}, []string{"orders:read", "orders:write"}},
		{"None or a scope", scope.None.Or(admin), "", []string{"", "admin"}, nil},
		{"a scope or None", admin.Or(scope.None), "admin", []string{"", "admin"}, nil},
		{"None and a scope", scope.None.And(admin), "admin", []string{"admin"}, []string{""}},

		{"the zero Rule", scope.Rule{}, "", nil, []string{"", "orders:read", "admin"}},
		{"All of no names", invalid, "", nil, []string{"", "orders:read"}},
		{"Any of no names", scope.Any(), "", nil, []string{"", "orders:read"}},
		{"All of an empty list from somewhere", scope.All([]string{}...), "", nil, []string{""}},
		{"an illegal name", scope.All("orders:read", "a b"), "", nil, []string{"", "orders:read", "a b", "a b orders:read"}},
		{"an empty name", scope.Any("orders:read", ""), "", nil, []string{"", "orders:read"}},
		{"a quote in a name", scope.Any(`a"`), "", nil, []string{""}},
		{"an invalid and a valid rule", invalid.And(read), "", nil, []string{"", "orders:read"}},
		{"a valid and an invalid rule", read.And(invalid), "", nil, []string{"", "orders:read"}},
		{"an invalid or a valid rule", invalid.Or(read), "", nil, []string{"", "orders:read"}},
		{"a valid or the zero rule", read.Or(scope.Rule{}), "", nil, []string{"", "orders:read"}},
		{"None or an invalid one", scope.None.Or(invalid), "", nil, []string{"", "orders:read"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if valid := tt.allows != nil; (tt.rule.Err() == nil) != valid {
				t.Errorf("Err() = %v, want valid to be %t", tt.rule.Err(), valid)
			}
			if got := tt.rule.Needs().String(); got != tt.needs {
				t.Errorf("Needs() = %q, want %q", got, tt.needs)
			}
			for _, s := range tt.allows {
				if granted := mustParse(t, s); !tt.rule.Allows(granted) {
					t.Errorf("%v does not allow %q", tt.rule, granted)
				}
			}
			for _, s := range tt.bars {
				if granted, err := scope.Parse(s); err == nil && tt.rule.Allows(granted) {
					t.Errorf("%v allows %q", tt.rule, granted)
				}
			}
		})
	}
}

func TestRuleErrors(t *testing.T) {
	tests := []struct {
		name string
		rule scope.Rule
		want []string
	}{
		{"the zero Rule", scope.Rule{}, []string{"no rule", "scope.None"}},
		{"All of no names", scope.All(), []string{"scope.All", "scope.None"}},
		{"Any of no names", scope.Any(), []string{"scope.Any", "scope.None"}},
		{"illegal names", scope.All("a b", "ok", `c"`), []string{`"a b"`, `"c\""`}},
		{"both sides of And", scope.All("a b").And(scope.Any()), []string{`"a b"`, "scope.Any"}},
		{"both sides of Or, deeper", scope.None.And(scope.All("a b")).Or(scope.Any()), []string{`"a b"`, "scope.Any"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := tt.rule.Err()
			if err == nil {
				t.Fatal("no error")
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %q lacks %s", err, want)
				}
			}
			if tt.rule.String() != "invalid" {
				t.Errorf("String() = %q", tt.rule.String())
			}
		})
	}
}

func TestRuleString(t *testing.T) {
	tests := []struct {
		rule scope.Rule
		want string
	}{
		{scope.None, "none"},
		{scope.All("a", "b"), "all of a, b"},
		{scope.Any("a", "b"), "any of a, b"},
		{scope.All("a").And(scope.Any("b", "c")).Or(scope.None), "((all of a) and (any of b, c)) or (none)"},
	}
	for _, tt := range tests {
		if got := tt.rule.String(); got != tt.want {
			t.Errorf("got %q, want %q", got, tt.want)
		}
	}
}

func TestRuleNames(t *testing.T) {
	h, err := scope.NewHierarchy(map[string][]string{"root": {"a"}})
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		rule scope.Rule
		want string
	}{
		{scope.None, ""},
		{scope.Rule{}, ""},
		{scope.All("b", "a", "b"), "a b"},
		{scope.Any("b", "a"), "a b"},
		{scope.All("a").And(scope.Any("c", "b")).Or(scope.All("d", "a")), "a b c d"},
		{scope.All("a").Or(scope.None), "a"},
		{scope.All("a").Under(h), "a"},
		{scope.All("a b"), ""},
		{scope.All("a").And(scope.Rule{}), ""},
	}
	for _, tt := range tests {
		if got := tt.rule.Names().String(); got != tt.want {
			t.Errorf("%v: got %q, want %q", tt.rule, got, tt.want)
		}
	}
}

func TestRuleDoesNotKeepTheCallersNames(t *testing.T) {
	names := []string{"admin"}
	rule := scope.All(names...)
	names[0] = "guest"
	if rule.Allows(scope.Of("guest")) || !rule.Allows(scope.Of("admin")) {
		t.Error("a change of the caller's slice changed the rule")
	}
}

// RFC 6750, Section 3: a challenge names the scopes that the resource requires,
// so a token with these scopes must satisfy the rule (checklist B8, B15).
func TestNeedsIsEnough(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 20_000 {
		rule := randomRule(random, 4)
		if err := rule.Err(); err != nil {
			if rule.Allows(rule.Needs()) || rule.Allows(alphabet) {
				t.Fatalf("an invalid rule (%v) allows something", err)
			}
			continue
		}
		if !rule.Allows(rule.Needs()) {
			t.Fatalf("%v does not allow what it needs, %q", rule, rule.Needs())
		}
		if !rule.Allows(alphabet) {
			t.Fatalf("%v does not allow all scopes", rule)
		}
		if more := rule.Needs().Union(randomSet(random)); !rule.Allows(more) {
			t.Fatalf("%v allows %q and not %q", rule, rule.Needs(), more)
		}
	}
}

var alphabet = scope.Of("a", "b", "c", "d", "e", "f")

func randomNames(random *rand.Rand) []string {
	names := alphabet.Names()
	random.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
	return names[:random.IntN(len(names))]
}

func randomSet(random *rand.Rand) scope.Set { return scope.Of(randomNames(random)...) }

// randomRule returns a rule. It is sometimes invalid, because it may have no
// names.
func randomRule(random *rand.Rand, depth int) scope.Rule {
	kind := random.IntN(5)
	if depth == 0 {
		kind = random.IntN(3)
	}
	switch kind {
	case 0:
		return scope.None
	case 1:
		return scope.All(randomNames(random)...)
	case 2:
		return scope.Any(randomNames(random)...)
	case 3:
		return randomRule(random, depth-1).And(randomRule(random, depth-1))
	default:
		return randomRule(random, depth-1).Or(randomRule(random, depth-1))
	}
}

func mustParse(t *testing.T, s string) scope.Set {
	t.Helper()
	set, err := scope.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return set
}
