package claims_test

import (
	"testing"

	"github.com/bearerkit/bearerkit/internal/claims"
	"github.com/bearerkit/bearerkit/scope"
)

// Reports L2, L3: extra spaces are ignored and grant nothing. A claim that is
// malformed in any other way grants nothing at all.
func TestScopes(t *testing.T) {
	tests := []struct {
		scope, scp string
		want       scope.Set
		absent     bool
	}{
		{scope: `"a b"`, want: scope.Of("a", "b")},
		{scope: `"a  b"`, want: scope.Of("a", "b")},
		{scope: `" a b "`, want: scope.Of("a", "b")},
		{scope: `"   b a   b "`, want: scope.Of("a", "b")},
		{scope: `"a\u0020\u0020b"`, want: scope.Of("a", "b")},
		{scope: `" "`},
		{scope: `""`},
		{scope: `"a\tb"`, absent: true},
		{scope: `"a \n b"`, absent: true},
		{scope: `"a\r\nb"`, absent: true},
		{scope: `"a  b\t"`, absent: true},
		{scope: `"a\u00a0b"`, absent: true},
		{scope: `"a \"b\""`, absent: true},
		{scope: `7`, absent: true},
		{scope: `{"a":"b"}`, absent: true},
		{scope: `["a"]`, absent: true}, // this test requires a string
		{scp: `["b","a"]`, want: scope.Of("a", "b")},
		{scp: `["a","",""]`, want: scope.Of("a")},
		{scp: `["a b"]`, absent: true},
		{scp: `["a",null]`, absent: true},
		{scp: `"a  b"`, want: scope.Of("a", "b")},
		// A null claim is absent, so the next one is read. A malformed claim is
		// not skipped.
		{scope: `null`, scp: `["a"]`, want: scope.Of("a")},
		{scope: `["b"]`, scp: `["a"]`, absent: true},
		{scope: `"b\t"`, scp: `["a"]`, absent: true},
	}
	names := claims.NewNames()
	indexes := []int{names.Add("scope"), names.Add("scp")}
	for _, tt := range tests {
		v, err := names.Read(documentOf(map[string]string{"scope": tt.scope, "scp": tt.scp}))
		if err != nil {
			t.Fatal(err)
		}
		got, err := v.Scopes(indexes, func(i int) bool { return i == indexes[0] })
		if err != nil || got != tt.want {
			t.Errorf("scope %s, scp %s: %q, %v; want %q", tt.scope, tt.scp, got, err, tt.want)
		}
		first := indexes[0]
		if tt.scope == "" {
			first = indexes[1]
		}
		if got := v.Sent(first) && !v.Has(first); got != tt.absent {
			t.Errorf("scope %s, scp %s: dropped is %t, want %t", tt.scope, tt.scp, got, tt.absent)
		}
	}
}
