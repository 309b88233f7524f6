// Package introspect verifies opaque access tokens by asking the authorization
// server about them (RFC 7662, RFC 9701).
//
// A [Verifier] is a bearer.Verifier. It keeps answers for a short, bounded time,
// asks once for concurrent requests with one token, and never mistakes an
// outage of the endpoint for a bad token, nor the refusal of its own
// credentials: both are "cannot tell", which a guard answers 503.
//
// # When the endpoint fails
//
// What the endpoint does about one token says nothing about other tokens: the
// token is "cannot tell", and is not asked about again for 2 to 8 seconds.
// Any question that fails, or takes longer than a second, has a probe sent: a
// question of our own about a random token, which nobody can have sent.
// The circuit opens only if the probe fails three times in a row, fails once
// after more than a second, or is told Retry-After, while no other question is
// answered.
// While it is open, answers at hand serve, other tokens are "cannot tell" at
// once, and a probe is sent after a quarter of the time that it has been open,
// at least 1 and at most 10 seconds; between two probes, four tokens that were
// active before may try.
// The first answer to a question asked since then closes it.
package introspect
