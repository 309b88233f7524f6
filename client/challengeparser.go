package client

import (
	"errors"
	"fmt"
	"strings"
)

// Limits of a WWW-Authenticate field. Real fields are far smaller, except for the
// tokens of Negotiate, which are not for this package.
const (
	maxChallengeLines = 16
	maxChallengeLine  = 16 << 10 // bytes
	maxChallenges     = 16       // in one line
	maxParams         = 32       // of one challenge
)

// ChallengeError is the error of a WWW-Authenticate line that does not follow the
// grammar, or exceeds a limit. Its text quotes at most one character of the line.
type ChallengeError struct {
	Line   int    // from 0, the index of the line
	Offset int    // of the byte at which parsing failed
	Reason string // what is wrong
}

func (e *ChallengeError) Error() string {
	return fmt.Sprintf("client: WWW-Authenticate line %d, at byte %d: %s", e.Line+1, e.Offset, e.Reason)
}

// ParseChallenges parses the lines of a WWW-Authenticate field, which are
// resp.Header.Values("WWW-Authenticate"), by the grammar of RFC 9110, Section
// 11.6.1:
//
//	WWW-Authenticate = #challenge
//	challenge        = auth-scheme [ 1*SP ( token68 / #auth-param ) ]
//	auth-param       = token BWS "=" BWS ( token / quoted-string )
//
// Names of parameters are case-insensitive, and may occur once in a challenge
// (Section 11.2).
//
// Each line is parsed on its own. A malformed line contributes no challenge, not
// even those before its mistake, since a missing quote may have changed their
// meaning. The other lines still count, because a proxy or another scheme may have
// added the malformed line. A challenge therefore cannot continue in the next
// line, although Section 5.3 permits it: no known server does so. ParseChallenges
// returns the challenges of all well-formed lines, and an error that joins one
// [*ChallengeError] for each malformed line.
//
// A field may have 16 lines of at most 16 KiB, a line 16 challenges, and a
// challenge 32 parameters.
func ParseChallenges(lines []string) ([]Challenge, error) {
	var all []Challenge
	var errs []error
	for i, line := range lines {
		if i == maxChallengeLines {
			errs = append(errs, &ChallengeError{Line: i, Reason: fmt.Sprintf("%d lines, want at most %d", len(lines), maxChallengeLines)})
			break
		}
		p := challengeParser{line: line}
		list, reason := p.list()
		if reason != "" {
			errs = append(errs, &ChallengeError{Line: i, Offset: p.at, Reason: reason})
			continue
		}
		all = append(all, list...)
	}
	return all, errors.Join(errs...)
}

// challengeParser parses one line. Its methods return a reason if they fail, and
// leave at where they failed.
type challengeParser struct {
	line string
	at   int
}

// list parses the line. Its elements are challenges, and parameters of the
// challenge before them. Elements may be empty (RFC 9110, Section 5.6.1.2).
func (p *challengeParser) list() (list []Challenge, reason string) {
	if len(p.line) > maxChallengeLine {
		return nil, fmt.Sprintf("%d bytes, want at most %d", len(p.line), maxChallengeLine)
	}
	for {
		p.skip(" \t,")
		if p.at == len(p.line) {
			return list, ""
		}
		start := p.at
		name := p.token()
		switch {
		case name == "":
			return nil, p.unexpected("a scheme or the name of a parameter")
		case p.assigns():
			if len(list) == 0 {
				p.at = start
				return nil, "a parameter before the first scheme"
			}
			reason = p.param(&list[len(list)-1], name)
		case len(list) == maxChallenges:
			return nil, fmt.Sprintf("want at most %d challenges in a line", maxChallenges)
		default:
			list = append(list, Challenge{Scheme: name})
			reason = p.start(&list[len(list)-1])
		}
		if reason != "" {
			return nil, reason
		}
		if p.skip(" \t"); p.at < len(p.line) && p.line[p.at] != ',' {
			return nil, p.unexpected("a comma")
		}
	}
}

// start parses what follows a scheme: nothing, a token68 or the first parameter.
func (p *challengeParser) start(c *Challenge) (reason string) {
	spaces := p.skip(" ")
	if p.elementEnds() {
		return ""
	}
	if spaces == 0 {
		return p.unexpected("a space after the scheme")
	}
	first := p.at
	for p.at < len(p.line) && isToken68(p.line[p.at]) {
		p.at++
	}
	if p.at > first {
		p.skip("=")
		if p.elementEnds() {
			c.Token68 = p.line[first:p.at]
			return ""
		}
	}
	p.at = first
	name := p.token()
	if name == "" || !p.assigns() {
		return p.unexpected("name=value or a token68 after the scheme")
	}
	return p.param(c, name)
}

// param parses a parameter from its "=" on.
func (p *challengeParser) param(c *Challenge, name string) (reason string) {
	name = strings.ToLower(name)
	_, twice := c.Params[name]
	switch {
	case c.Token68 != "":
		return "a parameter after a token68"
	case twice:
		return "a parameter occurs twice in its challenge"
	case len(c.Params) == maxParams:
		return fmt.Sprintf("want at most %d parameters in a challenge", maxParams)
	}
	p.skip(" \t")
	p.at++ // the "=", which assigns has seen
	p.skip(" \t")
	var value string
	if p.at < len(p.line) && p.line[p.at] == '"' {
		if value, reason = p.quotedString(); reason != "" {
			return reason
		}
	} else if value = p.token(); value == "" {
		return p.unexpected("a token or a quoted-string as the value")
	}
	if c.Params == nil {
		c.Params = map[string]string{}
	}
	c.Params[name] = value
	return ""
}

// quotedString parses a quoted-string (RFC 9110, Section 5.6.4). Bytes beyond ASCII
// are opaque (Section 5.5).
func (p *challengeParser) quotedString() (value, reason string) {
	var b []byte
	for p.at++; p.at < len(p.line); p.at++ {
		c := p.line[p.at]
		if c == '"' {
			p.at++
			return string(b), ""
		}
		if c == '\\' {
			if p.at++; p.at == len(p.line) {
				break
			}
			c = p.line[p.at]
		}
		if c < ' ' && c != '\t' || c == 0x7f {
			return "", p.unexpected("printable characters in a quoted-string")
		}
		b = append(b, c)
	}
	return "", "a quoted-string without its closing quote"
}

// skip skips the characters of set and returns how many there were.
func (p *challengeParser) skip(set string) int {
	start := p.at
	for p.at < len(p.line) && strings.IndexByte(set, p.line[p.at]) >= 0 {
		p.at++
	}
	return p.at - start
}

// assigns reports whether "=" follows, which makes the token before it the name of
// a parameter.
func (p *challengeParser) assigns() bool {
	return strings.HasPrefix(strings.TrimLeft(p.line[p.at:], " \t"), "=")
}

// elementEnds reports whether the element of the list ends here.
func (p *challengeParser) elementEnds() bool {
	rest := strings.TrimLeft(p.line[p.at:], " \t")
	return rest == "" || rest[0] == ','
}

// token parses a token, and returns "" if there is none.
func (p *challengeParser) token() string {
	start := p.at
	for p.at < len(p.line) && isTokenChar(p.line[p.at]) {
		p.at++
	}
	return p.line[start:p.at]
}

func (p *challengeParser) unexpected(want string) string {
	if p.at >= len(p.line) {
		return "the line ends; want " + want
	}
	return fmt.Sprintf("%q; want %s", p.line[p.at:p.at+1], want)
}

func isAlphanumeric(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

// isTokenChar reports whether c is a tchar (RFC 9110, Section 5.6.2).
func isTokenChar(c byte) bool {
	return isAlphanumeric(c) || strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0
}

// isToken68 reports whether c may occur in a token68 before its "=" (RFC 9110,
// Section 11.2).
func isToken68(c byte) bool {
	return isAlphanumeric(c) || strings.IndexByte("-._~+/", c) >= 0
}
