package scope_test

import (
	"fmt"

	"github.com/bearerkit/bearerkit/scope"
)

func ExampleParse() {
	granted, err := scope.Parse("orders:write orders:read orders:write")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(granted)
	fmt.Println(granted == scope.Of("orders:read", "orders:write"))

	_, err = scope.Parse("orders:read  orders:write")
	fmt.Println(err)
	// Output:
	// orders:read orders:write
	// true
	// scope: parse "orders:read  orders:write": empty scope name
}

func ExampleNew() {
	granted, err := scope.New("orders:write", "orders:read")
	fmt.Println(granted, err)
	_, err = scope.New("orders read")
	fmt.Println(err)
	// Output:
	// orders:read orders:write <nil>
	// scope: illegal character ' ' in scope name "orders read"
}

func ExampleOf() {
	granted := scope.Of("orders:readall")
	fmt.Println(granted.Has("orders:readall"), granted.Has("orders:read"))
	// Output: true false
}

func ExampleAll() {
	rule := scope.All("admin", "settings:write")
	fmt.Println(rule.Allows(scope.Of("admin")))
	fmt.Println(rule.Allows(scope.Of("settings:write", "admin", "email")))
	fmt.Println(scope.All().Err()) // an empty list must not open a route
	// Output:
	// false
	// true
	// scope.All: no names; use scope.None for a route that needs no scope
}

func ExampleAny() {
	rule := scope.Any("reports:read", "admin")
	fmt.Println(rule.Allows(scope.Of("admin")))
	fmt.Println(rule.Needs())
	// Output:
	// true
	// reports:read
}

func ExampleRule_And() {
	rule := scope.All("orders:read").And(scope.Any("eu", "us"))
	fmt.Println(rule.Allows(scope.Of("orders:read", "us")), rule.Needs())
	// Output: true eu orders:read
}

func ExampleRule_Or() {
	rule := scope.All("orders:read", "orders:write").Or(scope.All("admin"))
	fmt.Println(rule.Allows(scope.Of("admin")), rule.Needs())
	// Output: true orders:read orders:write
}

func ExampleNewHierarchy() {
	h, err := scope.NewHierarchy(map[string][]string{
		"admin":        {"orders:write"},
		"orders:write": {"orders:read"},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	rule := scope.All("orders:read")
	fmt.Println(rule.Allows(scope.Of("admin")), rule.Under(h).Allows(scope.Of("admin")))
	fmt.Println(h.Expand(scope.Of("admin")))

	_, err = scope.NewHierarchy(map[string][]string{"admin": {"root"}, "root": {"admin"}})
	fmt.Println(err)
	// Output:
	// false true
	// admin orders:read orders:write
	// scope: hierarchy: cycle "admin" → "root" → "admin"
}
