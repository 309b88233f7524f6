package scope_test

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/bearerkit/bearerkit/scope"
)

func TestHierarchy(t *testing.T) {
	h := mustHierarchy(t, map[string][]string{
		"owner":        {"admin"},
		"admin":        {"orders:write", "users:read"},
		"orders:write": {"orders:read"},
		"support":      {"users:read", "users:read"},
	})
	tests := []struct {
		name          string
		granted, want string
	}{
		{"nothing", "", ""},
		{"a scope that implies nothing", "orders:read", "orders:read"},
		{"an unknown scope", "x", "x"},
		{"one step", "orders:write", "orders:read orders:write"},
		{"two steps", "admin", "admin orders:read orders:write users:read"},
		{"three steps", "owner", "admin orders:read orders:write owner users:read"},
		{"two ways to one scope", "admin support", "admin orders:read orders:write support users:read"},
		{"a name declared twice", "support", "support users:read"},
		{"a prefix implies nothing", "adm", "adm"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			granted, want := mustParse(t, tt.granted), mustParse(t, tt.want)
			if got := h.Expand(granted); got != want {
				t.Errorf("Expand(%q) = %q, want %q", granted, got, want)
			}
			for _, name := range strings.Fields("orders:read orders:write users:read admin owner support x") {
				if got := scope.All(name).Under(h).Allows(granted); got != want.Has(name) {
					t.Errorf("a rule that needs %s allows %q: %t", name, granted, got)
				}
			}
		})
	}
}

func TestHierarchyErrors(t *testing.T) {
	tests := []struct {
		name    string
		implies map[string][]string
		want    []string
	}{
		{"a cycle of one", map[string][]string{"a": {"a"}}, []string{`cycle "a" → "a"`}},
		{"a cycle of two", map[string][]string{"a": {"b"}, "b": {"a"}}, []string{`cycle "a" → "b" → "a"`}},
		{"a cycle of three with a tail", map[string][]string{"t": {"a"}, "a": {"b", "x"}, "b": {"c"}, "c": {"a"}},
			[]string{`cycle "a" → "b" → "c" → "a"`}},
		{"an illegal scope that implies", map[string][]string{"a b": {"c"}}, []string{`"a b"`}},
		{"an illegal scope that is implied", map[string][]string{"a": {`b"`}}, []string{`"a"`, `"b\""`}},
		{"an empty name", map[string][]string{"": {"c"}}, []string{"empty scope name"}},
		{"a scope that implies nothing", map[string][]string{"a": nil}, []string{`"a" implies nothing`}},
		{"everything at once", map[string][]string{"a": {"b"}, "b": {"a"}, "c d": {"e"}, "f": {"g\n"}, "h": {}, "i": {"i"}},
			[]string{`cycle "a" → "b" → "a"`, `"c d"`, `"g\n"`, `"h" implies nothing`, `cycle "i" → "i"`}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h, err := scope.NewHierarchy(tt.implies)
			if err == nil {
				t.Fatal("no error")
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %q lacks %s", err, want)
				}
			}
			if reported, cycles := strings.Count(err.Error(), "cycle"), strings.Count(strings.Join(tt.want, " "), "cycle"); reported != cycles {
				t.Errorf("error %q reports %d cycles, want %d", err, reported, cycles)
			}
			if got := h.Expand(scope.Of("a", "c", "f")); got != scope.Of("a", "c", "f") {
				t.Errorf("the Hierarchy in error implies something: %q", got)
			}
		})
	}
}

func TestZeroHierarchyImpliesNothing(t *testing.T) {
	empty := mustHierarchy(t, nil)
	for _, h := range []scope.Hierarchy{{}, empty} {
		if got := h.Expand(scope.Of("admin")); got != scope.Of("admin") {
			t.Errorf("Expand = %q", got)
		}
		if scope.All("read").Under(h).Allows(scope.Of("admin")) {
			t.Error("admin satisfies read")
		}
	}
}

func TestHierarchyDoesNotKeepTheCallersMap(t *testing.T) {
	implies := map[string][]string{"admin": {"read"}}
	h := mustHierarchy(t, implies)
	implies["admin"][0] = "secret"
	implies["guest"] = []string{"read"}
	if h.Expand(scope.Of("admin")).Has("secret") || h.Expand(scope.Of("guest")).Has("read") {
		t.Error("a change of the caller's map changed the hierarchy")
	}
}

func TestUnderLeavesTheRuleAsItWas(t *testing.T) {
	h := mustHierarchy(t, map[string][]string{"admin": {"read", "write"}})
	for _, rule := range []scope.Rule{
		scope.All("read"), scope.Any("read"), scope.All("read").And(scope.All("write")), scope.Any("read").Or(scope.All("write")),
	} {
		under := rule.Under(h)
		if rule.Allows(scope.Of("admin")) {
			t.Errorf("%v changed when it was put under a hierarchy", rule)
		}
		if !under.Allows(scope.Of("admin")) || under.Needs() != rule.Needs() || under.String() != rule.String() {
			t.Errorf("%v under the hierarchy is %v, and needs %q", rule, under, under.Needs())
		}
	}
	for _, rule := range []scope.Rule{{}, scope.All()} {
		if under := rule.Under(h); under.Err() == nil || under.Allows(scope.Of("admin")) {
			t.Error("a hierarchy makes an invalid rule valid")
		}
	}
}

// A rule under a hierarchy allows a set if and only if the plain rule allows
// the expanded set.
func TestUnderIsExpand(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	names := alphabet.Names()
	for range 5_000 {
		// Scopes imply only later ones, so there is no cycle.
		implies := map[string][]string{}
		for i, from := range names {
			for _, to := range names[i+1:] {
				if random.IntN(4) == 0 {
					implies[from] = append(implies[from], to)
				}
			}
		}
		h := mustHierarchy(t, implies)
		rule := randomRule(random, 3)
		for range 5 {
			granted := randomSet(random)
			if got, want := rule.Under(h).Allows(granted), rule.Allows(h.Expand(granted)); got != want {
				t.Fatalf("%v under %v allows %q: %t; alone it allows %q: %t", rule, implies, granted, got, h.Expand(granted), want)
			}
			if once := h.Expand(granted); h.Expand(once) != once {
				t.Fatalf("under %v, %q expands to %q and that to %q", implies, granted, once, h.Expand(once))
			}
		}
	}
}

func mustHierarchy(t *testing.T, implies map[string][]string) scope.Hierarchy {
	t.Helper()
	h, err := scope.NewHierarchy(implies)
	if err != nil {
		t.Fatal(err)
	}
	return h
}
