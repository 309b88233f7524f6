// Package bearer protects HTTP resources by OAuth 2.0 bearer tokens: it reads
// the credentials of a request, asks a [Verifier] about the token, judges the
// scopes and requirements of the route, and answers a refusal as RFC 6750,
// Section 3, RFC 9470 and RFC 9110 ask.
//
// A [Guard] holds what an API has in common, and [Guard.Route] compiles what
// one route needs. [Route.Decide] judges a request and writes nothing, though it marks a DPoP proof as used and counts failures;
// [Route.Admit] does the same and writes the answer of a refusal, the only
// code that writes one. Middleware for net/http, Echo and Gin is in the
// adapters folder.
//
// # What is answered when
//
//	no credentials, or another scheme     401, a challenge without an error
//	malformed credentials                 400 invalid_request
//	a bad token                           401 invalid_token
//	a good token of too little scope      403 insufficient_scope
//	too weak or too old an authentication 401 insufficient_user_authentication
//	a DPoP proof that is missing or bad   401 invalid_dpop_proof, or use_dpop_nonce
//	too many bad tokens from one address  429 and Retry-After, see [FailureLimit]
//	refused by a requirement              403 (or 404, see [Hidden]), no challenge
//	a token over Config.MaxTokenBytes     431, no challenge
//	the token cannot be judged now        503 and Retry-After, no challenge
//	a path parameter's name occurs twice  500, no challenge, see [Route.AdmitPath]
//
// An outage is never answered 401, so that clients keep their good tokens.
package bearer
