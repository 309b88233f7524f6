package instance

import (
	"fmt"
	"net/http"

	"github.com/gin-gonic/gin"
	"github.com/labstack/echo/v4"
	echo5 "github.com/labstack/echo/v5"

	"github.com/bearerkit/bearerkit/adapters/bearerecho"
	"github.com/bearerkit/bearerkit/adapters/bearerecho5"
	"github.com/bearerkit/bearerkit/adapters/bearergin"
	"github.com/bearerkit/bearerkit/adapters/bearerhttp"
	"github.com/bearerkit/bearerkit/scope"
)

// mount serves GET /PATH/orders of each side with a framework.
func mount(framework string, sides []*half) (http.Handler, error) {
	rule := scope.All(Scope)
	switch framework {
	case "nethttp":
		mux := http.NewServeMux()
		for _, h := range sides {
			mux.Handle("GET /"+h.path+"/orders", bearerhttp.Require(h.guard, rule)(http.HandlerFunc(orders)))
		}
		return mux, nil
	case "echo":
		e := echo.New()
		for _, h := range sides {
			e.GET("/"+h.path+"/orders", echo.WrapHandler(http.HandlerFunc(orders)), bearerecho.Require(h.guard, rule))
		}
		return e, nil
	case "echo5":
		e := echo5.New()
		for _, h := range sides {
			e.GET("/"+h.path+"/orders", echo5.WrapHandler(http.HandlerFunc(orders)), bearerecho5.Require(h.guard, rule))
		}
		return e, nil
	case "gin":
		gin.SetMode(gin.ReleaseMode) // otherwise New writes to standard output
		e := gin.New()
		for _, h := range sides {
			e.GET("/"+h.path+"/orders", bearergin.Require(h.guard, rule), gin.WrapF(orders))
		}
		return e, nil
	}
	return nil, fmt.Errorf("no framework %q", framework)
}
