// Package dpop checks DPoP proofs of possession (RFC 9449): that the sender of
// a bound access token holds the key that the token is bound to.
//
// A [Checker] is a bearer.ProofChecker. It compares the URL in a proof with the
// configured origin of the API and the path of the request; it trusts no header
// for this. Each proof is accepted once: a [ReplayStore] remembers used proofs,
// and if the store fails, every proof is rejected. [Nonces] let the server
// limit the age of proofs itself.
package dpop
