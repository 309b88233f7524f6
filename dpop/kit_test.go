package dpop_test

import (
	"bufio"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/dpop"
	"github.com/bearerkit/bearerkit/internal/jose"
)

const (
	origin = "https://api.example.com"
	token  = "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU"
)

// client is a client, or an attacker, with a key.
type client struct {
	alg    string
	signer crypto.Signer
	jkt    string
	jwk    map[string]any
}

var rsaKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

func newClient(t testing.TB, alg string) *client {
	t.Helper()
	var signer crypto.Signer
	var err error
	switch alg {
	case "ES256":
		signer, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case "ES384":
		signer, err = ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	case "ES512":
		signer, err = ecdsa.GenerateKey(elliptic.P521(), rand.Reader)
	case "EdDSA", "Ed25519":
		_, signer, err = ed25519.GenerateKey(rand.Reader)
	default:
		signer = rsaKey()
	}
	if err != nil {
		t.Fatal(err)
	}
	jkt, err := dpop.Thumbprint(signer.Public())
	if err != nil {
		t.Fatal(err)
	}
	raw, err := jose.MarshalKey(signer.Public(), "", "")
	if err != nil {
		t.Fatal(err)
	}
	c := &client{alg: alg, signer: signer, jkt: jkt}
	if err := json.Unmarshal(raw, &c.jwk); err != nil {
		t.Fatal(err)
	}
	return c
}

// members are the members of a proof's header or payload. A nil value removes
// the member.
type members map[string]any

func (m members) json(t testing.TB) []byte {
	t.Helper()
	for name, value := range m {
		if value == nil {
			delete(m, name)
		}
	}
	b, err := json.Marshal(map[string]any(m))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// header and payload return the members of a valid proof for GET /orders, with
// changes.
func (c *client) header(changes members) members {
	m := members{"typ": "dpop+jwt", "alg": c.alg, "jwk": c.jwk}
	for name, value := range changes {
		m[name] = value
	}
	return m
}

func payload(changes members) members {
	m := members{
		"jti": rand.Text(), "htm": "GET", "htu": origin + "/orders", "iat": time.Now().Unix(), "ath": hash(token),
	}
	for name, value := range changes {
		m[name] = value
	}
	return m
}

func hash(token string) string {
	sum := sha256.Sum256([]byte(token))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

func (c *client) sign(t testing.TB, header, payload []byte) string {
	t.Helper()
	proof, err := jose.Sign(c.signer, jose.Algorithm(c.alg), header, payload)
	if err != nil {
		t.Fatal(err)
	}
	return proof
}

// proof returns a valid proof, with changes to its payload.
func (c *client) proof(t testing.TB, changes members) string {
	t.Helper()
	return c.sign(t, c.header(nil).json(t), payload(changes).json(t))
}

// proofFor returns a valid proof for a method and URL.
func (c *client) proofFor(t testing.TB, method, url string) string {
	t.Helper()
	return c.proof(t, members{"htm": method, "htu": url})
}

// read returns a request as net/http reads it from a connection.
func read(t testing.TB, line string, fields ...string) *http.Request {
	t.Helper()
	raw := line + " HTTP/1.1\r\n" + strings.Join(append(fields, "", ""), "\r\n")
	if !strings.Contains(raw, "\r\nHost:") {
		raw = strings.Replace(raw, "\r\n", "\r\nHost: api.example.com\r\n", 1)
	}
	r, err := readRequest(raw)
	if err != nil {
		t.Fatalf("%q: %v", line, err)
	}
	return r
}

func readRequest(raw string) (*http.Request, error) {
	return http.ReadRequest(bufio.NewReader(strings.NewReader(raw)))
}

// orders returns a request for GET /orders with a proof.
func orders(t testing.TB, proof string) *http.Request {
	t.Helper()
	return read(t, "GET /orders", "DPoP: "+proof)
}

func newChecker(t testing.TB, c dpop.Config) *dpop.Checker {
	t.Helper()
	if c.Origin == "" {
		c.Origin = origin
	}
	checker, err := dpop.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return checker
}

// checkAndUse checks the proof in r, for a token bound to the key jkt, and then
// uses it, as a guard does.
func checkAndUse(c *dpop.Checker, r *http.Request, token, jkt string) error {
	p := bearer.Principal{Issuer: "https://login.example.com", Subject: "owner of " + jkt, ClientID: "app", Confirmation: bearer.Confirmation{JKT: jkt}}
	proof, err := c.CheckProof(r, token, p)
	if err != nil {
		return err
	}
	return proof.Use(r.Context())
}

// refusal returns the code and check of err, or empty strings for nil.
func refusal(t testing.TB, err error) (bearer.Code, string) {
	t.Helper()
	if err == nil {
		return "", ""
	}
	e, ok := errors.AsType[*bearer.Error](err)
	if !ok {
		t.Fatalf("the error is not a *bearer.Error: %v", err)
	}
	return e.Code, e.Check
}

// wantRefusal requires that err is a refusal by check, or nil if check is
// empty.
func wantRefusal(t testing.TB, err error, check string) {
	t.Helper()
	code, got := refusal(t, err)
	want := bearer.CodeInvalidDPoPProof
	switch check {
	case "":
		want = ""
	case "nonce":
		want = bearer.CodeUseDPoPNonce
	case "jkt":
		want = bearer.CodeInvalidToken
	case "replay store", "clock":
		want = bearer.CodeUnavailable
	}
	if code != want || got != check {
		t.Errorf("refused by %q %q: %v; want %q %q", code, got, err, want, check)
	}
}
