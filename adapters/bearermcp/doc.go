// Package bearermcp protects servers of the official MCP SDK for Go,
// github.com/modelcontextprotocol/go-sdk, as the MCP authorization specification
// of 2026-07-28 requires. An [Endpoint] wraps the SDK's streamable HTTP handler
// and judges each request with a bearer.Guard.
//
//	endpoint, err := bearermcp.New(bearermcp.Config{Guard: guard, Metadata: metadata, Rule: scope.All("mcp:use")})
//	…
//	mux.Handle("/mcp", endpoint.Protect(mcp.NewStreamableHTTPHandler(server, nil)))
//	mux.Handle(resource.WellKnownPath, metadata)
//	mux.Handle(resource.WellKnownPath+"/", metadata)
//
// The last two lines publish the metadata (RFC 9728) where clients look for it:
// at the path of the endpoint and, if resource.Config.ServeAtRoot is set, at the root.
//
// Tool handlers get the caller from [FromRequest]. Do not use
// bearer.FromContext in a tool handler: in a session the handler's context
// belongs to the request that opened the session, whose token may have other
// scopes and another expiry.
//
// # Sessions
//
// A session authorizes nothing: each request needs a token. The SDK binds a
// session to the user whose token opened it, or to a client that acts for
// itself, and answers 403 to the token of anyone else. A stream that is already
// open continues after its token has expired.
//
// # The token
//
// The handler behind an Endpoint receives requests without Authorization and
// DPoP, so no tool can pass the token on (MCP: token passthrough). To call another
// API for the caller, use a client.Exchange (RFC 8693) with the context of
// [WithCaller].
package bearermcp
