package router

import (
	"net/http"
	"net/url"

	"github.com/gin-gonic/gin"

	"github.com/bearerkit/bearerkit/adapters/bearergin"
	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/examples/protectedapi/internal/reply"
)

// mountGin mounts the routes on Gin, which does not serve HEAD for GET. It does
// not use Gin's logger, which writes query strings.
func mountGin(guard *bearer.Guard, routes []Route) http.Handler {
	gin.SetMode(gin.ReleaseMode) // otherwise New writes to standard output
	engine := gin.New()
	engine.HandleMethodNotAllowed = true // otherwise wrong methods are 404
	engine.UseRawPath = true             // otherwise a%2Fb is two segments
	engine.UnescapePathValues = false    // Gin would turn + into a space
	engine.Use(unescapeParams)
	for _, rt := range routes {
		var handlers []gin.HandlerFunc
		switch rt.Access {
		case Protected:
			handlers = append(handlers, bearergin.Require(guard, rt.Rule, rt.Requirements...))
		case Optional:
			handlers = append(handlers, bearergin.Optional(guard, rt.Rule, rt.Requirements...))
		}
		handlers = append(handlers, gin.WrapF(rt.Handler))
		engine.Match(rt.Methods(), colonPath(rt.Path), handlers...)
	}
	engine.NoMethod(func(c *gin.Context) {
		allow := c.Writer.Header().Get("Allow") // set by Gin from its routes
		reply.NotAllowed(allow)(c.Writer, c.Request)
	})
	engine.NoRoute(gin.WrapF(reply.NotFound))
	return engine
}

// unescapeParams unescapes the path parameters before the guard reads them, if
// Gin matched the encoded path.
func unescapeParams(c *gin.Context) {
	if c.Request.URL.RawPath == "" {
		return
	}
	for i, param := range c.Params {
		if value, err := url.PathUnescape(param.Value); err == nil {
			c.Params[i].Value = value
		}
	}
}
