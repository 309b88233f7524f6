package dpop

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"time"
)

// ReplayStore remembers the proofs that were used (RFC 9449, Section 11.1). Its
// method must be safe for concurrent use.
type ReplayStore interface {
	// Burn uses a proof up: it reports whether key was not there, and if so
	// keeps it at least until the given time, in one step, so that of any
	// number of concurrent calls one alone is told that the proof is fresh. An
	// error says that nobody can tell, or that the key cannot be kept, and
	// refuses the request; it may be [ErrFull] or [ErrQuota]. ctx has a
	// deadline, unless the store is a [MemoryReplays].
	//
	// jkt is the thumbprint of the proof's key, for quotas. key is a SHA-256
	// hash of that, of the request's method and URI, and of the jti.
	Burn(ctx context.Context, jkt string, key [32]byte, until time.Time) (fresh bool, err error)
}

var (
	// ErrFull is a store's answer when it cannot keep one more proof.
	ErrFull = errors.New("dpop: the replay store is full")

	// ErrQuota is a store's answer when it cannot keep one more proof of the
	// same key.
	ErrQuota = errors.New("dpop: the key has used up its share of the replay store")
)

// burnTime bounds each call of a store that is not embedded.
const burnTime = time.Second

// replayKey is what a store knows a proof by. The jti counts in the context of
// key, method and URI (RFC 9449, Section 11.1). Each part follows its length,
// so that no two lists of parts read the same.
func replayKey(parts ...string) [32]byte {
	b := make([]byte, 0, 512)
	for _, part := range parts {
		b = binary.BigEndian.AppendUint64(b, uint64(len(part)))
		b = append(b, part...)
	}
	return sha256.Sum256(b)
}
