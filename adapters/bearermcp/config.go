package bearermcp

import (
	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/resource"
	"github.com/bearerkit/bearerkit/scope"
)

// Config is what one MCP endpoint needs.
type Config struct {
	// Guard judges tokens. Required: one whose ResourceMetadata is the URL of
	// Metadata, and which takes tokens in the Authorization header alone.
	Guard *bearer.Guard

	// Metadata is what the endpoint says of itself, and must name an
	// authorization server. Required.
	Metadata *resource.Metadata

	// Rule says which scopes each request needs. Required; an endpoint that
	// needs none says scope.None.
	Rule scope.Rule

	// Tools says, by the name of a tool, which scopes a call of it needs beyond
	// Rule. A call with less is answered 403 with all that it needs, of Rule and
	// of the tool, in one challenge. A tool that is not named needs Rule alone.
	//
	// With Tools the body of a request is read between the judgement of its
	// token and that of its scopes, up to MaxBody, since the challenge depends on
	// it. Nothing is read for a request whose token is not good. What is no single
	// strict JSON object, a batch included, is 400.
	// Default: no tool needs more.
	Tools map[string]scope.Rule

	// Requirements are those of bearer.RouteConfig, for every request.
	// Default: nothing.
	Requirements []bearer.Requirement

	// Audience is what a token's aud must hold. Default: the resource
	// identifier of Metadata, for which MCP clients ask (RFC 8707); another is
	// for an authorization server that calls the endpoint by another name.
	Audience string

	// MaxBody bounds what is read of a body in bytes, if there are Tools; more
	// is 413. Default: 4 MiB, as the SDK's own limit; negative is a mistake.
	MaxBody int64

	// BodyMemory bounds the bodies that are in memory at the same time, if
	// there are Tools, in bytes: from when a body is read until the handler has
	// read it. One caller may have a quarter of it, and at least twice MaxBody.
	// Beyond it the answer is 503 with Retry-After. Default: 16 times MaxBody,
	// so 64 MiB; at least twice MaxBody, and less is a mistake.
	BodyMemory int64
}
