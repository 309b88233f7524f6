package tokencache

import (
	"crypto/sha256"
	"hash/maphash"
	"unsafe"
)

// Sum is the SHA-256 of a whole token, including its signature: the same claims
// with a different signature are a different token.
type Sum [sha256.Size]byte

// SumOf returns the Sum of a token. An owner that has already hashed the beginning
// of the token may continue from there instead.
func SumOf(token string) Sum {
	// No copy: sha256 reads the bytes and does not keep them.
	return sha256.Sum256(unsafe.Slice(unsafe.StringData(token), len(token)))
}

// tagOf hashes the last 16 characters of a token. A match only nominates an
// entry; the entry's SHA-256 decides. An unknown token therefore rarely needs a
// SHA-256: a JWT ends in its signature, so its tag nearly always differs from the
// tags of all known tokens.
func tagOf(token string) uint64 {
	const end = 16
	return maphash.String(seed, token[max(0, len(token)-end):])
}

// hashOf hashes the whole token. An attacker can create many tokens with the same
// tag, so code that holds a lock compares this hash first.
func hashOf(token string) uint64 { return maphash.String(seed, token) }

// seed makes tags and hashes unpredictable, so that nobody can make them collide
// on purpose.
var seed = maphash.MakeSeed()
