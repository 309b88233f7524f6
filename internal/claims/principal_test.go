package claims_test

import (
	"testing"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/internal/claims"
)

// Reports L1: a null member of cnf is absent, and the token is still bound.
func TestConfirmation(t *testing.T) {
	tests := []struct {
		cnf  string
		want bearer.Confirmation
	}{
		{`{"jkt":"` + thumbprint + `"}`, bearer.Confirmation{JKT: thumbprint}},
		{`{"x5t#S256":"` + thumbprint + `"}`, bearer.Confirmation{X5TS256: thumbprint}},
		{`{"jkt":"` + thumbprint + `","x5t#S256":null,"kid":null}`, bearer.Confirmation{JKT: thumbprint}},
		{`{"jkt":"` + thumbprint + `","kid":"k"}`, bearer.Confirmation{JKT: thumbprint, Other: true}},
		{`{"kid":"k"}`, bearer.Confirmation{Other: true}},
		{`{"jkt":null}`, bearer.Confirmation{Other: true}},
		{`{"jkt":null,"x5t#S256":null}`, bearer.Confirmation{Other: true}},
		{`{}`, bearer.Confirmation{Other: true}},
	}
	for _, tt := range tests {
		v, err := claims.NewNames().Read([]byte(`{"cnf":` + tt.cnf + `}`))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := v.Confirmation(); err != nil || got != tt.want {
			t.Errorf("%s: %+v, %v; want %+v", tt.cnf, got, err, tt.want)
		}
	}
	for _, cnf := range []string{`{"jkt":""}`, `{"jkt":"short"}`, `{"jkt":"` + thumbprint + `="}`, `{"x5t#S256":[]}`} {
		v, err := claims.NewNames().Read([]byte(`{"cnf":` + cnf + `}`))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := v.Confirmation(); err == nil || got.IsZero() {
			t.Errorf("%s: %+v, %v; want an error and a confirmation that still binds", cnf, got, err)
		}
	}
}
