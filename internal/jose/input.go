package jose

import (
	"crypto"
	"crypto/sha256"
	"hash"
)

// Input is what signatures cover. Its SHA-256 digest is computed once, however
// many keys are tried, and that of the whole token goes on from there. The zero
// Input is ready to use; an Input is not safe for concurrent use.
type Input struct {
	text     []byte
	state    hash.Hash // of SHA-256; it has read text if digested
	digest   [sha256.Size]byte
	digested bool
	der      [maxDER]byte // memory
}

// Set makes text what the signature covers. It is not to be changed until
// Clear.
func (in *Input) Set(text []byte) {
	in.Clear()
	in.text = text
}

// Clear makes in forget the token, but for a character at most.
func (in *Input) Clear() {
	in.text = nil
	clear(in.der[:])
	if in.digested {
		in.forget()
	}
}

func (in *Input) forget() {
	// What did not fill a block is kept by the state until other bytes come. Of
	// a whole block only the last byte is left, one character of a signature;
	// to write over it would cost a block.
	in.state.Reset()
	in.state.Write(zeros[:])
	in.digested, in.digest = false, [sha256.Size]byte{}
}

var zeros [sha256.BlockSize - 1]byte

// SumToken returns SHA-256 of a token that begins with the input.
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

// digestFor returns the hash of the input that alg signs, nil if alg signs
// none.
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
