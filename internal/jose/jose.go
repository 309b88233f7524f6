// Package jose reads JSON Web Signatures and JSON Web Keys (RFC 7515, 7517,
// 7518, 8037) strictly and verifies signatures.
//
// Only this package imports jwx, and it exports no jwx type. This package reads
// a JWK's members strictly, and jwx then turns them into a public key. jwx also
// writes JWKs for the test kit. The standard library verifies signatures. jwx
// never chooses an algorithm, never fetches and never decrypts; nothing here
// decrypts.
package jose
