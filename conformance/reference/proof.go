package reference

import (
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

// Bounds of DPoP proofs (RFC 9449, Section 11.1).
const (
	maxProofAge = time.Minute
	maxJTI      = 200 // characters
	maxProofs   = 10_000
)

var (
	errProof = errors.New("reference: the DPoP proof is invalid")
	errNonce = errors.New("reference: the DPoP proof has no fresh nonce")
)

// used remembers proofs until they are too old.
type used struct {
	mu     sync.Mutex
	proofs map[string]time.Time
}

// add reports whether a proof is new. A full memory holds no new proof.
func (u *used) add(id string) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	now := time.Now()
	for known, until := range u.proofs {
		if now.After(until) {
			delete(u.proofs, known)
		}
	}
	if _, ok := u.proofs[id]; ok || len(u.proofs) >= maxProofs {
		return false
	}
	u.proofs[id] = now.Add(2*maxProofAge + leeway)
	return true
}

// checkProof checks the DPoP proof of a request for a token, as RFC 9449, Section
// 4.3 lists.
func (s *server) checkProof(r *http.Request, accessToken, jkt string) error {
	fields := r.Header.Values("DPoP")
	if len(fields) != 1 {
		return errProof
	}
	j, err := parse(fields[0], s.proofAlgorithms)
	if err != nil || j.header["typ"] != "dpop+jwt" {
		return errProof
	}
	jwk, ok := j.header["jwk"].(map[string]any)
	if !ok || slices.ContainsFunc([]string{"d", "p", "q", "dp", "dq", "qi", "k"}, func(name string) bool { return has(jwk, name) }) {
		return errProof
	}
	public, err := publicKey(jwk)
	if err != nil || !j.isSignedBy(public) || thumbprint(jwk) != jkt {
		return errProof
	}
	htu, _ := text(j.claims, "htu")
	if j.claims["htm"] != r.Method || j.claims["ath"] != sum(accessToken) || !s.isTarget(htu, r) {
		return errProof
	}
	issued, ok := date(j.claims, "iat")
	age := time.Since(time.Unix(int64(issued), 0))
	if !ok || age > maxProofAge || age < -leeway {
		return errProof
	}
	if s.Nonces && (j.claims["nonce"] != s.nonce || s.nonce == "") {
		return errNonce
	}
	jti, ok := text(j.claims, "jti")
	if !ok || len(jti) > maxJTI || !s.used.add(jkt+" "+jti) {
		return errProof
	}
	return nil
}

// isTarget reports whether htu is the URL of a request. The origin is the one that
// the server is configured with: Host and X-Forwarded-Host are text of the client.
func (s *server) isTarget(htu string, r *http.Request) bool {
	u, err := url.Parse(htu)
	if err != nil || u.User != nil {
		return false
	}
	return strings.EqualFold(u.Scheme+"://"+u.Host, s.origin) && normal(u.EscapedPath()) == normal(r.URL.EscapedPath())
}

var escape = regexp.MustCompile(`%[0-9A-Fa-f]{2}`)

// normal normalizes a path as RFC 3986, Section 6.2.2 says: it decodes escapes that
// are not needed.
func normal(path string) string {
	return escape.ReplaceAllStringFunc(path, func(code string) string {
		decoded, err := url.PathUnescape(code)
		if err == nil && strings.Contains("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~", decoded) {
			return decoded
		}
		return strings.ToUpper(code)
	})
}
