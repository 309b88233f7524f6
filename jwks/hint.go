package jwks

import "github.com/bearerkit/bearerkit/bearer"

// hinted adds the hint of its check to a refusal that has none: what an operator
// can do about it.
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
