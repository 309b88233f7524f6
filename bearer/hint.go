package bearer

// hintFor says what an operator can do about a refusal of the guard's own. It is
// empty where only the client can do something, and for the checks of verifiers,
// which give hints of their own.
func hintFor(e *Error) string {
	switch e.Check {
	case "token length":
		return "raise Config.MaxTokenBytes, or have the issuer put less into the token, such as fewer groups"
	case "cnf":
		return "the token is bound: set Config.Proofs (DPoP) or Config.Certificates (mutual TLS), and see that the client uses the scheme DPoP for a token with jkt"
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
	case "path parameters":
		return "rename one of the parameters in the route's path"
	}
	return ""
}
