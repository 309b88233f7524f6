package dpop_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/binary"
	"fmt"
	"math/big"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bearerkit/bearerkit/dpop"
	"github.com/bearerkit/bearerkit/internal/jose"
)

// manifold changes the ID of each proof, so that a benchmark can check one
// proof many times against a store that does its full work.
type manifold struct {
	store dpop.ReplayStore
	n     uint64
}

func (m *manifold) Burn(ctx context.Context, proof dpop.UsedProof) (bool, error) {
	m.n++
	binary.BigEndian.PutUint64(proof.ID[:], m.n)
	return m.store.Burn(ctx, proof)
}

// The benchmark alternates between checking a proof and only verifying its
// signature, so that other load on the machine slows both. over-bare is the
// extra time of the check, in percent.
func BenchmarkCheckProof(b *testing.B) {
	for _, alg := range []string{"ES256", "ES384", "RS256", "PS256", "EdDSA"} {
		b.Run(alg, func(b *testing.B) {
			c := newClient(b, alg)
			nonces := newNonces(b, dpop.NoncesConfig{})
			proof := c.proof(b, members{"nonce": nonces.Current()})
			memory := newMemory(b, dpop.MemoryConfig{Capacity: 1 << 24, PerKey: -1, PerOwner: -1})
			checker := newChecker(b, dpop.Config{Nonces: nonces, MaxAge: 5 * time.Minute, Replays: &manifold{store: memory}})
			jws, err := jose.Parse(proof)
			if err != nil {
				b.Fatal(err)
			}
			r, public := orders(b, proof), c.signer.Public()
			var check, bare time.Duration
			b.ReportAllocs()
			for b.Loop() {
				start := time.Now()
				if err := checkAndUse(checker, r, token, c.jkt); err != nil {
					b.Fatal(err)
				}
				middle := time.Now()
				if !bareVerify(public, alg, jws) {
					b.Fatal("the signature is invalid")
				}
				check += middle.Sub(start)
				bare += time.Since(middle)
			}
			b.ReportMetric(float64(check.Nanoseconds())/float64(b.N), "ns/check")
			b.ReportMetric(float64(bare.Nanoseconds())/float64(b.N), "ns/bare")
			b.ReportMetric(100*(float64(check)/float64(bare)-1), "%over-bare")
			b.ReportMetric(0, "ns/op")
		})
	}
}

func bareVerify(public crypto.PublicKey, alg string, jws jose.JWS) bool {
	sum := sha256.Sum256([]byte(jws.SigningInput))
	digest := sum[:]
	if alg == "ES384" {
		sum := sha512.Sum384([]byte(jws.SigningInput))
		digest = sum[:]
	}
	switch public := public.(type) {
	case *ecdsa.PublicKey:
		half := len(jws.Signature) / 2
		return ecdsa.Verify(public, digest, new(big.Int).SetBytes(jws.Signature[:half]), new(big.Int).SetBytes(jws.Signature[half:]))
	case ed25519.PublicKey:
		return ed25519.Verify(public, []byte(jws.SigningInput), jws.Signature)
	case *rsa.PublicKey:
		if alg == "PS256" {
			return rsa.VerifyPSS(public, crypto.SHA256, digest, jws.Signature, nil) == nil
		}
		return rsa.VerifyPKCS1v15(public, crypto.SHA256, digest, jws.Signature) == nil
	}
	return false
}

// A proof by a new key.
func BenchmarkCheckFirstProof(b *testing.B) {
	c := newClient(b, "ES256")
	proof := c.proof(b, nil)
	r := orders(b, proof)
	store := storeFunc(func(context.Context, dpop.UsedProof) (bool, error) { return true, nil })
	b.ReportAllocs()
	for b.Loop() {
		checker := newChecker(b, dpop.Config{MaxAge: 5 * time.Minute, Replays: store})
		if err := checkAndUse(checker, r, token, c.jkt); err != nil {
			b.Fatal(err)
		}
	}
}

// The cost of rejecting a proof.
func BenchmarkRefuseProof(b *testing.B) {
	c, checker := newClient(b, "ES256"), newChecker(b, dpop.Config{})
	other := newClient(b, "ES256")
	good := c.proof(b, nil)
	for name, proof := range map[string]string{
		"garbage":     strings.Repeat("garbage", 100),
		"dots":        strings.Repeat(".", 8<<10),
		"too long":    strings.Repeat(".", 1<<20),
		"another key": other.proof(b, nil),
		"forged":      good[:len(good)-8] + "AAAAAAAA",
	} {
		b.Run(name, func(b *testing.B) {
			r := orders(b, proof)
			b.ReportAllocs()
			for b.Loop() {
				if checkAndUse(checker, r, token, c.jkt) == nil {
					b.Fatal("accepted")
				}
			}
		})
	}
}

// A store that is full at the default capacity, with many keys.
func BenchmarkBurn(b *testing.B) {
	for _, live := range []int{0, 100_000, 400_000} {
		b.Run(fmt.Sprintf("live=%d", live), func(b *testing.B) {
			m := newMemory(b, dpop.MemoryConfig{Capacity: 1 << 26, PerKey: -1, PerOwner: -1})
			now := time.Now()
			var n atomic.Uint64
			jkts, owners := make([]string, 1024), make([][32]byte, 1024)
			for i := range jkts {
				owners[i], jkts[i] = numbered(i)
			}
			burn := func() {
				i := n.Add(1)
				var key [32]byte
				binary.BigEndian.PutUint64(key[:], i*0x9e3779b97f4a7c15)
				fresh, err := m.Burn(b.Context(), dpop.UsedProof{
					JKT: jkts[i%1024], ID: key, Owner: owners[i%1024], Until: now.Add(time.Hour + time.Duration(i%80)*time.Second),
				})
				if !fresh || err != nil {
					b.Error(fresh, err)
				}
			}
			for range live {
				burn()
			}
			b.ReportAllocs()
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					burn()
				}
			})
		})
	}
}

func BenchmarkMemoryOfAProof(b *testing.B) {
	worst := 0.0
	for b.Loop() {
		worst = max(worst, bytesPerProof(b, 480_000))
	}
	b.ReportMetric(worst, "B/proof")
}

func BenchmarkNonces(b *testing.B) {
	n := newNonces(b, dpop.NoncesConfig{})
	b.ReportAllocs()
	for b.Loop() {
		if !n.Accept(n.Current()) {
			b.Fatal("not accepted")
		}
	}
}
