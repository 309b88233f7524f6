// Package jose reads JSON Web Signatures and JSON Web Keys (RFC 7515, 7517,
// 7518, 8037) strictly and verifies signatures.
//
// It is the only place that imports jwx, and no jwx type leaves it. jwx turns
// a JWK, whose members were read strictly here first, into a public key, and
// writes JWKs for the test kit. Signatures are verified by the standard
// library. jwx never picks an algorithm, never fetches and never decrypts;
// there is no decryption here at all.
package jose
