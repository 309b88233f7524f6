package bearerotel

// knownCheck reports whether a check is one that bearerkit makes. docs/checks.md
// lists them. A verifier or a requirement of the program may name others, which
// could have any number of values.
func knownCheck(check string) bool {
	switch check {
	case "Authorization", "DPoP", "DPoP proof", "Sec-WebSocket-Protocol", "acr", "active", "alg", "any of",
		"ath", "aud", "auth_time", "authorization_details", "claim", "claims", "client certificate",
		"client_id", "clock", "cnf", "cookie", "credentials", "crit", "cross origin", "deny list", "exp",
		"failures", "form", "form body", "header", "htm", "htu", "iat", "introspection", "iss", "jkt",
		"jti", "jwk", "keys", "kid", "kind", "nbf", "nonce", "path parameters", "payload", "policy",
		"relation in path", "replay", "replay store", "request", "resolve", "role", "rule", "scheme",
		"scope", "signature", "sub", "subject in path", "token", "token length", "token_type",
		"token_use", "typ", "verifier":
		return true
	}
	return false
}
