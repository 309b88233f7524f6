package router

import (
	"net/url"
	"strings"
	"testing"
)

func FuzzCanonicalPath(f *testing.F) {
	for _, path := range []string{
		"/orders", "//orders", "/orders/", "/./orders", "/x/../orders", "/%2e%2e/orders", "/%2forders", "/orders%2f", "/orders%00",
		"/orders;x=y", "/%6frders", "/%25", "/%zz", "/%ff", "/users/auth0%7calice/profile", "/users/a%2Fb/profile", "*", "",
	} {
		f.Add(path)
	}
	f.Fuzz(func(t *testing.T, escaped string) {
		path, rawPath, ok := canonicalPath(escaped)
		if !ok {
			return
		}
		if again, rawAgain, ok := canonicalPath(rawPath); !ok || again != path || rawAgain != rawPath {
			t.Errorf("%q: %q and %q, and then %q and %q", escaped, path, rawPath, again, rawAgain)
		}
		if u := (&url.URL{Path: path, RawPath: rawPath}); u.EscapedPath() != rawPath {
			t.Errorf("%q: net/url takes %q for %q", escaped, rawPath, u.EscapedPath())
		}
		for segment := range strings.SplitSeq(rawPath[1:], "/") {
			if segment == "" || segment == "." || segment == ".." {
				t.Errorf("%q: the segment %q in %q", escaped, segment, rawPath)
			}
		}
	})
}
