package router

import (
	"net/http"
	"strings"

	"github.com/bearerkit/bearerkit/examples/protectedapi/internal/reply"
	"github.com/bearerkit/bearerkit/resource"
)

// PublishMetadata serves the metadata at its URL and, if atRoot is set, also at
// the root's well-known URL. It is the outermost handler, because pages of any
// origin may read the metadata, and because its path need not be canonical.
func PublishMetadata(metadata *resource.Metadata, atRoot bool, next http.Handler) http.Handler {
	isMetadata := func(path string) bool {
		path = strings.TrimSuffix(path, "/")
		return path == strings.TrimSuffix(metadata.Path(), "/") || atRoot && path == resource.WellKnownPath
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case !isMetadata(r.URL.EscapedPath()):
			next.ServeHTTP(w, r)
		case r.Method == http.MethodGet || r.Method == http.MethodHead || r.Method == http.MethodOptions:
			metadata.ServeHTTP(w, r)
		default:
			w.Header().Set("Access-Control-Allow-Origin", "*")
			reply.NotAllowed("GET, HEAD, OPTIONS")(w, r)
		}
	})
}
