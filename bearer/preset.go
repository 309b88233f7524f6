package bearer

import (
	"net/http"
	"strings"
)

// takeChallenges removes from h the challenges that outer handlers have prepared
// and returns the field lines of other schemes, such as Basic. These stay in an
// answer that has a challenge of ours: the field "might contain more than one
// challenge" (RFC 9110, Section 11.6.1). Bearer and DPoP challenges are replaced.
func takeChallenges(h http.Header) (others []string) {
	// Some handlers bypass http.Header.Set to spell the name as RFC 9110 does.
	for _, name := range [...]string{"Www-Authenticate", "WWW-Authenticate"} {
		for _, line := range h[name] {
			if line = withoutOurs(line); line != "" {
				others = append(others, line)
			}
		}
		delete(h, name)
	}
	return others
}

// withoutOurs returns a field line of WWW-Authenticate without its Bearer and
// DPoP challenges; the others stay as they are. The line is a list of elements:
// one that begins with a scheme starts a challenge, and a parameter belongs to
// the challenge before it.
func withoutOurs(line string) string {
	var kept []string
	removed, ours := false, false
	for rest := line; rest != ""; {
		var element string
		element, rest = cutElement(rest)
		element = strings.Trim(element, " \t")
		if scheme, ok := schemeOf(element); ok {
			ours = strings.EqualFold(scheme, "Bearer") || strings.EqualFold(scheme, "DPoP")
		}
		switch {
		case ours:
			removed = true
		case element != "":
			kept = append(kept, element)
		}
	}
	if !removed {
		return line
	}
	return strings.Join(kept, ", ")
}

// cutElement cuts a list at its first comma that is not within a quoted-string
// (RFC 9110, Sections 5.6.1 and 5.6.4).
func cutElement(list string) (element, rest string) {
	quoted := false
	for i := 0; i < len(list); i++ {
		switch c := list[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case c == ',' && !quoted:
			return list[:i], list[i+1:]
		}
	}
	return list, ""
}

// schemeOf returns the scheme that an element begins with, if it is no parameter
// (name BWS "=").
func schemeOf(element string) (scheme string, ok bool) {
	end := 0
	for end < len(element) && isTokenChar[element[end]] {
		end++
	}
	return element[:end], end > 0 && !strings.HasPrefix(strings.TrimLeft(element[end:], " \t"), "=")
}
