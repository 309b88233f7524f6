package jwks

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/bearerkit/bearerkit/bearer"
)

func notJWT() error {
	return hinted(bearer.Unrecognized("form", "a JWT in compact serialization", "another token"))
}

// hinted adds to a refusal what an operator can do about it, unless it has a hint.
func hinted(e *bearer.Error) *bearer.Error {
	if e.Hint == "" {
		e.Hint = hintFor(e.Check)
	}
	return e
}

func hintFor(check string) string {
	switch check {
	case "header", "claims":
		return "the client sent something other than an access token of this issuer, or a truncated one"
	case "form":
		return "opaque tokens need an introspect.Verifier in bearer.Config.Verifiers"
	case "alg":
		return "if the issuer signs access tokens with this algorithm, add it to Issuer.Algorithms; none, HS256, HS384 and HS512 are never accepted"
	case "typ":
		return "if this is an access token, set jwks.Issuer.Profile to the issuer's profile, such as jwks.Keycloak(); if it is an ID token, the client must send its access token"
	case "kind":
		return "the client must send its access token; if this is one, check how Issuer.Profile identifies access tokens"
	case "kid":
		return "the token's key is not in the key set: check that Issuer.Keys is the issuer's key set; a new key is found at the next fetch"
	case "signature":
		return "the token was altered, or another server signed it; servers behind one name must share their keys"
	case "exp":
		return "the client must get a new token; if this token is new, compare the clocks, or raise Config.Leeway"
	case "iat", "nbf":
		return "compare this machine's clock with the issuer's, or raise Config.Leeway"
	case "cnf":
		return "the issuer must name the key that binds the token: cnf with jkt or x5t#S256 (RFC 7800)"
	case "aud":
		return "have the issuer add this API to the token's audience; if the token is meant for this API, add its audience to Issuer.Audience"
	}
	return "compare the token's claims with what Issuer.Profile asks for"
}

// spellings finds the configured issuer that an unknown iss probably means.
type spellings struct {
	byFold map[string]string // configured URLs by their fold
	told   string            // some configured URLs, for the log
}

// maxIssuersTold is how many issuers a refusal lists.
const maxIssuersTold = 5

// fold removes the differences that a misspelled URL often has: case, and a
// trailing slash.
func fold(url string) string { return strings.ToLower(strings.TrimSuffix(url, "/")) }

func newSpellings(issuers map[string]*issuer) spellings {
	urls := slices.Sorted(maps.Keys(issuers))
	s := spellings{byFold: make(map[string]string, len(urls))}
	for _, url := range urls {
		s.byFold[fold(url)] = url
	}
	s.told = fmt.Sprintf("one of %q", urls[:min(len(urls), maxIssuersTold)])
	if more := len(urls) - maxIssuersTold; more > 0 {
		s.told += fmt.Sprintf(" and %d more", more)
	}
	s.told += " (Config.Issuers)"
	return s
}

// maxIssuerName is the longest iss that is compared with the spellings.
const maxIssuerName = 2 << 10

// unknown says that a token comes from an issuer that is not configured, and
// names a configured issuer with a similar URL.
func (s *spellings) unknown(name string) error {
	e := bearer.Unrecognized("iss", s.told, fmt.Sprintf("%.200q", name))
	e.Hint = "if tokens of this issuer should be accepted, add it to Config.Issuers; otherwise the client asked the wrong server"
	if len(name) <= maxIssuerName {
		if url, ok := s.byFold[fold(name)]; ok {
			e.Expected = fmt.Sprintf("%q (Issuer.URL)", url)
			e.Hint = "the two differ only in the trailing slash or in case: set Issuer.URL to the tokens' iss"
		}
	}
	return e
}
