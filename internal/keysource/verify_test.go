package keysource_test

import (
	"crypto/ed25519"
	"errors"
	"testing"
	"time"

	"github.com/bearerkit/bearerkit/internal/jose"
	"github.com/bearerkit/bearerkit/internal/keysource"
)

// The tests of jwks and introspect cover the second call of verify, with keys
// that a fetch or a replaced file brings.
func TestVerifyCallsVerifyOnceForTheSameKeys(t *testing.T) {
	public, _, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	named, err := jose.NewKey(public, "a")
	if err != nil {
		t.Fatal(err)
	}
	errOther := errors.New("another error")
	for _, tt := range []struct {
		name     string
		header   jose.Header
		rejected error // what verify returns
		calls    int
		want     error
	}{
		{"a good token", jose.Header{Algorithm: "EdDSA", KeyID: "a", HasKeyID: true}, nil, 1, nil},
		{"a forged token with kid", jose.Header{Algorithm: "EdDSA", KeyID: "a", HasKeyID: true}, jose.ErrSignature, 1, jose.ErrSignature},
		{"a forged token without kid", jose.Header{Algorithm: "EdDSA"}, jose.ErrSignature, 1, jose.ErrSignature},
		{"another error", jose.Header{Algorithm: "EdDSA"}, errOther, 1, errOther},
		{"an unknown kid", jose.Header{Algorithm: "EdDSA", KeyID: "b", HasKeyID: true}, nil, 0, keysource.ErrUnknownKey},
		{"another algorithm", jose.Header{Algorithm: "ES256", KeyID: "a", HasKeyID: true}, nil, 0, keysource.ErrKeyAlgorithm},
	} {
		calls := 0
		err := keysource.Static([]*jose.Key{named}).Verify(t.Context(), time.Now(), keysource.QueryFor(&tt.header), func(c keysource.Candidates) error {
			calls++
			if len(c.Keys) != 1 || c.Keys[0] != named {
				t.Errorf("%s: the candidates are %+v", tt.name, c)
			}
			return tt.rejected
		})
		if err != tt.want || calls != tt.calls {
			t.Errorf("%s: %v after %d calls, want %v after %d", tt.name, err, calls, tt.want, tt.calls)
		}
	}
}

func TestCandidatesVerify(t *testing.T) {
	var keys []*jose.Key
	var token string
	for range 3 {
		public, private, err := ed25519.GenerateKey(nil)
		if err != nil {
			t.Fatal(err)
		}
		key, err := jose.NewKey(public, "")
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, key)
		if token, err = jose.Sign(private, jose.EdDSA, []byte(`{"alg":"EdDSA"}`), []byte(`{}`)); err != nil {
			t.Fatal(err)
		}
	}
	jws, err := jose.Parse(token)
	if err != nil {
		t.Fatal(err)
	}
	var in jose.Input
	in.Set([]byte(jws.SigningInput))
	if err := (keysource.Candidates{Keys: keys}).Verify(jose.EdDSA, &in, jws.Signature); err != nil {
		t.Errorf("the last key signed it: %v", err)
	}
	if err := (keysource.Candidates{Keys: keys[:2]}).Verify(jose.EdDSA, &in, jws.Signature); err != jose.ErrSignature {
		t.Errorf("none of the keys signed it: %v", err)
	}
}
