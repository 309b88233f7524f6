package bearertest

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"fmt"
	"net/http"
	"slices"

	"github.com/bearerkit/bearerkit/internal/jose"
)

// key is a signing key of an issuer.
type key struct {
	id         string
	private    crypto.Signer
	public     *jose.Key
	algorithms []jose.Algorithm // for which the key signs
	jwk        []byte           // as published
}

// AddKey creates a key for an algorithm (RS256, PS384, ES512, EdDSA and so on),
// publishes it, and returns its kid. The newest key for an algorithm signs.
func (i *Issuer) AddKey(algorithm string) (kid string, err error) {
	private, err := newPrivateKey(jose.Algorithm(algorithm))
	if err != nil {
		return "", err
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.minted++
	k := &key{id: fmt.Sprintf("key-%d", i.minted), private: private}
	public, err := jose.NewKey(private.Public(), k.id)
	if err != nil {
		return "", fmt.Errorf("bearertest: %w", err)
	}
	k.public = public
	for _, a := range jose.Algorithms() {
		if public.Can(a) {
			k.algorithms = append(k.algorithms, a)
		}
	}
	if k.jwk, err = jose.MarshalKey(private.Public(), k.id, ""); err != nil {
		return "", fmt.Errorf("bearertest: %w", err)
	}
	i.keys = append(i.keys, k)
	return k.id, nil
}

// Rotate creates a new key for an algorithm and withdraws all older keys for it at
// once. It returns the new kid.
func (i *Issuer) Rotate(algorithm string) (kid string, err error) {
	if kid, err = i.AddKey(algorithm); err != nil {
		return "", err
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.keys = slices.DeleteFunc(i.keys, func(k *key) bool {
		return k.id != kid && slices.Contains(k.algorithms, jose.Algorithm(algorithm))
	})
	return kid, nil
}

// Withdraw stops publishing and using a key.
func (i *Issuer) Withdraw(kid string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.keys = slices.DeleteFunc(i.keys, func(k *key) bool { return k.id == kid })
}

// KeySet returns the published JWK Set (RFC 7517).
func (i *Issuer) KeySet() []byte {
	i.mu.Lock()
	defer i.mu.Unlock()
	var keys [][]byte
	for _, k := range i.keys {
		keys = append(keys, k.jwk)
	}
	keys = append(keys, i.published...)
	return slices.Concat([]byte(`{"keys":[`), bytes.Join(keys, []byte(",")), []byte(`]}`))
}

func (i *Issuer) keySet(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/jwk-set+json")
	_, _ = w.Write(i.KeySet())
}

// signer returns the newest key for an algorithm.
func (i *Issuer) signer(algorithm jose.Algorithm) (*key, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	for _, k := range slices.Backward(i.keys) {
		if slices.Contains(k.algorithms, algorithm) {
			return k, nil
		}
	}
	return nil, fmt.Errorf("bearertest: the issuer has no key for %q", string(algorithm))
}

func newPrivateKey(algorithm jose.Algorithm) (crypto.Signer, error) {
	switch algorithm {
	case jose.RS256, jose.RS384, jose.RS512, jose.PS256, jose.PS384, jose.PS512:
		return rsa.GenerateKey(rand.Reader, 2048)
	case jose.ES256:
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case jose.ES384:
		return ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	case jose.ES512:
		return ecdsa.GenerateKey(elliptic.P521(), rand.Reader)
	case jose.EdDSA, jose.Ed25519:
		_, private, err := ed25519.GenerateKey(rand.Reader)
		return private, err
	}
	return nil, fmt.Errorf("bearertest: unknown algorithm %q", string(algorithm))
}
