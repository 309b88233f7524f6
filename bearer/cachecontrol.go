package bearer

import (
	"net/http"
	"strings"
)

// makePrivate keeps shared caches from storing the response to a token outside
// Authorization (RFC 6750, Section 2.3). Caches know that a response to a request
// with Authorization is private (RFC 9111, Section 3.5), but not of others.
//
// It leaves the field as it is if that has no-store, or has private and not public.
// Otherwise it replaces the field, and keeps no-cache.
func makePrivate(h http.Header) {
	var isPrivate, isPublic, noCache bool
	for _, line := range h["Cache-Control"] {
		for directive := range strings.SplitSeq(line, ",") {
			switch strings.ToLower(strings.Trim(directive, " \t")) {
			case "no-store":
				return
			case "private": // private="field" makes only that field private
				isPrivate = true
			case "public":
				isPublic = true
			case "no-cache":
				noCache = true
			}
		}
	}
	switch {
	case isPrivate && !isPublic:
	case noCache:
		h["Cache-Control"] = []string{"private, no-cache"}
	default:
		h["Cache-Control"] = []string{"private"}
	}
}
