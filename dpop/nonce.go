package dpop

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/bearerkit/bearerkit/internal/setting"
)

// NoncesConfig configures [Nonces].
type NoncesConfig struct {
	// Key is the secret from which nonces are derived: at least 32 random
	// bytes. All instances of a program must share it; authorization servers
	// must not. Default: a random key, for a program with one instance.
	Key []byte

	// Rotate is how long a nonce is current. It is accepted for the same time
	// again. All instances must use the same value. Default: 60 s. Minimum: 1
	// s. Maximum: 1 h.
	Rotate time.Duration
}

// Nonces issues and checks server nonces (RFC 9449, Section 9). They prevent
// clients from creating proofs in advance. Nonces are not stored: each is
// derived from the key and the time. Use [NewNonces] to build Nonces. It is
// safe for concurrent use.
type Nonces struct {
	key    func() []byte // a function, so that fmt cannot print the key; see redact.go
	rotate time.Duration
	made   atomic.Pointer[madeNonces]
}

// madeNonces holds the nonces that are accepted during one step of time.
type madeNonces struct {
	step                    int64
	previous, current, next string
}

const (
	minNonceKeyLen = 32
	defaultRotate  = 60 * time.Second
	minRotate      = time.Second
	maxRotate      = time.Hour

	nonceVersion = 1

	// nonceMACLen is the length in bytes of the truncated HMAC (RFC 2104,
	// Section 5).
	nonceMACLen = 20
)

// NewNonces returns Nonces. It reports all mistakes in the configuration at
// once.
func NewNonces(c NoncesConfig) (*Nonces, error) {
	var errs []error
	if len(c.Key) > 0 && len(c.Key) < minNonceKeyLen {
		errs = append(errs, fmt.Errorf("dpop: NoncesConfig.Key has %d bytes; want at least %d", len(c.Key), minNonceKeyLen))
	}
	if c.Rotate != 0 && (c.Rotate < minRotate || c.Rotate > maxRotate) {
		errs = append(errs, fmt.Errorf("dpop: NoncesConfig.Rotate is %v; want %v to %v", c.Rotate, minRotate, maxRotate))
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	key := bytes.Clone(c.Key)
	if len(key) == 0 {
		key = make([]byte, minNonceKeyLen)
		_, _ = rand.Read(key) // never fails
	}
	return &Nonces{key: func() []byte { return key }, rotate: setting.OrDefault(c.Rotate, defaultRotate)}, nil
}

// Current returns the nonce that clients should use from now on. It has only
// characters that are allowed in a DPoP-Nonce header (RFC 9449, Section 8.1).
func (n *Nonces) Current() string { return n.now().current }

// Accept reports whether nonce is the current nonce or the previous one. It
// also accepts the next nonce, which only an instance whose clock is ahead can
// have issued.
func (n *Nonces) Accept(nonce string) bool {
	made := n.now()
	accepted := 0
	for _, good := range [...]string{made.previous, made.current, made.next} {
		accepted |= subtle.ConstantTimeCompare([]byte(good), []byte(nonce))
	}
	return accepted == 1
}

func (n *Nonces) now() *madeNonces {
	step := time.Now().UnixNano() / int64(n.rotate)
	if made := n.made.Load(); made != nil && made.step == step {
		return made
	}
	made := &madeNonces{step: step, previous: n.make(step - 1), current: n.make(step), next: n.make(step + 1)}
	n.made.Store(made)
	return made
}

// make returns the nonce of a step. The label separates nonces from other uses
// of the same key.
func (n *Nonces) make(step int64) string {
	mac := hmac.New(sha256.New, n.key())
	mac.Write([]byte("bearerkit DPoP nonce\x00"))
	mac.Write(binary.BigEndian.AppendUint64([]byte{nonceVersion}, uint64(step)))
	return base64.RawURLEncoding.EncodeToString(append([]byte{nonceVersion}, mac.Sum(nil)[:nonceMACLen]...))
}
