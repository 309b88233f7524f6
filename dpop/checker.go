package dpop

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/internal/jose"
)

// Checker checks DPoP proofs. Use [New] to build one; the zero Checker is not
// usable. It is safe for concurrent use.
type Checker struct {
	config     Config
	origin     string
	algorithms []jose.Algorithm
	embedded   bool // the store is in memory and never blocks
	began      time.Time
	headers    headers
	history    history
	tally      tally
	journal    journal
}

var _ bearer.ProofChecker = (*Checker)(nil)

func newChecker(c Config, origin string, algorithms []jose.Algorithm) *Checker {
	_, embedded := c.Replays.(*MemoryReplays)
	return &Checker{
		config: c, origin: origin, algorithms: algorithms, embedded: embedded,
		began:   time.Now(),
		journal: journal{logger: c.Logger},
	}
}

// Algorithms returns the algorithms that proofs may be signed with. The caller
// owns the slice.
func (c *Checker) Algorithms() []string {
	names := make([]string, len(c.algorithms))
	for i, alg := range c.algorithms {
		names[i] = string(alg)
	}
	return names
}

// Nonce returns the nonce that clients should use from now on, or "" if nonces
// are not required.
func (c *Checker) Nonce() string {
	if c.config.Nonces == nil {
		return ""
	}
	return c.config.Nonces.Current()
}

// CheckProof checks the proof in r. token is the access token in r, and p is
// the principal that its verifier returned. The order of the checks is: one
// DPoP header field, form, typ, alg, jwk, the key's thumbprint, signature,
// required claims, htm, htu, ath, nonce, iat. CheckProof does not detect
// replays; using the returned proof does.
//
// The error is a *[bearer.Error]. Its code is [bearer.CodeUseDPoPNonce] if the
// checks before the nonce pass and the nonce is missing or not accepted. It is
// [bearer.CodeInvalidToken] if the proof is by a key other than the token's:
// the client then needs a new token, not a new proof (RFC 9449, Figure 16). For
// any other invalid proof it is [bearer.CodeInvalidDPoPProof]. Using the proof
// can also fail with [bearer.CodeUnavailable], if the replay store cannot look
// up or record the proof, and with [bearer.CodeCanceled], if the client has
// gone.
func (c *Checker) CheckProof(r *http.Request, token string, p bearer.Principal) (bearer.Proof, error) {
	proof, err := c.check(r, token, &p)
	c.tally.checked.Add(1)
	if err != nil {
		c.tally.refused(err)
		return nil, err
	}
	return proof, nil
}

func (c *Checker) check(r *http.Request, token string, p *bearer.Principal) (*validProof, *bearer.Error) {
	jkt := p.Confirmation.JKT
	encoded, err := field(r.Header["Dpop"])
	if err != nil {
		return nil, err
	}
	proof, err := c.verify(encoded, jkt)
	if err != nil {
		return nil, err
	}
	target, err := c.compare(r, proof, token)
	if err != nil {
		return nil, err
	}
	if c.config.Nonces != nil && !c.config.Nonces.Accept(proof.nonce) {
		got := "a different nonce"
		if proof.nonce == "" {
			got = "none"
		}
		// RFC 9449, Section 11.3: once the server issues nonces, every proof
		// needs one.
		return nil, &bearer.Error{Code: bearer.CodeUseDPoPNonce, Check: "nonce", Expected: "a recently issued nonce", Got: got}
	}
	// Section 11.1. This applies even if a nonce bounds the age already.
	now := time.Now()
	age := now.Sub(proof.issued)
	if !c.config.accepts(age) {
		return nil, invalid("iat", fmt.Sprintf("at most %v past and %v ahead", c.config.MaxAge, c.config.MaxAhead), ageText(age))
	}
	// All proofs of a second are remembered equally long, as history requires, so
	// a fraction is rounded up.
	second := proof.issued.Unix()
	if proof.issued.Nanosecond() > 0 {
		second++
	}
	return &validProof{
		checker: c,
		second:  second,
		proof: UsedProof{
			ID: proof.replayID(jkt, target), JKT: jkt, Owner: ownerOf(p),
			Until: now.Add(c.config.left(now.Sub(time.Unix(second, 0)))), // keeps the monotonic reading of now
		},
	}, nil
}

// accepts reports whether age, by the wall clock, is within MaxAge and
// MaxAhead.
func (c *Config) accepts(age time.Duration) bool { return age <= c.MaxAge && -age <= c.MaxAhead }

// left returns how long a proof of that age must be remembered.
func (c *Config) left(age time.Duration) time.Duration { return c.MaxAge + clockDifference - age }

// maxProofLen is the maximum length of a proof in bytes. A proof by a 4096-bit
// RSA key has about 2 KiB.
const maxProofLen = 8 << 10

// field returns the request's only proof, from the values of its DPoP header
// (RFC 9449, Section 4.3, check 1).
func field(lines []string) (string, *bearer.Error) {
	const want = "one DPoP header field with one proof"
	switch {
	case len(lines) == 0:
		return "", invalid("DPoP", want, "none")
	case len(lines) > 1:
		return "", invalid("DPoP", want, fmt.Sprintf("%d", len(lines)))
	case lines[0] == "":
		return "", invalid("DPoP", want, "an empty field")
	case len(lines[0]) > maxProofLen:
		return "", invalid("DPoP", fmt.Sprintf("a proof of at most %d bytes", maxProofLen), fmt.Sprintf("%d", len(lines[0])))
	case strings.Contains(lines[0], ","):
		return "", invalid("DPoP", want, "a list")
	}
	return lines[0], nil
}

// compare compares the claims of a proof with the request and the token. It
// returns the request's target URI, normalized.
func (c *Checker) compare(r *http.Request, p *proof, token string) (string, *bearer.Error) {
	if p.method != method(r) {
		return "", invalid("htm", quoted(method(r)), quoted(p.method))
	}
	target, err := c.target(r)
	if err != nil {
		return "", invalid("htu", "a request with a path that can be compared", err.Error())
	}
	claimed, err := normalizeURI(p.uri)
	if err != nil {
		return "", invalid("htu", target, err.Error())
	}
	if claimed != target {
		return "", invalid("htu", target, quoted(claimed))
	}
	sum := sha256.Sum256([]byte(token))
	var ath [43]byte
	base64.RawURLEncoding.Encode(ath[:], sum[:])
	if subtle.ConstantTimeCompare(ath[:], []byte(p.tokenHash)) != 1 {
		return "", invalid("ath", "the hash of the token", "a different hash")
	}
	return target, nil
}

// method returns the request's method. In a client request, an empty Method
// means GET.
func method(r *http.Request) string {
	if r.Method == "" {
		return http.MethodGet
	}
	return r.Method
}

func invalid(check, expected, got string) *bearer.Error {
	return &bearer.Error{Code: bearer.CodeInvalidDPoPProof, Check: check, Expected: expected, Got: got}
}

// quoted quotes s for a log and shortens it.
func quoted(s string) string {
	const most = 200
	if len(s) > most {
		return fmt.Sprintf("%q…", s[:most])
	}
	return fmt.Sprintf("%q", s)
}

func ageText(age time.Duration) string {
	if age < 0 {
		return (-age).Round(time.Millisecond).String() + " ahead"
	}
	return age.Round(time.Millisecond).String() + " past"
}

// accepts reports whether a proof may be signed with alg.
func (c *Checker) accepts(alg jose.Algorithm) bool { return slices.Contains(c.algorithms, alg) }
