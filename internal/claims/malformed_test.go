package claims_test

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/internal/claims"
)

const thumbprint = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"

// complete has a well-formed value for every standard claim.
var complete = map[string]string{
	"iss": `"https://issuer.example.com"`, "sub": `"alice"`, "aud": `["a","b"]`, "exp": `4000000000`,
	"nbf": `1`, "iat": `2.5`, "jti": `"id"`, "auth_time": `3`, "acr": `"mfa"`, "amr": `["pwd","otp"]`,
	"cnf": `{"jkt":"` + thumbprint + `"}`, "sid": `"s-1"`,
}

func documentOf(members map[string]string) []byte {
	var b strings.Builder
	for name, value := range members {
		if value != "" {
			fmt.Fprintf(&b, ",%q:%s", name, value)
		}
	}
	return []byte("{" + strings.TrimPrefix(b.String(), ",") + "}")
}

// read reads every standard claim, as verifiers do.
func read(n *claims.Names, document []byte) (v claims.Values, p bearer.Principal, err error) {
	if v, err = n.Read(document); err != nil {
		return v, p, err
	}
	if p, err = v.Principal(); err != nil {
		return v, p, err
	}
	audience, err := v.List(claims.Aud)
	if err != nil {
		return v, p, err
	}
	if _, err := v.Text(claims.Iss); err != nil {
		return v, p, err
	}
	if _, err := v.Date(claims.Nbf); err != nil {
		return v, p, err
	}
	return v, p.WithAudience(audience...), nil
}

// Reports L1, L3, C18. Gives each standard claim each malformed value, in a JWT
// and in an introspection response. The claim either rejects the token or is
// absent.
func TestEachMalformedClaim(t *testing.T) {
	const (
		refuse = "refuse"
		absent = "absent"
		ok     = "ok"
	)
	values := []string{`null`, `true`, `7`, `-1`, `1e400`, `1e300`, `"x"`, `"2026-01-01T00:00:00Z"`, `[]`, `["x"]`, `["x",7]`, `["x",null]`, `{}`, `{"jkt":7}`}
	// Values in neither list are accepted.
	tests := []struct {
		claim          string
		index          int
		refuse, absent []string
	}{
		{"iss", claims.Iss, except(values, `null`, `"x"`, `"2026-01-01T00:00:00Z"`), []string{`null`}},
		{"sub", claims.Sub, nil, except(values, `"x"`, `"2026-01-01T00:00:00Z"`)},
		{"aud", claims.Aud, except(values, `null`, `"x"`, `"2026-01-01T00:00:00Z"`, `[]`, `["x"]`), []string{`null`}},
		{"exp", claims.Exp, except(values, `null`, `7`), []string{`null`}},
		{"nbf", claims.Nbf, except(values, `null`, `7`), []string{`null`}},
		{"iat", claims.Iat, except(values, `null`, `7`), []string{`null`}},
		{"jti", claims.Jti, nil, except(values, `"x"`, `"2026-01-01T00:00:00Z"`)},
		{"sid", claims.Sid, nil, except(values, `"x"`, `"2026-01-01T00:00:00Z"`)},
		{"auth_time", claims.AuthTime, nil, except(values, `7`)},
		{"acr", claims.ACR, nil, except(values, `"x"`, `"2026-01-01T00:00:00Z"`)},
		{"amr", claims.AMR, nil, except(values, `[]`, `["x"]`)},
		// {} is well-formed; it binds the token by an unknown method.
		{"cnf", claims.Cnf, except(values, `{}`), nil},
	}
	if len(tests) != len(complete) {
		t.Fatalf("%d claims are tested, want %d", len(tests), len(complete))
	}
	for _, tt := range tests {
		for _, value := range values {
			members := map[string]string{}
			for name, good := range complete {
				members[name] = good
			}
			members[tt.claim] = value
			for kind, names := range map[string]*claims.Names{"JWT": claims.NewNames(), "answer": claims.NewAnswerNames()} {
				want := ok
				switch {
				case tt.claim == "cnf" && value == `null` && kind == "answer":
					want = absent // some servers send it for unbound tokens
				case slices.Contains(tt.refuse, value):
					want = refuse
				case slices.Contains(tt.absent, value):
					want = absent
				}
				v, _, err := read(names, documentOf(members))
				got := ok
				if err != nil {
					got = refuse
				} else if !v.Has(tt.index) {
					got = absent
				}
				if got != want {
					t.Errorf("%s with %s %s: %s (%v), want %s", kind, tt.claim, value, got, err, want)
				}
				if e, isError := errors.AsType[*claims.Error](err); err != nil && (!isError || e.Claim != tt.claim) {
					t.Errorf("%s with %s %s: error %v, want one that names the claim", kind, tt.claim, value, err)
				}
				if got == absent && v.Sent(tt.index) != (value != `null`) {
					t.Errorf("%s with %s %s: Sent is %t", kind, tt.claim, value, v.Sent(tt.index))
				}
			}
		}
	}
}

func except(values []string, but ...string) []string {
	return slices.DeleteFunc(slices.Clone(values), func(value string) bool { return slices.Contains(but, value) })
}

// Dropping a malformed claim does not change the other claims.
func TestMalformedClaimAffectsNoOther(t *testing.T) {
	_, good, err := read(claims.NewNames(), documentOf(complete))
	if err != nil || good.Subject != "alice" || good.TokenID != "id" || good.ACR != "mfa" || len(good.AMR()) != 2 || good.AuthTime.Unix() != 3 {
		t.Fatalf("%+v, %v", good, err)
	}
	for claim, malformed := range map[string]string{"sub": `7`, "jti": `{}`, "sid": `["s"]`, "acr": `["mfa"]`, "auth_time": `"yesterday"`, "amr": `"pwd"`} {
		members := map[string]string{}
		for name, value := range complete {
			members[name] = value
		}
		members[claim] = malformed
		v, got, err := read(claims.NewNames(), documentOf(members))
		if err != nil {
			t.Fatal(err)
		}
		want := good
		switch claim {
		case "sub":
			want.Subject = ""
		case "jti":
			want.TokenID = ""
		case "sid":
			want.SessionID = ""
		case "acr":
			want.ACR = ""
		case "auth_time":
			want.AuthTime = got.AuthTime
			if !got.AuthTime.IsZero() {
				t.Errorf("auth_time is %v", got.AuthTime)
			}
		case "amr":
			want = want.WithAMR()
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v, acr %q, amr %q, cnf %+v", claim, got, got.ACR, got.AMR(), got.Confirmation)
		}
		if v.Found(claims.Exp) != "none" {
			t.Errorf("%s: exp is %s", claim, v.Found(claims.Exp))
		}
	}
}

// A malformed claim added by AddStrict rejects the token; a null one is absent.
func TestAddStrict(t *testing.T) {
	names := claims.NewNames()
	if names.Add("kind") != names.AddStrict("kind") || names.Add("acr") != claims.ACR {
		t.Fatal("the same name got two indexes")
	}
	kind := names.Add("kind") // does not make the claim lenient again
	for value, refused := range map[string]bool{`"Bearer"`: false, `null`: false, `7`: true, `["Bearer"]`: true} {
		v, err := names.Read([]byte(`{"kind":` + value + `}`))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := v.Text(kind); (err != nil) != refused {
			t.Errorf("%s: %v", value, err)
		}
	}
}
