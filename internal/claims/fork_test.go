package claims_test

import (
	"testing"

	"github.com/bearerkit/bearerkit/internal/claims"
)

// Forks of one Names share the indexes of their claims, and each has rules of its
// own.
func TestForksShareIndexes(t *testing.T) {
	base := claims.NewNames()
	first := base.Fork()
	kind := first.AddStrict("typ")
	second := first.Fork()
	extra := second.Add("cid")
	if second.Add("typ") != kind {
		t.Error("a claim has two indexes")
	}
	document := []byte(`{"typ":5,"cid":null,"sub":"alice","cnf":{}}`)
	v, err := second.Read(document)
	if err != nil {
		t.Fatal(err)
	}
	if err := v.Under(first, document); err != nil {
		t.Fatal(err)
	}
	if _, err := v.Text(kind); err == nil {
		t.Error("the malformed claim is lenient, want strict under the first names")
	}
	if err := v.Under(second, document); err != nil {
		t.Fatal(err)
	}
	if _, err := v.Text(kind); err != nil {
		t.Errorf("%v, want a lenient claim under the second names", err)
	}
	if !v.Has(claims.Sub) || v.Found(extra) != "null" {
		t.Errorf("has sub: %v; cid: %s, want null", v.Has(claims.Sub), v.Found(extra))
	}
}

// A document is read again if it was read without one of the claims, or with
// Names of another origin.
func TestUnderReadsMissingClaims(t *testing.T) {
	document := []byte(`{"iss":"i","cid":"app"}`)
	short := claims.NewNames()
	long := short.Fork()
	cid := long.Add("cid")
	foreign := claims.NewNames()
	for range 3 {
		foreign.Add("a")
		foreign.Add("b")
	}
	for _, names := range []*claims.Names{short, foreign} {
		v, err := names.Read(document)
		if err != nil {
			t.Fatal(err)
		}
		if err := v.Under(long, document); err != nil {
			t.Fatal(err)
		}
		if s, err := v.Text(cid); err != nil || s != "app" {
			t.Errorf("%q, %v", s, err)
		}
	}
}
