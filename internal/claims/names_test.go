package claims_test

import (
	"fmt"
	"testing"

	"github.com/bearerkit/bearerkit/internal/claims"
)

// Names tells claims apart even if many of them share a hash bucket.
func TestManyNames(t *testing.T) {
	names := claims.NewNames()
	index := map[string]int{}
	for i := range 1000 {
		name := fmt.Sprintf("claim%03d", i)
		index[name] = names.Add(name)
	}
	for name, i := range index {
		if names.Name(i) != name || names.Add(name) != i {
			t.Errorf("%s: index %d has the name %s", name, i, names.Name(i))
		}
		v, err := names.Read([]byte(`{"` + name + `":"x"}`))
		if err != nil {
			t.Fatal(err)
		}
		if s, err := v.Text(i); s != "x" || err != nil {
			t.Errorf("%s: %q, %v", name, s, err)
		}
	}
}

func TestStandardNames(t *testing.T) {
	names := claims.NewNames()
	for name, want := range map[string]int{"iss": claims.Iss, "aud": claims.Aud, "auth_time": claims.AuthTime, "cnf": claims.Cnf} {
		if got := names.Add(name); got != want {
			t.Errorf("%s has the index %d, want %d", name, got, want)
		}
	}
}
