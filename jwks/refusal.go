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

// hinted adds to a refusal what an operator can do about it.
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
		return "if the issuer signs access tokens so, add the algorithm to Issuer.Algorithms; none and HS256, HS384 and HS512 are never accepted"
	case "typ":
		return "if this is an access token, set jwks.Issuer.Profile to the issuer's, such as jwks.Keycloak(); if the client sends its ID token, it must send the access token"
	case "kind":
		return "the client must send its access token; if this is one, Issuer.Profile says how access tokens are told apart"
	case "kid":
		return "the token's key is not in the key set: check that Issuer.Keys is the issuer's key set; a new key is found at the next fetch"
	case "signature":
		return "the token was altered, or Issuer.Keys are not those of the server that signed it; two servers behind one name must share their keys"
	case "exp":
		return "the client must get a new token; if it is new, compare the clocks, or raise Config.Leeway"
	case "iat", "nbf":
		return "compare this machine's clock with the issuer's, or raise Config.Leeway"
	case "cnf":
		return "the issuer must name the key that binds the token: cnf with jkt or x5t#S256 (RFC 7800)"
	case "aud":
		return "have the issuer put this API into the token's audience, or, if the token is meant for this API, add what it has to Issuer.Audience"
	}
	return "compare the token's claims with what Issuer.Profile asks for"
}

// spellings tells what a token's iss may have been meant to be.
type spellings struct {
	byFold map[string]string // the configured URLs, by themselves in lower case without the last slash
	told   string            // some of them, for the log
}

// maxIssuersTold is how many issuers a refusal lists.
const maxIssuersTold = 5

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

// maxIssuerName bounds the iss that is looked at more closely.
const maxIssuerName = 2 << 10

// unknown says that a token is of an issuer that is not configured, and which one
// may be meant.
func (s *spellings) unknown(name string) error {
	e := bearer.Unrecognized("iss", s.told, fmt.Sprintf("%.200q", name))
	e.Hint = "if tokens of this issuer should be accepted, add it to Config.Issuers; otherwise the client asked the wrong server"
	if len(name) <= maxIssuerName {
		if url, ok := s.byFold[fold(name)]; ok {
			e.Expected = fmt.Sprintf("%q (Issuer.URL)", url)
			e.Hint = "the two differ in the last slash or in case alone: set Issuer.URL to what the tokens have"
		}
	}
	return e
}
