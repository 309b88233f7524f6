// Package introspect verifies opaque access tokens by introspection at the
// authorization server (RFC 7662, RFC 9701).
//
// A [Verifier] is a bearer.Verifier. It caches answers for a short, bounded time,
// and makes one request for concurrent uses of a token. It never mistakes an
// outage of the endpoint, or the rejection of its own credentials, for a bad
// token. In both cases the token is unavailable: the guard answers 503.
//
// # When the endpoint fails
//
// The failure of one token's introspection says nothing about other tokens. The
// token is unavailable, and is not introspected again for 2 to 8 seconds.
//
// A failed introspection, or one that takes longer than a second, triggers a
// probe: an introspection of a random token, which no client can have sent. The
// circuit opens only if no introspection succeeds meanwhile and the probe
//
//   - fails three times in a row,
//   - fails once after more than a second, or
//   - gets a Retry-After.
//
// While the circuit is open, cached answers are used, and other tokens are
// unavailable at once. The next probe is sent after a quarter of the time that the
// circuit has been open, but not before 1 second and not after 10 seconds.
// Between two probes, four tokens that were active before may be introspected.
// The circuit closes when an introspection that began after it opened succeeds.
package introspect
