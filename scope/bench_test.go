package scope_test

import (
	"testing"

	"github.com/bearerkit/bearerkit/scope"
)

var (
	benchGranted  = scope.Of("email", "offline_access", "openid", "orders:read", "orders:write", "profile", "reports:read", "users:read")
	benchImplies  = map[string][]string{"admin": {"orders:read", "orders:write", "users:read"}, "users:read": {"users:list"}}
	benchSink     bool
	benchSinkText scope.Set
)

func BenchmarkHas(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		benchSink = benchGranted.Has("users:read")
	}
}

func BenchmarkAllows(b *testing.B) {
	h, err := scope.NewHierarchy(benchImplies)
	if err != nil {
		b.Fatal(err)
	}
	for _, bench := range []struct {
		name string
		rule scope.Rule
	}{
		{"all of one", scope.All("orders:read")},
		{"all of three", scope.All("orders:read", "orders:write", "users:read")},
		{"any, none granted", scope.Any("a", "b", "c")},
		{"under a hierarchy", scope.All("users:list").Under(h)},
	} {
		b.Run(bench.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				benchSink = bench.rule.Allows(benchGranted)
			}
		})
	}
}

func BenchmarkParse(b *testing.B) {
	text := benchGranted.String()
	b.ReportAllocs()
	for b.Loop() {
		benchSinkText, _ = scope.Parse(text)
	}
}
