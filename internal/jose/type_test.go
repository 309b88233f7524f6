package jose_test

import (
	"testing"

	"github.com/bearerkit/bearerkit/internal/jose"
)

func TestNormalizeType(t *testing.T) {
	for _, tt := range []struct{ typ, want string }{
		{"at+jwt", "at+jwt"},
		{"AT+JWT", "at+jwt"},
		{"application/at+jwt", "at+jwt"},
		{"Application/At+JWT", "at+jwt"},
		{"application/a/b", "application/a/b"},
		{"application/", ""},
		{"text/at+jwt", "text/at+jwt"},
		{" at+jwt", " at+jwt"},
		{"", ""},
	} {
		if got := jose.NormalizeType(tt.typ); got != tt.want {
			t.Errorf("%q: %q, want %q", tt.typ, got, tt.want)
		}
	}
}
