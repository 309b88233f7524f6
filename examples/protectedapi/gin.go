package main

import (
	"net/http"
	"net/url"

	"github.com/gin-gonic/gin"

	"github.com/bearerkit/bearerkit/adapters/bearergin"
	"github.com/bearerkit/bearerkit/bearer"
)

// mountGin mounts the routes on Gin, which does not serve HEAD for GET. Its
// logger is left out, since it writes query strings.
func mountGin(guard *bearer.Guard, routes []route) http.Handler {
	gin.SetMode(gin.ReleaseMode) // otherwise New writes to standard output
	engine := gin.New()
	engine.HandleMethodNotAllowed = true // otherwise wrong methods are 404
	engine.UseRawPath = true             // otherwise a%2Fb is two segments
	engine.UnescapePathValues = false    // Gin's own way turns + into a space
	engine.Use(unescapeParams)
	for _, rt := range routes {
		var handlers []gin.HandlerFunc
		switch rt.access {
		case protected:
			handlers = append(handlers, bearergin.Require(guard, rt.rule, rt.requirements...))
		case optional:
			handlers = append(handlers, bearergin.Optional(guard, rt.rule, rt.requirements...))
		}
		handlers = append(handlers, gin.WrapF(rt.handler))
		engine.Match(rt.methods(), colonPath(rt.path), handlers...)
	}
	engine.NoMethod(func(c *gin.Context) {
		allow := c.Writer.Header().Get("Allow") // as Gin has it from its routes
		notAllowed(allow)(c.Writer, c.Request)
	})
	engine.NoRoute(gin.WrapF(notFound))
	return engine
}

// unescapeParams unescapes path parameters where Gin matched the encoded path,
// before the guard sees them.
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
