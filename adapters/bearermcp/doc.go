// Package bearermcp protects an MCP server of the official Go SDK,
// github.com/modelcontextprotocol/go-sdk, as the MCP authorization
// specification of 2026-07-28 asks: an [Endpoint] stands in front of the SDK's
// streamable HTTP handler and judges each request by a bearer.Guard.
//
//	endpoint, err := bearermcp.New(bearermcp.Config{Guard: guard, Metadata: metadata, Rule: scope.All("mcp:use")})
//	…
//	mux.Handle("/mcp", endpoint.Protect(mcp.NewStreamableHTTPHandler(server, nil)))
//	mux.Handle(resource.WellKnownPath, metadata)
//	mux.Handle(resource.WellKnownPath+"/", metadata)
//
// The last two lines publish the metadata (RFC 9728) where clients look: at the
// path of the endpoint and, if resource.Config.AtRoot is set, at the root.
//
// Tool handlers learn who is calling by [FromRequest]. The context of a handler
// is no place to ask: in a session it is that of the request that opened it, so
// bearer.FromContext tells of that request's token, with scopes and an expiry
// that may not be those of this call.
//
// # Sessions
//
// A session authorizes nothing: each request needs a token. A session of the SDK
// belongs to the user, or the client that acts for itself, whose token opened
// it; with a token of anybody else the SDK answers 403. A stream that is open
// already goes on when its token expires.
//
// # The token
//
// The handler behind an Endpoint gets requests without Authorization and DPoP,
// so that no tool passes the token on (MCP: token passthrough). A program that
// exchanges tokens (RFC 8693) reads it in middleware outside.
package bearermcp
