package bearer

import (
	"cmp"
	"fmt"
	"net/http"
	"strings"
)

// AdmitPath is [Route.Admit] for adapters of frameworks that match paths
// themselves: it first gives r the path parameters that the framework found, by
// name and value, so that requirements read them by r.PathValue. Each value must
// be the one that the framework's own API gives to the handler.
//
// A name that occurs twice is refused with [CodeMisconfigured], before anything
// else is judged, since a policy and the handler may read different values of
// it. [CheckPath] finds such routes when the program starts.
func (rt *Route) AdmitPath(w http.ResponseWriter, r *http.Request, names, values []string) (*http.Request, bool) {
	if name, ok := repeated(names); ok && rt.isBuilt() {
		rt.refuse(w, r, &Decision{route: rt, err: &Error{
			Code: CodeMisconfigured, Check: "path parameters",
			Expected: "each name once in a route's path; rename one", Got: fmt.Sprintf("%q twice", name),
		}})
		return nil, false
	}
	for i, name := range names {
		r.SetPathValue(name, values[i])
	}
	return rt.Admit(w, r)
}

// CheckPath reports a path parameter that occurs twice in the path of a route,
// in the syntax of Echo, Gin and others: ":name" up to the next slash, "*name"
// or "*" for the rest, and "\:" for a colon. http.ServeMux panics on such a
// pattern; frameworks that accept it have an adapter that checks all routes when
// the program starts.
func CheckPath(method, path string) error {
	var names []string
	for segment := range strings.SplitSeq(strings.ReplaceAll(path, `\:`, ""), "/") {
		if i := strings.IndexAny(segment, ":*"); i >= 0 {
			names = append(names, cmp.Or(segment[i+1:], segment[i:]))
		}
	}
	if name, ok := repeated(names); ok {
		return fmt.Errorf("bearer: the path of %s %s has the parameter %q twice, of which a policy and the handler may read different values; rename one", method, path, name)
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
