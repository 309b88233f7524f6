package jose_test

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/bearerkit/bearerkit/internal/jose"
)

// Project Wycheproof (https://github.com/c2sp/wycheproof) is a Go module of test
// vectors. The tests download it, check it and read it as data, so that it does
// not appear in the go.sum of bearerkit's users.
const (
	wycheproofModule = "github.com/c2sp/wycheproof@v0.0.0-20260902155932-3fa63dd0344a"
	wycheproofSum    = "h1:pNbL2nztRsWfW/ispAwsvcDFxs9Id38uIsR2/Up5G2c="
)

// wycheproof returns the directory of the vectors.
func wycheproof(t *testing.T) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "mod", "download", "-json", wycheproofModule)
	cmd.Dir = t.TempDir()
	cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=-mod=mod")
	out, err := cmd.Output()
	var module struct{ Dir, Sum, Error string }
	if jsonErr := json.Unmarshal(out, &module); jsonErr != nil || err != nil || module.Error != "" || module.Dir == "" {
		message := fmt.Sprintf("the Wycheproof vectors cannot be had (%v %s). To include them, run"+
			" `go mod download %s` once with the network on, and this test again.", err, module.Error, wycheproofModule)
		if os.Getenv("CI") == "true" {
			t.Fatal(message)
		}
		t.Skip(message)
	}
	if module.Sum != wycheproofSum {
		t.Fatalf("the Wycheproof vectors have sum %s, want %s", module.Sum, wycheproofSum)
	}
	return filepath.Join(module.Dir, "testvectors_v1")
}

type vectorFile struct {
	NumberOfTests int           `json:"numberOfTests"`
	TestGroups    []vectorGroup `json:"testGroups"`
}

type vectorGroup struct {
	Comment      string          `json:"comment"`
	Private      json.RawMessage `json:"private"`
	Public       json.RawMessage `json:"public"`
	PublicKeyPEM string          `json:"publicKeyPem"`
	Tests        []vector        `json:"tests"`
}

type vector struct {
	ID      int             `json:"tcId"`
	Comment string          `json:"comment"`
	Flags   []string        `json:"flags"`
	Result  string          `json:"result"`
	JWS     json.RawMessage `json:"jws"` // a string; a JSON serialization may stand as an object
	Msg     string          `json:"msg"` // hex
	Sig     string          `json:"sig"` // hex
}

func readVectors(t *testing.T, path string) vectorFile {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var file vectorFile
	if err := json.Unmarshal(data, &file); err != nil {
		t.Fatal(err)
	}
	return file
}

// keySetOf returns the public key set of a group, and checks that the private key
// itself is refused.
func keySetOf(t *testing.T, g vectorGroup) jose.KeySet {
	t.Helper()
	private := asKeySet(t, g.Private)
	set, err := jose.ParseKeySet(private)
	if err != nil {
		t.Fatalf("%s: ParseKeySet: %v", g.Comment, err)
	}
	for _, key := range set.Keys {
		// One group's set mixes a public key with secrets.
		if id, _ := key.ID(); g.Comment != "jws_mixedSymmetryKeyset" || id != "kid-ec-sign" {
			t.Errorf("%s: the private key %q was accepted", g.Comment, id)
		}
	}
	public := asKeySet(t, g.Public)
	if len(g.Public) == 0 {
		public = withoutPrivateMembers(t, private)
	}
	set, err = jose.ParseKeySet(public)
	if err != nil {
		t.Fatalf("%s: ParseKeySet: %v", g.Comment, err)
	}
	return set
}

func asKeySet(t *testing.T, raw json.RawMessage) []byte {
	t.Helper()
	var members map[string]json.RawMessage
	if len(raw) > 0 {
		if err := json.Unmarshal(raw, &members); err != nil {
			t.Fatal(err)
		}
	}
	if _, ok := members["keys"]; ok {
		return raw
	}
	return slices.Concat([]byte(`{"keys":[`), raw, []byte(`]}`))
}

// withoutPrivateMembers keeps symmetric keys, which must be skipped.
func withoutPrivateMembers(t *testing.T, doc []byte) []byte {
	t.Helper()
	var set struct {
		Keys []map[string]json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(doc, &set); err != nil {
		t.Fatal(err)
	}
	for _, key := range set.Keys {
		for _, name := range []string{"d", "p", "q", "dp", "dq", "qi", "oth"} {
			delete(key, name)
		}
	}
	public, err := json.Marshal(set)
	if err != nil {
		t.Fatal(err)
	}
	return public
}

// accept does what a verifier does: parse, choose a key by kid and algorithm, and
// verify.
func accept(set jose.KeySet, token string) error {
	jws, err := jose.Parse(token)
	if err != nil {
		return err
	}
	alg := jose.Algorithm(jws.Header.Algorithm)
	err = errors.New("no key")
	for _, key := range set.Keys {
		if id, _ := key.ID(); (jws.Header.HasKeyID && id != jws.Header.KeyID) || !key.Can(alg) {
			continue
		}
		if err = key.Verify(alg, jws.SigningInput, jws.Signature); err == nil {
			return nil
		}
	}
	return err
}

// tally counts the vectors of a file, and the deviations of this package.
type tally struct {
	ran, accepted, refused int
	deviations             map[string][]int // tcIds by reason
}

func (c *tally) check(t *testing.T, v vector, err error, deviation string) {
	t.Helper()
	c.ran++
	if err == nil {
		c.accepted++
	} else {
		c.refused++
	}
	if (err == nil) == (v.Result == "valid") {
		return
	}
	if deviation == "" {
		t.Errorf("%d (%s, %q) is %s: %v", v.ID, v.Comment, v.Flags, v.Result, err)
		return
	}
	if c.deviations == nil {
		c.deviations = map[string][]int{}
	}
	c.deviations[deviation] = append(c.deviations[deviation], v.ID)
}

// done logs the counts. It checks that all vectors ran, and that the deviations
// are exactly the known ones.
func (c *tally) done(t *testing.T, file vectorFile, want map[string]int) {
	t.Helper()
	deviated := 0
	for _, reason := range slices.Sorted(maps.Keys(c.deviations)) {
		ids := c.deviations[reason]
		deviated += len(ids)
		t.Logf("deviation: %s: %d (%d)", reason, ids, len(ids))
		if len(ids) != want[reason] {
			t.Errorf("%s: %d deviations, want %d", reason, len(ids), want[reason])
		}
	}
	for reason, n := range want {
		if len(c.deviations[reason]) == 0 {
			t.Errorf("%s: no deviation, want %d", reason, n)
		}
	}
	t.Logf("%d vectors ran, %d accepted, %d refused, %d deviated", c.ran, c.accepted, c.refused, deviated)
	if c.ran != file.NumberOfTests {
		t.Errorf("%d vectors ran, want %d", c.ran, file.NumberOfTests)
	}
}

// Reasons why this package's result differs from a vector's.
const (
	noMAC    = "HS256, HS384 and HS512 are never accepted (A1, J2)"
	noEmpty  = "an empty payload is not a JWT (RFC 7519, Section 7.2)"
	noES521  = "the key's alg ES521 is not a registered algorithm (K6)"
	otherAlg = "the key's alg is PS256 and the token's PS384 (K6, RFC 7517, Section 4.4)"
	roca     = "a modulus with the ROCA weakness is not recognized (CVE-2017-15361)"
)

// K1 to K7, J1 to J4.
func TestWycheproofJSONWebSignature(t *testing.T) {
	runJWS(t, "json_web_signature_test.json", map[string]int{
		noMAC: 10, noEmpty: 6, noES521: 2, otherAlg: 2,
	})
}

// K6, K7. The two vectors that Wycheproof marks ambiguous, a set of public and
// symmetric keys and a set with a duplicate kid, are HS256 and therefore refused.
// TestKeysThatAreSkipped and TestKeysWithTheSameIDAreKept cover such sets.
func TestWycheproofJSONWebKey(t *testing.T) {
	runJWS(t, "json_web_key_test.json", map[string]int{noMAC: 4, roca: 1})
}

func runJWS(t *testing.T, name string, deviations map[string]int) {
	file := readVectors(t, filepath.Join(wycheproof(t), name))
	var c tally
	for _, g := range file.TestGroups {
		set := keySetOf(t, g)
		for _, v := range g.Tests {
			token := string(v.JWS)
			if strings.HasPrefix(token, `"`) {
				if err := json.Unmarshal(v.JWS, &token); err != nil {
					t.Fatal(err)
				}
			}
			err := accept(set, token)
			c.check(t, v, err, jwsDeviation(g, v, token))
			if jws, parseErr := jose.Parse(token); parseErr == nil && strings.HasPrefix(jws.Header.Algorithm, "HS") && err == nil {
				t.Errorf("%d: an HS token was accepted", v.ID)
			}
		}
	}
	c.done(t, file, deviations)
}

// jwsDeviation returns why this package's result may differ from the vector's. It
// depends only on the vector.
func jwsDeviation(g vectorGroup, v vector, token string) string {
	if v.Result == "invalid" {
		if g.Comment == "jws_rsa_roca_key" {
			return roca
		}
		return ""
	}
	var key struct {
		Alg string `json:"alg"`
	}
	_ = json.Unmarshal(g.Private, &key) // a key set has no alg
	jws, _ := jose.Parse(token)
	alg := jws.Header.Algorithm
	switch {
	case strings.Contains(token, ".."):
		return noEmpty
	case strings.HasPrefix(key.Alg, "HS") || strings.HasPrefix(alg, "HS"):
		return noMAC
	case key.Alg == "ES521":
		return noES521
	case key.Alg == "PS256" && alg == "PS384":
		return otherAlg
	}
	return ""
}

// K7: the vectors of each algorithm. Wycheproof calls a DigestInfo without NULL
// acceptable; it is refused here (RFC 8017, Appendix A.2.4).
func TestWycheproofSignatures(t *testing.T) {
	dir := wycheproof(t)
	tests := []struct {
		file string
		alg  jose.Algorithm
	}{
		{"rsa_signature_2048_sha256_test.json", jose.RS256},
		{"rsa_signature_2048_sha384_test.json", jose.RS384},
		{"rsa_signature_2048_sha512_test.json", jose.RS512},
		{"rsa_pss_2048_sha256_mgf1_32_test.json", jose.PS256},
		{"rsa_pss_2048_sha384_mgf1_48_test.json", jose.PS384},
		{"ecdsa_secp256r1_sha256_p1363_test.json", jose.ES256},
		{"ecdsa_secp384r1_sha384_p1363_test.json", jose.ES384},
		{"ecdsa_secp521r1_sha512_p1363_test.json", jose.ES512},
		{"ed25519_test.json", jose.EdDSA},
		{"ed25519_test.json", jose.Ed25519},
	}
	for _, tt := range tests {
		t.Run(tt.file+" as "+string(tt.alg), func(t *testing.T) {
			file := readVectors(t, filepath.Join(dir, tt.file))
			var c tally
			for _, g := range file.TestGroups {
				keys, err := jose.ParsePEM([]byte(g.PublicKeyPEM))
				if err != nil || len(keys) != 1 {
					t.Fatalf("ParsePEM: %d keys, %v", len(keys), err)
				}
				for _, v := range g.Tests {
					msg, err := hex.DecodeString(v.Msg)
					if err != nil {
						t.Fatal(err)
					}
					sig, err := hex.DecodeString(v.Sig)
					if err != nil {
						t.Fatal(err)
					}
					err = keys[0].Verify(tt.alg, string(msg), sig)
					if err != nil && !errors.Is(err, jose.ErrSignature) {
						t.Errorf("%d: %v", v.ID, err)
					}
					c.check(t, v, err, "")
				}
			}
			c.done(t, file, nil)
		})
	}
}
