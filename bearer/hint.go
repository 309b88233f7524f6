package bearer

// hintFor says what an operator can do about a refusal of the guard's own. It is
// empty where only the client can do something, and for the checks of verifiers,
// which give hints of their own.
func hintFor(e *Error) string {
	if e.Code == CodeInvalidDPoPProof {
		return proofHint(e.Check)
	}
	switch e.Check {
	case "token length":
		return "raise Config.MaxTokenBytes, or have the issuer put less into the token, such as fewer groups"
	case "client certificate":
		return "see that the client presents the certificate it used at the token endpoint; behind a proxy that ends TLS, set Certificates.TrustedProxy"
	case "scheme":
		return "the client must send the token under the scheme DPoP, with a proof"
	case "scope":
		return "have the issuer grant the scope to this client, or relax the route's rule"
	case "acr", "auth_time":
		return "the client must have the user authenticate again; if the issuer never sends the claim, map it there"
	case "failures":
		return "this address sent many bad tokens; behind a proxy, set FailureLimit.TrustedProxy, so that clients are told apart"
	case "verifier":
		if e.Code == CodeInvalidToken {
			return "add a verifier to Config.Verifiers that knows tokens of this kind"
		}
	case "jkt":
		return "the client must sign the proof by the key that it used when it got the token"
	case "nonce":
		return "nothing: the client repeats the request with the nonce of the answer"
	case "clock":
		return "this machine's clock was set back: synchronize it; proofs are accepted again once it has passed the times whose used proofs are forgotten"
	case "replay store":
		return "the store of used proofs is full or out of reach: see dpop.MemoryConfig, or the record about Redis"
	case "deny list":
		if e.Code == CodeUnavailable {
			return "the deny list is out of reach"
		}
		return "somebody denied this token, user or client; lifting the entry ends it"
	case "aud":
		return "the token is for another resource of this API: the client must ask for this one (RFC 8707)"
	case "iat":
		return "the client must get a new token; the issuer must send iat"
	case "path parameters":
		return "rename one of the parameters in the route's path"
	}
	return ""
}

// proofHint is hintFor for DPoP proofs, which only their client can fix, unless
// the two sides see different URLs or times.
func proofHint(check string) string {
	switch check {
	case "htu":
		return "set dpop.Config.Origin to the origin that clients use, and Config.Path if a proxy changes the path"
	case "iat":
		return "compare the client's clock with this machine's; with dpop.Nonces the client's clock may be wrong by as much as Config.MaxAge"
	case "alg":
		return "the client must sign proofs by one of the algorithms in the challenge (algs), or add its algorithm to dpop.Config.Algorithms"
	case "replay":
		return "the client must make a new proof for each request, retries included"
	case "DPoP":
		return "the client must send one proof for each request, in the field DPoP"
	}
	return "the client must build its proofs as RFC 9449, Section 4.2 asks"
}
