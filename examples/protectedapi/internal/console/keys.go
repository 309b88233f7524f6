package console

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"

	"github.com/bearerkit/bearerkit/bearer/bearertest"
	"github.com/bearerkit/bearerkit/examples/protectedapi/internal/devissuer"
	"github.com/bearerkit/bearerkit/examples/protectedapi/internal/reply"
)

// keys rotates the key with which the development issuer signs JWTs.
type keys struct {
	dev *devissuer.Issuer

	mu  sync.Mutex
	old string // the kid of the key before; empty: withdrawn, or there was none
}

// keysState is what the page knows about the keys.
type keysState struct {
	Signs string `json:"signs"` // the kid of new tokens
	Old   string `json:"old"`   // the kid of a key that is still published; empty: none
}

// change creates a new key, or withdraws the old one.
func (k *keys) change(w http.ResponseWriter, r *http.Request) {
	switch r.PostForm.Get("change") {
	case "rotate":
		if err := k.rotate(); err != nil {
			reply.Fail(w, http.StatusInternalServerError, "The issuer has no new key.")
			return
		}
	case "withdraw":
		k.withdraw()
	default:
		reply.Fail(w, http.StatusBadRequest, "The parameter change must be rotate or withdraw.")
		return
	}
	state, err := k.state()
	if err != nil {
		reply.Fail(w, http.StatusInternalServerError, "The issuer's key cannot be read.")
		return
	}
	reply.JSON(w, http.StatusOK, state)
}

// rotate makes the issuer sign with a new key. It publishes one old key at most, so
// that the number of keys does not grow.
func (k *keys) rotate() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	kid, algorithm, err := signing(k.dev)
	if err != nil {
		return err
	}
	if _, err := k.dev.AddKey(algorithm); err != nil {
		return err
	}
	k.dev.Withdraw(k.old)
	k.old = kid
	return nil
}

func (k *keys) withdraw() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.dev.Withdraw(k.old)
	k.old = ""
}

func (k *keys) state() (keysState, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	kid, _, err := signing(k.dev)
	return keysState{Signs: kid, Old: k.old}, err
}

// signing reads from a token which key signs, and how.
func signing(dev *devissuer.Issuer) (kid, algorithm string, err error) {
	segment, _, _ := strings.Cut(dev.Mint(bearertest.Token{}), ".")
	raw, err := base64.RawURLEncoding.DecodeString(segment)
	var header struct{ Kid, Alg string }
	if err := errors.Join(err, json.Unmarshal(raw, &header)); err != nil {
		return "", "", fmt.Errorf("console: the header of a token: %w", err)
	}
	return header.Kid, header.Alg, nil
}
