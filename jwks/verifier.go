package jwks

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/internal/jose"
	"github.com/bearerkit/bearerkit/internal/keysource"
)

// Verifier verifies JWT access tokens. It is built by [New] and safe for
// concurrent use.
type Verifier struct {
	issuers  map[string]*issuer
	leeway   time.Duration
	refusals refusals
}

var _ bearer.Verifier = (*Verifier)(nil)

// Verify judges a token (RFC 9068, Section 4; RFC 8725). What is no JWT, and a
// JWT of an issuer that is not configured, is bearer.ErrUnrecognized; keys out
// of reach are a bearer.Error of bearer.CodeUnavailable.
//
// What needs no key is judged first, so that junk costs no signature check and
// no fetch; but what a token claims, its expiry included, is judged only once
// its signature holds.
func (v *Verifier) Verify(ctx context.Context, token string) (*bearer.Principal, error) {
	p, err := v.verify(ctx, token)
	if err != nil {
		v.refusals.count(err)
		return nil, err
	}
	return p, nil
}

func (v *Verifier) verify(ctx context.Context, token string) (*bearer.Principal, error) {
	jws, err := jose.Parse(token)
	if errors.Is(err, jose.ErrNotJWS) {
		return nil, bearer.Unrecognized("form", "a JWT in compact serialization", "another token")
	}
	if malformed, ok := errors.AsType[*jose.MalformedError](err); ok {
		return nil, bearer.Invalid(malformed.Part, "a well-formed JWS", malformed.Reason)
	}
	if err != nil {
		return nil, bearer.Invalid("form", "a well-formed JWS", "another token")
	}
	name, err := readIssuer(jws.Payload)
	if err != nil {
		return nil, bearer.Invalid("claims", "a JSON object with an iss", err.Error())
	}
	issuer := v.issuers[name]
	if issuer == nil {
		return nil, bearer.Unrecognized("iss", "an issuer of the configuration", fmt.Sprintf("%.200q", name))
	}
	if err := issuer.checkHeader(&jws.Header); err != nil {
		return nil, err
	}
	if err := issuer.checkSignature(ctx, &jws); err != nil {
		return nil, err
	}
	return issuer.judge(jws.Payload, v.leeway)
}

// checkHeader judges what is the same for a genuine and a forged token.
func (i *issuer) checkHeader(h *jose.Header) error {
	if !slices.Contains(i.algorithms, jose.Algorithm(h.Algorithm)) {
		return bearer.Invalid("alg", fmt.Sprint(i.algorithms), fmt.Sprintf("%.16q", h.Algorithm))
	}
	if !i.profile.acceptsType(h.Type) {
		got := "none"
		if h.HasType {
			got = fmt.Sprintf("%.64q", h.Type)
		}
		// An issuer whose access tokens look otherwise is the most common
		// cause, so the log says what to set.
		return bearer.Invalid("typ",
			fmt.Sprintf("one of %q, as Issuer.Profile says (set jwks.Issuer.Profile if this is an access token)", i.profile.types), got)
	}
	return nil
}

// checkSignature finds the key and verifies.
func (i *issuer) checkSignature(ctx context.Context, jws *jose.JWS) error {
	h, algorithm := &jws.Header, jose.Algorithm(jws.Header.Algorithm)
	keys, generation, err := i.source.Lookup(ctx, h.KeyID, h.HasKeyID, algorithm)
	if err != nil {
		return keyError(err)
	}
	if proven(keys, algorithm, jws) {
		return nil
	}
	if !h.HasKeyID {
		// A token that names no key may have been signed by a new one.
		keys, _, err := i.source.Missed(ctx, generation, algorithm)
		if err != nil {
			return keyError(err)
		}
		if proven(keys, algorithm, jws) {
			return nil
		}
	}
	return bearer.Invalid("signature", "a signature by the issuer's key", "another")
}

func proven(keys []*jose.Key, algorithm jose.Algorithm, jws *jose.JWS) bool {
	return slices.ContainsFunc(keys, func(k *jose.Key) bool {
		return k.Verify(algorithm, jws.SigningInput, jws.Signature) == nil
	})
}

// keyError says what it means for the token that no key was found. The kid is
// not quoted: it is the sender's choice, and unproven.
func keyError(err error) error {
	if unavailable, ok := errors.AsType[*keysource.UnavailableError](err); ok {
		e := bearer.Unavailable(err, unavailable.RetryAfter)
		e.Check = "keys"
		return e
	}
	switch {
	case errors.Is(err, keysource.ErrUnknownKey):
		return bearer.Invalid("kid", "a key that the issuer publishes", "an unknown one")
	case errors.Is(err, keysource.ErrKeyAlgorithm):
		return bearer.Invalid("kid", "a key for the algorithm in the header", "one for another")
	}
	return err // the caller went away
}

// judge judges the claims of a token whose signature holds. Whether it has
// expired is said last, of tokens that are otherwise good.
func (i *issuer) judge(payload []byte, leeway time.Duration) (*bearer.Principal, error) {
	values, err := i.profile.Read(payload)
	if err != nil {
		return nil, bearer.Invalid("claims", "a JSON object", err.Error())
	}
	p, refused := i.profile.principal(values, i.url, payload)
	if refused == nil {
		refused = i.checkAudience(p)
	}
	if refused == nil {
		refused = checkTimes(values, p, leeway)
	}
	if refused != nil {
		refused.Principal = p
		return nil, refused
	}
	return p, nil
}

func (i *issuer) checkAudience(p *bearer.Principal) *bearer.Error {
	if slices.ContainsFunc(i.audience, p.HasAudience) {
		return nil
	}
	return bearer.Invalid(i.profile.Name(i.profile.audience),
		fmt.Sprintf("one of %q (Issuer.Audience)", i.audience), fmt.Sprintf("%.200q", strings.Join(p.Audience(), " ")))
}
