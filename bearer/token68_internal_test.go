package bearer

import (
	"strings"
	"testing"
)

// RFC 9110, Section 11.2: every byte at every position, in tokens of every
// length up to 24.
func TestEveryCharacterIsChecked(t *testing.T) {
	for n := 1; n <= 24; n++ {
		for at := range n {
			for c := range 256 {
				token := []byte(strings.Repeat("a", n))
				token[at] = byte(c)
				good := isToken68Char[c] || c == '=' && at > 0 && at == n-1
				if e := checkToken68(string(token)); (e == nil) != good {
					t.Fatalf("%q: %v", token, e)
				}
			}
		}
	}
}

func BenchmarkCheckCharacters(b *testing.B) {
	token := strings.Repeat("eyJhbGciOiJFUzI1NiIsInR5cCI6ImF0K2p3dCJ9.", 23)
	b.SetBytes(int64(len(token)))
	for b.Loop() {
		if checkToken68(token) != nil {
			b.Fatal("malformed")
		}
	}
}
