package jwks_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/jwks"
)

// The refusal of another issuer's token tells the operator which issuers are
// accepted: at most five of them, and whether Config.Resolve knows more.
func TestUnknownIssuerIsToldWhichAreKnown(t *testing.T) {
	f := newFarm()
	list := func(count int) string {
		var quoted []string
		for n := range count {
			quoted = append(quoted, fmt.Sprintf("%q", f.url(fmt.Sprint(n))))
		}
		return "one of [" + strings.Join(quoted, " ") + "]"
	}
	for _, tt := range []struct {
		issuers  int
		resolve  bool
		expected string
	}{
		{1, false, list(1) + " (Config.Issuers)"},
		{5, false, list(5) + " (Config.Issuers)"},
		{6, false, list(5) + " and 1 more (Config.Issuers)"},
		{7, false, list(5) + " and 2 more (Config.Issuers)"},
		{0, true, "an issuer that Config.Resolve knows"},
		{2, true, list(2) + " (Config.Issuers), or one that Config.Resolve knows"},
	} {
		c := jwks.Config{Client: f.client}
		for n := range tt.issuers {
			c.Issuers = append(c.Issuers, f.issuer(fmt.Sprint(n)))
		}
		if tt.resolve {
			c.Resolve = func(context.Context, string) (jwks.Issuer, error) { return jwks.Issuer{}, bearer.ErrUnrecognized }
		}
		_, err := newVerifier(t, c).Verify(t.Context(), f.token("other", "1"))
		e := refusedWith(err)
		if e == nil || !errors.Is(err, bearer.ErrUnrecognized) || e.Expected != tt.expected || strings.Contains(e.Hint, "have Config.Resolve return it") != tt.resolve {
			t.Errorf("%d issuers, Resolve %t: %+v; want %s", tt.issuers, tt.resolve, e, tt.expected)
		}
	}
}

// An iss that differs from an issuer's URL only in case or in a trailing slash is
// refused (RFC 9068, Section 4), and the refusal says so. One that is longer than
// 2 KiB is not compared.
func TestMisspelledIssuer(t *testing.T) {
	f := newFarm()
	longest := strings.Repeat("x", 2047-len(f.url("")))
	v := newVerifier(t, jwks.Config{Client: f.client, Issuers: f.issuers("a", longest, longest+"x")})
	for iss, similar := range map[string]string{
		"a/": "a", "A": "a", "b": "", "a//": "",
		longest + "/":  longest,
		longest + "x/": "",
	} {
		_, err := v.Verify(t.Context(), f.token(iss, "1"))
		e := refusedWith(err)
		if e == nil || !errors.Is(err, bearer.ErrUnrecognized) {
			t.Errorf("%.20s: %v", iss, err)
			continue
		}
		told := strings.Contains(e.Hint, "differ only in the trailing slash")
		if told != (similar != "") || told && e.Expected != fmt.Sprintf("%q (Issuer.URL)", f.url(similar)) {
			t.Errorf("%.20s: expected %.100s, hint %s", iss, e.Expected, e.Hint)
		}
	}
}
