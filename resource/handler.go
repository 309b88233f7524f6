package resource

import (
	"errors"
	"fmt"
	"net/http"
)

// Handler returns a handler that answers the documents of several resources in
// one program, each where its [Metadata.ServeHTTP] does, and 404 elsewhere. It
// is registered at [WellKnownPath] and under it.
//
// Two resources at one path are an error: resources of different hosts need a
// handler each, and a router that tells the hosts apart.
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
				errs = append(errs, fmt.Errorf("resource: Handler: %q and %q are both at %q; want one", other.id.text, m.id.text, path))
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

// pathHandler holds resources by path, without a slash at the end.
type pathHandler map[string]*Metadata

func (h pathHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if m, ok := h[withoutSlash(r.URL.EscapedPath())]; ok {
		m.serve(w, r)
		return
	}
	notFound(w)
}
