package denylist

import (
	"fmt"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/internal/strictjson"
)

// subject is whom an event is about, as far as tokens name it.
type subject struct {
	user    string // sub
	session string // sid
	token   string // jti

	// either is set if the issuer does not say whether its identifier is that of
	// a user or of a session. Then user and session are the same, and both count.
	either bool
}

const subjectFormats = "iss_sub, opaque, jwt_id, or complex with a session or a user of these formats"

// readSubject reads a subject identifier (RFC 9493). An issuer may report only
// about its own users: the iss of a subject must be that of the event.
func readSubject(issuer string, v strictjson.Value) (subject, *bearer.Error) {
	format, members, reason := readMembers(v)
	if format != "complex" {
		return readSimple(issuer, format, members, reason)
	}
	// Shared Signals Framework 1.0, Section 3.2: all members together identify the
	// subject. Those that tokens do not name, such as a device, are ignored, which
	// can only deny more tokens.
	part := func(name string) (subject, *bearer.Error) {
		format, members, reason := readMembers(members[name])
		return readSimple(issuer, format, members, reason)
	}
	session, reason := part("session")
	user, _ := part("user")
	s := subject{user: user.user, session: session.session, token: session.token}
	if s == (subject{}) {
		return s, reason
	}
	return s, nil
}

// readMembers returns the format and the members of a subject identifier.
func readMembers(v strictjson.Value) (format string, members map[string]strictjson.Value, reason *bearer.Error) {
	members = map[string]strictjson.Value{}
	err := strictjson.Object(v, func(name []byte, value strictjson.Value) error {
		members[string(name)] = value
		return nil
	})
	if err == nil {
		if isUntypedComplex(members) {
			return "complex", members, nil
		}
		format, err = strictjson.String(members["format"])
	}
	if err != nil {
		return "", nil, bearer.Invalid("sub_id", "an object with a format (RFC 9493, Section 3)", err.Error())
	}
	return format, members, nil
}

// isUntypedComplex reports whether a subject is complex without saying so. Drafts of
// the Shared Signals Framework did not have the format "complex", and Okta sends
// session-revoked in this form. No simple format has a member user or session.
func isUntypedComplex(members map[string]strictjson.Value) bool {
	return members["format"] == nil && (members["user"].Kind() == '{' || members["session"].Kind() == '{')
}

// readSimple reads a subject identifier that is not complex. If reason is not nil,
// there is none.
func readSimple(issuer, format string, members map[string]strictjson.Value, reason *bearer.Error) (subject, *bearer.Error) {
	if reason != nil {
		return subject{}, reason
	}
	text := func(name string) string {
		value, _ := strictjson.String(members[name]) // "" if there is none
		if value == "" {
			reason = bearer.Invalid("sub_id", "a subject of the format "+format+" with a "+name, "none")
		}
		return value
	}
	var s subject
	switch format {
	case "opaque": // RFC 9493, Section 3.2.4
		id := text("id")
		return subject{user: id, session: id, either: true}, reason
	case "iss_sub": // RFC 9493, Section 3.2.3
		s.user = text("sub")
	case "jwt_id": // Shared Signals Framework 1.0, Section 3.4.1
		s.token = text("jti")
	default:
		return s, bearer.Invalid("sub_id", "a subject of the format "+subjectFormats, fmt.Sprintf("%.64q", format))
	}
	if iss := text("iss"); iss != issuer {
		reason = bearer.Invalid("sub_id", "a subject of the event's issuer, "+issuer, fmt.Sprintf("%.200q", iss))
	}
	if reason != nil {
		return subject{}, reason
	}
	return s, nil
}
