// Package bearer protects HTTP resources with OAuth 2.0 bearer tokens. It reads
// the credentials of a request, asks a [Verifier] about the token, checks the
// scopes and requirements of the route, and answers refusals as RFC 6750, Section
// 3, RFC 9470 and RFC 9110 require.
//
// A [Guard] holds the settings of an API, and [Guard.Route] compiles the
// conditions of one route. [Route.Decide] judges a request without writing an
// answer. [Route.Admit] judges a request and, if it refuses the request, writes
// the answer; no other code writes one. Middleware for net/http, Echo and Gin is
// in the adapters folder.
//
// # Answers
//
//	no credentials, or another scheme       401, a challenge without an error
//	malformed credentials                   400 invalid_request
//	an invalid token                        401 invalid_token
//	a valid token without the scopes        403 insufficient_scope
//	a weak or old authentication            401 insufficient_user_authentication
//	a missing or invalid DPoP proof         401 invalid_dpop_proof, or use_dpop_nonce
//	too many bad tokens from one address    429 and Retry-After, see [FailureLimit]
//	refused by a requirement                403 (or 404, see [Hidden]), no challenge
//	a token longer than MaxTokenBytes       431, no challenge
//	the token cannot be judged now          503 and Retry-After, no challenge
//	a path parameter's name occurs twice    500, no challenge, see [Route.AdmitPath]
//
// An outage never causes a 401, so that clients keep their valid tokens.
package bearer
