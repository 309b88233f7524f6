// Package bearertest helps to test APIs that package bearer protects. It has:
//
//   - an authorization server for tests ([Issuer]), which mints, introspects and
//     revokes any token, rotates its keys and fails on demand;
//   - principals for handler tests without cryptography ([Principals]);
//   - tokens as the issuers that you know sign them ([Shape]);
//   - tokens that every API must refuse ([Issuer.Hostile]);
//   - a strict parser for challenges ([ParseChallenges]);
//   - suites that an adapter for another framework must pass ([CheckAdapter],
//     [CheckNesting]).
//
// The package does not import testing, so a program may use it to get tokens
// during development. An Issuer gives a token to any client, so it serves only on
// loopback. A deployed API must not trust one.
package bearertest
