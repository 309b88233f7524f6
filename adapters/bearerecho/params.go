package bearerecho

import (
	"net/url"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"
)

// unescaped marks a context whose parameters an outer guard has already unescaped.
const unescaped = "github.com/bearerkit/bearerkit/adapters/bearerecho.unescaped"

// unescapeParams unescapes the parameters if Echo has matched the encoded path.
func unescapeParams(c echo.Context) {
	if c.Request().URL.RawPath == "" || c.Get(unescaped) != nil {
		return
	}
	c.Set(unescaped, true)
	values := slices.Clone(c.ParamValues())
	for i, name := range c.ParamNames() {
		plain, err := url.PathUnescape(values[i])
		if err == nil && (name != "*" || strings.Count(plain, "/") == strings.Count(values[i], "/")) {
			values[i] = plain
		}
	}
	c.SetParamValues(values...)
}
