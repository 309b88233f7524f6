package router

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/bearerkit/bearerkit/examples/protectedapi/internal/reply"
)

// CanonicalPaths gives each path one spelling before it reaches next, so that
// every framework routes it alike. A path with an empty segment or a dot
// segment is answered 404, without a redirect or a correction.
func CanonicalPaths(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path, rawPath, ok := canonicalPath(r.URL.EscapedPath())
		if !ok {
			reply.NotFound(w, r)
			return
		}
		u := *r.URL
		// Echo and Gin match RawPath if it is set. ServeMux matches segment by
		// segment in any case.
		u.Path, u.RawPath = path, rawPath
		canonical := *r
		canonical.URL = &u
		next.ServeHTTP(w, &canonical)
	})
}

// canonicalPath decodes an encoded path, and encodes it again in one way for all
// spellings (RFC 3986, Section 6.2.2). An encoded slash stays encoded. It decodes
// all characters that need no encoding.
func canonicalPath(escaped string) (path, rawPath string, ok bool) {
	rest, ok := strings.CutPrefix(escaped, "/")
	if !ok { // "*", or the empty path of an authority-form target
		return "", "", false
	}
	var decoded, encoded strings.Builder
	for segment := range strings.SplitSeq(rest, "/") {
		segment, err := url.PathUnescape(segment)
		if err != nil || segment == "" || segment == "." || segment == ".." {
			return "", "", false
		}
		decoded.WriteString("/" + segment)
		encoded.WriteString("/" + url.PathEscape(segment))
	}
	return decoded.String(), encoded.String(), true
}
