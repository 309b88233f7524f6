package dpop

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// Examples of RFC 3986, Sections 5.2.4, 6.2.2 and 6.2.3.
func TestNormalizeURI(t *testing.T) {
	for uri, want := range map[string]string{
		"http://a/b/c/%7Bfoo%7D":                   "http://a/b/c/%7Bfoo%7D",
		"HTTP://a/./b/../b/%63/%7bfoo%7d":          "http://a/b/c/%7Bfoo%7D",
		"http://a/b/c/./../../g":                   "http://a/g",
		"http://a/../../../g":                      "http://a/g",
		"http://example.com":                       "http://example.com/",
		"http://example.com:/":                     "http://example.com/",
		"http://example.com:80/":                   "http://example.com/",
		"http://a/b/.":                             "http://a/b/",
		"http://a/b/..":                            "http://a/",
		"http://a/..":                              "http://a/",
		"http://a/..g/g../.g/g./...":               "http://a/..g/g../.g/g./...",
		"http://a//..//b":                          "http://a//b",
		"http://a/b//../c":                         "http://a/b/c",
		"https://[0:0::1]:443/%2f%2F?q#f":          "https://[::1]/%2F%2F",
		"https://a/?/../":                          "https://a/",
		"https://a/%00%25%2e":                      "https://a/%00%25.",
		"https://[::ffff:192.0.2.1]/":              "https://[::ffff:192.0.2.1]/",
		"https://a:08443":                          "https://a:8443/",
		"https://xn--pi-uia.example/~%7E%2D%5f%2E": "https://xn--pi-uia.example/~~-_.",
	} {
		got, err := normalizeURI(uri)
		if err != nil || got != want {
			t.Errorf("normalizeURI(%q) = %q, %v, want %q", uri, got, err, want)
		}
	}
}

// D9: each character of a host, a port and a path that RFC 3986 does not allow there,
// and each address and port that nobody can connect to.
func TestNormalizeURIRefuses(t *testing.T) {
	for c := range 256 {
		char := string([]byte{byte(c)})
		digit := '0' <= c && c <= '9'
		letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || digit || c > 0 && strings.Contains("-._~", char)
		if _, err := normalizeAuthority("a:8"+char+"3", "443"); (err == nil) != digit {
			t.Errorf("a port with %q: %v", char, err)
		}
		if _, err := normalizeAuthority("a"+char, "443"); (err == nil) != (letter || c == ':' || strings.Contains("!$&'()*+,;=", char)) {
			t.Errorf("a host with %q: %v", char, err)
		}
		if c != '%' {
			if _, err := normalizePath("/a" + char); (err == nil) != (c > ' ' && c < 0x7f && !strings.Contains(`\?#`, char)) {
				t.Errorf("a path with %q: %v", char, err)
			}
		}
		hex := digit || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
		for _, path := range []string{"/%" + char + "0", "/%0" + char} {
			if _, err := normalizePath(path); (err == nil) != hex {
				t.Errorf("normalizePath(%q): %v", path, err)
			}
		}
		want := fmt.Sprintf("/%%%02X", c)
		if letter {
			want = "/" + char
		}
		for _, encoded := range []string{fmt.Sprintf("/%%%02X", c), fmt.Sprintf("/%%%02x", c)} {
			if got, err := normalizePath(encoded); err != nil || got != want {
				t.Errorf("normalizePath(%q) = %q, %v, want %q", encoded, got, err, want)
			}
		}
	}
	for authority, want := range map[string]string{
		"a:1": "a:1", "a:65535": "a:65535", "a:00001": "a:1", "[::1]": "[::1]", "[::1]:": "[::1]", "[::1]:8443": "[::1]:8443",
		"a:0": "", "a:000": "", "a:65536": "", "a:99999999999999999999": "", "a:80:80": "", "": "", ":443": "",
		"@a": "", "me@a": "", "a@": "", "[::1": "", "[::1]x": "", "[::1]443": "", "[::1]8443": "", "[::1]8:443": "", "a:+1": "", "a:-1": "", "a:1_0": "", "a:0x1": "", "a: 1": "", "[::1]x:443": "", "[192.0.2.1]": "", "[fe80::1%eth0]": "", "[]": "", "[a]": "", "[::1]]": "",
	} {
		if got, err := normalizeAuthority(authority, "443"); got != want || (err == nil) != (want != "") {
			t.Errorf("normalizeAuthority(%q) = %q, %v, want %q", authority, got, err, want)
		}
	}
	for _, path := range []string{"", "a", "*", "a/b", "?", "%2F", "/%", "/%2"} {
		if got, err := normalizePath(path); err == nil {
			t.Errorf("normalizePath(%q) = %q", path, got)
		}
	}
}

// identity returns a canonical form of a URI, computed independently of
// normalizeURI: scheme, host and port by net/url, and the path segments
// decoded, except for the reserved characters of RFC 3986, Section 2.2.
func identity(t *testing.T, uri string) []string {
	t.Helper()
	uri, _, _ = strings.Cut(uri, "#")
	uri, _, _ = strings.Cut(uri, "?")
	slash := strings.IndexByte(uri[strings.Index(uri, "://")+3:], '/')
	origin, path := uri, "/"
	if slash >= 0 {
		slash += strings.Index(uri, "://") + 3
		origin, path = uri[:slash], uri[slash:]
	}
	u, err := url.Parse(origin)
	if err != nil {
		t.Fatalf("net/url refuses the origin of %q: %v", uri, err)
	}
	port := strings.TrimLeft(u.Port(), "0")
	if port == "443" && u.Scheme == "https" || port == "80" && u.Scheme == "http" {
		port = ""
	}
	var segments []string
	all := strings.Split(path, "/")[1:]
	for i, segment := range all {
		decoded, err := url.PathUnescape(segment)
		if err != nil {
			t.Fatalf("net/url refuses the path of %q: %v", uri, err)
		}
		last := i == len(all)-1
		switch {
		case decoded == "." && last:
			segments = append(segments, "")
		case decoded == ".":
		case decoded == "..":
			if len(segments) > 0 {
				segments = segments[:len(segments)-1]
			}
			if last {
				segments = append(segments, "")
			}
		default:
			// Encoded and literal octets are equivalent only for unreserved
			// characters.
			var kept strings.Builder
			for j := 0; j < len(segment); j++ {
				if segment[j] != '%' {
					kept.WriteByte(segment[j])
					continue
				}
				octet, err := url.PathUnescape(segment[j : j+3])
				if err != nil {
					t.Fatal(err)
				}
				if !isUnreserved(octet[0]) {
					octet = "encoded " + octet
				}
				kept.WriteString(octet)
				j += 2
			}
			segments = append(segments, kept.String())
		}
	}
	host := strings.ToLower(u.Hostname())
	if strings.Contains(host, ":") {
		host = "IPv6" // left to net/netip
	}
	return append([]string{strings.ToLower(u.Scheme), host, port}, segments...)
}

// pathOf returns the path of a normalized URI.
func pathOf(uri string) string {
	authority := strings.Index(uri, "://") + 3
	return uri[authority+strings.IndexByte(uri[authority:], '/'):]
}

// Normalization is idempotent, and it maps two URIs to the same text exactly if
// they are equivalent by RFC 3986.
func FuzzNormalizeURI(f *testing.F) {
	for _, pair := range [][2]string{
		{"https://api.example.com/orders", "HTTPS://API.example.com:443/a/../%6frders?q#f"},
		{"https://api.example.com/a%2Fb", "https://api.example.com/a/b"},
		{"https://api.example.com//a", "https://api.example.com/a"},
		{"https://api.example.com//..//a", "https://api.example.com/%2e/"},
		{"http://[::1]:80", "http://[0:0::1]/"},
		{"https://a@b/", `https://a\b/`},
		{"https://a:00443/%", "https://a:/%zz"},
		{"https://a/..", "https://a/b/.."},
		{"https://a/%2525", "https://a/%25"},
	} {
		f.Add(pair[0], pair[1])
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		normal := map[string]string{}
		for _, uri := range []string{a, b} {
			n, err := normalizeURI(uri)
			if err != nil {
				if n != "" {
					t.Fatalf("normalizeURI(%q) = %q and %v", uri, n, err)
				}
				return
			}
			if again, err := normalizeURI(n); again != n || err != nil {
				t.Fatalf("normalizeURI(%q) = %q, of which it makes %q, %v", uri, n, again, err)
			}
			if strings.ContainsAny(n, "?#\\ ") || hasDotSegment(pathOf(n)) {
				t.Fatalf("normalizeURI(%q) = %q", uri, n)
			}
			if !slices.Equal(identity(t, uri), identity(t, n)) {
				t.Fatalf("normalizeURI(%q) = %q, which is another: %q and %q", uri, n, identity(t, uri), identity(t, n))
			}
			normal[uri] = n
		}
		same := slices.Equal(identity(t, a), identity(t, b))
		if strings.Contains(normal[a], "[") || strings.Contains(normal[b], "[") {
			return
		}
		if same != (normal[a] == normal[b]) {
			t.Fatalf("%q and %q: the same %v, made %q and %q", a, b, same, normal[a], normal[b])
		}
	})
}
