package jose

import "strings"

// NormalizeType returns a `typ` in the form in which types are compared: media
// types are case-insensitive, and the prefix "application/" may be omitted
// unless the rest contains a slash (RFC 7515, Section 4.1.9). It does not
// allocate for a type in lower case.
func NormalizeType(typ string) string {
	typ = strings.ToLower(typ)
	if rest := strings.TrimPrefix(typ, "application/"); !strings.Contains(rest, "/") {
		return rest
	}
	return typ
}
