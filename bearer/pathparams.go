package bearer

import (
	"cmp"
	"fmt"
	"net/http"
	"strings"
)

// AdmitPath is [Route.Admit] for adapters of frameworks with their own router. It
// first sets the path parameters that the framework found, so that requirements
// read them with r.PathValue. The values must be those that the framework's own
// API returns to the handler.
//
// If a name occurs twice, AdmitPath refuses the request with [CodeMisconfigured]
// before any other check, since a policy and the handler may read different
// values. [CheckPath] finds such routes when the program starts.
func (rt *Route) AdmitPath(w http.ResponseWriter, r *http.Request, names, values []string) (*http.Request, bool) {
	if name, ok := repeated(names); ok && rt.isBuilt() {
		rt.refuse(w, r, &Decision{route: rt, err: &Error{
			Code: CodeMisconfigured, Check: "path parameters",
			Expected: "unique parameter names in a route's path", Got: fmt.Sprintf("%q twice", name),
		}}, rt.guard.startTimer())
		return nil, false
	}
	for i, name := range names {
		r.SetPathValue(name, values[i])
	}
	return rt.Admit(w, r)
}

// CheckPath reports a path parameter whose name occurs twice in the path of a
// route. The path has the syntax of Echo, Gin and others: ":name" up to the next
// slash, "*name" or "*" for the rest, and "\:" for a colon. http.ServeMux panics
// on such a pattern. For frameworks that accept it, the adapter calls CheckPath
// for all routes when the program starts.
func CheckPath(method, path string) error {
	var names []string
	for segment := range strings.SplitSeq(strings.ReplaceAll(path, `\:`, ""), "/") {
		if i := strings.IndexAny(segment, ":*"); i >= 0 {
			names = append(names, cmp.Or(segment[i+1:], segment[i:]))
		}
	}
	if name, ok := repeated(names); ok {
		return fmt.Errorf("bearer: the path of %s %s has the parameter %q twice, so a policy and the handler may read different values; rename one", method, path, name)
	}
	return nil
}

// repeated returns a name that occurs twice.
func repeated(names []string) (name string, ok bool) {
	for i, name := range names {
		for _, other := range names[:i] {
			if name == other {
				return name, true
			}
		}
	}
	return "", false
}
