package conform

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/bearerkit/bearerkit/internal/jose"
)

// keys are the keys of a run that are not the issuer's: those of an attacker, of a
// client ("client") and of another client ("other"), and certificates of the two.
type keys struct {
	signers      map[string]crypto.Signer // by name and kind
	certificates map[string]*tls.Certificate
}

func newKeys() (*keys, error) {
	k := &keys{signers: map[string]crypto.Signer{}, certificates: map[string]*tls.Certificate{}}
	for _, name := range []string{"client", "other"} {
		signer, err := k.private(name, "ES256")
		if err != nil {
			return nil, err
		}
		if k.certificates[name], err = certificate(name, signer, nil); err != nil {
			return nil, err
		}
	}
	return k, nil
}

// private returns the key of a name for an algorithm.
func (k *keys) private(name, alg string) (crypto.Signer, error) {
	var signer crypto.Signer
	var err error
	kind := alg
	switch jose.Algorithm(alg) {
	case jose.RS256, jose.RS384, jose.RS512, jose.PS256, jose.PS384, jose.PS512:
		kind = "RSA"
	}
	switch name {
	case "attacker", "client", "other":
	case "weak": // an RSA key that is too short
		kind = "RSA1024"
	default:
		return nil, unknownKey(name)
	}
	if signer := k.signers[name+kind]; signer != nil {
		return signer, nil
	}
	switch kind {
	case "RSA":
		signer, err = rsa.GenerateKey(rand.Reader, 2048)
	case "RSA1024":
		signer, err = rsa.GenerateKey(rand.Reader, 1024)
	case "ES256":
		signer, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case "ES384":
		signer, err = ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	case "ES512":
		signer, err = ecdsa.GenerateKey(elliptic.P521(), rand.Reader)
	case "EdDSA", "Ed25519":
		_, signer, err = ed25519.GenerateKey(rand.Reader)
	default:
		err = fmt.Errorf("no key for algorithm %q", alg)
	}
	if err != nil {
		return nil, err
	}
	k.signers[name+kind] = signer
	return signer, nil
}

// jwk returns the public key of a name as a JWK without kid, alg and use.
func (k *keys) jwk(name, alg string) (string, error) {
	private, err := k.private(name, alg)
	if err != nil {
		return "", err
	}
	published, err := jose.MarshalKey(private.Public(), "", "")
	if err != nil {
		return "", err
	}
	members, err := texts(published)
	if err != nil {
		return "", err
	}
	delete(members, "use")
	document, err := json.Marshal(members, json.Deterministic(true))
	return string(document), err
}

// thumbprint returns the thumbprint of a JWK as jwk returns it: with the members,
// and in the order, of RFC 7638.
func thumbprint(jwk string) string {
	sum := sha256.Sum256([]byte(jwk))
	return encode(sum[:])
}

// certificateHash returns x5t#S256 of a certificate (RFC 8705, Section 3.1).
func (k *keys) certificateHash(name string) string {
	sum := sha256.Sum256(k.certificates[name].Certificate[0])
	return encode(sum[:])
}

// Certificate returns a self-signed certificate for a server on loopback.
func Certificate(hosts ...string) (*tls.Certificate, error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	return certificate("server", private, hosts)
}

func certificate(name string, signer crypto.Signer, hosts []string) (*tls.Certificate, error) {
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, DNSNames: hosts,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, signer.Public(), signer)
	if err != nil {
		return nil, fmt.Errorf("conform: %w", err)
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: signer}, nil
}

// texts returns the members of a JSON object that are strings.
func texts(document []byte) (map[string]string, error) {
	var raw map[string]jsontext.Value
	if err := json.Unmarshal(document, &raw); err != nil {
		return nil, err
	}
	members := map[string]string{}
	for name, value := range raw {
		var text string
		if json.Unmarshal(value, &text) == nil {
			members[name] = text
		}
	}
	return members, nil
}
