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

// UsedProof is what a [ReplayStore] remembers of a proof, or counts it by.
type UsedProof struct {
	// ID names the proof: a SHA-256 hash of its key's thumbprint, of the
	// request's method and URI, and of the jti.
	ID [32]byte

	// JKT is the thumbprint of the proof's key, and Owner a SHA-256 hash of
	// whom the token is for: the issuer with the subject or, of a token that a
	// client got for itself, with the client. Both are for quotas, by which no
	// client fills the store, however many keys it has. The zero Owner has no
	// quota in [MemoryReplays]; other stores may count it by key.
	JKT   string
	Owner [32]byte

	// Until is how long the store must remember the proof. It has a monotonic
	// clock reading (see package time), so that what is left until then,
	// time.Until(Until), does not depend on how the clock is set meanwhile. A
	// store should count on that and not on the time of day.
	Until time.Time
}

// ReplayStore remembers the proofs that were used (RFC 9449, Section 11.1). Its
// method must be safe for concurrent use.
type ReplayStore interface {
	// Burn uses a proof up: it reports whether the store did not have its ID,
	// and if so remembers the proof at least until the given time, in one step,
	// so that of any number of concurrent calls one alone is told that the proof
	// is fresh. An error says that nobody can tell, or that the proof cannot be
	// remembered, and refuses the request; it may be [ErrFull] or [ErrQuota].
	// ctx has a deadline, unless the store is a [MemoryReplays].
	Burn(ctx context.Context, proof UsedProof) (fresh bool, err error)
}

var (
	// ErrFull is a store's answer when it cannot remember one more proof.
	ErrFull = errors.New("dpop: the replay store is full")

	// ErrQuota is a store's answer when it cannot remember one more proof of
	// the same key, or for the same owner.
	ErrQuota = errors.New("dpop: this key, user or client has reached its quota in the replay store")
)

// burnTime bounds each call of a store that is not embedded.
const burnTime = time.Second

// replayKey is what a store knows a proof by. The jti counts in the context of
// key, method and URI (RFC 9449, Section 11.1).
func replayKey(jkt, method, target, id string) [32]byte { return hashOf(jkt, method, target, id) }

// ownerOf names whom a token is for. A subject, and a client, is unique within
// its issuer only. Tokens that name neither share one quota, that of their
// issuer's unnamed.
func ownerOf(p *bearer.Principal) [32]byte {
	if p.IsClient() {
		return hashOf("client", p.Issuer, cmp.Or(p.ClientID, p.Subject))
	}
	return hashOf("user", p.Issuer, cmp.Or(p.Subject, p.ClientID))
}

// hashOf hashes a list of parts. Each follows its length, so that no two lists
// read the same.
func hashOf(parts ...string) [32]byte {
	b := make([]byte, 0, 512)
	for _, part := range parts {
		b = binary.BigEndian.AppendUint64(b, uint64(len(part)))
		b = append(b, part...)
	}
	return sha256.Sum256(b)
}
