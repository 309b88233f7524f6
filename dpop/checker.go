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

// Checker checks proofs. It is built by [New] and safe for concurrent use.
type Checker struct {
	config     Config
	origin     string
	algorithms []jose.Algorithm
	embedded   bool // the store does not wait for anything
	began      time.Time
	headers    headers
	history    history
	counters   counters
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

// Algorithms are those that proofs may be signed with, in a slice of the
// caller's own.
func (c *Checker) Algorithms() []string {
	names := make([]string, len(c.algorithms))
	for i, alg := range c.algorithms {
		names[i] = string(alg)
	}
	return names
}

// Nonce returns the nonce that clients should use from now on, or the empty
// string if none are demanded.
func (c *Checker) Nonce() string {
	if c.config.Nonces == nil {
		return ""
	}
	return c.config.Nonces.Current()
}

// CheckProof judges the proof of r, which carries token, of which p is what its
// verifier says. The order is: one header field, form, typ, alg, jwk, the key's
// thumbprint, signature, claims that are required, htm, htu, ath, nonce, iat.
// Whether the proof was used before is judged when it is used.
//
// The error is a *[bearer.Error]: of [bearer.CodeInvalidDPoPProof] for a proof
// that does not do; of [bearer.CodeUseDPoPNonce] for one that is good but for
// its nonce; of [bearer.CodeInvalidToken] for a key that is not the token's,
// as in RFC 9449, Figure 16, since a new token mends that and a new proof does
// not. Using the proof adds [bearer.CodeUnavailable] if the store cannot tell
// whether the proof was used, or remember that it is, and
// [bearer.CodeCanceled] if the client has gone meanwhile.
func (c *Checker) CheckProof(r *http.Request, token string, p bearer.Principal) (bearer.Proof, error) {
	proof, err := c.check(r, token, &p)
	c.counters.checked.Add(1)
	if err != nil {
		c.counters.refused(err)
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
	target, err := c.judge(r, proof, token)
	if err != nil {
		return nil, err
	}
	if c.config.Nonces != nil && !c.config.Nonces.Accept(proof.nonce) {
		got := "another"
		if proof.nonce == "" {
			got = "none"
		}
		// RFC 9449, Section 11.3: never without one, once they are given.
		return nil, &bearer.Error{Code: bearer.CodeUseDPoPNonce, Check: "nonce", Expected: "a nonce that was given recently", Got: got}
	}
	// Section 11.1. A nonce bounds the age too, and takes nothing from this.
	now := time.Now()
	age := now.Sub(proof.issued)
	if !c.config.accepts(age) {
		return nil, invalid("iat", fmt.Sprintf("at most %v past and %v ahead", c.config.MaxAge, c.config.MaxAhead), ageText(age))
	}
	return &validProof{
		checker: c,
		second:  proof.issued.Unix(),
		proof: UsedProof{
			ID: replayKey(jkt, method(r), target, proof.id), JKT: jkt, Owner: ownerOf(p),
			Until: now.Add(c.config.left(age)), // with now's monotonic reading
		},
	}, nil
}

// accepts reports whether a proof of that age, by the clock as it is set, may be
// used.
func (c *Config) accepts(age time.Duration) bool { return age <= c.MaxAge && -age <= c.MaxAhead }

// left returns for how long a proof of that age must be remembered.
func (c *Config) left(age time.Duration) time.Duration { return c.MaxAge + clockDifference - age }

// maxProofLen bounds a proof. One of an RSA key of 4096 bits has about 2 KiB.
const maxProofLen = 8 << 10

// field returns the one proof that the request carries (RFC 9449, Section 4.3,
// check 1).
func field(lines []string) (string, *bearer.Error) {
	const want = "one DPoP header field with one proof"
	switch {
	case len(lines) == 0:
		return "", invalid("DPoP", want, "none")
	case len(lines) > 1:
		return "", invalid("DPoP", want, fmt.Sprintf("%d", len(lines)))
	case lines[0] == "":
		return "", invalid("DPoP", want, "an empty one")
	case len(lines[0]) > maxProofLen:
		return "", invalid("DPoP", fmt.Sprintf("a proof of at most %d bytes", maxProofLen), fmt.Sprintf("%d", len(lines[0])))
	case strings.Contains(lines[0], ","):
		return "", invalid("DPoP", want, "a list")
	}
	return lines[0], nil
}

// judge compares what a proof claims with the request and the token. It returns
// the target URI.
func (c *Checker) judge(r *http.Request, p *proof, token string) (string, *bearer.Error) {
	if p.method != method(r) {
		return "", invalid("htm", quoted(method(r)), quoted(p.method))
	}
	target, err := c.target(r)
	if err != nil {
		return "", invalid("htu", "a request whose path can be compared", err.Error())
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
		return "", invalid("ath", "the hash of the token", "another")
	}
	return target, nil
}

// method returns a request's method, which is empty for GET in one that was
// built as a client's.
func method(r *http.Request) string {
	if r.Method == "" {
		return http.MethodGet
	}
	return r.Method
}

func invalid(check, expected, got string) *bearer.Error {
	return &bearer.Error{Code: bearer.CodeInvalidDPoPProof, Check: check, Expected: expected, Got: got}
}

// quoted returns what of a claim may stand in a log.
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

// accepts reports whether proofs may be signed with alg.
func (c *Checker) accepts(alg jose.Algorithm) bool { return slices.Contains(c.algorithms, alg) }
