package dpop

import (
	"errors"
	"net/netip"
	"strconv"
	"strings"
)

var (
	errNotURI    = errors.New("not an absolute http or https URI")
	errUserinfo  = errors.New("a URI with userinfo")
	errHost      = errors.New("a URI with an invalid host")
	errPort      = errors.New("a URI with an invalid port")
	errPath      = errors.New("a path that is not absolute")
	errCharacter = errors.New("a character that must be percent-encoded")
	errEncoding  = errors.New("a percent sign without two hexadecimal digits")
)

// normalizeURI returns a URI without query and fragment, normalized as in RFC
// 3986, Sections 6.2.2 and 6.2.3. The error does not quote the URI.
func normalizeURI(uri string) (string, error) {
	if end := strings.IndexAny(uri, "?#"); end >= 0 {
		uri = uri[:end]
	}
	scheme, rest, _ := strings.Cut(uri, "://")
	defaultPort := ""
	switch scheme = strings.ToLower(scheme); scheme {
	case "https":
		defaultPort = "443"
	case "http":
		defaultPort = "80"
	default:
		return "", errNotURI
	}
	authority, path := rest, "/"
	if slash := strings.IndexByte(rest, '/'); slash >= 0 {
		authority, path = rest[:slash], rest[slash:]
	}
	authority, err := normalizeAuthority(authority, defaultPort)
	if err != nil {
		return "", err
	}
	if path, err = normalizePath(path); err != nil {
		return "", err
	}
	return scheme + "://" + authority + removeDotSegments(path), nil
}

func normalizeAuthority(authority, defaultPort string) (string, error) {
	if strings.IndexByte(authority, '@') >= 0 {
		return "", errUserinfo
	}
	host, port := authority, ""
	if literal, ok := strings.CutPrefix(authority, "["); ok {
		inside, rest, ok := strings.Cut(literal, "]")
		addr, err := netip.ParseAddr(inside)
		if !ok || err != nil || !addr.Is6() || addr.Zone() != "" || rest != "" && rest[0] != ':' {
			return "", errHost
		}
		host, port = "["+addr.String()+"]", strings.TrimPrefix(rest, ":")
	} else {
		host, port, _ = strings.Cut(authority, ":")
		if !isHost(host) {
			return "", errHost
		}
		host = strings.ToLower(host)
	}
	if port == "" {
		return host, nil
	}
	number, err := strconv.ParseUint(port, 10, 16) // refuses signs, spaces and underscores
	if err != nil || number == 0 {
		return "", errPort
	}
	if port = strconv.FormatUint(number, 10); port == defaultPort {
		return host, nil
	}
	return host + ":" + port, nil
}

// isHost reports whether name has only the characters of a host (RFC 3986,
// Section 3.2.2). It rejects percent-encoding, which hosts on the web do not
// use.
func isHost(name string) bool {
	for _, c := range []byte(name) {
		if !isUnreserved(c) && strings.IndexByte("!$&'()*+,;=", c) < 0 {
			return false
		}
	}
	return name != ""
}

func isUnreserved(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' ||
		c == '-' || c == '.' || c == '_' || c == '~'
}

// normalizePath normalizes percent-encoding: it decodes unreserved characters
// and writes hexadecimal digits in upper case. An encoded slash stays encoded.
// Browsers send some characters that URIs must not contain, such as a vertical
// bar, without encoding; these stay as they are.
func normalizePath(path string) (string, error) {
	if path == "" || path[0] != '/' {
		return "", errPath
	}
	same := true
	for i := 0; i < len(path); i++ {
		switch c := path[i]; {
		case c == '%':
			octet, ok := decode(path[i+1:])
			if !ok {
				return "", errEncoding
			}
			same = same && !isUnreserved(octet) && isUpper(path[i+1]) && isUpper(path[i+2])
			i += 2
		case c <= ' ' || c >= 0x7f || c == '\\' || c == '?' || c == '#':
			return "", errCharacter
		}
	}
	if same {
		return path, nil
	}
	var b strings.Builder
	b.Grow(len(path))
	for i := 0; i < len(path); i++ {
		if path[i] != '%' {
			b.WriteByte(path[i])
			continue
		}
		octet, _ := decode(path[i+1:])
		if isUnreserved(octet) {
			b.WriteByte(octet)
		} else {
			b.WriteString(strings.ToUpper(path[i : i+3]))
		}
		i += 2
	}
	return b.String(), nil
}

// decode returns the octet encoded by the first two characters of s.
func decode(s string) (octet byte, ok bool) {
	if len(s) < 2 {
		return 0, false
	}
	high, low := digit(s[0]), digit(s[1])
	return byte(high<<4 | low), high >= 0 && low >= 0
}

func digit(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c && c <= 'f':
		return int(c-'a') + 10
	case 'A' <= c && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}

func isUpper(c byte) bool { return c < 'a' }

// hasDotSegment reports whether a normalized absolute path has a segment "." or
// "..".
func hasDotSegment(path string) bool {
	if !strings.Contains(path, "/.") {
		return false
	}
	for segment := range strings.SplitSeq(path, "/") {
		if segment == "." || segment == ".." {
			return true
		}
	}
	return false
}

// removeDotSegments removes dot segments from an absolute path (RFC 3986,
// Section 5.2.4).
func removeDotSegments(path string) string {
	if !hasDotSegment(path) {
		return path
	}
	var kept []string // segments, each with the slash before it
	for path != "" {
		end := strings.IndexByte(path[1:], '/') + 1
		if end == 0 {
			end = len(path)
		}
		segment, last := path[:end], end == len(path)
		path = path[end:]
		switch segment {
		case "/.":
		case "/..":
			kept = kept[:max(len(kept)-1, 0)]
		default:
			kept = append(kept, segment)
			continue
		}
		if last {
			kept = append(kept, "/")
		}
	}
	return strings.Join(kept, "")
}
