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

// MintOpaque returns an opaque access token with the claims that [Issuer.Mint]
// would put into the payload. It ignores Algorithm and Header. Introspection
// answers with these claims. Set active or token_type in Claims to change these
// members of the answer.
func (i *Issuer) MintOpaque(t Token) string {
	token := newOpaque()
	claims := i.claims(t)
	i.mu.Lock()
	defer i.mu.Unlock()
	i.opaque[digestOf(token)] = claims
	return token
}

func newOpaque() string {
	var secret [32]byte
	_, _ = rand.Read(secret[:]) // it never fails
	return "opaque_" + base64.RawURLEncoding.EncodeToString(secret[:])
}

// Revoke revokes a token, opaque or JWT: introspection answers that it is
// inactive.
func (i *Issuer) Revoke(token string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.revoked[digestOf(token)] = true
}

// revoke is the revocation endpoint. It also accepts unknown tokens (RFC 7009,
// Section 2.2).
func (i *Issuer) revoke(_ http.ResponseWriter, _ *http.Request, _, token string) { i.Revoke(token) }

// digest identifies a token. The issuer stores no raw tokens, because tests search
// their memory for them.
type digest [sha256.Size]byte

// digestOf leaves out a JWT's signature, since an ECDSA signature has a second
// valid form.
func digestOf(token string) digest {
	if end := strings.LastIndexByte(token, '.'); end >= 0 {
		token = token[:end]
	}
	return sha256.Sum256([]byte(token))
}

// lookup returns the claims of an active token of the issuer, or nil.
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
	// The resource server must reject a date that is not a number.
	now := numericDate(time.Now())
	if exp, ok := claims["exp"].(float64); ok && exp <= now {
		return nil
	}
	if nbf, ok := claims["nbf"].(float64); ok && nbf > now {
		return nil
	}
	return claims
}

// payloadOf returns the payload of a JWT that a key of the issuer signed, or nil.
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

// membersOf returns the decoded members of a JSON object, or nil if document is
// not an object. A member that Go cannot represent, such as 1e400, stays a
// jsontext.Value.
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
