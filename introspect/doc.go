// Package introspect verifies opaque access tokens by asking the authorization
// server about them (RFC 7662, RFC 9701).
//
// A [Verifier] is a bearer.Verifier. It keeps answers for a short, bounded time,
// asks once for concurrent requests with one token, and never mistakes an
// outage of the endpoint for a bad token, nor the refusal of its own
// credentials: both are "cannot tell", which a guard answers 503.
package introspect
