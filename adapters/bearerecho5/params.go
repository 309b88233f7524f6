package bearerecho5

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/labstack/echo/v5"
)

// pathParams returns the path parameters that the handler reads with c.Param. If
// their values are still encoded, it first unescapes them in c.
func pathParams(c *echo.Context) (names, values []string) {
	params := c.PathValues()
	if len(params) == 0 {
		return nil, nil
	}
	route := c.RouteInfo()
	if route.Name == echo.MethodNotAllowedRouteName {
		return nil, nil // Echo does not reset the names of an earlier request's parameters
	}
	if encoded(c.Request(), route, params) {
		params = slices.Clone(params)
		for i, p := range params {
			plain, err := url.PathUnescape(p.Value)
			if err == nil && (p.Name != "*" || strings.Count(plain, "/") == strings.Count(p.Value, "/")) {
				params[i].Value = plain
			}
		}
		c.SetPathValues(params)
	}
	names, values = make([]string, len(params)), make([]string, len(params))
	for i, p := range params {
		names[i], values[i] = p.Name, p.Value
	}
	return names, values
}

// encoded reports whether the values are parts of the encoded path. They are not
// if Echo matched the decoded path, or if the router or an outer guard has
// unescaped them. Then the route's path with the values is shorter than the
// encoded path, unless no value contains an escape.
func encoded(r *http.Request, route echo.RouteInfo, params echo.PathValues) bool {
	if r.URL.RawPath == "" {
		return false
	}
	values := make([]any, len(params))
	for i, p := range params {
		values[i] = p.Value
	}
	return route.Reverse(values...) == r.URL.RawPath
}
