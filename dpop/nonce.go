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
	// Key makes the nonces, at least 32 random bytes. Instances of a program
	// share it, and authorization servers do not. Default: a random one, for
	// a program of one instance.
	Key []byte

	// Rotate is how long a nonce is the current one; it is accepted for as
	// long again. Instances share it too. Default: 60 s. At least 1 s, at most
	// 1 h.
	Rotate time.Duration
}

// Nonces are the server's part in the freshness of proofs (RFC 9449, Section
// 9): a proof that was made in advance has none that is accepted. They are
// remembered nowhere, since each can be made again of its time. Nonces are safe
// for concurrent use.
type Nonces struct {
	key    func() []byte // so that fmt prints an address, see redact.go
	rotate time.Duration
	made   atomic.Pointer[madeNonces]
}

// madeNonces are those that are accepted at one step of time.
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

	// nonceMACLen is how much of the HMAC a nonce has (RFC 2104, Section 5).
	nonceMACLen = 20
)

// NewNonces builds Nonces. All mistakes of the configuration are reported at
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

// Current returns the nonce that clients should use from now on. It consists of
// characters that a DPoP-Nonce field may have (RFC 9449, Section 8.1).
func (n *Nonces) Current() string { return n.now().current }

// Accept reports whether a nonce is the current one or the one before. That of
// the next step is good too: only an instance whose clock is a little ahead can
// have given it.
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

// make returns the nonce of a step. The label keeps a key that serves something
// else too from making one by chance.
func (n *Nonces) make(step int64) string {
	mac := hmac.New(sha256.New, n.key())
	mac.Write([]byte("bearerkit DPoP nonce\x00"))
	mac.Write(binary.BigEndian.AppendUint64([]byte{nonceVersion}, uint64(step)))
	return base64.RawURLEncoding.EncodeToString(append([]byte{nonceVersion}, mac.Sum(nil)[:nonceMACLen]...))
}
