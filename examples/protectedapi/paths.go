package main

import (
	"net/http"
	"net/url"
	"strings"
)

// canonicalPaths stands before the router, so that each path has one spelling
// there, and each framework sees the same. What has none, because of a dot
// segment or an empty one, is 404: it is neither redirected nor repaired.
func canonicalPaths(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path, rawPath, ok := canonicalPath(r.URL.EscapedPath())
		if !ok {
			notFound(w, r)
			return
		}
		u := *r.URL
		// RawPath is always set: Echo and Gin match that one if it is there,
		// and ServeMux matches by segment in any case.
		u.Path, u.RawPath = path, rawPath
		canonical := *r
		canonical.URL = &u
		next.ServeHTTP(w, &canonical)
	})
}

// canonicalPath returns an encoded path decoded, and encoded in one way for all
// of its spellings (RFC 3986, Section 6.2.2): an encoded slash stays within its
// segment, and what needs no encoding has none.
func canonicalPath(escaped string) (path, rawPath string, ok bool) {
	rest, ok := strings.CutPrefix(escaped, "/")
	if !ok { // "*", or nothing in an authority-form target
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
