package jwks

import (
	"hash/maphash"
	"time"

	"github.com/bearerkit/bearerkit/bearer"
)

// maxAnswers bounds the remembered answers of Config.Resolve.
const maxAnswers = 10_000

// answers remembers the issuers that Config.Resolve does not know, or about which
// it could not tell. The oldest is evicted when answers is full. It holds hashes,
// since anybody chooses an iss.
type answers struct {
	// seed prevents attackers from choosing an iss that collides with another.
	seed  maphash.Seed
	known map[uint64]answer
	order []uint64 // a ring of the hashes in known, oldest first
	first int
}

// answer is an answer without an issuer.
type answer struct {
	until time.Time
	cause error // why Resolve could not tell; nil: the issuer is unknown
}

func newAnswers() answers {
	return answers{seed: maphash.MakeSeed(), known: make(map[uint64]answer)}
}

// get returns the error that is remembered for iss, or nil.
func (a *answers) get(iss string, now time.Time) error {
	known := a.known[maphash.String(a.seed, iss)]
	switch {
	case !now.Before(known.until): // also the zero answer, if there is none
		return nil
	case known.cause == nil:
		return bearer.ErrUnrecognized
	case known.cause == errNewcomers:
		return crowded(iss, known.cause)
	}
	return cannotTell(iss, known.cause, max(known.until.Sub(now), time.Second))
}

func (a *answers) add(iss string, now time.Time, new answer) {
	if new.cause != nil && new.cause != errNewcomers {
		new.cause = shielded(new.cause) // the function's error may hold on to memory
	}
	h := maphash.String(a.seed, iss)
	if _, ok := a.known[h]; ok {
		a.known[h] = new
		return
	}
	if len(a.order) < maxAnswers {
		a.order = append(a.order, h)
	} else {
		delete(a.known, a.order[a.first])
		a.order[a.first] = h
		a.first = (a.first + 1) % maxAnswers
	}
	a.known[h] = new
}

// unknown returns how many issuers are remembered as unknown.
func (a *answers) unknown(now time.Time) int {
	n := 0
	for _, known := range a.known {
		if known.cause == nil && now.Before(known.until) {
			n++
		}
	}
	return n
}
