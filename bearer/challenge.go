package bearer

import (
	"net/http"
	"strings"

	"github.com/bearerkit/bearerkit/scope"
)

// challenges builds the challenges of an answer, one for each scheme that the
// guard accepts (RFC 6750, Section 3; RFC 9449, Section 7; RFC 9110, Section
// 11.6.1). Bearer comes first, since some clients read only the first challenge.
// The challenge of the scheme that the request used carries the error. If that
// scheme is ambiguous, both challenges carry it (RFC 9449, Section 7.2).
//
// A 401 has all challenges; any other answer has only those with the error.
func (g *Guard) challenges(status int, used scheme, code Code, description string, needs scope.Set, step *StepUp) []string {
	var list []string
	build := func(name string, s scheme) {
		if g.proofsRequired {
			used = schemeDPoP // the only challenge that can carry the error
		}
		failed := code != "" && used&s != 0 // a request without a scheme gets no code
		if status != 401 && !failed {
			return
		}
		// Every value is a quoted-string: realm must be one (RFC 9110, Section
		// 11.5), and some clients cannot parse unquoted values. The realm ensures
		// that each challenge has a parameter.
		b := appendParam([]byte(name), "realm", g.realm)
		if failed {
			b = appendParam(b, "error", string(code))
			b = appendParam(b, "error_description", description)
		}
		if !needs.IsEmpty() {
			b = appendParam(b, "scope", needs.String())
		}
		if step != nil && failed {
			b = step.appendParams(b)
		}
		if g.resourceMetadata != "" {
			b = appendParam(b, "resource_metadata", g.resourceMetadata) // RFC 9728, Section 5.1
		}
		if s == schemeDPoP {
			b = appendParam(b, "algs", g.proofAlgorithms)
		}
		list = append(list, string(b))
	}
	if !g.proofsRequired {
		build("Bearer", schemeBearer)
	}
	if g.proofs != nil {
		build("DPoP", schemeDPoP)
	}
	return list
}

// appendParam appends an auth-param. Its value is a quoted-string with quotes and
// backslashes escaped (RFC 9110, Section 5.6.4). The value must contain no
// control characters: New and Route check the configuration, and no value comes
// from a request.
func appendParam(b []byte, name, value string) []byte {
	if b[len(b)-1] == '"' {
		b = append(b, ',')
	}
	b = append(b, ' ')
	b = append(b, name...)
	b = append(b, '=', '"')
	for i := range len(value) {
		if value[i] == '"' || value[i] == '\\' {
			b = append(b, '\\')
		}
		b = append(b, value[i])
	}
	return append(b, '"')
}

// isParamText reports whether s may be a parameter value by RFC 6750, Section 3:
// %x20-21 / %x23-5B / %x5D-7E.
func isParamText(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < 0x20 || c > 0x7e || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}

// isQuotable reports whether s is printable ASCII, which a quoted-string can
// carry.
func isQuotable(s string) bool {
	for i := range len(s) {
		if s[i] < 0x20 || s[i] > 0x7e {
			return false
		}
	}
	return true
}

// takeChallenges removes from h the challenges that outer handlers have set, and
// returns the field lines of other schemes, such as Basic. An answer with
// challenges of the guard keeps those: the field "might contain more than one
// challenge" (RFC 9110, Section 11.6.1). The guard replaces Bearer and DPoP
// challenges.
func takeChallenges(h http.Header) (others []string) {
	// Some handlers bypass http.Header.Set to use the spelling of RFC 9110.
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
// DPoP challenges, and leaves the others unchanged. The line is a list of
// elements. An element that begins with a scheme starts a challenge; a parameter
// belongs to the challenge before it.
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

// cutElement cuts a list at its first comma outside a quoted-string (RFC 9110,
// Sections 5.6.1 and 5.6.4).
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

// schemeOf returns the scheme that an element begins with. It returns false for
// a parameter (name BWS "=").
func schemeOf(element string) (scheme string, ok bool) {
	end := 0
	for end < len(element) && isTokenChar[element[end]] {
		end++
	}
	return element[:end], end > 0 && !strings.HasPrefix(strings.TrimLeft(element[end:], " \t"), "=")
}
