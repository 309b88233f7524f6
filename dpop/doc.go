// Package dpop checks proofs of possession (RFC 9449): that whoever sends a
// bound access token holds the key that it is bound to.
//
// A [Checker] is a bearer.ProofChecker. It compares the URL that a proof names
// with the API's own origin, which is configured, and with the path that was
// asked for; no header of a request says where it went. Each proof is good
// once: a [ReplayStore] remembers those that were used, and when it cannot, no
// proof is accepted. [Nonces] are the server's own part in a proof's freshness.
package dpop
