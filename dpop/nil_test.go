package dpop_test

import (
	"crypto/ecdsa"
	"strings"
	"testing"

	"github.com/bearerkit/bearerkit/dpop"
)

// Reports L19: constructors report a nil store and a nil key.
func TestNilStoresAndKeys(t *testing.T) {
	var store *dpop.MemoryReplays
	_, err := dpop.New(dpop.Config{Origin: "https://{host}", Replays: store})
	for _, want := range []string{"Replays is a nil *dpop.MemoryReplays", `Origin: contains the placeholder "{host}"`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	if _, err := dpop.New(dpop.Config{Origin: origin, Replays: storeFunc(nil)}); err == nil || !strings.Contains(err.Error(), "Replays is a nil dpop_test.storeFunc") {
		t.Errorf("a nil function: %v", err)
	}
	var key *ecdsa.PrivateKey
	if _, err := dpop.NewProof(dpop.ProofConfig{Key: key, Algorithm: "ES256", Method: "GET", URL: origin, AccessToken: token}); err == nil || !strings.Contains(err.Error(), "ProofConfig.Key is nil") {
		t.Errorf("a nil key: %v", err)
	}
	if _, err := dpop.NewProof(dpop.ProofConfig{Algorithm: "ES256", Method: "GET", URL: origin, AccessToken: token}); err == nil {
		t.Error("no key: no error")
	}
	if _, err := dpop.Thumbprint(nil); err == nil {
		t.Error("the thumbprint of nothing: no error")
	}
}
