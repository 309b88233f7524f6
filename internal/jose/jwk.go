package jose

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/bearerkit/bearerkit/internal/strictjson"
)

// ParseKey reads one public JWK (RFC 7517). It is strict: duplicate members,
// members of the wrong type, private members, and keys that cannot verify a
// supported algorithm are errors. Member names are case-sensitive. Unknown
// members, certificates and members that are null are ignored. The numbers of an
// RSA key may begin with zero octets.
func ParseKey(jwk []byte) (*Key, error) {
	m, err := readJWK(jwk)
	if err == nil {
		m.trim()
		var key *Key
		if key, err = m.key(material.public); err == nil {
			return key, nil
		}
	}
	return nil, fmt.Errorf("jose: JWK: %w", err)
}

// ParseProofKey is [ParseKey] for a key that the sender of a request chooses, such
// as the key of a DPoP proof. It differs in three ways:
//
//   - An RSA key has at most 4096 bits and the exponent 65537, which bounds the
//     cost of a verification.
//   - The numbers of an RSA key must not begin with zero octets. The sender
//     computes the thumbprint (RFC 7638) with these octets, so the token would be
//     bound to another thumbprint than ours.
//   - jwx does not convert the key, which would take several times as long as the
//     checks.
func ParseProofKey(jwk []byte) (*Key, error) {
	m, err := readJWK(jwk)
	if err == nil {
		var key *Key
		if key, err = m.key(material.checkProof); err == nil {
			return key, nil
		}
	}
	return nil, fmt.Errorf("jose: JWK: %w", err)
}

// jwkMembers are the members of a JWK that determine its use.
type jwkMembers struct {
	material
	kid, use, alg          string
	hasKid, hasUse, hasAlg bool
	keyOps                 []string // empty: none
	secret                 bool     // has a member of a private or symmetric key
}

// readJWK reads the members of a JWK. A member that is null is absent. With an
// error, it returns the members before the error.
func readJWK(raw []byte) (jwkMembers, error) {
	var m jwkMembers
	err := strictjson.Object(raw, func(name []byte, value strictjson.Value) error {
		if value.Kind() == 'n' {
			return nil
		}
		var err error
		switch string(name) {
		case "kty":
			m.kty, err = strictjson.String(value)
		case "crv":
			m.crv, err = strictjson.String(value)
		case "n":
			m.n, err = strictjson.String(value)
		case "e":
			m.e, err = strictjson.String(value)
		case "x":
			m.x, err = strictjson.String(value)
		case "y":
			m.y, err = strictjson.String(value)
		case "kid":
			m.hasKid = true
			m.kid, err = strictjson.String(value)
		case "use":
			m.hasUse = true
			m.use, err = strictjson.String(value)
		case "alg":
			m.hasAlg = true
			m.alg, err = strictjson.String(value)
		case "key_ops":
			m.keyOps, err = readKeyOps(value)
		case "d", "p", "q", "dp", "dq", "qi", "oth", "k":
			m.secret = true
		default:
			return nil
		}
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		return nil
	})
	return m, err
}

// maxKeyOps is the limit of operations that a key may list. Eight are registered
// (RFC 7517, Section 8.3.2).
const maxKeyOps = 16

func readKeyOps(value strictjson.Value) (ops []string, err error) {
	err = strictjson.Array(value, func(element strictjson.Value) error {
		if len(ops) == maxKeyOps {
			return fmt.Errorf("more than %d operations", maxKeyOps)
		}
		op, err := strictjson.String(element)
		ops = append(ops, op)
		return err
	})
	return ops, err
}

// key returns the key, or an error if it may not verify signatures.
func (m jwkMembers) key(convert converter) (*Key, error) {
	if m.secret || m.kty == "oct" {
		return nil, errors.New("private or symmetric key in a public key set")
	}
	switch m.kty {
	case "RSA", "EC", "OKP":
	case "":
		return nil, errors.New("no kty")
	default:
		return nil, fmt.Errorf("key type %q; want RSA, EC or OKP", Printable(m.kty))
	}
	if err := m.checkUse(); err != nil {
		return nil, err
	}
	var algs []Algorithm
	if m.hasAlg {
		algs = []Algorithm{Algorithm(m.alg)}
	}
	key, err := newKey(m.material, algs, convert)
	if err != nil {
		return nil, err
	}
	key.id, key.hasID = m.kid, m.hasKid
	return key, nil
}

// checkUse obeys `use` and `key_ops` (RFC 7517, Sections 4.2 and 4.3). A SPIFFE
// bundle has the use jwt-svid for keys that sign JWT-SVIDs (SPIFFE Trust Domain and
// Bundle, "Public Key Use").
func (m jwkMembers) checkUse() error {
	if m.hasUse && m.use != "sig" && m.use != "jwt-svid" {
		return fmt.Errorf("use %q; want sig", Printable(m.use))
	}
	if len(m.keyOps) == 0 {
		return nil
	}
	for i, op := range m.keyOps {
		if slices.Contains(m.keyOps[:i], op) {
			return errors.New("key_ops has a duplicate")
		}
		if m.hasUse && op != "verify" && op != "sign" {
			return errors.New("use and key_ops contradict each other")
		}
	}
	if !slices.Contains(m.keyOps, "verify") {
		return errors.New("key_ops without verify")
	}
	return nil
}

// Printable returns s for a log: at most 64 characters, with a question mark for
// each character that is not printable ASCII.
func Printable(s string) string {
	var b strings.Builder
	for _, r := range s {
		if b.Len() == 64 {
			break
		}
		if r < ' ' || r > '~' {
			r = '?'
		}
		b.WriteRune(r)
	}
	return b.String()
}
