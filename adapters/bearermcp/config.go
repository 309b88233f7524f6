package bearermcp

import (
	"errors"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/resource"
	"github.com/bearerkit/bearerkit/scope"
)

// Config configures an [Endpoint].
type Config struct {
	// Guard judges tokens. It is required. Its ResourceMetadata must be the URL
	// of Metadata, and it must accept tokens in the Authorization header only.
	Guard *bearer.Guard

	// Metadata describes the endpoint to clients. It is required and must name
	// an authorization server.
	Metadata *resource.Metadata

	// Rule lists the scopes that every request needs. It is required; use
	// scope.None if none are needed.
	Rule scope.Rule

	// Tools maps the name of a tool to the scopes that a call of it needs beyond
	// Rule. A call with too little scope is answered 403 with one challenge that
	// names all scopes of Rule and of the tool. A tool that is missing from
	// Tools needs Rule only.
	//
	// With Tools the endpoint reads the body of a request, up to MaxBody, after
	// it has checked the token and before it checks the scopes. It reads nothing
	// if the token is not valid. A body that is not a single strict JSON object
	// is answered 400; so is a batch. Default: no tool needs more than Rule.
	Tools map[string]scope.Rule

	// Requirements apply to every request; see bearer.RouteConfig. Default: none.
	Requirements []bearer.Requirement

	// Audience is the value that a token's aud must contain. Default: the
	// resource identifier in Metadata, which MCP clients request (RFC 8707). Set
	// it if your authorization server knows the endpoint by another name.
	Audience string

	// MaxBody is the largest body in bytes if Tools is set. A larger body is
	// answered 413. Default: 4 MiB, the SDK's own limit. A negative MaxBody is a
	// mistake.
	MaxBody int64

	// BodyMemory limits the memory of all bodies in bytes if Tools is set. A
	// body counts from when the endpoint reads it until the handler has read it.
	// One caller may use a quarter of the memory, but at least twice MaxBody.
	// Beyond the limit the answer is 503 with Retry-After. Default: 16 times
	// MaxBody, which is 64 MiB. Minimum: twice MaxBody.
	BodyMemory int64
}

// complete sets the defaults of c, or reports all mistakes in it.
func (c *Config) complete() error {
	var m mistakes
	if c.Guard == nil {
		m.add("Guard is nil")
	}
	if c.Metadata == nil {
		m.add("Metadata is nil; want the result of resource.New")
	} else if len(c.Metadata.AuthorizationServers()) == 0 {
		m.add("Metadata names no authorization server; MCP clients need one")
	}
	if c.MaxBody < 0 {
		m.add("MaxBody %d: want a number of bytes", c.MaxBody)
	}
	if c.MaxBody == 0 {
		c.MaxBody = 4 << 20
	}
	if c.BodyMemory == 0 {
		c.BodyMemory = 16 * c.MaxBody
	}
	if c.MaxBody > 0 && c.BodyMemory < 2*c.MaxBody {
		m.add("BodyMemory %d: want at least twice MaxBody, %d", c.BodyMemory, 2*c.MaxBody)
	}
	if len(m) > 0 {
		return errors.Join(m...)
	}
	if c.Audience == "" {
		c.Audience = c.Metadata.Resource()
	}
	return nil
}
