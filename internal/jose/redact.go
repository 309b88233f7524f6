package jose

import (
	"fmt"
	"io"
)

// Format writes the key's algorithm and ID, and nothing of the key, for every
// verb.
func (k *PrivateKey) Format(f fmt.State, _ rune) {
	_, _ = io.WriteString(f, "jose.PrivateKey{"+string(k.algorithm)+" "+k.id+"}") // f reports it
}
