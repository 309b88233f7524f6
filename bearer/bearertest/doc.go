// Package bearertest tests what package bearer protects: an authorization
// server in a box ([Issuer]) that mints any token, JWT and opaque, introspects
// and revokes them, rotates its keys and fails on demand; forged principals
// ([Principals]) for handler tests without cryptography; tokens that every API
// must refuse ([Issuer.Hostile]); a strict reader of challenges
// ([ParseChallenges]); and the suite that an adapter for another framework
// must pass ([CheckAdapter]).
//
// It does not import testing, so that a program may use it too, to have tokens
// during development. An Issuer hands out tokens to whoever asks: it serves on
// loopback only, and no deployed API may trust one.
package bearertest
