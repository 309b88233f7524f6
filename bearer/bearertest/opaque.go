package bearertest

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/bearerkit/bearerkit/internal/jose"
)

// MintOpaque returns an opaque access token that stands for what [Issuer.Mint]
// would put into the payload; Algorithm and Header have no effect. The issuer
// remembers it. Introspection answers with its claims, which replace active
// and token_type too, if Claims has these.
func (i *Issuer) MintOpaque(t Token) string {
	var secret [32]byte
	_, _ = rand.Read(secret[:]) // it never fails
	token := "opaque_" + base64.RawURLEncoding.EncodeToString(secret[:])
	claims := i.claims(t)
	i.mu.Lock()
	defer i.mu.Unlock()
	i.opaque[digestOf(token)] = claims
	return token
}

// Revoke makes a token inactive for introspection from now on, an opaque one
// and a JWT alike.
func (i *Issuer) Revoke(token string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.revoked[digestOf(token)] = true
}

// revoke is the revocation endpoint. Whatever the token is, it is not active
// any more (RFC 7009, Section 2.2).
func (i *Issuer) revoke(_ http.ResponseWriter, _ *http.Request, _, token string) { i.Revoke(token) }

// digest stands for a token, so that a search of a test's memory for raw
// tokens does not find them here.
type digest [sha256.Size]byte

// digestOf leaves a JWT's signature out: ECDSA has two for one key and input.
func digestOf(token string) digest {
	if end := strings.LastIndexByte(token, '.'); end >= 0 {
		token = token[:end]
	}
	return sha256.Sum256([]byte(token))
}

// lookup returns the claims of an active token of the issuer, otherwise nil.
func (i *Issuer) lookup(token string) map[string]any {
	i.mu.Lock()
	document, isOpaque := i.opaque[digestOf(token)]
	revoked := i.revoked[digestOf(token)]
	i.mu.Unlock()
	if revoked {
		return nil
	}
	if !isOpaque {
		document = i.payloadOf(token)
	}
	claims := membersOf(document)
	if !isOpaque && claims["iss"] != i.url {
		return nil
	}
	// What is not a number is for the resource server to refuse.
	now := numericDate(time.Now())
	if exp, ok := claims["exp"].(float64); ok && exp <= now {
		return nil
	}
	if nbf, ok := claims["nbf"].(float64); ok && nbf > now {
		return nil
	}
	return claims
}

// payloadOf returns the payload of a JWT that a key of the issuer signed,
// otherwise nil.
func (i *Issuer) payloadOf(token string) []byte {
	jws, err := jose.Parse(token)
	if err != nil || jws.Header.Type == introspectionType {
		return nil
	}
	alg := jose.Algorithm(jws.Header.Algorithm)
	i.mu.Lock()
	defer i.mu.Unlock()
	for _, k := range i.keys {
		if k.public.Can(alg) && k.public.Verify(alg, jws.SigningInput, jws.Signature) == nil {
			return jws.Payload
		}
	}
	return nil
}

// membersOf returns the members of an object, nil if it is none: decoded, or
// as a jsontext.Value where Go has no value for it, such as 1e400.
func membersOf(document []byte) map[string]any {
	var raw map[string]jsontext.Value
	if json.Unmarshal(document, &raw) != nil || raw == nil {
		return nil
	}
	members := map[string]any{}
	for name, value := range raw {
		var decoded any
		if json.Unmarshal(value, &decoded) != nil {
			decoded = value
		}
		members[name] = decoded
	}
	return members
}
