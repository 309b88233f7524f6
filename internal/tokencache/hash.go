package tokencache

import (
	"crypto/sha256"
	"hash/maphash"
	"unsafe"
)

// Sum is SHA-256 of a whole token, signature included: the same claims under
// another signature are another token.
type Sum [sha256.Size]byte

// SumOf returns the Sum of a token. An owner who has hashed a part of the token
// already may compute the Sum from there.
func SumOf(token string) Sum {
	// No copy: sha256 reads the bytes and does not keep them.
	return sha256.Sum256(unsafe.Slice(unsafe.StringData(token), len(token)))
}

// tagOf hashes the last 16 characters of a token. A match only nominates an
// entry; the entry's SHA-256 decides. The tag spares unknown tokens a SHA-256:
// a JWT ends in its signature, so an unknown token nearly always has another
// tag than each known one.
func tagOf(token string) uint64 {
	const end = 16
	return maphash.String(seed, token[max(0, len(token)-end):])
}

// hashOf hashes the whole token. An attacker can create many tokens with the
// same tag, so code that holds a lock tells tokens apart by this hash.
func hashOf(token string) uint64 { return maphash.String(seed, token) }

// seed makes tags and hashes unpredictable, so that nobody can make them collide
// on purpose.
var seed = maphash.MakeSeed()
