package dpop

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
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
	headers    headers
	counters   counters
	journal    journal
}

var _ bearer.ProofChecker = (*Checker)(nil)

func newChecker(c Config, origin string, algorithms []jose.Algorithm) *Checker {
	_, embedded := c.Replays.(*MemoryReplays)
	return &Checker{
		config: c, origin: origin, algorithms: algorithms, embedded: embedded,
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

// CheckProof judges the proof of r, which carries token, bound to the key of
// thumbprint jkt. The order is: one header field, form, typ, alg, jwk, the
// key's thumbprint, signature, claims that are required, htm, htu, ath, nonce,
// iat, and last whether the proof was used before, which uses it.
//
// The error is a *[bearer.Error]: of [bearer.CodeInvalidDPoPProof] for a proof
// that does not do; of [bearer.CodeUseDPoPNonce] for one that is good but for
// its nonce; of [bearer.CodeInvalidToken] for a key that is not the token's,
// as in RFC 9449, Figure 16, since a new token mends that and a new proof does
// not; of [bearer.CodeUnavailable] if the store cannot tell whether the proof
// was used, or remember that it is; of [bearer.CodeCanceled] if the client has
// gone meanwhile.
func (c *Checker) CheckProof(r *http.Request, token, jkt string) error {
	err := c.check(r, token, jkt)
	c.counters.count(err)
	if err != nil {
		return err
	}
	return nil
}

func (c *Checker) check(r *http.Request, token, jkt string) *bearer.Error {
	encoded, err := field(r.Header["Dpop"])
	if err != nil {
		return err
	}
	proof, err := c.verify(encoded, jkt)
	if err != nil {
		return err
	}
	target, err := c.judge(r, proof, token)
	if err != nil {
		return err
	}
	if c.config.Nonces != nil && !c.config.Nonces.Accept(proof.nonce) {
		got := "another"
		if proof.nonce == "" {
			got = "none"
		}
		// RFC 9449, Section 11.3: never without one, once they are given.
		return &bearer.Error{Code: bearer.CodeUseDPoPNonce, Check: "nonce", Expected: "a nonce that was given recently", Got: got}
	}
	// Section 11.1. A nonce bounds the age too, and takes nothing from this.
	age := time.Since(proof.issued)
	if age > c.config.MaxAge || -age > c.config.MaxAhead {
		return invalid("iat", fmt.Sprintf("at most %v past and %v ahead", c.config.MaxAge, c.config.MaxAhead), ageText(age))
	}
	until := proof.issued.Add(c.config.MaxAge + clockDifference)
	return c.burn(r, jkt, replayKey(jkt, method(r), target, proof.id), until)
}

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

// burn uses the proof up.
func (c *Checker) burn(r *http.Request, jkt string, key [32]byte, until time.Time) *bearer.Error {
	ctx := r.Context()
	if !c.embedded {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, burnTime)
		defer cancel()
	}
	fresh, err := c.config.Replays.Burn(ctx, jkt, key, until)
	switch {
	case err == nil && fresh && time.Now().After(until):
		// The store was so slow that an earlier use may be forgotten by now.
		return invalid("iat", "a proof that is good when it is used", "one that is too old by now")
	case err == nil && fresh:
		return nil
	case err == nil:
		return invalid("replay", "a proof that was not used before", "a used one")
	case errors.Is(r.Context().Err(), context.Canceled):
		return &bearer.Error{Code: bearer.CodeCanceled, Check: "request", Err: err}
	}
	c.journal.unburnt(jkt, err)
	return &bearer.Error{Code: bearer.CodeUnavailable, Check: "replay store", Err: err}
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
