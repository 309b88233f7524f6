package bearer

import "cmp"

// hintFor returns what an operator can do about a refusal of the guard. It is
// empty if only the client can act, and for the checks of verifiers, which set
// [Error.Hint] themselves.
func hintFor(e *Error) string {
	switch {
	case e.Code == CodeInvalidDPoPProof:
		return cmp.Or(proofHints[e.Check], "the client must build its proofs as RFC 9449, Section 4.2 requires")
	case e.Check == "verifier" && e.Code != CodeInvalidToken:
		return ""
	case e.Check == "deny list" && e.Code == CodeUnavailable:
		return "the deny list is unreachable: see the cause"
	}
	return hints[e.Check]
}

// hints are the hints by check, except for proofs.
var hints = map[string]string{
	"token length":       "raise Config.MaxTokenBytes, or have the issuer put less into the token, such as fewer groups",
	"client certificate": "check that the client presents the certificate that it used at the token endpoint; behind a proxy that terminates TLS, set Certificates.TrustedProxy and Certificates.From",
	"scheme":             "the client must send the token under the scheme DPoP, with a proof",
	"scope":              "have the issuer grant the scope to this client, or relax the route's rule",
	"role":               "assign the role to the caller at the issuer; if it is assigned, check in which claim the token has it, and name that claim in jwks.Profile.Roles or introspect.Config.Roles",
	"cross origin":       "another site's page sent the request; if it may use the API, add its origin to Config.CrossOrigin with AddTrustedOrigin",
	"claim":              "have the issuer put the value into this claim of the access token, or correct the JSON pointer of the route's Claim",
	"any of":             "one of these is enough: have the issuer grant the scope or the role, or add an alternative to the route's AnyOf",
	"acr":                stepUpHint,
	"auth_time":          stepUpHint,
	"failures":           "this address sent many bad tokens; behind a proxy, set FailureLimit.TrustedProxy to tell clients apart",
	"verifier":           "add a verifier for tokens of this kind to Config.Verifiers",
	"jkt":                "the client must sign the proof with the key that it used to get the token",
	"nonce":              "no action needed: the client repeats the request with the nonce from the answer",
	"clock":              "this machine's clock was set back: synchronize it; proofs are accepted again once the clock passes the latest time whose used proofs were discarded",
	"replay store":       "the store of used proofs is full or unreachable: see dpop.MemoryConfig, or the log records about Redis",
	"deny list":          "an operator or a logout event denied this token, user or client; remove the entry to accept it again",
	"aud":                "the token is for another resource of this API: the client must request a token for this one (RFC 8707)",
	"iat":                "the client must get a new token; the issuer must send iat",
	"path parameters":    "rename one of the parameters in the route's path",
}

const stepUpHint = "the client must have the user authenticate again; if the issuer never sends the claim, add it at the issuer"

// proofHints are the hints for DPoP proofs. Only the client can fix its proofs,
// unless the two sides see different URLs or times.
var proofHints = map[string]string{
	"htu":    "set dpop.Config.Origin to the origin that clients use, and Config.Path if a proxy changes the path",
	"iat":    "compare the client's clock with this machine's; with dpop.Nonces the client's clock may be off by up to Config.MaxAge",
	"alg":    "the client must sign proofs with one of the algorithms in the challenge (algs); otherwise add its algorithm to dpop.Config.Algorithms",
	"replay": "the client must create a new proof for each request, including retries",
	"DPoP":   "the client must send one proof with each request, in the DPoP field",
}
