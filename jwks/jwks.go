// Package jwks verifies JWT access tokens (RFC 9068) of one or more issuers
// with the keys that these publish (RFC 7517), found by their metadata (RFC
// 8414, OpenID Connect Discovery), by a URL, or given.
//
// A [Verifier] is a bearer.Verifier. It starts with its issuers down and
// recovers by itself, follows their key rotation, and when it cannot tell
// whether a token is good it says so, which a guard answers 503: an outage is
// never called an invalid token.
//
// A Verifier does not check to whom a token is bound (cnf): it reports it, and
// the guard checks it or refuses. Whoever calls Verify without a guard must
// refuse principals whose Confirmation is not zero.
package jwks
