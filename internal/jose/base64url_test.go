package jose_test

import (
	"bytes"
	"encoding/base64"
	"strings"
	"testing"

	"github.com/bearerkit/bearerkit/internal/jose"
)

// decodesAlike compares the decoder with encoding/base64 in strict mode,
// without the line breaks that encoding/base64 ignores.
func decodesAlike(t *testing.T, s string) {
	t.Helper()
	want, err := base64.RawURLEncoding.Strict().DecodeString(s)
	ok := err == nil && !strings.ContainsAny(s, "\r\n")
	got, err := jose.DecodeBase64URL(s)
	if (err == nil) != ok || ok && !bytes.Equal(got, want) {
		t.Fatalf("%q decodes to %x, %v; encoding/base64 has %x, %t", s, got, err, want, ok)
	}
}

// K3, and part 2.5: exactly one encoding of given bytes is accepted.
func TestDecodesAsEncodingBase64(t *testing.T) {
	const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	for n := range 40 {
		valid := strings.Repeat(digits, 2)[n : 2*n]
		decodesAlike(t, valid)
		for i := range n {
			for c := range 256 {
				decodesAlike(t, valid[:i]+string([]byte{byte(c)})+valid[i+1:])
			}
		}
		for _, extra := range []string{"=", "==", "\n", "\r\n", " ", ".", "A", "\x00"} {
			decodesAlike(t, valid+extra)
			decodesAlike(t, extra+valid)
		}
		// Characters that encode zeros hide nothing beside an invalid one.
		for i := range n {
			zeros := strings.Repeat("A", n)
			decodesAlike(t, zeros[:i]+"!"+zeros[i+1:])
		}
	}
}

func FuzzDecodeBase64URL(f *testing.F) {
	for _, s := range []string{"", "A", "AA", "AB", "AAA", "AAB", "AAAA", "AAAAAAAA", "AAAAAAAAAAAAAAAA", "____----", "AA==", "AA\nAA", "+/+/"} {
		f.Add(s)
	}
	f.Fuzz(decodesAlike)
}
