package jose

import (
	"crypto"
	"crypto/sha256"
	"hash"
)

// Input is the signing input of a token. It computes the input's SHA-256 digest
// once, however many keys are tried, and continues from there to the digest of
// the whole token. The zero Input is ready to use. An Input is not safe for
// concurrent use.
type Input struct {
	text     []byte
	state    hash.Hash // SHA-256; it has read text if digested
	digest   [sha256.Size]byte
	digested bool
	der      [maxDER]byte // scratch memory
}

// Set sets the signing input. Do not modify text before Clear.
func (in *Input) Set(text []byte) {
	in.Clear()
	in.text = text
}

// Clear erases the token from in, except for at most one character.
func (in *Input) Clear() {
	in.text = nil
	clear(in.der[:])
	if in.digested {
		in.forget()
	}
}

func (in *Input) forget() {
	// The hash retains a partial block until the next write. Only one byte of
	// the last block remains, a character of the signature. Overwriting that
	// byte too would cost another block.
	in.state.Reset()
	in.state.Write(zeros[:])
	in.digested, in.digest = false, [sha256.Size]byte{}
}

var zeros [sha256.BlockSize - 1]byte

// SumToken returns the SHA-256 digest of a token that begins with the input.
func (in *Input) SumToken(token []byte) [sha256.Size]byte {
	if !in.digested {
		return sha256.Sum256(token)
	}
	in.state.Write(token[len(in.text):])
	in.state.Sum(in.digest[:0])
	sum := in.digest
	in.forget()
	return sum
}

// digestFor returns the digest of the input that alg signs, or nil if alg does not
// sign a digest.
func (in *Input) digestFor(alg Algorithm) []byte {
	if alg.hash() != crypto.SHA256 {
		return alg.digest(in.text)
	}
	if !in.digested {
		if in.state == nil {
			in.state = sha256.New()
		}
		in.state.Reset()
		in.state.Write(in.text)
		in.state.Sum(in.digest[:0])
		in.digested = true
	}
	return in.digest[:]
}
