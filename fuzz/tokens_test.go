package fuzz_test

import (
	"crypto/ecdsa"
	"encoding/asn1"
	"encoding/json"
	"maps"
	"math/big"
	"time"

	"github.com/bearerkit/bearerkit/dpop"
)

const (
	issuerURL = "https://issuer.example.com"
	apiURL    = "https://api.example.com"
	path      = "/orders"
)

// began is when each bubble of testing/synctest begins. Tokens and proofs are
// good then.
var began = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

type members map[string]any

// with returns m with the members of over. A nil value removes a member.
func (m members) with(over members) members {
	all := maps.Clone(m)
	maps.Copy(all, over)
	maps.DeleteFunc(all, func(_ string, v any) bool { return v == nil })
	return all
}

func (m members) json() []byte { return must(json.Marshal(m)) }

// credential is what is true of a token that the issuer gave out. Tokens that are
// not in a map of them are unproven.
type credential struct {
	opaque bool
	scope  bool // the token has the scope of the route
	jkt    string
	cert   string // the thumbprint of a certificate
}

var (
	ownCert, otherCert = certificate("own"), certificate("other")
	clientJKT          = must(dpop.Thumbprint(client.private.Public()))

	goodHeader = members{"typ": "at+jwt", "alg": "ES256", "kid": "ec"}
	goodClaims = members{
		"iss": issuerURL, "aud": apiURL, "sub": "alice", "client_id": "app", "jti": "token-1", "scope": "orders:read",
		"iat": began.Unix() - 60, "exp": began.Unix() + 3600,
	}
	boundClaims = goodClaims.with(members{"cnf": members{"jkt": clientJKT}})
	weakClaims  = goodClaims.with(members{"scope": nil})
	certClaims  = goodClaims.with(members{"cnf": members{"x5t#S256": sum(ownCert.Raw)}})

	reader     = issuerEC.sign(goodHeader.json(), goodClaims.json())
	edward     = issuerEd.sign(goodHeader.with(members{"alg": "EdDSA", "kid": "ed"}).json(), goodClaims.json())
	weak       = issuerEC.sign(goodHeader.json(), weakClaims.json())
	boundToken = issuerEC.sign(goodHeader.json(), boundClaims.json())
	pinned     = issuerEC.sign(goodHeader.json(), certClaims.json())
)

// Opaque tokens. The endpoint fails for the last one.
const (
	opaqueReader = "opq_6f1c0b7de2a94c58b3aa01"
	opaqueWeak   = "opq_0d3b58e67f0a4e1d9c2277"
	opaqueBound  = "opq_e8b1a7c2440d4b6a8f5590"
	opaquePinned = "opq_19c4d3f6ab5e4f0c87d134"
	opaqueDown   = "opq_55f20c9e81d74a3eb6c8ff"
)

// minted are the tokens that the issuer gave out.
var minted = map[string]credential{
	reader: {scope: true}, edward: {scope: true}, weak: {}, boundToken: {scope: true, jkt: clientJKT}, pinned: {scope: true, cert: sum(ownCert.Raw)},
	opaqueReader: {opaque: true, scope: true}, opaqueWeak: {opaque: true}, opaqueBound: {opaque: true, scope: true, jkt: clientJKT},
	opaquePinned: {opaque: true, scope: true, cert: sum(ownCert.Raw)},
}

// answers are what the introspection endpoint says of active tokens.
var answers = map[string]members{
	opaqueReader: goodClaims.with(members{"active": true}),
	opaqueWeak:   goodClaims.with(members{"active": true, "scope": nil}),
	opaqueBound:  boundClaims.with(members{"active": true, "token_type": "DPoP"}),
	opaquePinned: certClaims.with(members{"active": true}),
}

// proof is what is true of a DPoP proof that the client made.
type proof struct{ method, token, jkt string }

var (
	proofHeader = members{"typ": "dpop+jwt", "alg": "ES256", "jwk": client.jwk()}
	proofClaims = members{"jti": "proof-1", "htm": "GET", "htu": apiURL + path, "iat": began.Unix(), "ath": sum([]byte(boundToken))}

	boundProof  = client.sign(proofHeader.json(), proofClaims.json())
	opaqueProof = client.sign(proofHeader.json(), proofClaims.with(members{"jti": "proof-2", "ath": sum([]byte(opaqueBound))}).json())
)

var made = map[string]proof{
	boundProof: {"GET", boundToken, clientJKT}, opaqueProof: {"GET", opaqueBound, clientJKT},
}

// rawSignature turns an ECDSA signature in DER into that of a JWS (RFC 7518,
// Section 3.4).
func rawSignature(der []byte) []byte {
	var s struct{ R, S *big.Int }
	if _, err := asn1.Unmarshal(der, &s); err != nil {
		panic(err)
	}
	raw := make([]byte, 64)
	s.R.FillBytes(raw[:32])
	s.S.FillBytes(raw[32:])
	return raw
}

// twin returns the other valid signature of a JWS by an EC key: if (R, S) is
// valid, so is (R, N-S). Anybody can compute it, and the token is still what the
// issuer signed.
func twin(input string, raw []byte) string {
	n := client.private.(*ecdsa.PrivateKey).Params().N
	other := new(big.Int).Sub(n, new(big.Int).SetBytes(raw[32:]))
	both := append([]byte(nil), raw...)
	other.FillBytes(both[32:])
	return input + "." + encode(both)
}
