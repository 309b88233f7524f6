package dpop_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"maps"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bearerkit/bearerkit/dpop"
)

func newNonces(t testing.TB, c dpop.NoncesConfig) *dpop.Nonces {
	t.Helper()
	n, err := dpop.NewNonces(c)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestNoncesConfig(t *testing.T) {
	_, err := dpop.NewNonces(dpop.NoncesConfig{Key: make([]byte, 31), Rotate: time.Millisecond})
	if err == nil || !strings.Contains(err.Error(), "Key has 31 bytes") || !strings.Contains(err.Error(), "Rotate is 1ms") {
		t.Errorf("NewNonces: %v", err)
	}
	for _, rotate := range []time.Duration{-1, time.Hour + 1} {
		if _, err := dpop.NewNonces(dpop.NoncesConfig{Rotate: rotate}); err == nil {
			t.Errorf("Rotate %v is accepted", rotate)
		}
	}
	key := bytes.Repeat([]byte{1}, 32)
	n, twin := newNonces(t, dpop.NoncesConfig{Key: key}), newNonces(t, dpop.NoncesConfig{Key: bytes.Clone(key)})
	key[0] = 2
	if !twin.Accept(n.Current()) {
		t.Error("a caller changed the key")
	}
}

// D10, D24, D25; RFC 9449, Sections 8 and 9.
func TestNonceRotation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, rotate := range []time.Duration{0, time.Second, 90 * time.Second} {
			step := rotate
			if rotate == 0 {
				step = time.Minute
			}
			for _, tt := range []struct {
				at                time.Duration
				current, accepted bool
			}{
				{0, true, true}, {step - 1, true, true}, {step, false, true},
				{2*step - 1, false, true}, {2 * step, false, false}, {100 * step, false, false},
			} {
				n := newNonces(t, dpop.NoncesConfig{Rotate: rotate})
				begin := time.Unix(0, (time.Now().UnixNano()/int64(step)+1)*int64(step))
				<-time.After(time.Until(begin))
				nonce := n.Current()
				<-time.After(tt.at)
				if current, accepted := n.Current() == nonce, n.Accept(nonce); current != tt.current || accepted != tt.accepted {
					t.Errorf("of %v, after %v: current %v, accepted %v", step, tt.at, current, accepted)
				}
				if !n.Accept(n.Current()) {
					t.Errorf("of %v, after %v: the current one is not accepted", step, tt.at)
				}
			}
		}
	})
}

// D23; RFC 9449, Sections 8 and 8.1: 1*NQCHAR, unpredictable.
func TestNoncesCannotBeGuessed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, other := newNonces(t, dpop.NoncesConfig{}), newNonces(t, dpop.NoncesConfig{})
		seen := map[string]bool{}
		for range 1000 {
			nonce := n.Current()
			if seen[nonce] {
				t.Fatal("a nonce comes again")
			}
			seen[nonce] = true
			b, err := base64.RawURLEncoding.DecodeString(nonce)
			if err != nil || len(b) != 21 || b[0] != 1 {
				t.Fatalf("%q decodes to %x, %v", nonce, b, err)
			}
			for _, c := range []byte(nonce) { // NQCHAR
				if c != 0x21 && (c < 0x23 || c > 0x5b) && (c < 0x5d || c > 0x7e) {
					t.Fatalf("%q has a %q", nonce, c)
				}
			}
			if other.Accept(nonce) {
				t.Fatal("another key accepts it")
			}
			for _, bad := range []string{"", nonce[1:], nonce + "A", strings.ToLower(nonce), "B" + nonce[1:], nonce + "=", nonce + "," + nonce} {
				if n.Accept(bad) {
					t.Fatalf("%q is accepted", bad)
				}
			}
			<-time.After(time.Minute)
		}
	})
}

// Instances that share a key accept each other's nonces.
func TestNoncesAreShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		key := bytes.Repeat([]byte{3}, 40)
		one, other := newNonces(t, dpop.NoncesConfig{Key: key}), newNonces(t, dpop.NoncesConfig{Key: key})
		nonce := one.Current()
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				for range 100 {
					if !other.Accept(nonce) || !one.Accept(other.Current()) {
						t.Error("not accepted")
					}
				}
			})
		}
		wg.Wait()
		<-time.After(time.Minute)
		if !other.Accept(one.Current()) || !other.Accept(nonce) {
			t.Error("not accepted after a step")
		}
	})
}

// Nonces from an instance whose clock is one step ahead are accepted; two steps
// are too far.
func TestNoncesOfAClockThatIsAhead(t *testing.T) {
	key := bytes.Repeat([]byte{3}, 32)
	var ahead []string
	synctest.Test(t, func(t *testing.T) { // each bubble begins at the same time
		n := newNonces(t, dpop.NoncesConfig{Key: key})
		for range 3 {
			ahead = append(ahead, n.Current())
			<-time.After(time.Minute)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		n := newNonces(t, dpop.NoncesConfig{Key: key})
		for steps, accepted := range []bool{true, true, false} {
			if got := n.Accept(ahead[steps]); got != accepted {
				t.Errorf("%d steps ahead: accepted %v", steps, got)
			}
		}
	})
}

// D10, D11, D24, D27; RFC 9449, Sections 9 and 11.3.
func TestProofsWithNonces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, nonces := newClient(t, "ES256"), newNonces(t, dpop.NoncesConfig{})
		checker := newChecker(t, dpop.Config{Nonces: nonces})
		old := nonces.Current()
		<-time.After(3 * time.Minute)
		good := members{"nonce": nonces.Current()}
		with := func(changes members) members {
			all := maps.Clone(good)
			maps.Copy(all, changes)
			return all
		}
		for _, tt := range []struct {
			name    string
			changes members
			check   string
		}{
			{"the current one", good, ""},
			{"none", nil, "nonce"},
			{"an empty nonce", members{"nonce": ""}, "nonce"},
			{"an old one", members{"nonce": old}, "nonce"},
			{"by another key", members{"nonce": newNonces(t, dpop.NoncesConfig{}).Current()}, "nonce"},
			{"an old one in an old proof: the nonce is checked first", members{"nonce": old, "iat": time.Now().Unix() - 150}, "nonce"},
			{"the current one in an old proof", with(members{"iat": time.Now().Unix() - 61}), "iat"},
			{"the current one in a proof for another method", with(members{"htm": "POST"}), "htm"},
			{"none in a proof for another URI", members{"htu": origin + "/users"}, "htu"},
			{"none in a proof without iat", members{"iat": nil}, "iat"},
		} {
			if _, check := refusal(t, checkAndUse(checker, orders(t, c.proof(t, tt.changes)), token, c.jkt)); check != tt.check {
				t.Errorf("%s: refused by %q, want %q", tt.name, check, tt.check)
			}
		}
		<-time.After(time.Minute)
		wantRefusal(t, checkAndUse(checker, orders(t, c.proof(t, good)), token, c.jkt), "")
		if checker.Nonce() != nonces.Current() || checker.Nonce() == good["nonce"] {
			t.Errorf("Nonce() = %q", checker.Nonce())
		}
		proof, err := dpop.NewProof(dpop.ProofConfig{Key: c.signer, Algorithm: "ES256", Method: "GET", URL: origin + "/orders", AccessToken: token, Nonce: checker.Nonce()})
		if err != nil {
			t.Fatal(err)
		}
		wantRefusal(t, checkAndUse(checker, orders(t, proof), token, c.jkt), "")
		if s := checker.Stats(); s.Refusals["nonce"] != 5 {
			t.Errorf("Stats() = %+v", s)
		}
	})
	if got := newChecker(t, dpop.Config{}).Nonce(); got != "" {
		t.Errorf("without nonces Nonce() = %q", got)
	}
}

// Instances of different versions accept each other's nonces: a nonce is its
// version, and 20 bytes of HMAC-SHA-256 over a label, the version and the time.
func TestNonceIsStable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		key := []byte(strings.Repeat("k", 32))
		for _, rotate := range []time.Duration{time.Second, time.Minute, time.Hour} {
			nonces := newNonces(t, dpop.NoncesConfig{Key: key, Rotate: rotate})
			mac := hmac.New(sha256.New, key)
			mac.Write([]byte("bearerkit DPoP nonce\x00\x01"))
			mac.Write(binary.BigEndian.AppendUint64(nil, uint64(time.Now().UnixNano()/int64(rotate))))
			want := base64.RawURLEncoding.EncodeToString(append([]byte{1}, mac.Sum(nil)[:20]...))
			if got := nonces.Current(); got != want {
				t.Errorf("rotated each %v: %q, want %q", rotate, got, want)
			}
		}
	})
}
