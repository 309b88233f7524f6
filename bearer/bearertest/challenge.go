package bearertest

import (
	"fmt"
	"strings"
)

// Challenge is one challenge of a WWW-Authenticate field.
type Challenge struct {
	Scheme string            // in its original case; compare it with strings.EqualFold
	Params map[string]string // unescaped values by lower-case name; never nil
}

// ParseChallenges parses the field lines of WWW-Authenticate, the result of
// resp.Header.Values("WWW-Authenticate"), by the grammar of RFC 9110, Section
// 11.6.1:
//
//	WWW-Authenticate = #challenge
//	challenge        = auth-scheme [ 1*SP ( token68 / #auth-param ) ]
//	auth-param       = token BWS "=" BWS ( token / quoted-string )
//
// It is strict, so that every client can parse what it accepts. Besides text
// outside the grammar it rejects a parameter name that occurs twice in a challenge
// (Section 11.2), a realm that is not a quoted-string (Section 11.5), control
// characters, non-ASCII bytes, a token68, and a challenge that continues in the
// next field line.
func ParseChallenges(fieldLines []string) ([]Challenge, error) {
	var all []Challenge
	for i, line := range fieldLines {
		p := challengeParser{rest: line}
		list, err := p.list()
		if err != nil {
			return nil, fmt.Errorf("bearertest: WWW-Authenticate field line %d, at byte %d of %q: %w",
				i+1, len(line)-len(p.rest), line, err)
		}
		all = append(all, list...)
	}
	return all, nil
}

type challengeParser struct{ rest string }

// list parses a comma-separated list. Its elements are challenges, and parameters
// of the challenge before them. Empty elements are allowed (RFC 9110, Section
// 5.6.1.2).
func (p *challengeParser) list() ([]Challenge, error) {
	var list []Challenge
	for {
		p.skip(" \t,")
		if p.rest == "" {
			return list, nil
		}
		name, err := p.token()
		if err != nil {
			return nil, err
		}
		if !p.ahead('=') {
			list = append(list, Challenge{Scheme: name, Params: map[string]string{}})
			spaces := p.skip(" ")
			if p.elementEnds() {
				continue
			}
			if spaces == 0 {
				return nil, fmt.Errorf("want a space after the scheme %q", name)
			}
			if name, err = p.token(); err != nil {
				return nil, err
			}
			if !p.ahead('=') {
				return nil, fmt.Errorf("want name=value after the scheme")
			}
		}
		if len(list) == 0 {
			return nil, fmt.Errorf("parameter %q without a scheme", name)
		}
		value, err := p.value(name)
		if err != nil {
			return nil, err
		}
		params := list[len(list)-1].Params
		name = strings.ToLower(name)
		if _, twice := params[name]; twice {
			return nil, fmt.Errorf("parameter %q twice in one challenge", name)
		}
		params[name] = value
		if !p.elementEnds() {
			return nil, fmt.Errorf("want a comma after parameter %q", name)
		}
	}
}

// skip skips the characters of set and returns how many there were.
func (p *challengeParser) skip(set string) int {
	n := len(p.rest)
	p.rest = strings.TrimLeft(p.rest, set)
	return n - len(p.rest)
}

// ahead reports whether c is the next character after any whitespace.
func (p *challengeParser) ahead(c byte) bool {
	rest := strings.TrimLeft(p.rest, " \t")
	return rest != "" && rest[0] == c
}

func (p *challengeParser) elementEnds() bool {
	rest := strings.TrimLeft(p.rest, " \t")
	return rest == "" || rest[0] == ','
}

func (p *challengeParser) token() (string, error) {
	end := 0
	for end < len(p.rest) && isTokenChar(p.rest[end]) {
		end++
	}
	if end == 0 {
		if p.rest == "" {
			return "", fmt.Errorf("want a token, got the end")
		}
		return "", fmt.Errorf("want a token, got %q", p.rest[:1])
	}
	token := p.rest[:end]
	p.rest = p.rest[end:]
	return token, nil
}

// value parses a parameter from its = to the end of its value.
func (p *challengeParser) value(name string) (string, error) {
	p.skip(" \t")
	p.rest = p.rest[1:]
	p.skip(" \t")
	if strings.HasPrefix(p.rest, `"`) {
		return p.quotedString()
	}
	if strings.EqualFold(name, "realm") {
		return "", fmt.Errorf("realm is not a quoted-string")
	}
	token, err := p.token()
	if err != nil {
		return "", fmt.Errorf("parameter %q: want a token or a quoted-string: %w", name, err)
	}
	return token, nil
}

// quotedString parses a quoted-string (RFC 9110, Section 5.6.4).
func (p *challengeParser) quotedString() (string, error) {
	var value []byte
	for i := 1; i < len(p.rest); i++ {
		c := p.rest[i]
		if c == '"' {
			p.rest = p.rest[i+1:]
			return string(value), nil
		}
		if c == '\\' {
			if i++; i == len(p.rest) {
				break
			}
			c = p.rest[i]
		}
		if c < ' ' || c > '~' {
			p.rest = p.rest[i:]
			return "", fmt.Errorf("character %q in a quoted-string", c)
		}
		value = append(value, c)
	}
	return "", fmt.Errorf("unterminated quoted-string")
}

// isTokenChar reports whether c is a tchar (RFC 9110, Section 5.6.2).
func isTokenChar(c byte) bool {
	switch {
	case '0' <= c && c <= '9', 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z':
		return true
	}
	return strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0
}
