// Package bearerredis connects the instances of a program through Redis. A
// [Client] provides three independent parts:
//
//   - [Client.Cache] shares the answers of introspection endpoints. One instance
//     asks; the others read its answer. A token that one instance forgets is
//     forgotten by all.
//   - [Client.Replays] remembers used DPoP proofs, so that each proof is accepted
//     once across all instances.
//   - [Client.Denials] shares a deny list. A token that one instance denies is
//     denied by all.
//
// Redis may be one server, a Cluster, or a master that Sentinel names; see
// [Config.Address]. For one server the package uses only commands that exist since
// Redis 2.6.12. No token is sent to Redis: an [introspect.Verifier] encrypts the
// values and hashes the keys, and proofs and deny list entries are stored as
// hashes.
package bearerredis
