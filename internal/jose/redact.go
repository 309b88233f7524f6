package jose

import (
	"fmt"
	"io"
)

// Format writes the key's algorithm and ID for every verb, and nothing secret.
func (k *PrivateKey) Format(f fmt.State, _ rune) {
	_, _ = io.WriteString(f, "jose.PrivateKey{"+string(k.algorithm)+" "+k.id+"}") // f reports it
}
