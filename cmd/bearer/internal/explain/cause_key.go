package explain

import (
	"fmt"
	"strings"

	"github.com/bearerkit/bearerkit/cmd/bearer/internal/profile"
	"github.com/bearerkit/bearerkit/internal/fetch"
)

// goProfile is the profile for the Go lines: the likely one, if that of RFC 9068
// does not fit.
func (j *judge) goProfile() profile.Named {
	if j.isLikely && j.config.Profile.Name == profile.Default.Name && !j.acceptsType() {
		return j.likely
	}
	return j.config.Profile
}

func (j *judge) causeOfAlgorithm() cause {
	alg := j.header.Algorithm
	switch {
	case strings.EqualFold(alg, "none"):
		return because("unsigned", "it is not signed (alg "+shown(alg)+"), so anybody could have written it", Advice{Issuer: "sign access tokens."})
	case strings.HasPrefix(alg, "HS"):
		if found, ok := j.otherKind(); ok {
			return found
		}
		return because("shared-secret", "it is signed with a shared secret ("+alg+"), which the SDK never accepts; other libraries say \"key is of invalid type\"", Advice{
			Client: "if the token comes from a program of your own, get it from the issuer instead.",
			Issuer: "sign with a private key: RS256 or ES256. In Auth0, that is the API's Signing Algorithm. Who can verify an HMAC can also forge tokens.",
		})
	}
	for _, known := range []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519"} {
		if strings.EqualFold(known, alg) {
			return because("algorithm-case", "its alg is "+shown(alg)+"; the name is "+known+", and names are case-sensitive", Advice{Issuer: "write the name of the algorithm as RFC 7518 does."})
		}
	}
	return because("algorithm", "its algorithm "+shown(alg)+" is not one that the SDK verifies", Advice{Issuer: "sign with RS256, PS256, ES256 or EdDSA."})
}

func (j *judge) causeOfKeys() cause {
	cannot := "nobody can tell whether it is good: "
	for _, e := range j.memo.exchanges() {
		if name, ok := metadataIssuer(e); ok && name != j.config.Issuer {
			return because("metadata-issuer", cannot+"the metadata names another issuer, "+shown(name), Advice{
				Operator: "set URL to exactly that issuer, if it is what the tokens have as iss.",
				Issuer:   "let the metadata at " + e.request().URL + " name the issuer under which it is found (RFC 8414, Section 3.3).",
				Go:       j.goIssuer(name, j.config.Audience, j.goProfile()),
			})
		}
	}
	text := j.keysFailed.Error()
	switch {
	case strings.Contains(text, "certificate"), strings.Contains(text, "x509"), strings.Contains(text, "tls:"):
		return because("issuer-certificate", cannot+"the issuer's TLS certificate is not trusted here", Advice{
			Operator: "trust the issuer's certificate authority: SSL_CERT_FILE, or an http.Client of your own in jwks.Issuer.Client.",
		})
	case strings.Contains(text, "no such host"), strings.Contains(text, "connection refused"), strings.Contains(text, "no complete response"), strings.Contains(text, "no answer"):
		return because("issuer-unreachable", cannot+"the issuer cannot be reached from here", Advice{
			Client:   "wait, and send the same token again: 503 with Retry-After does not mean that it is bad.",
			Operator: "check the issuer's address from the API's machine: DNS, firewall, proxy. In a container, localhost is the container itself.",
		})
	case strings.Contains(text, "http is for loopback"):
		return because("keys-over-http", cannot+"the keys are offered over http", Advice{
			Issuer: "offer the metadata and the keys over https.", Operator: "in a network that you trust, set jwks.Issuer.InsecureAllowHTTP.",
		})
	case strings.Contains(text, "no usable key"):
		return because("no-usable-key", cannot+"the issuer publishes no key that verifies signatures", Advice{Issuer: "publish the signing keys: " + strings.Join(j.report.Keys.Skipped, "; ")})
	case strings.Contains(text, "no metadata"):
		return because("no-metadata", cannot+"there is no metadata at the issuer's URL", Advice{
			Operator: "check the spelling of the issuer's URL. If the issuer publishes no metadata, say where its keys are.",
			Go:       "Keys: jwks.KeysFromURL(\"https://…/jwks\"),",
		})
	}
	return because("bad-key-set", cannot+"what the issuer offers as its keys is no key set", Advice{
		Operator: "check that the URL is that of a JWK Set, and not of a web page.",
	})
}

// metadataIssuer returns the issuer that a metadata document names.
func metadataIssuer(e *exchange) (string, bool) {
	if e.status != 200 {
		return "", false
	}
	set, err := readClaims(fetch.WithoutBOM(e.body))
	if err != nil || !set.has("issuer") {
		return "", false
	}
	return set.text("issuer"), true
}

func (j *judge) causeOfSignature(c *Check) cause {
	if j.rawHeader["nonce"] != nil {
		return because("graph-token", "Entra ID issued it for Microsoft Graph (its header has a nonce), and only Microsoft can verify it", Advice{
			Client: "request a scope of your own API, such as api://CLIENT-ID/orders.read, and not User.Read or openid alone.",
			Issuer: "expose a scope of the API under its app registration.",
		})
	}
	switch {
	case c.Name == "key" && c.Expected == "a key for "+j.header.Algorithm:
		return because("key-algorithm", "its kid names a key for another algorithm than "+shown(j.header.Algorithm), Advice{
			Client: "send the token as the issuer gave it.", Issuer: "let kid name the key that signed.",
		})
	case c.Name == "key" && !j.header.HasKeyID:
		return because("no-key-for-algorithm", "the issuer publishes no key for "+shown(j.header.Algorithm), Advice{Issuer: "publish the signing key, with the alg that it signs with."})
	case c.Name == "key":
		return because("unknown-key", "the issuer does not publish the key that its header names ("+j.kidText()+")", Advice{
			Client:   "get a new token: the issuer may have replaced its keys since" + j.issuedText() + ".",
			Operator: "check that the issuer's URL is that of the environment that signed the token: development, test and production have keys of their own.",
			Issuer:   "publish a new key before it signs, and an old key until its last token has expired. Servers behind one name must share their keys.",
		})
	case j.duplicates() > 1:
		return because("duplicate-kid", fmt.Sprintf("none of the issuer's %d keys with its kid signed it", j.duplicates()), Advice{
			Issuer: "give each key a kid of its own.", Client: "get a new token.",
		})
	}
	return because("signature", "its signature does not fit: the token was altered, or another server signed it under the same kid", Advice{
		Client:   "send the token as the issuer gave it: do not edit it, and do not decode and encode it again.",
		Operator: "check that the issuer's URL is that of the environment that signed the token.",
		Issuer:   "servers behind one name must share their keys, and a new key needs a new kid.",
	})
}

// duplicates returns how many published keys have the token's kid.
func (j *judge) duplicates() (n int) {
	for _, key := range j.published {
		if id, ok := key.ID(); ok && j.header.HasKeyID && id == j.header.KeyID {
			n++
		}
	}
	return n
}

// issuedText says when the token was issued, as it claims.
func (j *judge) issuedText() string {
	at, err := dateOf(j.claims["iat"])
	if err != nil || at.IsZero() || !at.Before(j.now) {
		return " it was issued"
	}
	return " it was issued, " + durationText(j.now.Sub(at)) + " ago (unverified)"
}
