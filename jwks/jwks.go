// Package jwks verifies JWT access tokens (RFC 9068) from one or more issuers
// with the keys that the issuers publish (RFC 7517). It finds the keys by
// metadata (RFC 8414, OpenID Connect Discovery) or by a URL, or you give it the
// keys.
//
// A [Verifier] is a bearer.Verifier. It can start while its issuers are down, and
// follows their key rotation. If it cannot tell whether a token is good, it says
// so, and the guard answers 503: an outage never makes a token invalid.
//
// A Verifier reports the key that a token is bound to (cnf), and does not check
// the binding. The guard does. If you call Verify without a guard, reject
// principals with a non-zero Confirmation.
package jwks
