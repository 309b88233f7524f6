package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"math/big"
	"strings"
)

const bareCrypto = "bare crypto"

// signed is a token prepared for bare crypto, the check that no resource server can
// omit.
type signed struct {
	input, signature []byte
	r, s             *big.Int // for ECDSA
}

func parseSigned(token string) signed {
	end := strings.LastIndexByte(token, '.')
	signature, err := base64.RawURLEncoding.DecodeString(token[end+1:])
	if err != nil {
		panic(err) // impossible for our own token
	}
	s := signed{input: []byte(token[:end]), signature: signature}
	if len(signature) == 64 {
		s.r, s.s = new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:])
	}
	return s
}

// holds reports whether the signature is valid.
func (s *signed) holds(k *key) bool {
	if public, ok := k.private.Public().(ed25519.PublicKey); ok {
		return ed25519.Verify(public, s.input, s.signature)
	}
	digest := sha256.Sum256(s.input)
	switch public := k.private.Public().(type) {
	case *rsa.PublicKey:
		if k.algorithm == "PS256" {
			return rsa.VerifyPSS(public, crypto.SHA256, digest[:], s.signature, &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash}) == nil
		}
		return rsa.VerifyPKCS1v15(public, crypto.SHA256, digest[:], s.signature) == nil
	case *ecdsa.PublicKey:
		return ecdsa.Verify(public, digest[:], s.r, s.s)
	}
	return false
}

var errCrypto = errors.New("a valid signature was refused, or an invalid one accepted")

// verifying returns a run that checks the signatures of tokens in turn.
func verifying(k *key, want bool, tokens ...signed) func(from, n int) error {
	return func(from, n int) error {
		for at := from; at < from+n; at++ {
			if tokens[at%len(tokens)].holds(k) != want {
				return errCrypto
			}
		}
		return nil
	}
}

// hashing returns a run that computes the SHA-256 of a token, which a cache of
// verified tokens cannot avoid.
func hashing(token string) func(from, n int) error {
	document := []byte(token)
	want := sha256.Sum256(document)
	return func(_, n int) error {
		for range n {
			if sha256.Sum256(document) != want {
				return errCrypto
			}
		}
		return nil
	}
}

// fromZero adapts a run that takes a start index.
func fromZero(run func(from, n int) error) func(n int) error {
	return func(n int) error { return run(0, n) }
}
