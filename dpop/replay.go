package dpop

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"time"

	"github.com/bearerkit/bearerkit/bearer"
)

// UsedProof identifies a proof for a [ReplayStore].
type UsedProof struct {
	// ID identifies the proof. It is a SHA-256 hash of the key's thumbprint,
	// the request's method and URI, and the jti.
	ID [32]byte

	// JKT is the thumbprint of the proof's key. A store may limit the proofs of
	// each key.
	JKT string

	// Owner is a SHA-256 hash of the token's issuer and subject or, for a token
	// that a client got for itself, of the issuer and client. A store may limit
	// the proofs of each owner, so that no client fills the store by using many
	// keys. [MemoryReplays] has no such limit for the zero Owner.
	Owner [32]byte

	// Until is the time until which the store must remember the proof. It has a
	// monotonic clock reading (see package time), so changes of the wall clock
	// do not affect time.Until(Until). A store should use that duration, not
	// the wall clock.
	Until time.Time
}

// ReplayStore remembers used proofs (RFC 9449, Section 11.1). It must be safe
// for concurrent use.
type ReplayStore interface {
	// Burn marks a proof as used. It reports true if the store did not know the
	// proof's ID, and then remembers the ID at least until proof.Until. This
	// must be atomic: of any number of concurrent calls for the same ID, only
	// one may report true. An error means that the store cannot look up or
	// record the proof; the request is then answered 503. The error may wrap
	// [ErrFull] or [ErrQuota]. ctx has a deadline, unless the store is a
	// [MemoryReplays].
	Burn(ctx context.Context, proof UsedProof) (fresh bool, err error)
}

var (
	// ErrFull is the error of a store that has no room for another proof.
	ErrFull = errors.New("dpop: the replay store is full")

	// ErrQuota is the error of a store that has no room for another proof of
	// the same key or owner.
	ErrQuota = errors.New("dpop: this key, user or client has reached its quota in the replay store")
)

// burnTimeout limits each call of a store that is not in memory.
const burnTimeout = time.Second

// replayID returns the ID of a proof for the store. A jti need only be unique
// for its key, method and URI (RFC 9449, Section 11.1).
func (p *proof) replayID(jkt, target string) [32]byte { return hashOf(jkt, p.method, target, p.id) }

// ownerOf returns UsedProof.Owner for a token. Subjects and clients are unique
// only within their issuer. All tokens of an issuer that name neither have the
// same owner.
func ownerOf(p *bearer.Principal) [32]byte {
	if p.IsClient() {
		return hashOf("client", p.Issuer, cmp.Or(p.ClientID, p.Subject))
	}
	return hashOf("user", p.Issuer, cmp.Or(p.Subject, p.ClientID))
}

// hashOf hashes a list of strings. Each is preceded by its length, so that
// different lists have different encodings.
func hashOf(parts ...string) [32]byte {
	b := make([]byte, 0, 512)
	for _, part := range parts {
		b = binary.BigEndian.AppendUint64(b, uint64(len(part)))
		b = append(b, part...)
	}
	return sha256.Sum256(b)
}
