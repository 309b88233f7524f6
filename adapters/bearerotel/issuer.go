package bearerotel

import (
	"crypto/sha256"
	"encoding/hex"
	"sync"
)

// IssuerHash returns the value of the attribute bearerkit.issuer.hash for an issuer:
// the first 16 characters of the hexadecimal SHA-256 of its identifier. A shell
// computes it with
//
//	printf %s https://login.example.com | sha256sum | cut -c 1-16
func IssuerHash(issuer string) string {
	sum := sha256.Sum256([]byte(issuer))
	return hex.EncodeToString(sum[:8])
}

// maxIssuers bounds the issuers that have series of their own.
const maxIssuers = 200

// issuerTable has the hashes of the first issuers that were seen. The zero table is
// empty and ready to use.
type issuerTable struct {
	mu     sync.Mutex
	hashes map[string]string // by identifier
}

// label returns the hash of an issuer, or other if there are too many.
func (t *issuerTable) label(issuer string) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if hash := t.hashes[issuer]; hash != "" {
		return hash
	}
	if len(t.hashes) >= maxIssuers {
		return other
	}
	if t.hashes == nil {
		t.hashes = make(map[string]string)
	}
	hash := IssuerHash(issuer)
	t.hashes[issuer] = hash
	return hash
}
