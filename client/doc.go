// Package client calls APIs that OAuth 2.0 protects.
//
// A [Transport] sends an access token with each request. If the API refuses the
// request, the Transport reads the challenge and does what it asks, once: it gets a
// fresh token, a token with more scopes, or a stronger authentication. If it
// cannot, it returns an [*Error] that says what a person can do.
//
// A [Source] provides the tokens. A [Login] needs only the URL of the API: it finds
// the authorization server by the challenge, and lets a person log in there. In an
// API that calls another one, a [Relay] or an [Exchange] provides the token of the
// caller, and [Refusals] answers if the call is refused.
package client
