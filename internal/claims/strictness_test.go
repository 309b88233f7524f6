package claims_test

import (
	"errors"
	"fmt"
	"log/slog"
	"math"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/internal/claims"
	"github.com/bearerkit/bearerkit/scope"
)

const thumbprint = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"

// complete has every standard claim.
var complete = map[string]string{
	"iss": `"https://issuer.example.com"`, "sub": `"alice"`, "aud": `["a","b"]`, "exp": `4000000000`,
	"nbf": `1`, "iat": `2.5`, "jti": `"id"`, "auth_time": `3`, "acr": `"mfa"`, "amr": `["pwd","otp"]`,
	"cnf": `{"jkt":"` + thumbprint + `"}`,
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

// read reads each standard claim, as verifiers do.
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

// Reports L1, L3, C18: the whole table. Each standard claim is malformed in each
// way, in a JWT and in an answer, and either refuses or is absent.
func TestEachMalformedClaim(t *testing.T) {
	const (
		refuse = "refuse"
		absent = "absent"
		ok     = "ok"
	)
	values := []string{`null`, `true`, `7`, `-1`, `1e400`, `1e300`, `"x"`, `"2026-01-01T00:00:00Z"`, `[]`, `["x"]`, `["x",7]`, `["x",null]`, `{}`, `{"jkt":7}`}
	// What each claim makes of these values; ok of those that are not named.
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
		{"auth_time", claims.AuthTime, nil, except(values, `7`)},
		{"acr", claims.ACR, nil, except(values, `"x"`, `"2026-01-01T00:00:00Z"`)},
		{"amr", claims.AMR, nil, except(values, `[]`, `["x"]`)},
		// {} binds in no way that is known, and is well-formed.
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
					want = absent // servers send it for tokens that are not bound
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
					t.Errorf("%s: %s that is %s: %s (%v), want %s", kind, tt.claim, value, got, err, want)
				}
				if e, isError := errors.AsType[*claims.Error](err); err != nil && (!isError || e.Claim != tt.claim) {
					t.Errorf("%s: %s that is %s: the error is %v, want one that names the claim", kind, tt.claim, value, err)
				}
				if got == absent && v.Sent(tt.index) != (value != `null`) {
					t.Errorf("%s: %s that is %s: Sent is %t", kind, tt.claim, value, v.Sent(tt.index))
				}
			}
		}
	}
}

func except(values []string, but ...string) []string {
	return slices.DeleteFunc(slices.Clone(values), func(value string) bool { return slices.Contains(but, value) })
}

// A claim that is read as absent leaves the others as they are.
func TestOthersAreReadBesideAMalformedClaim(t *testing.T) {
	_, good, err := read(claims.NewNames(), documentOf(complete))
	if err != nil || good.Subject != "alice" || good.TokenID != "id" || good.ACR != "mfa" || len(good.AMR()) != 2 || good.AuthTime.Unix() != 3 {
		t.Fatalf("%+v, %v", good, err)
	}
	for claim, malformed := range map[string]string{"sub": `7`, "jti": `{}`, "acr": `["mfa"]`, "auth_time": `"yesterday"`, "amr": `"pwd"`} {
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

// A memory for Values forgets what the document before had malformed.
func TestReadForgetsTheLastDocument(t *testing.T) {
	names := claims.NewNames()
	var v claims.Values
	for _, document := range []string{`{"acr":7,"jti":null}`, `{}`} {
		if err := v.Read(names, []byte(document)); err != nil {
			t.Fatal(err)
		}
		if _, err := v.Text(claims.ACR); err != nil {
			t.Fatal(err)
		}
	}
	if v.Sent(claims.ACR) || v.Found(claims.ACR) != "none" || v.Found(claims.Jti) != "none" {
		t.Errorf("acr is %s, jti is %s", v.Found(claims.ACR), v.Found(claims.Jti))
	}
}

// Reports L1: members of cnf that are null are absent, and leave the token bound.
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
			t.Errorf("%s: %+v, %v; want an error, and a principal that is bound all the same", cnf, got, err)
		}
	}
}

// Reports L2, L3: empty names are ignored, nothing more is granted, and a claim
// that is malformed in any other way grants nothing.
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
		{scope: `["a"]`, absent: true}, // the test demands a string
		{scp: `["b","a"]`, want: scope.Of("a", "b")},
		{scp: `["a","",""]`, want: scope.Of("a")},
		{scp: `["a b"]`, absent: true},
		{scp: `["a",null]`, absent: true},
		{scp: `"a  b"`, want: scope.Of("a", "b")},
		// Null is absent, so the next claim counts; a malformed one stays the first.
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
			t.Errorf("scope %s, scp %s: read as absent is %t, want %t", tt.scope, tt.scp, got, tt.absent)
		}
	}
}

// Item 4 of the rule: one line for each claim of an issuer, that names the claim
// and what was found, and no value.
func TestJournal(t *testing.T) {
	var log strings.Builder
	names := claims.NewNames()
	scopes := names.Add("scope")
	journal := claims.NewJournal(slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		},
	})), "https://issuer.example.com", names)
	note := func(document string) {
		v, err := names.Read([]byte(document))
		if err != nil {
			t.Error(err)
			return
		}
		if _, err := v.Principal(); err != nil {
			t.Error(err)
		}
		if _, err := v.Scopes([]int{scopes}, func(int) bool { return true }); err != nil {
			t.Error(err)
		}
		journal.Note(&v)
	}
	note(`{"sub":"alice","scope":"a  b","unknown":null}`)
	if log.Len() > 0 {
		t.Errorf("a well-formed token is noted: %s", log.String())
	}
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			for range 50 {
				note(`{"acr":["secret"],"auth_time":"secret","sub":null,"scope":"secret\t"}`)
			}
		})
	}
	wait.Wait()
	const line = `level=INFO msg="a claim of the issuer is malformed and is read as absent" issuer=https://issuer.example.com claim=`
	want := []string{
		line + `acr found="a JSON array where a string is due"`,
		line + `auth_time found="a JSON string where a number is due"`,
		line + `scope found="not names of scopes (RFC 6749, Section 3.3)"`,
		line + `sub found=null`,
	}
	got := strings.Split(strings.TrimSuffix(log.String(), "\n"), "\n")
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("the log is\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	var silent *claims.Journal
	v, err := names.Read([]byte(`{"sub":null}`))
	if err != nil {
		t.Fatal(err)
	}
	silent.Note(&v)
}

// A claim that a profile makes strict refuses; null is absent there too.
func TestAddStrict(t *testing.T) {
	names := claims.NewNames()
	if names.Add("kind") != names.AddStrict("kind") || names.Add("acr") != claims.ACR {
		t.Fatal("one claim has two indexes")
	}
	kind := names.Add("kind") // does not take the strictness away
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

// A document with nothing malformed costs no more memory for all that.
func TestWellFormedClaimsAllocateNothing(t *testing.T) {
	names := claims.NewNames()
	document := documentOf(complete)
	var v claims.Values
	var journal *claims.Journal
	if err := v.Read(names, document); err != nil {
		t.Fatal(err)
	}
	// The least of some runs: under the race detector a sync.Pool forgets now and
	// then.
	got := math.Inf(1)
	for range 20 {
		got = min(got, testing.AllocsPerRun(1, func() {
			if v.Read(names, document) != nil {
				t.Fatal("not read")
			}
			journal.Note(&v)
		}))
	}
	if got > 0 {
		t.Errorf("%v allocations", got)
	}
}
