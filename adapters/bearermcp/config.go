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
	// With Tools the body of a request that carries credentials is read before
	// they are judged, up to MaxBody, since the challenge depends on it. What
	// is no single strict JSON object, a batch included, is 400.
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
}
