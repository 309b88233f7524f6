// Package bearerotel measures what bearerkit does, with metrics and spans of
// OpenTelemetry:
//
//	telemetry, err := bearerotel.New()                            // the global providers
//	tokens, err := jwks.New(telemetry.Keys(jwks.Config{…}))       // fetches of keys
//	guard, err := bearer.New(telemetry.Guard(bearer.Config{…}))   // decisions
//	stop, err := telemetry.Observe(bearerotel.Sources{JWTs: []*jwks.Verifier{tokens}}) // caches, keys, stores
//
// # Privacy
//
// No attribute holds a token, a subject, a client, a path or a value that a client
// chose. The route is the pattern that the program registered. An issuer appears as
// a hash of its URL; see [IssuerHash]. Only the spans of key fetches and introspections
// name its host.
//
// # Cardinality
//
// Every attribute has a bounded set of values. A check that is not one of
// bearerkit's, a route beyond about 1,500 combinations of route and outcome, and an
// issuer beyond the first 200 become "_OTHER".
//
// docs/operating.md lists the metrics, with a dashboard and alert rules.
package bearerotel
