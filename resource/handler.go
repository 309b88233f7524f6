package resource

import (
	"errors"
	"fmt"
	"net/http"
)

// Handler returns a handler that serves the documents of several resources,
// each at the paths of its [Metadata.ServeHTTP]. Any other path is answered
// 404. Register the handler at [WellKnownPath] and below it.
//
// Two resources with the same path are an error. Resources on different hosts
// need a handler each, and a router that selects it by host.
func Handler(resources ...*Metadata) (http.Handler, error) {
	if len(resources) == 0 {
		return nil, errors.New("resource: Handler: no resources")
	}
	var errs []error
	byPath := pathHandler{}
	for i, m := range resources {
		if m == nil {
			errs = append(errs, fmt.Errorf("resource: Handler: resource %d is nil", i))
			continue
		}
		for _, path := range m.paths() {
			if other, taken := byPath[path]; taken {
				errs = append(errs, fmt.Errorf("resource: Handler: %q and %q have the same path %q; use a handler for each host", other.id.text, m.id.text, path))
				continue
			}
			byPath[path] = m
		}
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	return byPath, nil
}

// pathHandler maps a path without a trailing slash to its resource.
type pathHandler map[string]*Metadata

func (h pathHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if m, ok := h[withoutSlash(r.URL.EscapedPath())]; ok {
		m.serve(w, r)
		return
	}
	notFound(w)
}
